//! What every match of an expression has somewhere: a digit, an `@` and the like, so that it need not be looked for where there is
//! none near.
//!
//! Atoms say where a match may be; many of them are plain words, such as `call` before a telephone number. What a match
//! needs besides is rare in prose. A text is looked over once for each kind, a block at a time, and a search asks whether any of
//! the blocks that its match could reach has one.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The bytes of one mark.
const BLOCK: usize = 64;

/// What can be needed, the rarest first: a range of ASCII and a byte besides.
const KINDS: [(u8, u8, u8); 6] = [
    (b'@', b'@', b'@'),
    (b'<', b'<', b'<'),
    (b'=', b'=', b'='),
    (b':', b':', b':'),
    (b'0', b'9', b'0'),
    (b':', b':', b'-'),
];

/// One of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need(usize);

impl Need {
    /// The rarest that every match of the expression has.
    pub fn of(hir: &Hir) -> Option<Self> {
        (0..KINDS.len()).map(Self).find(|need| need.is_in(hir))
    }

    fn is_in(self, hir: &Hir) -> bool {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => false,
            HirKind::Literal(literal) => literal.0.iter().any(|byte| self.has(*byte)),
            HirKind::Class(Class::Unicode(class)) => {
                let within = |c: char| u8::try_from(c).is_ok_and(|byte| self.has(byte));
                !class.ranges().is_empty()
                    && class.iter().all(|range| within(range.start()) && within(range.end()))
            }
            HirKind::Class(Class::Bytes(class)) => {
                !class.ranges().is_empty()
                    && class.iter().all(|range| self.has(range.start()) && self.has(range.end()))
            }
            HirKind::Repetition(repetition) => repetition.min > 0 && self.is_in(&repetition.sub),
            HirKind::Capture(capture) => self.is_in(&capture.sub),
            HirKind::Concat(parts) => parts.iter().any(|part| self.is_in(part)),
            HirKind::Alternation(parts) => parts.iter().all(|part| self.is_in(part)),
        }
    }

    fn has(self, byte: u8) -> bool {
        KINDS
            .get(self.0)
            .is_some_and(|(first, last, other)| (*first..=*last).contains(&byte) || byte == *other)
    }
}

/// In which blocks of a text there is something of each kind.
#[derive(Debug, Default)]
pub struct Supply {
    /// By kind, a bit a block; empty for those that nobody needs and for those that are nowhere.
    blocks: [Vec<u64>; KINDS.len()],
}

impl Supply {
    /// What a text has of these kinds.
    pub fn of(text: &[u8], needs: &[Need]) -> Self {
        let mut supply = Self::default();
        for Need(kind) in needs {
            let (Some(blocks), Some((first, last, other))) = (supply.blocks.get_mut(*kind), KINDS.get(*kind))
            else {
                continue;
            };
            for (at, block) in text.chunks(BLOCK).enumerate() {
                // Without a way out in between, so that many bytes are compared at once.
                let within = |byte: &u8| (byte.wrapping_sub(*first) <= last - first) | (byte == other);
                if block.iter().fold(false, |any, byte| any | within(byte)) {
                    let word = at / 64;
                    if blocks.len() <= word {
                        blocks.resize(word + 1, 0);
                    }
                    if let Some(word) = blocks.get_mut(word) {
                        *word |= 1 << (at % 64);
                    }
                }
            }
        }
        supply
    }

    /// Whether the text has it anywhere.
    pub fn has(&self, Need(kind): Need) -> bool {
        self.blocks.get(kind).is_some_and(|blocks| !blocks.is_empty())
    }

    /// Whether a block that the bytes from one place up to another touch has it.
    pub fn has_near(&self, Need(kind): Need, from: usize, upto: usize) -> bool {
        let Some(blocks) = self.blocks.get(kind) else { return true };
        let (first, last) = (from / BLOCK, upto / BLOCK);
        let words = blocks.iter().enumerate().take(last / 64 + 1).skip(first / 64);
        for (at, word) in words {
            let low = if at == first / 64 { u64::MAX << (first % 64) } else { u64::MAX };
            let high = if at == last / 64 { u64::MAX >> (63 - last % 64) } else { u64::MAX };
            if word & low & high != 0 {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn need(source: &str) -> Option<(char, char)> {
        let need = Need::of(&regex::compile(source, "i", View::Folded).unwrap());
        need.map(|Need(kind)| (char::from(KINDS[kind].0), char::from(KINDS[kind].2)))
    }

    #[test]
    fn what_every_match_has() {
        assert_eq!(need(r"call (?:me )?\d{3}-\d{4}"), Some(('0', '0')));
        assert_eq!(need(r"\w+@\w+\.\d"), Some(('@', '@')), "the rarest");
        assert_eq!(need(r"a\d|b[0-4]{2}"), Some(('0', '0')));
        assert_eq!(need(r"a\d|b"), None);
        assert_eq!(need(r"a\d*"), None);
        assert_eq!(need(r"[0-9a-f]+"), None);
        assert_eq!(need(r"key\s*[:=]\s*x"), None, "one of several kinds is none");
        assert_eq!(need(r"[0-9a-f]{2}(?::[0-9a-f]{2}|-[0-9a-f]{2})"), Some((':', '-')));
        assert_eq!(need("plain"), None);
    }

    #[test]
    fn where_it_is() {
        let digits = Need(4);
        let text = format!("{}7{}", "a".repeat(5000), "b".repeat(3000));
        let supply = Supply::of(text.as_bytes(), &[digits]);
        assert!(supply.has(digits) && !supply.has(Need(0)));
        for (from, upto) in [(5000, 5000), (0, 8000), (4990, 5010), (5056, 5100)] {
            let blocks = from / BLOCK..=upto / BLOCK;
            assert_eq!(
                supply.has_near(digits, from, upto),
                blocks.contains(&(5000 / BLOCK)),
                "{from} {upto}"
            );
        }
        assert!(!supply.has_near(digits, 0, 4900) && !supply.has_near(digits, 5100, usize::MAX / 2));
        assert!(!Supply::of(b"no digit", &[digits]).has(digits));
    }
}
