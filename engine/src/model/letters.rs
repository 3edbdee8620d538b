//! What the weigher needs of a character: its plain code, whether it is part of a word, and its products with the powers of
//! the multiplier, so that the hash of an n-gram is one sum more than that of the n-gram before it.

use super::grams::{PRIME, is_word, plain};

/// How many powers there are, from the first.
const POWERS: usize = 4;

/// A character as the weigher sees it.
#[derive(Clone, Copy)]
pub(super) struct Letter {
    pub(super) code: u32,
    pub(super) word: bool,
    pub(super) products: [u64; POWERS],
}

impl Letter {
    const fn of(c: u32) -> Self {
        let code = plain(c);
        let one = (code as u64).wrapping_mul(PRIME);
        let two = one.wrapping_mul(PRIME);
        let three = two.wrapping_mul(PRIME);
        Self { code, word: is_word(code), products: [one, two, three, three.wrapping_mul(PRIME)] }
    }
}

/// Those of ASCII, worked out in advance.
static ASCII: [Letter; 128] = {
    let mut all = [Letter::of(0); 128];
    let mut c = 0;
    while c < 128 {
        #[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which would say")]
        {
            all[c as usize] = Letter::of(c);
        }
        c += 1;
    }
    all
};

/// The letter of a character.
#[inline]
pub(super) fn letter(c: char) -> Letter {
    match ASCII.get(c as usize) {
        Some(letter) => *letter,
        None => Letter::of(u32::from(c)),
    }
}

/// The hashes of the n-grams that end at a character: of two, three, four and five characters.
#[derive(Clone, Copy, Default)]
pub(super) struct Rolling {
    last: u64,
    two: u64,
    three: u64,
    four: u64,
    pub(super) characters: u8,
}

impl Rolling {
    /// Takes one more character, and gives the hashes of the last three, four and five; those of fewer than have come mean
    /// nothing.
    #[inline]
    pub(super) fn push(&mut self, letter: &Letter) -> [u64; 3] {
        let [one, two, three, four] = letter.products;
        let hashes =
            [self.two.wrapping_add(two), self.three.wrapping_add(three), self.four.wrapping_add(four)];
        let [of3, of4, _] = hashes;
        self.two = self.last.wrapping_add(one);
        self.last = u64::from(letter.code);
        (self.three, self.four) = (of3, of4);
        self.characters = (self.characters + 1).min(5);
        hashes
    }
}
