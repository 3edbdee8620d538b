//! `near … within N`: what must stand around a match for it to count.
//!
//! It stands wholly in the N characters before the match, or wholly in the N characters after it. What it matches is
//! decided where it stands, so boundaries at the edge of those characters see what lies beyond.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::Hir;

use super::View;
use super::later::{self, Later};

/// The most characters that may lie between: so many are kept, and waited for on streams.
pub const MAX_REACH: usize = 500;

/// The most bytes of a character.
const WIDEST: usize = 4;

/// What must stand near a match.
#[derive(Debug)]
pub struct Near {
    /// The expression, for people.
    pub source: Arc<str>,
    /// Its flags.
    pub flags: Arc<str>,
    /// How many characters before and after the match it is looked for in.
    pub reach: usize,
    expression: Later,
}

impl Near {
    /// Something with that meaning in a view, so many characters away at most.
    pub fn new(source: &str, flags: &str, view: View, reach: usize, hir: &Hir) -> Result<Self, String> {
        let (source, flags): (Arc<str>, Arc<str>) = (source.into(), flags.into());
        let expression = Later::new(
            (&source, &flags),
            view.folding(),
            (hir, later::is_small(hir)),
            WhichCaptures::Implicit,
            true,
        )?;
        Ok(Self { source, flags, reach, expression })
    }

    /// Whether it stands before the match. The text must begin so many characters before the match, and a byte more
    /// where there is one.
    pub fn stands_before(&self, text: &[u8], matched: &Range<usize>) -> bool {
        let start = before(text, matched.start, self.reach);
        self.expression.regex().is_match(Input::new(text).range(start..matched.start))
    }

    /// Whether it stands after the match. The text must go on for so many characters after the match, and a byte more
    /// where there is one.
    pub fn stands_after(&self, text: &[u8], matched: &Range<usize>) -> bool {
        let end = after(text, matched.end, self.reach);
        self.expression.regex().is_match(Input::new(text).range(matched.end..end))
    }

    /// Bytes before a match that it may look at.
    pub fn bytes(&self) -> usize {
        self.reach * WIDEST + 1
    }
}

/// Where so many characters before `at` begin, or the text's beginning.
fn before(text: &[u8], at: usize, characters: usize) -> usize {
    let bytes = text.get(..at).unwrap_or_default().iter().enumerate().rev();
    let starts = bytes.filter(|(_, byte)| begins_character(**byte)).map(|(start, _)| start);
    starts.take(characters).last().unwrap_or(at)
}

/// Where so many characters after `at` end, or the text's end.
fn after(text: &[u8], at: usize, characters: usize) -> usize {
    let bytes = text.get(at..).unwrap_or_default().iter();
    let mut starts =
        bytes.enumerate().filter(|(_, byte)| begins_character(**byte)).map(|(start, _)| at + start);
    starts.nth(characters).unwrap_or(text.len())
}

/// Whether a byte of UTF-8 is the first of a character.
pub fn begins_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn stands(source: &str, reach: usize, text: &str) -> (bool, bool) {
        let hir = regex::compile(source, "", View::Raw).unwrap();
        let near = Near::new(source, "", View::Raw, reach, &hir).unwrap();
        let start = text.find('#').unwrap();
        let matched = start..start + 1;
        (near.stands_before(text.as_bytes(), &matched), near.stands_after(text.as_bytes(), &matched))
    }

    #[test]
    fn it_stands_wholly_within_reach() {
        assert_eq!(stands("cat", 4, "cat #"), (true, false));
        assert_eq!(stands("cat", 3, "cat #"), (false, false));
        assert_eq!(stands("cat", 4, "# cat"), (false, true));
        assert_eq!(stands("cat", 3, "# cat"), (false, false));
        assert_eq!(stands("cat", 9, "ca#t cat"), (false, true));
    }

    #[test]
    fn characters_count_and_not_bytes() {
        assert_eq!(stands("猫", 2, "猫犬#犬猫"), (true, true));
        assert_eq!(stands("猫", 1, "猫犬#犬猫"), (false, false));
    }

    #[test]
    fn boundaries_see_what_lies_beyond() {
        assert_eq!(stands(r"\bcat\b", 3, "xcat#"), (false, false));
        assert_eq!(stands(r"\bcat\b", 3, "cat#catx"), (true, false));
        assert_eq!(stands(r"\bcat\b", 3, "#cat x"), (false, true));
    }
}
