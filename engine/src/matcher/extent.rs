//! Whether two expressions find the same parts of every text, and if not, texts that show it.
//!
//! Both are walked from the same place of a text, as a search does that tries one place after another. Where they end
//! their matches alike whatever follows, they find the same everywhere. This walk needs far fewer states than one that
//! looks for a match anywhere, so it settles expressions that are too large for that one; but a text that it gives is
//! only likely to tell the two apart, since a search may find something at an earlier place.

use regex_automata::Anchored;

use super::inclusion::Ways;
use super::walk::{Letters, Seeker, State, Trail, Utf8, Walker};

/// The most pairs of states that are walked.
const MAX_PAIRS: usize = 60_000;
/// What may stand before a match: nothing, a character that is no letter, a letter, either line end.
const BEFORE: [Option<u8>; 5] = [None, Some(b' '), Some(b'a'), Some(b'\n'), Some(b'\r')];

/// How two expressions differ at one place of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// Only the first finds something there.
    pub only_first: Ways,
    /// Only the second does.
    pub only_second: Ways,
    /// Both do, and their matches end at different places.
    pub different: Ways,
}

impl Extents {
    /// Whether both find the same parts of every text.
    pub fn are_same(&self) -> bool {
        self.only_first.are_none() && self.only_second.are_none() && self.different.are_none()
    }
}

/// Where the longest of the matches so far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ends {
    /// There are none.
    Neither,
    /// Only the first has one.
    First,
    /// Only the second has one.
    Second,
    /// At the same place.
    Alike,
    /// At different places.
    Apart,
}

impl Ends {
    /// After a place where the first or the second or both have a match that ends.
    fn then(self, first: bool, second: bool) -> Self {
        match (first, second) {
            (true, true) => Ends::Alike,
            (true, false) => match self {
                Ends::Neither | Ends::First => Ends::First,
                Ends::Second | Ends::Alike | Ends::Apart => Ends::Apart,
            },
            (false, true) => match self {
                Ends::Neither | Ends::Second => Ends::Second,
                Ends::First | Ends::Alike | Ends::Apart => Ends::Apart,
            },
            (false, false) => self,
        }
    }
}

/// Where the walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    first: State,
    second: State,
    ends: Ends,
    utf8: Utf8,
}

/// How two expressions differ, with at most so many texts of each kind.
pub fn compare(first: &Seeker, second: &Seeker, most: usize) -> Extents {
    let bytes = Letters::new(first, second).one_of_each();
    let mut both = Both { first: first.walker(), second: second.walker(), most };
    let mut found = Extents::default();
    let complete = both.walk(&bytes, &mut found).is_some();
    for ways in [&mut found.only_first, &mut found.only_second, &mut found.different] {
        ways.complete = complete;
    }
    found
}

/// Two expressions in one walk.
struct Both<'s> {
    first: Walker<'s>,
    second: Walker<'s>,
    most: usize,
}

impl Both<'_> {
    /// Collects texts; absent when a bound was met before all was walked.
    fn walk(&mut self, bytes: &[u8], found: &mut Extents) -> Option<()> {
        let mut trail = Trail::new();
        let mut before = Vec::new();
        for byte in BEFORE {
            let first = self.first.start(Anchored::Yes, byte)?;
            let second = self.second.start(Anchored::Yes, byte)?;
            trail.begin(Pair { first, second, ends: Ends::Neither, utf8: Utf8::Whole });
            before.resize(trail.len(), byte);
        }
        let mut at = 0;
        while let Some(pair) = trail.get(at) {
            if pair.utf8 == Utf8::Whole {
                let ends = pair.ends.then(self.first.ends(pair.first)?, self.second.ends(pair.second)?);
                self.note(ends, &trail, &before, at, found);
            }
            // Where neither can match any more, nothing that follows makes a difference.
            let is_over = pair.first.is_dead() && pair.second.is_dead();
            for byte in bytes.iter().filter(|_| !is_over) {
                if let Some(next) = self.step(&pair, *byte)? {
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

    /// Writes down a text that tells the two apart, with what stands before the match.
    fn note(&self, ends: Ends, trail: &Trail<Pair>, before: &[Option<u8>], at: usize, found: &mut Extents) {
        let ways = match ends {
            Ends::Neither | Ends::Alike => return,
            Ends::First => &mut found.only_first,
            Ends::Second => &mut found.only_second,
            Ends::Apart => &mut found.different,
        };
        let (begin, bytes) = trail.way(at);
        let before = before.get(begin).copied().flatten();
        let text = String::from_utf8(before.into_iter().chain(bytes).collect()).unwrap_or_default();
        let is_longer = ways.texts.last().is_none_or(|last| last.len() < text.len());
        if is_longer && ways.texts.len() < self.most {
            ways.texts.push(text);
        }
    }

    /// The pair after one more byte; nothing where no text goes on like that.
    fn step(&mut self, pair: &Pair, byte: u8) -> Option<Option<Pair>> {
        let Some(utf8) = pair.utf8.next(byte) else { return Some(None) };
        let (first, second) = (self.first.next(pair.first, byte)?, self.second.next(pair.second, byte)?);
        let ends = pair.ends.then(first.is_match(), second.is_match());
        Some(Some(Pair { first, second, ends, utf8 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn of(first: &str, second: &str) -> Extents {
        let seeker = |source| Seeker::new(&regex::compile(source, "", View::Raw).unwrap()).unwrap();
        compare(&seeker(first), &seeker(second), 4)
    }

    #[test]
    fn what_is_written_otherwise_is_the_same() {
        for (first, second) in [
            ("a|b", "[ab]"),
            ("abc|abd", "ab[cd]"),
            (r"\d\d\d", r"\d{3}"),
            ("(?:foo|foobar)", "foo"),
            (r"\bcat\b|\bcats\b", r"\bcats?\b"),
            ("a+b", "aa*b"),
            (
                r"\b[a-z]{1,64}@(?:[a-z]{1,63}\.){1,6}[a-z]{2,24}\b",
                r"\b[a-z]{1,64}[@](?:[a-z]{1,63}\.){1,5}(?:[a-z]{1,63}\.)?[a-z]{2,24}\b",
            ),
        ] {
            assert!(of(first, second).are_same(), "{first} and {second}: {:?}", of(first, second));
        }
    }

    #[test]
    fn which_alternative_comes_first_matters() {
        let found = of("a|ab", "ab|a");
        assert!(found.only_first.are_none() && found.only_second.are_none());
        assert_eq!(found.different.texts.first().unwrap(), "ab");
    }

    #[test]
    fn what_only_one_finds_is_told_with_what_stands_before_it() {
        let found = of(r"\d{2,4}", r"\d{3}");
        assert_eq!(
            (found.only_first.texts.first().unwrap().as_str(), found.only_second.are_none()),
            ("00", true)
        );
        assert_eq!(found.different.texts.first().unwrap(), "0000");
        let found = of("cat", r"\bcat");
        assert_eq!(found.only_first.texts.first().unwrap(), "acat");
        assert!(found.only_second.are_none() && found.different.are_none());
    }
}
