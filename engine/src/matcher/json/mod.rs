//! JSON text, read character by character: its strings decoded, and where in it a redaction may write.
//!
//! Several values may follow each other, as in JSON lines, and strings may hold control characters. Where the text is no
//! JSON any more, everything is taken as it stands from the beginning of what is broken: of an escape from its backslash,
//! of a number or a word from its first character, of anything else from the character itself. What a character comes to
//! depends on the characters before it, and of an escape or a number on those that end it; never on how the text was cut.

pub mod escape;
mod layout;
mod scalar;

use std::ops::Range;

pub use layout::{Layout, Place};
use scalar::Progress;

/// The most brackets that may be open at once; text that is nested deeper is taken as it stands.
const MAX_DEPTH: usize = 1 << 16;

/// Takes a character as patterns see it, and the bytes that it was written in.
pub type Show<'a> = &'a mut dyn FnMut(char, Range<usize>);

/// What stands outside of strings and is no structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// The bytes that numbers are made of.
pub const NUMBER: &[u8] = b"0123456789+-.eE";
/// The bytes that `true`, `false` and `null` are made of.
pub const WORD: &[u8] = b"aeflnrstu";

/// Reads JSON text, and hands out each character as patterns see it, with the bytes that it was written in.
#[derive(Clone, Debug, Default)]
pub struct Lexer {
    state: State,
    brackets: Vec<Bracket>,
    /// Position of the next character.
    at: usize,
    /// Where the escape or the scalar in progress begins.
    begun: usize,
    /// The escape in progress, as far as it is written.
    escape: String,
    /// The first half of a surrogate pair, and where it begins; the other half may follow.
    half: Option<(u32, usize)>,
    layout: Layout,
}

/// Where the lexer is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Between tokens.
    Before(Next),
    /// In a string: a key of an object, or a value.
    String { key: bool },
    /// After a backslash in a string.
    Backslash { key: bool },
    /// In `\uXXXX`: how many digits there are, and what they come to.
    Unicode { key: bool, digits: u8, code: u32 },
    /// In a number or a word.
    Scalar(Progress),
    /// The text is no JSON.
    Broken,
}

impl Default for State {
    fn default() -> Self {
        State::Before(Next::Value)
    }
}

/// What may stand next, apart from white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Value,
    /// The first element of an array, or its end.
    Element,
    Key,
    /// The first key of an object, or its end.
    Member,
    Colon,
    /// A comma, or the end of the innermost array or object.
    Comma,
}

/// An open bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    Array,
    Object,
}

impl Lexer {
    /// A lexer that begins inside of a string.
    fn in_string() -> Self {
        Self { state: State::String { key: false }, ..Self::default() }
    }

    /// Where a redaction may write, in what was read so far.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Forgets what lies before a position.
    pub fn forget(&mut self, at: usize) {
        self.layout.forget(at);
    }

    /// The scalar that is being read, and where it begins.
    pub fn scalar(&self) -> Option<(usize, Scalar)> {
        let State::Scalar(progress) = self.state else { return None };
        Some((self.begun, if matches!(progress, Progress::Word(_)) { Scalar::Word } else { Scalar::Number }))
    }

    /// Where the characters begin that were read and not handed out yet, since what they come to is open.
    pub fn pending(&self) -> Option<usize> {
        match (self.half, self.state) {
            (Some((_, from)), _) => Some(from),
            (None, State::Backslash { .. } | State::Unicode { .. }) => Some(self.begun),
            (None, _) => None,
        }
    }

    /// Takes the next character.
    pub fn push(&mut self, c: char, show: Show<'_>) {
        let at = self.at;
        self.at += c.len_utf8();
        match self.state {
            State::Before(next) => {
                self.token(c, at, next);
                show(c, at..self.at);
            }
            State::String { key } => self.string(c, at, key, show),
            State::Backslash { key } => self.escaped(c, key, show),
            State::Unicode { key, digits, code } => self.digit(c, key, (digits, code), show),
            State::Scalar(scalar) => {
                self.go_on(c, at, scalar);
                show(c, at..self.at);
            }
            State::Broken => show(c, at..self.at),
        }
    }

    /// The text is complete.
    pub fn finish(&mut self, show: Show<'_>) {
        self.end_half(show);
        match self.state {
            State::Backslash { .. } | State::Unicode { .. } => self.break_escape(show),
            State::Scalar(scalar) if scalar.is_whole() => {
                self.layout.close(self.at);
                self.state = self.after_value();
            }
            State::Scalar(_) => self.break_from(self.begun),
            State::Before(_) | State::String { .. } | State::Broken => {}
        }
    }

    // --- tokens ----------------------------------------------------------------------------------------------------

