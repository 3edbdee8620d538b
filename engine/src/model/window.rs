//! Windows: blocks of a text that are weighed together. Nothing is allocated for a text.

use super::grams::{self, Grams, PER_CHARACTER, Plain, Token};

/// The most blocks in a window.
const MAX_SPAN: usize = 8;

/// The places of a block's set of buckets; a power of two.
const PLACES: usize = 2048;

/// How a model cuts texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The table has `1 << bits` buckets.
    pub bits: u8,
    /// Blocks in a window.
    pub span: usize,
    /// Plain characters in a block.
    pub block: u32,
}

impl Shape {
    pub(super) fn new(bits: u8, span: u8, block: u16) -> Result<Self, String> {
        let fits = (8..=20).contains(&bits)
            && (1..=MAX_SPAN).contains(&usize::from(span))
            && block > 0
            && usize::from(block) * PER_CHARACTER <= PLACES * 3 / 4;
        if !fits {
            return Err("its windows or its table are of a size that is not supported".into());
        }
        Ok(Self { bits, span: usize::from(span), block: u32::from(block) })
    }
}

/// Which buckets a block has; each counts once in it.
struct Met {
    /// The block's number and the bucket in one; what is of another block counts as free.
    places: [u32; PLACES],
    epoch: u32,
    last: u32,
    bits: u8,
}

impl Met {
    fn new(bits: u8) -> Self {
        Self { places: [0; PLACES], epoch: 1, last: (1 << (32 - u32::from(bits))) - 1, bits }
    }

    fn forget(&mut self) {
        if self.epoch == self.last {
            (self.places, self.epoch) = ([0; PLACES], 0);
        }
        self.epoch += 1;
    }

    /// Whether the bucket is new to the block.
    fn insert(&mut self, bucket: u32) -> bool {
        let key = (self.epoch << self.bits) | bucket;
        let mut at = bucket as usize % PLACES;
        // A block has fewer buckets than there are places.
        while let Some(place) = self.places.get_mut(at) {
            if *place == key {
                return false;
            }
            if *place >> self.bits != self.epoch {
                *place = key;
                return true;
            }
            at = (at + 1) % PLACES;
        }
        false
    }
}

/// A sum of weights, and of how many n-grams it is.
#[derive(Clone, Copy, Default)]
struct Block {
    sum: i64,
    grams: u32,
}

/// Weighs the windows of a text.
pub(super) struct Weigher<'m> {
    shape: &'m Shape,
    weights: &'m [i8],
    met: Met,
    blocks: [Block; MAX_SPAN],
    now: Block,
    closed: usize,
}

impl<'m> Weigher<'m> {
    pub(super) fn new(shape: &'m Shape, weights: &'m [i8]) -> Self {
        let met = Met::new(shape.bits);
        Self { shape, weights, met, blocks: [Block::default(); MAX_SPAN], now: Block::default(), closed: 0 }
    }

    /// Hands the sum of each window to `tell`, with the number of its n-grams.
    pub(super) fn weigh(&mut self, text: &str, mut tell: impl FnMut(i64, u32)) {
        let (mut plain, mut grams, mut token) = (Plain::new(), Grams::new(self.shape.bits), Token::new());
        let mut left = self.shape.block;
        for c in text.chars() {
            let Some(code) = plain.push(c) else { continue };
            let word = grams::is_word(code);
            // A token belongs to the block of its last character.
            if !word && !token.is_empty() {
                grams.token(token.hash(), |bucket, _| self.add(bucket));
                token = Token::new();
            }
            if left == 0 {
                self.close(&mut tell);
                left = self.shape.block;
            }
            left -= 1;
            grams.character(code, |bucket, _| self.add(bucket));
            if word {
                token.push(code);
            } else if code != 0x20 {
                let mut alone = Token::new();
                alone.push(code);
                grams.token(alone.hash(), |bucket, _| self.add(bucket));
            }
        }
        if !token.is_empty() {
            grams.token(token.hash(), |bucket, _| self.add(bucket));
        }
        self.finish(&mut tell);
    }

    fn add(&mut self, bucket: u32) {
        if self.met.insert(bucket) {
            self.now.sum += i64::from(self.weights.get(bucket as usize).copied().unwrap_or_default());
            self.now.grams += 1;
        }
    }

    /// Closes a block; tells the window that ends with it, when there are blocks enough.
    fn close(&mut self, tell: &mut impl FnMut(i64, u32)) {
        self.met.forget();
        let slot = self.closed % self.shape.span;
        if let Some(block) = self.blocks.get_mut(slot) {
            *block = std::mem::take(&mut self.now);
        }
        self.closed += 1;
        if self.closed >= self.shape.span {
            self.window(tell);
        }
    }

    fn finish(&mut self, tell: &mut impl FnMut(i64, u32)) {
        if self.now.grams > 0 {
            self.close(tell);
        }
        if self.closed < self.shape.span {
            self.window(tell);
        }
    }

    fn window(&self, tell: &mut impl FnMut(i64, u32)) {
        let all = self.blocks.iter().take(self.shape.span);
        let (sum, grams) = all.fold((0, 0), |(sum, grams), block| (sum + block.sum, grams + block.grams));
        if grams > 0 {
            tell(sum, grams);
        }
    }
}
