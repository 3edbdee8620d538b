//! Which n-grams of a text weighed most.

use std::collections::{HashMap, HashSet};

use super::Model;
use super::grams::{self, Grams, Plain, Token};

/// The most n-grams that are named for each side.
const NAMED: usize = 6;

/// An n-gram and what it adds to the logit of the strongest window.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// The characters, as the model sees them.
    pub text: String,
    /// What it adds; negative when it speaks against.
    pub adds: f64,
}

/// An n-gram at its place.
struct Placed {
    bucket: u32,
    start: usize,
    end: usize,
}

impl Model {
    /// The n-grams that weighed most in the strongest window of the text: those that speak for it, then those against.
    pub fn explain(&self, text: &str) -> Vec<Gram> {
        let mut plain = Plain::new();
        let codes: Vec<u32> = text.chars().filter_map(|c| plain.push(c)).collect();
        let grams = placed(&codes, self.shape.bits);
        let Some((_, (from, to, root))) = self.strongest(&codes, &grams) else { return Vec::new() };
        let mut seen: HashMap<u32, (usize, usize, i64)> = HashMap::new();
        let mut blocks: HashSet<(u32, usize)> = HashSet::new();
        for gram in grams.iter().filter(|gram| (from..to).contains(&gram.end)) {
            let block = gram.end / self.shape.block as usize;
            if blocks.insert((gram.bucket, block)) {
                let weight = i64::from(self.weights.get(gram.bucket as usize).copied().unwrap_or_default());
                seen.entry(gram.bucket).or_insert((gram.start, gram.end, 0)).2 += weight;
            }
        }
        let mut all: Vec<(usize, usize, i64)> = seen.into_values().collect();
        all.sort_unstable_by_key(|(start, end, weight)| (-weight, start.wrapping_sub(*end), *start));
        let mut named = self.named(&codes, all.iter().filter(|gram| gram.2 > 0), root);
        named.extend(self.named(&codes, all.iter().rev().filter(|gram| gram.2 < 0).take(NAMED), root));
        named
    }

    fn named<'g>(
        &self,
        codes: &[u32],
        grams: impl Iterator<Item = &'g (usize, usize, i64)>,
        root: f64,
    ) -> Vec<Gram> {
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut named = Vec::new();
        for (start, end, weight) in grams {
            // What lies inside of one that is named says nothing new.
            if taken.iter().any(|(from, to)| from <= end && start <= to) {
                continue;
            }
            taken.push((*start, *end));
            let text = codes.get(*start..=*end).unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a number for people")]
            let adds = *weight as f64 * self.scale as f64 / root / super::ONE as f64;
            named.push(Gram { text: text.iter().filter_map(|code| char::from_u32(*code)).collect(), adds });
            if named.len() == NAMED {
                break;
            }
        }
        named
    }

    /// Where the strongest window stands, and the root that its sum is divided by.
    fn strongest(&self, codes: &[u32], grams: &[Placed]) -> Option<(i64, (usize, usize, f64))> {
        let block = self.shape.block as usize;
        let blocks = codes.len().div_ceil(block);
        let mut sums: Vec<HashMap<u32, i64>> = vec![HashMap::new(); blocks];
        for gram in grams {
            let weight = i64::from(self.weights.get(gram.bucket as usize).copied().unwrap_or_default());
            if let Some(sum) = sums.get_mut(gram.end / block) {
                sum.insert(gram.bucket, weight);
            }
        }
        let windows = (0..blocks).filter(|first| *first == 0 || first + self.shape.span <= blocks);
        let weighed = windows.filter_map(|first| {
            let last = blocks.min(first + self.shape.span);
            let of = sums.get(first..last)?;
            let count: usize = of.iter().map(HashMap::len).sum();
            let sum: i64 = of.iter().flat_map(HashMap::values).sum();
            let logit = self.logit(sum, u32::try_from(count).ok().filter(|count| *count > 0)?);
            #[expect(clippy::cast_precision_loss, reason = "a number for people")]
            let root = (count as f64).sqrt() * 256.0;
            Some((logit, (first * block, last * block, root)))
        });
        // Of two that are alike, the first.
        weighed.reduce(|best, next| if next.0 > best.0 { next } else { best })
    }
}

/// Every n-gram with its place, the long way round: what the weigher does is held against this.
fn placed(codes: &[u32], bits: u8) -> Vec<Placed> {
    let mut out = Vec::new();
    let mut chars = Grams::new(bits);
    for (end, code) in codes.iter().enumerate() {
        chars.character(*code, |bucket, size| out.push(Placed { bucket, start: end + 1 - size, end }));
    }
    let mut tokens: Vec<(usize, usize, Token)> = Vec::new();
    for (at, code) in codes.iter().enumerate() {
        let word = grams::is_word(*code);
        let goes_on = word && at > 0 && codes.get(at - 1).is_some_and(|before| grams::is_word(*before));
        match tokens.last_mut().filter(|_| goes_on) {
            Some((_, end, token)) => {
                *end = at;
                token.push(*code);
            }
            None if *code != 0x20 => {
                let mut token = Token::new();
                token.push(*code);
                tokens.push((at, at, token));
            }
            None => {}
        }
    }
    let mut joined = Grams::new(bits);
    for (at, (_, end, token)) in tokens.iter().enumerate() {
        joined.token(token.hash(), |bucket, size| {
            let start = tokens.get(at + 1 - size).map_or(*end, |(start, _, _)| *start);
            out.push(Placed { bucket, start, end: *end });
        });
    }
    out
}

/// The logit of the strongest window, by the same way.
#[cfg(test)]
pub(super) fn strongest_logit(model: &Model, text: &str) -> Option<i64> {
    let mut plain = Plain::new();
    let codes: Vec<u32> = text.chars().filter_map(|c| plain.push(c)).collect();
    model.strongest(&codes, &placed(&codes, model.shape.bits)).map(|(logit, _)| logit)
}