    fn token(&mut self, c: char, at: usize, next: Next) {
        use Next as N;
        let innermost = self.brackets.last().copied();
        self.state = match (next, c) {
            (_, ' ' | '\t' | '\r' | '\n') => State::Before(next),
            (N::Value | N::Element, '[') => self.open(Bracket::Array, N::Element, at),
            (N::Value | N::Element, '{') => self.open(Bracket::Object, N::Member, at),
            (N::Value | N::Element | N::Key | N::Member, '"') => {
                self.layout.open(Place::Content, self.at);
                State::String { key: matches!(next, N::Key | N::Member) }
            }
            (N::Element | N::Comma, ']') if innermost == Some(Bracket::Array) => self.close(),
            (N::Member | N::Comma, '}') if innermost == Some(Bracket::Object) => self.close(),
            (N::Comma, ',') if innermost == Some(Bracket::Array) => State::Before(N::Value),
            (N::Comma, ',') => State::Before(N::Key),
            (N::Colon, ':') => State::Before(N::Value),
            (N::Value | N::Element, _) => self.begin_scalar(c, at),
            _ => self.broken(at),
        };
    }

    fn open(&mut self, bracket: Bracket, next: Next, at: usize) -> State {
        if self.brackets.len() == MAX_DEPTH {
            return self.broken(at);
        }
        self.brackets.push(bracket);
        State::Before(next)
    }

    fn close(&mut self) -> State {
        self.brackets.pop();
        self.after_value()
    }

    fn after_value(&self) -> State {
        State::Before(if self.brackets.is_empty() { Next::Value } else { Next::Comma })
    }

    fn begin_scalar(&mut self, c: char, at: usize) -> State {
        let Some(scalar) = Progress::beginning(c) else { return self.broken(at) };
        self.begun = at;
        self.layout.open(Place::Scalar, at);
        State::Scalar(scalar)
    }

    fn go_on(&mut self, c: char, at: usize, scalar: Progress) {
        if let Some(longer) = scalar.next(c) {
            self.state = State::Scalar(longer);
        } else if scalar.is_whole() && scalar::ends(c) {
            self.layout.close(at);
            self.state = self.after_value();
            if let State::Before(next) = self.state {
                self.token(c, at, next);
            }
        } else {
            self.break_from(self.begun);
        }
    }

    // --- strings ---------------------------------------------------------------------------------------------------

    fn string(&mut self, c: char, at: usize, key: bool, show: Show<'_>) {
        if c == '\\' {
            self.begun = at;
            self.escape.clear();
            self.escape.push(c);
            self.state = State::Backslash { key };
            return;
        }
        self.end_half(show);
        if c == '"' {
            self.layout.close(at);
            self.state = if key { State::Before(Next::Colon) } else { self.after_value() };
        }
        show(c, at..self.at);
    }

    fn escaped(&mut self, c: char, key: bool, show: Show<'_>) {
        self.escape.push(c);
        if c == 'u' {
            self.state = State::Unicode { key, digits: 0, code: 0 };
            return;
        }
        self.end_half(show);
        match escape::named(c) {
            Some(decoded) => {
                show(decoded, self.begun..self.at);
                self.state = State::String { key };
            }
            None => self.break_escape(show),
        }
    }

    fn digit(&mut self, c: char, key: bool, (digits, code): (u8, u32), show: Show<'_>) {
        self.escape.push(c);
        let Some(digit) = c.to_digit(16) else {
            self.end_half(show);
            return self.break_escape(show);
        };
        let code = code * 16 + digit;
        if digits < 3 {
            self.state = State::Unicode { key, digits: digits + 1, code };
            return;
        }
        self.state = State::String { key };
        self.unit(code, show);
    }

    /// Takes a unit of UTF-16.
    fn unit(&mut self, code: u32, show: Show<'_>) {
        if let (Some((half, from)), 0xDC00..=0xDFFF) = (self.half, code) {
            self.half = None;
            show(escape::joined(half, code), from..self.at);
            return;
        }
        self.end_half(show);
        if (0xD800..=0xDBFF).contains(&code) {
            self.half = Some((code, self.begun));
        } else {
            show(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), self.begun..self.at);
        }
    }

    /// A half without its other half is a character that cannot be shown.
    fn end_half(&mut self, show: Show<'_>) {
        if let Some((_, from)) = self.half.take() {
            show(char::REPLACEMENT_CHARACTER, from..from + escape::UNICODE);
        }
    }

    // --- text that is no JSON --------------------------------------------------------------------------------------

    fn break_escape(&mut self, show: Show<'_>) {
        for (at, c) in self.escape.char_indices() {
            show(c, self.begun + at..self.begun + at + c.len_utf8());
        }
        self.break_from(self.begun);
    }

    fn break_from(&mut self, at: usize) {
        self.state = self.broken(at);
    }

    fn broken(&mut self, at: usize) -> State {
        self.layout.break_from(at);
        State::Broken
    }
}

#[cfg(test)]
mod tests;
