//! Words that a model has met often: what they weigh is worked out once, when the model is read.

use std::cmp::Reverse;

use super::grams::{Hash, Letters, is_word};
use super::window::Shape;

/// Places for words.
const PLACES: usize = 1 << 13;

/// Groups of words whose places are moved together.
const GROUPS: usize = 1 << 11;

/// What a token adds, whatever stands around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// The sum of its n-grams.
    pub(super) sum: i16,
    /// How many they are.
    pub(super) grams: u8,
    /// The room that it takes in a block.
    pub(super) room: u8,
}

/// What a token adds, worked out.
pub(super) fn weigh(hash: Hash, bytes: &[u8], word: bool, shape: &Shape, weights: &[i8]) -> Weight {
    let bits = shape.bits;
    let of = |bucket: usize| i16::from(weights.get(bucket).copied().unwrap_or_default());
    let alone = of(hash.alone().bucket(bits));
    if !word {
        return Weight { sum: alone, grams: 1, room: 1 };
    }
    let letters = Letters::of(bytes);
    // At most 32 letters, so that nothing runs over.
    let (mut sum, mut grams) = (alone, 1);
    letters.each(shape.shortest, |gram| {
        sum += of(gram.bucket(bits));
        grams += 1;
    });
    Weight { sum, grams, room: u8::try_from(letters.length() + 1).unwrap_or(u8::MAX) }
}

/// The words, each at the place that its hash names, moved with its group so that no two are at one place.
pub(super) struct Words {
    moved: Box<[u16; GROUPS]>,
    hashes: Box<[u64; PLACES]>,
    /// Where a place is free, no n-grams.
    weights: Box<[Weight; PLACES]>,
}

impl Words {
    /// The list is a token a line, plain.
    pub(super) fn new(list: &str, shape: &Shape, weights: &[i8]) -> Self {
        let mut new = Self {
            moved: Box::new([0; GROUPS]),
            hashes: Box::new([0; PLACES]),
            weights: Box::new([Weight::default(); PLACES]),
        };
        let mut groups: Vec<Vec<(Hash, &str)>> = vec![Vec::new(); GROUPS];
        for token in list.lines() {
            let hash = Hash::of(token.as_bytes());
            if let Some(group) = groups.get_mut(group(hash)) {
                group.push((hash, token));
            }
        }
        // The largest groups first, while there is room.
        groups.sort_by_key(|group| Reverse(group.len()));
        for tokens in groups {
            let Some(moved) = (0..PLACES).find(|moved| new.fits(&tokens, *moved)) else {
                // They are weighed when they are met.
                continue;
            };
            for (hash, token) in tokens {
                new.put(hash, token, moved, shape, weights);
            }
        }
        new
    }

    fn fits(&self, tokens: &[(Hash, &str)], moved: usize) -> bool {
        tokens.iter().enumerate().all(|(at, (hash, _))| {
            let place = place(*hash, moved);
            let free = self.weights.get(place).is_some_and(|weight| weight.grams == 0);
            let mut before = tokens.iter().take(at);
            free && before.all(|(hash, _)| self::place(*hash, moved) != place)
        })
    }

    fn put(&mut self, hash: Hash, token: &str, moved: usize, shape: &Shape, weights: &[i8]) {
        let at = place(hash, moved);
        let word = token.chars().next().is_some_and(|c| is_word(u32::from(c)));
        if let (Some(group), Some(held), Some(weight)) =
            (self.moved.get_mut(group(hash)), self.hashes.get_mut(at), self.weights.get_mut(at))
        {
            *group = u16::try_from(moved).unwrap_or_default();
            *held = hash.0;
            *weight = weigh(hash, token.as_bytes(), word, shape, weights);
        }
    }

    /// What a token adds, if it is in the list.
    #[inline]
    pub(super) fn get(&self, hash: Hash) -> Option<Weight> {
        let moved = self.moved.get(group(hash)).copied().unwrap_or_default();
        let at = place(hash, usize::from(moved));
        let weight = self.weights.get(at).copied().unwrap_or_default();
        let held = self.hashes.get(at).copied().unwrap_or_default();
        (held == hash.0 && weight.grams > 0).then_some(weight)
    }
}

fn group(hash: Hash) -> usize {
    (hash.0 >> 32) as usize % GROUPS
}

fn place(hash: Hash, moved: usize) -> usize {
    ((hash.0 >> 48) as usize ^ moved) % PLACES
}
