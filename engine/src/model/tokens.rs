//! A text's tokens, found by the bits of 64 bytes at a time.
//!
//! A stretch of text is put into plain bytes, with a bit for each byte that is part of a word and for each that begins a
//! character of its own. Where words begin and end is then read off the bits, without looking at a byte again.

use crate::bits::{GROUP, each_group, packed};

use super::grams::{BLANK, Hash, LONGEST, is_word, plain};

/// Zeros behind the text, so that eight bytes can be read anywhere in it.
const BEHIND: usize = 8;

/// About how much text is made plain at once, so that it is still at hand when its tokens are read.
const STRETCH: usize = 256;

/// A token: its hash, its stem, and which plain bytes it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) hash: Hash,
    pub(super) stem: u32,
    pub(super) word: bool,
    length: u8,
    at: u32,
}

/// A stretch of text, made plain.
#[derive(Debug, Default)]
pub(super) struct Plain {
    bytes: Vec<u8>,
    words: Vec<u64>,
    alone: Vec<u64>,
    tokens: Vec<Token>,
}

impl Plain {
    /// Takes the next stretch of a text and leaves the rest; false at its end. It ends before a character that belongs to no word,
    /// since no token goes over one.
    pub(super) fn take(&mut self, rest: &mut &str) -> bool {
        if rest.is_empty() {
            return false;
        }
        let (first, later) = rest.split_at(rest.ceil_char_boundary(STRETCH));
        let end = later.find(|c| !is_word(plain(u32::from(c))));
        // Places of tokens are of 32 bits, and so is what is made plain at once.
        let (stretch, left) = rest.split_at(end.map_or(rest.len(), |end| first.len() + end));
        *rest = left;
        self.fill(stretch);
        self.find();
        true
    }

    /// The tokens of the stretch, in order.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The plain bytes of a token.
    pub(super) fn bytes(&self, token: &Token) -> &[u8] {
        self.bytes
            .get(token.at as usize..)
            .and_then(|bytes| bytes.get(..usize::from(token.length)))
            .unwrap_or_default()
    }

    fn fill(&mut self, text: &str) {
        self.bytes.clear();
        self.words.clear();
        self.alone.clear();
        if text.is_ascii() {
            each_group(text.as_bytes(), |group| self.group(group));
        } else {
            // What is plain is never longer.
            let groups = text.len().div_ceil(GROUP);
            self.words.resize(groups, 0);
            self.alone.resize(groups, 0);
            self.bytes.reserve(text.len() + BEHIND);
            text.chars().for_each(|c| self.character(c));
            let groups = self.bytes.len().div_ceil(GROUP);
            self.words.truncate(groups);
            self.alone.truncate(groups);
        }
        self.bytes.resize(self.bytes.len() + BEHIND, 0);
        self.words.push(0);
    }

    /// Takes 64 bytes of ASCII.
    fn group(&mut self, group: &[u8; GROUP]) {
        let (mut lower, mut words, mut solid) = ([0; GROUP], [0; GROUP], [0; GROUP]);
        let bits = words.iter_mut().zip(&mut solid);
        for ((byte, lower), (word, solid)) in group.iter().zip(&mut lower).zip(bits) {
            let letter = byte | u8::from(byte.wrapping_sub(b'A') < 26) << 5;
            let digit = letter.wrapping_sub(b'0') < 10;
            *lower = if digit { b'0' } else { letter };
            *word = u8::from(letter.wrapping_sub(b'a') < 26) | u8::from(digit) | u8::from(letter == b'_');
            *solid = u8::from(letter.wrapping_sub(b'!') < 0x7F - b'!');
        }
        let (word, solid) = (packed(&words), packed(&solid));
        self.bytes.extend_from_slice(&lower);
        self.words.push(word);
        self.alone.push(solid & !word);
    }

    /// Takes any character.
    fn character(&mut self, c: char) {
        let code = plain(u32::from(c));
        let at = self.bytes.len();
        let shown = char::from_u32(code).unwrap_or(c);
        match u8::try_from(code) {
            Ok(byte) if byte.is_ascii() => self.bytes.push(byte),
            _ => self.bytes.extend(shown.encode_utf8(&mut [0; 4]).bytes()),
        }
        if is_word(code) {
            set(&mut self.words, at, shown.len_utf8());
        } else if code != BLANK {
            set(&mut self.alone, at, 1);
        }
    }

    fn find(&mut self) {
        self.tokens.clear();
        let mut before = 0;
        let groups = self.words.array_windows::<2>().zip(&self.alone);
        for (group, ([word, next], alone)) in groups.enumerate() {
            let mut starts = word & !(word << 1 | before) | alone;
            before = word >> (GROUP - 1);
            while starts != 0 {
                let bit = starts.trailing_zeros();
                starts &= starts - 1;
                let at = group * GROUP + bit as usize;
                // The bits from here on: those of a word, as long as it is.
                let length = (word >> bit | (next << 1) << (63 - bit)).trailing_ones() as usize;
                match length {
                    0 => push(&mut self.tokens, &self.bytes, at, width(&self.bytes, at), false),
                    1..=LONGEST => push(&mut self.tokens, &self.bytes, at, length, true),
                    _ => long(&self.bytes, &self.words, at, &mut self.tokens),
                }
            }
        }
    }
}

/// A word of more than 32 bytes: one or several.
fn long(bytes: &[u8], words: &[u64], at: usize, tokens: &mut Vec<Token>) {
    let (mut from, mut end, mut characters) = (at, at, 0);
    while words.get(end / GROUP).is_some_and(|word| word >> (end % GROUP) & 1 == 1) {
        if characters == LONGEST {
            push(tokens, bytes, from, end - from, true);
            (from, characters) = (end, 0);
        }
        end += width(bytes, end);
        characters += 1;
    }
    push(tokens, bytes, from, end - from, true);
}

/// Notes the token that those bytes are.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a token is of 128 bytes at most, and a text of less than 4 GiB"
)]
fn push(tokens: &mut Vec<Token>, bytes: &[u8], at: usize, length: usize, word: bool) {
    let first = eight(bytes, at, length);
    let mut hash = Hash::default().push(first);
    for done in (8..length).step_by(8) {
        hash = hash.push(eight(bytes, at + done, length - done));
    }
    tokens.push(Token { hash, stem: first as u32, word, at: at as u32, length: length as u8 });
}

/// The bytes of the character that begins there.
fn width(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        Some(0xC0..) => 2,
        _ => 1,
    }
}

/// The first bytes from there on, at most eight, as a number.
#[inline]
fn eight(bytes: &[u8], at: usize, length: usize) -> u64 {
    let eight = bytes.get(at..at + 8).and_then(|bytes| bytes.first_chunk::<8>());
    let behind = 64 - 8 * length.min(8);
    u64::from_le_bytes(eight.copied().unwrap_or_default()) << behind >> behind
}

/// Sets as many bits from a place on, four at most.
fn set(bits: &mut [u64], at: usize, count: usize) {
    let ones = (1 << count) - 1;
    let (group, shift) = (at / GROUP, at % GROUP);
    if let Some(bits) = bits.get_mut(group) {
        *bits |= ones << shift;
    }
    if shift + count > GROUP
        && let Some(bits) = bits.get_mut(group + 1)
    {
        *bits |= ones >> (GROUP - shift);
    }
}
