//! Which tokens of a text weighed most, alone and with their neighbours.

use super::grams::{self, BLANK, Hash, LONGEST, Mixed, Neighbours};
use super::window::Met;
use super::{Model, words};

/// The most that are named for each side.
const NAMED: usize = 6;

/// A token, or several in a row, and what they add to the logit of the strongest window.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// The characters, as the model sees them.
    pub text: String,
    /// What it adds; negative when it speaks against.
    pub adds: f64,
}

/// A token at its place.
struct Placed {
    start: usize,
    end: usize,
    word: bool,
    hash: Hash,
    bytes: String,
}

/// What tokens that stand in a row add to a block that has not met them.
struct Part {
    start: usize,
    end: usize,
    block: usize,
    sum: i64,
    grams: u32,
}

/// A window: its logit, its blocks, and the root that its sum is divided by.
struct Strongest {
    logit: i64,
    first: usize,
    last: usize,
    root: f64,
}

impl Model {
    /// What weighed most in the strongest window of the text: what speaks for it, then what speaks against. A word's weight is
    /// that of its characters, too, and a pair's that of both stems.
    pub fn explain(&self, text: &str) -> Vec<Gram> {
        let codes = plain(text);
        let parts = self.parts(&codes);
        let Some(window) = self.strongest(&parts) else { return Vec::new() };
        let mut all: Vec<(usize, usize, i64)> = Vec::new();
        for part in parts.iter().filter(|part| (window.first..window.last).contains(&part.block)) {
            let same = all
                .iter_mut()
                .find(|(start, end, _)| codes.get(*start..*end) == codes.get(part.start..part.end));
            match same {
                Some((_, _, sum)) => *sum += part.sum,
                None => all.push((part.start, part.end, part.sum)),
            }
        }
        all.sort_by_key(|(start, end, sum)| (-sum, start.wrapping_sub(*end), *start));
        let mut named = self.named(&codes, all.iter().filter(|part| part.2 > 0), window.root);
        named.extend(self.named(&codes, all.iter().rev().filter(|part| part.2 < 0), window.root));
        named
    }

    fn named<'g>(
        &self,
        codes: &[u32],
        parts: impl Iterator<Item = &'g (usize, usize, i64)>,
        root: f64,
    ) -> Vec<Gram> {
        let named = parts.take(NAMED).map(|(start, end, sum)| {
            let text = codes.get(*start..*end).unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a number for people")]
            let adds = *sum as f64 * self.scale as f64 / root / super::ONE as f64;
            Gram { text: text.iter().filter_map(|code| char::from_u32(*code)).collect(), adds }
        });
        named.collect()
    }

    /// Every token of a text, alone and with those before it, that its block has not met; the long way round: what the weigher
    /// does is held against this.
    fn parts(&self, codes: &[u32]) -> Vec<Part> {
        let (bits, room) = (self.shape.bits, self.shape.block as usize);
        let tokens = placed(codes);
        let mut neighbours = Neighbours::new();
        let (mut met, mut block, mut taken) = ([Met::NOTHING; 3], 0, 0);
        let mut parts = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if taken / room != block {
                (met, block) = ([Met::NOTHING; 3], taken / room);
            }
            let weight =
                words::weigh(token.hash, token.bytes.as_bytes(), token.word, &self.shape, &self.weights);
            taken += usize::from(weight.room);
            let one =
                |gram: Mixed| i64::from(self.weights.get(gram.bucket(bits)).copied().unwrap_or_default());
            let [pair, stems] = neighbours.push(token.hash, grams::stem(token.bytes.as_bytes()));
            let all = [
                (token.hash.mark(), i64::from(weight.sum), u32::from(weight.grams)),
                (pair.mark(), one(pair), 1),
                (stems.mark(), one(stems), 1),
            ];
            for (back, ((mark, sum, grams), met)) in all.into_iter().zip(&mut met).enumerate() {
                if met.meet(mark) == 1 {
                    let start = tokens.get(at.saturating_sub(back.min(1))).map_or(0, |token| token.start);
                    parts.push(Part { start, end: token.end, block, sum, grams });
                }
            }
        }
        parts
    }

    fn strongest(&self, parts: &[Part]) -> Option<Strongest> {
        let blocks = parts.last().map_or(0, |part| part.block + 1);
        let mut sums = vec![(0, 0); blocks];
        for part in parts {
            if let Some((sum, grams)) = sums.get_mut(part.block) {
                *sum += part.sum;
                *grams += part.grams;
            }
        }
        let windows = (0..blocks).filter(|first| *first == 0 || first + self.shape.span <= blocks);
        let weighed = windows.filter_map(|first| {
            let last = blocks.min(first + self.shape.span);
            let of = sums.get(first..last)?.iter();
            let (sum, grams) = of.fold((0, 0), |(sum, grams), block| (sum + block.0, grams + block.1));
            let logit = Some(grams).filter(|grams| *grams > 0).map(|grams| self.logit(sum, grams))?;
            Some(Strongest { logit, first, last, root: f64::from(grams).sqrt() * 256.0 })
        });
        // Of two that are alike, the first.
        weighed.reduce(|best, next| if next.logit > best.logit { next } else { best })
    }
}

/// A text's plain characters, blanks in a row being one.
fn plain(text: &str) -> Vec<u32> {
    let mut codes: Vec<u32> = text.chars().map(|c| grams::plain(u32::from(c))).collect();
    codes.dedup_by(|next, code| *next == BLANK && *code == BLANK);
    codes
}

/// The tokens of plain characters.
fn placed(codes: &[u32]) -> Vec<Placed> {
    let mut tokens: Vec<Placed> = Vec::new();
    let same = |a: &u32, b: &u32| grams::is_word(*a) && grams::is_word(*b);
    let mut start = 0;
    for run in codes.chunk_by(same) {
        for part in run.chunks(LONGEST) {
            let text: String = part.iter().filter_map(|code| char::from_u32(*code)).collect();
            let end = start + part.len();
            let word = part.first().is_some_and(|code| grams::is_word(*code));
            let repeats = !word && tokens.last().is_some_and(|last| last.bytes == text);
            if text != " " && !repeats {
                tokens.push(Placed { start, end, word, hash: Hash::of(text.as_bytes()), bytes: text });
            }
            start = end;
        }
    }
    tokens
}

/// The logit of the strongest window, by the same way.
#[cfg(test)]
pub(super) fn strongest_logit(model: &Model, text: &str) -> Option<i64> {
    model.strongest(&model.parts(&plain(text))).map(|window| window.logit)
}
