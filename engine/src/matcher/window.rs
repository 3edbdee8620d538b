//! Searching only where a match may begin.

use std::ops::Range;

use regex_automata::{Anchored, Input};

use super::Detector;
use super::probe::Probe;
use super::scan::Window;

/// What a search may read in vain on any text, in bytes.
const SPARE: usize = 512;

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

    /// As [`Detector::find_in`], where windows are few places and most of them come to nothing: the probe looks at each of
    /// them. When too much was read in vain, the rest is left, and where it begins is told.
    pub(super) fn find_at(
        &self,
        text: &str,
        probe: &Probe,
        windows: impl Iterator<Item = Window>,
        found: &mut dyn FnMut(Range<usize>),
    ) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut left = 2 * bytes.len() + SPARE;
        let mut at = 0;
        for window in windows {
            at = at.max(window.from);
            while at <= window.upto && at < bytes.len() {
                let look = probe.look(bytes, at);
                let mut read = look.bytes + 1;
                at = if look.may_match { self.try_at(text, at, &mut read, found) } else { at + 1 };
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
        let Some(matched) = self.whole.find(Input::new(text).range(at..end).anchored(Anchored::Yes)) else {
            *read += end - at;
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
            let matched = self.whole.find(Input::new(text).range(at..end));
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
