//! What every match of an expression has somewhere: a digit, an `@` and the like, so that it need not be looked for where there is
//! none near.
//!
//! Atoms say where a match may be; many of them are plain words, such as `call` before a telephone number. What a match
//! needs besides is rare in prose. A text is looked over once for each kind, a block at a time, and a search asks whether any of
//! the blocks that its match could reach has one.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The bytes of one mark.
const BLOCK: usize = 64;

/// What can be needed, the rarest first.
const KINDS: [Kind; 6] = [
    Kind::of(b'@'),
    Kind::of(b'<'),
    Kind::of(b'='),
    Kind::of(b':'),
    Kind { first: b'0', last: b'9', other: b'0' },
    Kind { first: b':', last: b':', other: b'-' },
];

/// A range of ASCII, and a byte besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    first: u8,
    last: u8,
    other: u8,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        Self { first: byte, last: byte, other: byte }
    }

    /// Whether it has a byte. Without a branch, so that many bytes are looked at at once.
    const fn has(self, byte: u8) -> bool {
        (byte.wrapping_sub(self.first) <= self.last - self.first) | (byte == self.other)
    }

    /// Whether it has all bytes from one up to another.
    fn has_all(self, first: u8, last: u8) -> bool {
        (first..=last).all(|byte| self.has(byte))
    }
}

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
                let has_all = |first: char, last: char| match (u8::try_from(first), u8::try_from(last)) {
                    (Ok(first), Ok(last)) => self.has_all(first, last),
                    _ => false,
                };
                !class.ranges().is_empty() && class.iter().all(|range| has_all(range.start(), range.end()))
            }
            HirKind::Class(Class::Bytes(class)) => {
                !class.ranges().is_empty()
                    && class.iter().all(|range| self.has_all(range.start(), range.end()))
            }
            HirKind::Repetition(repetition) => repetition.min > 0 && self.is_in(&repetition.sub),
            HirKind::Capture(capture) => self.is_in(&capture.sub),
            HirKind::Concat(parts) => parts.iter().any(|part| self.is_in(part)),
            HirKind::Alternation(parts) => parts.iter().all(|part| self.is_in(part)),
        }
    }

    fn has(self, byte: u8) -> bool {
        self.has_all(byte, byte)
    }

    fn has_all(self, first: u8, last: u8) -> bool {
        KINDS.get(self.0).is_some_and(|kind| kind.has_all(first, last))
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
            let (Some(blocks), Some(kind)) = (supply.blocks.get_mut(*kind), KINDS.get(*kind)) else {
                continue;
            };
            for (at, block) in text.chunks(BLOCK).enumerate() {
                // Without a way out in between, so that many bytes are compared at once.
                if block.iter().fold(false, |any, byte| any | kind.has(*byte)) {
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
        need.map(|Need(kind)| (char::from(KINDS[kind].first), char::from(KINDS[kind].other)))
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
        assert_eq!(need(r"ref[-./\d:]+"), None, "a range may begin and end with what it is not");
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
