//! Escapes of JSON strings: what they stand for, and how text is written with them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Lexer;

/// Bytes of an escape by number.
pub(super) const UNICODE: usize = r"\u0000".len();

/// The character that a backslash and this one stand for.
pub(super) fn named(c: char) -> Option<char> {
    Some(match c {
        '"' | '\\' | '/' => c,
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => return None,
    })
}

/// The character that two halves of a surrogate pair stand for.
pub(super) fn joined(high: u32, low: u32) -> char {
    let code = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A part of a string as it reads: its escapes decoded, and what is no escape as it stands.
pub fn read(part: &str) -> Cow<'_, str> {
    if !part.contains('\\') {
        return Cow::Borrowed(part);
    }
    let mut decoded = String::with_capacity(part.len());
    let mut lexer = Lexer::in_string();
    part.chars().for_each(|c| lexer.push(c, &mut |shown, _| decoded.push(shown)));
    lexer.finish(&mut |shown, _| decoded.push(shown));
    Cow::Owned(decoded)
}

/// Appends text as it is written inside of a string.
pub fn write(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            '\t' => out.push_str(r"\t"),
            '\0'..='\u{1F}' => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
}
