//! Searching only where a match may begin.

use std::ops::Range;

use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Detector;
use super::atom_gate::Window;
use super::marks::Marks;
use super::probe::Probe;

/// What a search may read in vain on any text, in bytes.
const SPARE: usize = 2048;

/// What a try that came to nothing is taken to have read at most: it ends where no match is possible any more.
const FAR: usize = 256;

impl Detector {
    /// Every match that begins in one of the windows, which are sorted and whose searches do not overlap, and not before
    /// `at`. Where they hold the beginnings of all matches, these are the matches of [`Detector::find_all`].
    pub(super) fn find_in(
        &self,
        text: &str,
        mut at: usize,
        windows: &[Window],
        found: &mut dyn FnMut(Range<usize>),
    ) {
        for window in windows {
            at = self.find_from(text, at.max(window.from), window, found);
        }
    }

    /// As [`Detector::find_in`], where most windows are few places and come to nothing: the probe looks at each of
    /// these, unless they are wide. When too much was read in vain, the rest is left, and where it begins is told.
    pub(super) fn find_at(
        &self,
        (text, marks): (&str, &Marks),
        probe: &Probe,
        windows: impl Iterator<Item = Window>,
        found: &mut dyn FnMut(Range<usize>),
    ) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut left = 4 * bytes.len() + SPARE;
        let mut at = 0;
        for window in windows {
            at = at.max(window.from);
            if window.wide {
                // What begins in it is found: a narrower window in it has nothing more.
                at = self.find_from(text, at, &window, found).max(window.upto.saturating_add(1));
            }
            let end = window.upto.saturating_add(1).min(bytes.len());
            loop {
                match probe.first_of((bytes, marks), at..end, &mut left) {
                    Ok(Some(place)) => at = place,
                    Ok(None) => break,
                    Err(place) => return Some(place),
                }
                let mut read = 0;
                at = self.try_at(text, at, &mut read, found);
                match left.checked_sub(read) {
                    Some(rest) => left = rest,
                    None => return Some(at),
                }
            }
        }
        None
    }

    /// Tries a match that begins right here, and says where the search goes on.
    fn try_at(&self, text: &str, at: usize, read: &mut usize, found: &mut dyn FnMut(Range<usize>)) -> usize {
        let end = self.longest.map_or(text.len(), |longest| at.saturating_add(longest)).min(text.len());
        let Some(matched) = self.whole.regex().find(Input::new(text).range(at..end).anchored(Anchored::Yes))
        else {
            *read += match (self.longest, self.runs_on) {
                (Some(_), _) => FAR.min(end - at),
                (None, false) => row(text.as_bytes().get(at..end).unwrap_or_default()).max(FAR).min(end - at),
                (None, true) => end - at,
            };
            return at + 1;
        };
        *read += matched.len();
        self.settle(text, matched.range(), found)
    }

    /// Hands on a match that passes its checks, and says where the search goes on.
    pub(super) fn settle(
        &self,
        text: &str,
        matched: Range<usize>,
        found: &mut dyn FnMut(Range<usize>),
    ) -> usize {
        match self.judge(text.as_bytes(), &matched) {
            Ok(part) => {
                found(part);
                matched.end.max(matched.start + 1)
            }
            Err(skip) => matched.start + skip,
        }
    }

    /// Searches one window, and says where the search goes on after it.
    fn find_from(
        &self,
        text: &str,
        mut at: usize,
        window: &Window,
        found: &mut dyn FnMut(Range<usize>),
    ) -> usize {
        // A match that begins in the window is not cut short by the end of the search. One that begins later may be.
        let end =
            self.longest.map_or(text.len(), |longest| window.upto.saturating_add(longest)).min(text.len());
        while at <= window.upto && at < end {
            let matched = self.whole.regex().find(Input::new(text).range(at..end));
            let Some(range) =
                matched.map(|matched| matched.range()).filter(|range| range.start <= window.upto)
            else {
                break;
            };
            at = self.settle(text, range, found);
        }
        at
    }
}

/// How far a repetition without end can go over a text that does not go over words and what is between them: it stops at a blank or at
/// some letter, so it does not go beyond the first of both.
fn row(text: &[u8]) -> usize {
    let first = |byte| text.iter().position(|other| *other == byte).unwrap_or(text.len());
    first(b' ').max(first(b'a'))
}

/// Whether an expression has a repetition without end that goes over words and what is between them: such a one can be
/// made to go on to the end of a text from every place at which it begins. One over the letters of a word alone, or over
/// blanks alone, ends at the next other character: see [`row`].
pub(super) fn runs_on(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.max.is_none() => match repetition.sub.kind() {
            HirKind::Class(class) => holds(class, b'a') && holds(class, b' '),
            HirKind::Literal(literal) => literal.0.contains(&b'a') && literal.0.contains(&b' '),
            _ => true,
        },
        HirKind::Repetition(repetition) => runs_on(&repetition.sub),
        HirKind::Capture(capture) => runs_on(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(runs_on),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Whether a class has a character of ASCII.
fn holds(class: &Class, byte: u8) -> bool {
    match class {
        Class::Unicode(class) => {
            let c = char::from(byte);
            class.iter().any(|range| range.start() <= c && c <= range.end())
        }
        Class::Bytes(class) => class.iter().any(|range| range.start() <= byte && byte <= range.end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    #[test]
    fn a_row_ends_where_both_a_blank_and_a_letter_have_come() {
        assert_eq!([row(b"what is this"), row(b"bbb c a"), row(b"AAAA"), row(b"")], [4, 6, 4, 0]);
    }

    #[test]
    fn what_runs_on_goes_over_words_and_blanks() {
        let runs = |source: &str| runs_on(&regex::compile(source, "", View::Raw).unwrap());
        assert!(runs("a.*b") && runs("a[^x]+b") && runs(r"a(?:\w+ )*b"));
        assert!(runs("x(?:a )+y") && !runs("x(?:ab)+y"));
        assert!(!runs(r"a\s+b") && !runs(r"a\w+b") && !runs("a.{0,9}b") && !runs("a*"));
    }
}
