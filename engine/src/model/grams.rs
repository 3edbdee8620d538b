//! The n-grams of a text: of characters, three to five, and of tokens, one to three; each a bucket of the table.
//!
//! What is seen is plain: lower case, each digit `0`, a run of blanks one space, and at most three of a character in a row. A
//! token is a word, or a character that belongs to none. `train/features.py` says the same in Python.

/// The multiplier of positions in a hash.
pub(super) const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
/// The multiplier of tokens in a hash of several.
const JOIN: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// What spreads a hash over its upper bits.
const MIX: u64 = 0xD6E8_FEB8_6659_FD93;
/// By kind of n-gram, so that a word and its characters are two features.
pub(super) const CHARS: [u64; 3] = [0x33, 0x44, 0x55];
const TOKENS: [u64; 3] = [0xA100, 0xA200, 0xA300];

/// Of a longer token, these first characters count.
pub(super) const LONGEST_TOKEN: u32 = 64;

/// The most n-grams that end at one character.
pub(super) const PER_CHARACTER: usize = 6;

/// A text as models see it, character by character.
pub(super) struct Plain {
    last: u32,
    run: u32,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self { last: u32::MAX, run: 0 }
    }

    /// What a character becomes: nothing, where it repeats what stands before it.
    pub(super) fn push(&mut self, c: char) -> Option<u32> {
        let code = plain(u32::from(c));
        if code != self.last {
            (self.last, self.run) = (code, 1);
            return Some(code);
        }
        self.run += 1;
        (self.run <= LONGEST_RUN && code != BLANK).then_some(code)
    }
}

pub(super) const BLANK: u32 = 0x20;
/// The most of a character in a row.
pub(super) const LONGEST_RUN: u32 = 3;

pub(super) const fn plain(code: u32) -> u32 {
    match code {
        0x61..=0x7A => code,
        0..=0x20 | 0x7F..=0xA0 | 0x2028 | 0x2029 | 0x3000 => BLANK,
        0x31..=0x39 => 0x30,
        0x41..=0x5A | 0x391..=0x3A9 | 0x410..=0x42F => code + 32,
        _ => code,
    }
}

/// Whether a plain character is part of a word.
pub(super) const fn is_word(code: u32) -> bool {
    matches!(code, 0x61..=0x7A | 0x30 | 0x5F | 0xA1..=0x1FFF)
}

/// The bucket of a hash.
#[inline]
pub(super) fn bucket(hash: u64, salt: u64, bits: u8) -> u32 {
    let mixed = (hash ^ (hash >> 32) ^ salt).wrapping_mul(MIX) >> (64 - u32::from(bits));
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 20 bits left")]
    {
        mixed as u32
    }
}

/// The hash of a token, growing.
#[derive(Clone, Copy)]
pub(super) struct Token {
    hash: u64,
    power: u64,
    length: u32,
}

impl Token {
    pub(super) fn new() -> Self {
        Self { hash: 0, power: 1, length: 0 }
    }

    pub(super) fn push(&mut self, code: u32) {
        if self.length < LONGEST_TOKEN {
            self.hash = self.hash.wrapping_add(u64::from(code).wrapping_mul(self.power));
            self.power = self.power.wrapping_mul(PRIME);
        }
        self.length += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}

/// The characters and tokens that n-grams are made of: the last few of each.
pub(super) struct Grams {
    bits: u8,
    codes: [u64; 5],
    chars: u8,
    hashes: [u64; 3],
    tokens: u8,
}

impl Grams {
    pub(super) fn new(bits: u8) -> Self {
        Self { bits, codes: [0; 5], chars: 0, hashes: [0; 3], tokens: 0 }
    }

    /// The buckets of the n-grams of characters that end with `code`, and how many characters each has.
    pub(super) fn character(&mut self, code: u32, mut emit: impl FnMut(u32, usize)) {
        let [_, b, c, d, e] = self.codes;
        self.codes = [b, c, d, e, u64::from(code)];
        self.chars = (self.chars + 1).min(5);
        let [first, second, x, y, z] = self.codes;
        if self.chars < 3 {
            return;
        }
        let [of3, of4, of5] = CHARS;
        let three = x.wrapping_add(PRIME.wrapping_mul(y.wrapping_add(PRIME.wrapping_mul(z))));
        emit(bucket(three, of3, self.bits), 3);
        if self.chars < 4 {
            return;
        }
        let four = second.wrapping_add(PRIME.wrapping_mul(three));
        emit(bucket(four, of4, self.bits), 4);
        if self.chars < 5 {
            return;
        }
        let five = first.wrapping_add(PRIME.wrapping_mul(four));
        emit(bucket(five, of5, self.bits), 5);
    }

    /// The buckets of the n-grams of tokens that end with that one, and how many tokens each has.
    pub(super) fn token(&mut self, hash: u64, mut emit: impl FnMut(u32, usize)) {
        let [_, b, c] = self.hashes;
        self.hashes = [b, c, hash];
        self.tokens = (self.tokens + 1).min(3);
        let [x, y, z] = self.hashes;
        let [of1, of2, of3] = TOKENS;
        emit(bucket(z, of1, self.bits), 1);
        if self.tokens < 2 {
            return;
        }
        emit(bucket(y.wrapping_add(JOIN.wrapping_mul(z)), of2, self.bits), 2);
        if self.tokens < 3 {
            return;
        }
        let three =
            x.wrapping_add(JOIN.wrapping_mul(y)).wrapping_add(JOIN.wrapping_mul(JOIN).wrapping_mul(z));
        emit(bucket(three, of3, self.bits), 3);
    }
}
