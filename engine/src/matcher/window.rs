//! Searching only where a match may begin.

use std::ops::Range;

use regex_automata::Input;

use super::Detector;
use super::scan::Window;

impl Detector {
    /// Every match that begins in one of the windows, which are sorted and whose searches do not overlap. Where they
    /// hold the beginnings of all matches, these are the matches of [`Detector::find_all`].
    pub(super) fn find_in(&self, text: &str, windows: &[Window], mut found: impl FnMut(Range<usize>)) {
        let mut at = 0;
        for window in windows {
            at = self.find_from(text, at.max(window.from), window, &mut found);
        }
    }

    /// Searches one window, and says where the search goes on after it.
    fn find_from(
        &self,
        text: &str,
        mut at: usize,
        window: &Window,
        found: &mut impl FnMut(Range<usize>),
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
            match self.judge(text.as_bytes(), &range) {
                Ok(part) => {
                    at = range.end.max(range.start + 1);
                    found(part);
                }
                Err(skip) => at = range.start + skip,
            }
        }
        at
    }
}
