//! Windows: blocks of a text that are weighed together.

use super::grams::{Hash, Mixed, Neighbours};
use super::tokens::Plain;
use super::words::{Words, weigh};

/// The most blocks in a window.
const MAX_SPAN: usize = 8;

/// Bits by which a block knows what it has met.
const MARKS: usize = 1024;

/// How a model cuts texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The table has `1 << bits` buckets.
    pub bits: u8,
    /// Blocks in a window.
    pub span: usize,
    /// Plain characters in a block.
    pub block: u32,
    /// Characters of the shortest n-gram in a word; the longest has five.
    pub shortest: u8,
}

impl Shape {
    pub(super) fn new(bits: u8, span: u8, block: u16, shortest: u8) -> Result<Self, String> {
        let fits = (8..=20).contains(&bits)
            && (1..=MAX_SPAN).contains(&usize::from(span))
            && (1..=256).contains(&block)
            && (3..=5).contains(&shortest);
        if !fits {
            return Err("its windows or its table are of a size that is not supported".into());
        }
        Ok(Self { bits, span: usize::from(span), block: u32::from(block), shortest })
    }
}

/// What a weigher works in. It serves the texts of any models one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    plain: Plain,
}

/// What a block has met: a bit for some marks each, so that once in a while a new one passes for another.
#[derive(Clone, Copy)]
pub(super) struct Met([u64; MARKS / 64]);

impl Met {
    pub(super) const NOTHING: Self = Self([0; MARKS / 64]);

    /// One where the mark is new, else zero.
    #[inline]
    pub(super) fn meet(&mut self, mark: u64) -> u32 {
        let (at, bit) = (mark as usize % MARKS / 64, mark % 64);
        let Some(bits) = self.0.get_mut(at) else { return 0 };
        let known = *bits >> bit & 1;
        *bits |= 1 << bit;
        u32::from(known == 0)
    }
}

/// A sum of weights, and of how many n-grams it is.
#[derive(Clone, Copy, Default)]
struct Block {
    sum: i32,
    grams: u32,
}

/// Hands the sum of each window of the text to `tell`, with the number of its n-grams.
pub(super) fn weigh_all(
    shape: &Shape,
    (weights, words): (&[i8], &Words),
    scratch: &mut Scratch,
    text: &str,
    tell: impl FnMut(i64, u32),
) {
    let room = shape.block.cast_signed();
    let mut blocks = Blocks { span: shape.span, last: [Block::default(); MAX_SPAN], closed: 0, tell };
    let mut open = Block::default();
    let [mut met, mut pairs, mut stems] = [Met::NOTHING; 3];
    // The room that is left in the open block; tokens behind its end belong to the next ones.
    let mut left = room;
    let mut neighbours = Neighbours::new();
    // No character's hash is zero.
    let mut before = Hash::default();
    let mut rest = text;
    while scratch.plain.take(&mut rest) {
        for token in scratch.plain.tokens() {
            // A row of the same character is one.
            if token.hash == before && !token.word {
                continue;
            }
            before = token.hash;
            while left <= 0 {
                blocks.close(open);
                (open, [met, pairs, stems]) = (Block::default(), [Met::NOTHING; 3]);
                left += room;
            }
            let known = words.get(token.hash);
            let weight = known
                .unwrap_or_else(|| weigh(token.hash, scratch.plain.bytes(token), token.word, shape, weights));
            left -= i32::from(weight.room);
            let [pair, stem] = neighbours.push(token.hash, token.stem);
            // Without a branch: whether one is new cannot be foreseen.
            let new = met.meet(token.hash.mark());
            let (new_pair, new_stem) = (pairs.meet(pair.mark()), stems.meet(stem.mark()));
            let of =
                |gram: Mixed| i32::from(weights.get(gram.bucket(shape.bits)).copied().unwrap_or_default());
            open.sum += i32::from(weight.sum) * new.cast_signed()
                + of(pair) * new_pair.cast_signed()
                + of(stem) * new_stem.cast_signed();
            open.grams += u32::from(weight.grams) * new + new_pair + new_stem;
        }
    }
    if open.grams > 0 {
        blocks.close(open);
    }
    blocks.finish();
}

/// The closed blocks of a text.
struct Blocks<F> {
    span: usize,
    /// A ring of the last ones.
    last: [Block; MAX_SPAN],
    closed: usize,
    tell: F,
}

impl<F: FnMut(i64, u32)> Blocks<F> {
    /// Takes the next; tells the window that ends with it, when there are blocks enough.
    fn close(&mut self, block: Block) {
        if let Some(last) = self.last.get_mut(self.closed % self.span) {
            *last = block;
        }
        self.closed += 1;
        if self.closed >= self.span {
            self.window();
        }
    }

    fn finish(&mut self) {
        if self.closed < self.span {
            self.window();
        }
    }

    fn window(&mut self) {
        let all = self.last.iter().take(self.span);
        let (sum, grams) = all.fold((0, 0), |(sum, grams), block| (sum + block.sum, grams + block.grams));
        if grams > 0 {
            (self.tell)(i64::from(sum), grams);
        }
    }
}
