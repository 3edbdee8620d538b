//! What a model sees of a text: tokens, and the buckets of the table that they, their characters and their neighbours have.
//!
//! What is seen is plain: lower case, each digit `0`. A token is a word of at most 32 characters, or a character that belongs to
//! none. Blanks only part tokens. A word has n-grams of its characters, up to five, with a blank before and behind; each token has
//! itself, itself with the one before it, and its stem, the first four bytes, with the one before. `train/features.py` says the
//! same in Python.

/// The multiplier of positions in the hash of an n-gram of characters, and of chunks in that of a token.
const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
/// The multiplier of tokens in a hash of several.
const JOIN: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// What spreads a hash over its upper bits.
const MIX: u64 = 0xD6E8_FEB8_6659_FD93;
/// By kind of n-gram, so that a word and its characters are two features.
const CHARS: [u64; 3] = [0x33, 0x44, 0x55];
const TOKEN: u64 = 0xA100;
const PAIR: u64 = 0xA200;
const STEMS: u64 = 0xA500;

/// The most characters of a word; more are the next word.
pub(super) const LONGEST: usize = 32;

pub(super) const BLANK: u32 = 0x20;

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

/// A hash, spread: its upper bits are a bucket, and those from the middle a mark.
#[derive(Clone, Copy)]
pub(super) struct Mixed(u64);

impl Mixed {
    fn new(hash: u64, salt: u64) -> Self {
        Self((hash ^ (hash >> 32) ^ salt).wrapping_mul(MIX))
    }

    /// The bucket in a table of `1 << bits`.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 20 bits left")]
    pub(super) fn bucket(self, bits: u8) -> usize {
        (self.0 >> (64 - u32::from(bits))) as usize
    }

    /// By which a block tells whether it has met the n-gram.
    pub(super) fn mark(self) -> u64 {
        self.0 >> 32
    }
}

/// The hash of a token's plain bytes, eight by eight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hash(pub(super) u64);

impl Hash {
    /// Takes the next eight bytes, those behind the token's end being zero.
    #[inline]
    pub(super) fn push(self, chunk: u64) -> Self {
        let hash = (self.0 ^ chunk).wrapping_mul(PRIME);
        Self(hash ^ (hash >> 32))
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        bytes.chunks(8).fold(Self::default(), |hash, chunk| {
            let mut eight = [0; 8];
            eight.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            hash.push(u64::from_le_bytes(eight))
        })
    }

    /// The token by itself.
    pub(super) fn alone(self) -> Mixed {
        Mixed::new(self.0, TOKEN)
    }

    /// By which a block tells whether it has met the token.
    pub(super) fn mark(self) -> u64 {
        self.0 >> 32
    }
}

/// The token before the next.
#[derive(Clone, Copy)]
pub(super) struct Neighbours {
    token: u64,
    stem: u64,
}

impl Neighbours {
    /// Before a text, as at the beginning of a sentence.
    pub(super) fn new() -> Self {
        Self { token: Hash::of(b".").0, stem: u64::from(b'.').wrapping_mul(PRIME) }
    }

    /// Takes the next token: it with the one before it, and their stems.
    #[inline]
    pub(super) fn push(&mut self, token: Hash, stem: u32) -> [Mixed; 2] {
        let stem = u64::from(stem).wrapping_mul(PRIME);
        let pair = self.token.wrapping_add(JOIN.wrapping_mul(token.0));
        let stems = self.stem.wrapping_add(JOIN.wrapping_mul(stem));
        *self = Self { token: token.0, stem };
        [Mixed::new(pair, PAIR), Mixed::new(stems, STEMS)]
    }
}

/// A token's first four bytes, as a number.
pub(super) fn stem(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |stem, byte| stem << 8 | u32::from(*byte))
}

/// The characters of a word, a blank before and behind.
pub(super) struct Letters {
    codes: [u64; LONGEST + 2],
    length: usize,
}

impl Letters {
    /// Of a word's plain bytes, which are of 32 characters at most.
    #[inline]
    pub(super) fn of(word: &[u8]) -> Self {
        let mut codes = [u64::from(BLANK); LONGEST + 2];
        let mut letters = codes.iter_mut().skip(1).take(LONGEST);
        let length = if word.is_ascii() {
            letters.by_ref().zip(word).for_each(|(to, byte)| *to = u64::from(*byte));
            word.len()
        } else {
            let characters = std::str::from_utf8(word).unwrap_or_default().chars();
            letters.by_ref().zip(characters).map(|(to, c)| *to = u64::from(u32::from(c))).count()
        };
        Self { codes, length }
    }

    /// How many they are.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Their n-grams, from the shortest to those of five.
    #[inline]
    pub(super) fn each(&self, shortest: u8, mut tell: impl FnMut(Mixed)) {
        const SECOND: u64 = PRIME.wrapping_mul(PRIME);
        const THIRD: u64 = SECOND.wrapping_mul(PRIME);
        const FOURTH: u64 = THIRD.wrapping_mul(PRIME);
        let [of3, of4, of5] = CHARS;
        let codes = self.codes.get(..self.length + 2).unwrap_or_default();
        let three = |a: u64, b: u64, c: u64| {
            a.wrapping_add(b.wrapping_mul(PRIME)).wrapping_add(c.wrapping_mul(SECOND))
        };
        let four = |[a, b, c, d]: [u64; 4]| three(a, b, c).wrapping_add(d.wrapping_mul(THIRD));
        if shortest <= 3 {
            for [a, b, c] in codes.array_windows() {
                tell(Mixed::new(three(*a, *b, *c), of3));
            }
        }
        if shortest <= 4 {
            for of in codes.array_windows() {
                tell(Mixed::new(four(*of), of4));
            }
        }
        for [a, b, c, d, e] in codes.array_windows() {
            let five = four([*a, *b, *c, *d]).wrapping_add(e.wrapping_mul(FOURTH));
            tell(Mixed::new(five, of5));
        }
    }
}
