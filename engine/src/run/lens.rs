//! A text of an answer as patterns see it, while it arrives.

use std::ops::Range;

use super::cursor::ViewText;
use crate::matcher::View;
use crate::matcher::view::PositionMap;

/// A view of the text that some watcher needs.
#[derive(Debug)]
pub(super) struct Lens {
    pub(super) view: View,
    /// Whether it sees the text as JSON.
    pub(super) reads_json: bool,
    pub(super) text: ViewText,
    pub(super) map: PositionMap,
    /// Bytes before a match that its detectors look at.
    pub(super) behind: usize,
}

impl Lens {
    pub(super) fn new(view: View, reads_json: bool) -> Self {
        Self { view, reads_json, text: ViewText::default(), map: PositionMap::default(), behind: 1 }
    }

    /// Shows the next character, which was written in these bytes of the text.
    pub(super) fn show(&mut self, c: char, raw: Range<usize>) {
        let at = self.text.end();
        let mut encoded = [0; 4];
        let stays = self.view.map(c, |part| self.text.push(part.encode_utf8(&mut encoded).as_bytes()));
        if !stays || raw.len() != c.len_utf8() {
            self.map.push(at..self.text.end(), raw);
        }
    }

    /// A place of the view as a place of the text.
    pub(super) fn raw(&self, shown: Range<usize>) -> Range<usize> {
        self.map.start(shown.start)..self.map.end(shown.end)
    }

    /// Where the first byte of the text is shown that is open for a detector that has read as far as `open`; nothing
    /// when it has read all that is shown.
    pub(super) fn open_from(&self, open: usize) -> Option<usize> {
        (open < self.text.end()).then(|| self.map.start(open))
    }

    /// Drops what lies before a place, but for what detectors look back at.
    pub(super) fn forget(&mut self, open: usize) {
        self.text.forget(open, self.behind);
        self.map.forget(open);
    }
}
