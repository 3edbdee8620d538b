//! Windows: blocks of a text that are weighed together.

use super::grams::{BLANK, CHARS, Grams, LONGEST_RUN, PER_CHARACTER, Token, bucket};
use super::letters::{Letter, Rolling, letter};

/// The most blocks in a window.
const MAX_SPAN: usize = 8;

/// The most n-grams of a block.
const MAX_BLOCK: usize = 1536;

/// Bits of a word.
const WORD: usize = 64;

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
            && usize::from(block) * PER_CHARACTER <= MAX_BLOCK;
        if !fits {
            return Err("its windows or its table are of a size that is not supported".into());
        }
        Ok(Self { bits, span: usize::from(span), block: u32::from(block) })
    }
}

/// What a weigher works in. It is empty between texts, and so serves the texts of any models one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A bit for each bucket that the block has.
    met: Vec<u64>,
    /// The buckets of the block so far, some more than once.
    buckets: Vec<u32>,
}

impl Scratch {
    fn fit(&mut self, shape: &Shape) {
        let words = (1_usize << shape.bits).div_ceil(WORD);
        if self.met.len() < words {
            self.met.resize(words, 0);
        }
        self.buckets.reserve(shape.block as usize * PER_CHARACTER);
    }

    /// The sum of the block's buckets, each once, and how many there are; then it is empty.
    fn close(&mut self, weights: &[i8]) -> Block {
        let (mut sum, mut grams) = (0_i32, 0_u32);
        for bucket in &self.buckets {
            let at = *bucket as usize;
            let (Some(word), Some(weight)) = (self.met.get_mut(at / WORD), weights.get(at)) else { continue };
            // Without a branch: whether a bucket is new cannot be foreseen.
            let known = *word >> (at % WORD) & 1;
            *word |= 1 << (at % WORD);
            let new = u32::from(known == 0);
            sum += i32::from(*weight) * new.cast_signed();
            grams += new;
        }
        for bucket in self.buckets.drain(..) {
            if let Some(word) = self.met.get_mut(bucket as usize / WORD) {
                *word = 0;
            }
        }
        Block { sum: i64::from(sum), grams }
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
    scratch: &'m mut Scratch,
    blocks: [Block; MAX_SPAN],
    closed: usize,
}

impl<'m> Weigher<'m> {
    pub(super) fn new(shape: &'m Shape, weights: &'m [i8], scratch: &'m mut Scratch) -> Self {
        scratch.fit(shape);
        Self { shape, weights, scratch, blocks: [Block::default(); MAX_SPAN], closed: 0 }
    }

    /// Hands the sum of each window to `tell`, with the number of its n-grams.
    pub(super) fn weigh(&mut self, text: &str, mut tell: impl FnMut(i64, u32)) {
        let bits = self.shape.bits;
        let (mut rolling, mut tokens, mut token) = (Rolling::default(), Grams::new(bits), Token::new());
        let mut left = self.shape.block;
        let (mut last, mut run) = (u32::MAX, 0);
        for c in text.chars() {
            let letter = letter(c);
            run = if letter.code == last { run + 1 } else { 1 };
            last = letter.code;
            if run > 1 && (run > LONGEST_RUN || letter.code == BLANK) {
                continue;
            }
            // A token belongs to the block of its last character.
            if !letter.word && !token.is_empty() {
                tokens.token(token.hash(), |bucket, _| self.scratch.buckets.push(bucket));
                token = Token::new();
            }
            if left == 0 {
                self.close(&mut tell);
                left = self.shape.block;
            }
            left -= 1;
            self.characters(&mut rolling, &letter, bits);
            if letter.word {
                token.push(letter.code);
            } else if letter.code != BLANK {
                let mut alone = Token::new();
                alone.push(letter.code);
                tokens.token(alone.hash(), |bucket, _| self.scratch.buckets.push(bucket));
            }
        }
        if !token.is_empty() {
            tokens.token(token.hash(), |bucket, _| self.scratch.buckets.push(bucket));
        }
        self.finish(&mut tell);
    }

    /// Notes the n-grams of characters that end with that one.
    #[inline]
    fn characters(&mut self, rolling: &mut Rolling, letter: &Letter, bits: u8) {
        let [three, four, five] = rolling.push(letter);
        let [of3, of4, of5] = CHARS;
        let buckets = [bucket(three, of3, bits), bucket(four, of4, bits), bucket(five, of5, bits)];
        let whole = match rolling.characters {
            5 => return self.scratch.buckets.extend_from_slice(&buckets),
            // Of the first characters of a text there are fewer.
            few => usize::from(few).saturating_sub(2),
        };
        self.scratch.buckets.extend(buckets.iter().take(whole));
    }

    /// Closes a block; tells the window that ends with it, when there are blocks enough.
    fn close(&mut self, tell: &mut impl FnMut(i64, u32)) {
        let now = self.scratch.close(self.weights);
        if let Some(block) = self.blocks.get_mut(self.closed % self.shape.span) {
            *block = now;
        }
        self.closed += 1;
        if self.closed >= self.shape.span {
            self.window(tell);
        }
    }

    fn finish(&mut self, tell: &mut impl FnMut(i64, u32)) {
        if !self.scratch.buckets.is_empty() {
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
