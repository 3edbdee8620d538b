//! How matches begin whose first part is a row of bytes of one kind, such as the name before the `@` of an address.
//!
//! On a stream such a match begins at nearly every word, and all that can happen until the row ends is that the row goes on. So
//! nothing needs to be stepped meanwhile: where the row began says all.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest row that is told by where it began. A longer one is followed by the automaton.
const LONGEST: usize = 256;

/// A row of bytes, and the byte after it.
#[derive(Clone, Debug)]
pub struct Lead {
    /// By byte, whether it may stand in the row, and else whether it may stand after it.
    next: Box<[Next; 256]>,
    longest: usize,
}

/// What a byte after the beginning of a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The row goes on, and nothing else can be.
    More,
    /// The row has ended as it should, or is as long as it may be: what comes of it is for the automaton.
    Over,
    /// No match comes of the row, nor of any that begins within it.
    Nothing,
}

impl Lead {
    /// That of an expression, where each of its matches begins so.
    pub fn of(hir: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let mut parts = parts.iter().skip_while(|part| matches!(part.kind(), HirKind::Look(_)));
        let HirKind::Repetition(row) = parts.next()?.kind() else { return None };
        // Each round is one byte.
        if row.sub.properties().maximum_len() != Some(1) {
            return None;
        }
        let (row_of, after) = (bytes(&row.sub)?, bytes(parts.next()?)?);
        let mut next = Box::new([Next::Nothing; 256]);
        for (slot, (in_row, after)) in next.iter_mut().zip(row_of.into_iter().zip(after)) {
            *slot = match (in_row, after) {
                // Where the row ends would be uncertain.
                (true, true) => return None,
                (true, false) => Next::More,
                (false, true) => Next::Over,
                (false, false) => Next::Nothing,
            };
        }
        let most = row.max.and_then(|max| usize::try_from(max).ok()).unwrap_or(LONGEST);
        Some(Self { next, longest: most.min(LONGEST) }).filter(|_| row.min > 0)
    }

    /// What a byte means behind so many of the row.
    #[inline]
    pub fn next(&self, behind: usize, byte: u8) -> Next {
        match self.next.get(usize::from(byte)) {
            Some(Next::More) if behind >= self.longest => Next::Over,
            next => next.copied().unwrap_or(Next::Over),
        }
    }
}

/// The bytes that a part begins with, where these are ASCII.
fn bytes(part: &Hir) -> Option<[bool; 256]> {
    let mut bytes = [false; 256];
    let mut add = |first: u8, last: u8| {
        (first..=last)
            .for_each(|byte| bytes.get_mut(usize::from(byte)).into_iter().for_each(|slot| *slot = true));
    };
    match part.kind() {
        HirKind::Literal(literal) => {
            literal.0.first().filter(|byte| byte.is_ascii()).map(|byte| add(*byte, *byte))?
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.iter() {
                let [first, last] =
                    [range.start(), range.end()].map(|c| u8::try_from(c).ok().filter(u8::is_ascii));
                add(first?, last?);
            }
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().all(|range| range.end().is_ascii()).then_some(())?;
            class.iter().for_each(|range| add(range.start(), range.end()));
        }
        _ => return None,
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn lead(source: &str) -> Option<Lead> {
        Lead::of(&regex::compile(source, "", View::Raw).unwrap())
    }

    #[test]
    fn a_row_goes_on_until_a_byte_that_is_none_of_it() {
        assert!(lead(r"\b[a-zà-ü]{1,5}@x").is_none(), "letters outside of ASCII have several bytes");
        let address = lead(r"\b[a-z.]{1,5}@x").unwrap();
        assert_eq!(address.next(4, b'b'), Next::More);
        assert_eq!(address.next(5, b'b'), Next::Over, "that is too long");
        assert_eq!(address.next(2, b'@'), Next::Over);
        assert_eq!(address.next(2, b' '), Next::Nothing);
        assert_eq!(address.next(2, 0xC3), Next::Nothing);
        let longest = lead("[a-z]+[=:]").unwrap();
        assert_eq!((longest.next(255, b'b'), longest.next(256, b'b')), (Next::More, Next::Over));
    }

    #[test]
    fn where_the_end_of_a_row_is_uncertain_there_is_none() {
        for source in [
            "[a-z]{2,5}[b@]x",
            "[a-z]*@x",
            "ab@",
            "[a-z]{1,5}",
            "[a-z]{1,5}@?x",
            "(?:[a-z]{1,5}@)+x|y",
            "(?:ab){1,5}@x",
        ] {
            assert!(lead(source).is_none(), "{source}");
        }
    }
}
