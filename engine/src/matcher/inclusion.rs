//! Whether everything that one expression finds another finds too, and if not, texts that show it.
//!
//! Both expressions become automata that look for a match anywhere, and the two are walked side by side. A text that the
//! first finds and the second does not is a way through the pair; the shortest comes first. Where there is none, the
//! first is included in the second. The walk is bounded: past a bound the answer is *unknown*, never a guess.

use regex_automata::Anchored;

pub use super::walk::Seeker;
use super::walk::{Letters, State, Trail, Utf8, Walker};

/// The most pairs of states that are walked.
const MAX_PAIRS: usize = 100_000;

/// What is known of two expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inclusion {
    /// Whatever the first finds something in, the second does too.
    Included,
    /// The first finds something in this text, and the second does not.
    Witness(String),
    /// It could not be found out within bounds.
    Unknown,
}

/// Texts of some kind, and whether there can be others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// The shortest first, one of each length.
    pub texts: Vec<String>,
    /// Whether everything was walked, so that where no text is, none can be.
    pub complete: bool,
}

impl Ways {
    /// Whether there is no text of the kind at all.
    pub fn are_none(&self) -> bool {
        self.complete && self.texts.is_empty()
    }
}

/// Where the walk is: in the first expression, unless that has matched already; in the second; and in a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    /// Absent once the first has matched.
    first: Option<State>,
    second: State,
    utf8: Utf8,
}

/// Two expressions in one walk.
struct Both<'s> {
    first: Walker<'s>,
    second: Walker<'s>,
}

/// What a step came to.
enum Step {
    To(Pair),
    /// The second has found something, or no text goes on like that.
    Nowhere,
}

/// Whether `first` is included in `second`.
pub fn included(first: &Seeker, second: &Seeker) -> Inclusion {
    let mut ways = ways(first, second, 1);
    match ways.texts.pop() {
        Some(text) => Inclusion::Witness(text),
        None if ways.complete => Inclusion::Included,
        None => Inclusion::Unknown,
    }
}

/// Texts in which the first finds something and the second does not, `most` of them.
pub fn ways(first: &Seeker, second: &Seeker, most: usize) -> Ways {
    let bytes = Letters::new(first, second).one_of_each();
    let mut both = Both { first: first.walker(), second: second.walker() };
    let mut found = Ways::default();
    // A walk that runs out of memory ends early, and is not complete.
    found.complete = both.walk(&bytes, most, &mut found.texts).is_some();
    found
}

impl Both<'_> {
    /// Collects texts; absent when a bound was met before all was walked.
    fn walk(&mut self, bytes: &[u8], most: usize, texts: &mut Vec<String>) -> Option<()> {
        let begin = Pair {
            first: Some(self.first.start(Anchored::No, None)?),
            second: self.second.start(Anchored::No, None)?,
            utf8: Utf8::Whole,
        };
        let mut trail = Trail::new();
        trail.begin(begin);
        let mut at = 0;
        while let Some(pair) = trail.get(at) {
            if pair.utf8 == Utf8::Whole && self.ends_well(&pair)? {
                let text = String::from_utf8(trail.way(at).1).ok()?;
                if texts.last().is_none_or(|last| last.len() < text.len()) {
                    texts.push(text);
                }
                if texts.len() >= most {
                    return None;
                }
            }
            for byte in bytes {
                if let Step::To(next) = self.step(&pair, *byte)? {
                    trail.step(next, at, *byte);
                }
            }
            if trail.len() > MAX_PAIRS {
                return None;
            }
            at += 1;
        }
        Some(())
    }

    /// Whether a text that ends here is found by the first and not by the second.
    fn ends_well(&mut self, pair: &Pair) -> Option<bool> {
        let found = match pair.first {
            Some(state) => self.first.ends(state)?,
            None => true,
        };
        Some(found && !self.second.ends(pair.second)?)
    }

    fn step(&mut self, pair: &Pair, byte: u8) -> Option<Step> {
        let Some(utf8) = pair.utf8.next(byte) else { return Some(Step::Nowhere) };
        let second = self.second.next(pair.second, byte)?;
        if second.is_match() {
            return Some(Step::Nowhere);
        }
        let first = match pair.first {
            Some(state) => {
                let next = self.first.next(state, byte)?;
                if next.is_dead() {
                    return Some(Step::Nowhere);
                }
                (!next.is_match()).then_some(next)
            }
            None => None,
        };
        Some(Step::To(Pair { first, second, utf8 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn of(first: &str, second: &str) -> Inclusion {
        let seeker = |source| Seeker::new(&regex::compile(source, "", View::Raw).unwrap()).unwrap();
        included(&seeker(first), &seeker(second))
    }

    fn witness(first: &str, second: &str) -> String {
        let Inclusion::Witness(text) = of(first, second) else { panic!("{:?}", of(first, second)) };
        let finds = |source: &str| {
            let hir = regex::compile(source, "", View::Raw).unwrap();
            regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap().is_match(&text)
        };
        assert!(finds(first) && !finds(second), "{text:?} is no witness of {first} and {second}");
        text
    }

    #[test]
    fn what_is_wider_includes_what_is_narrower() {
        for (narrow, wide) in [
            ("abc", "b"),
            (r"\d{4}", r"\d{3}"),
            (r"\bcat\b", "cat"),
            ("a{3}|ab", "a"),
            ("^ab$", "ab"),
            ("é", "[^a]"),
            (r"x\d+y", r"x[0-9a]+y"),
        ] {
            assert_eq!(of(narrow, wide), Inclusion::Included, "{narrow} in {wide}");
            witness(wide, narrow);
        }
        assert_eq!(of("a|b", "b|a"), Inclusion::Included);
        assert_eq!(of("a^b", "never"), Inclusion::Included, "what never matches is included in anything");
    }

    #[test]
    fn witnesses_are_short_and_readable() {
        assert_eq!(witness("cat", r"\bcat\b"), "acat");
        assert_eq!(witness(r"\d{3}", r"\d{4}"), "000");
        assert_eq!(witness("[^a]", r"[\x00-\x7F]").chars().count(), 1);
        witness("a.c", "abc");
        witness(r"(?i)key", "key");
    }
}
