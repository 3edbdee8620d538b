//! The parts of a text of an answer that are to be replaced.

use std::cmp::Reverse;
use std::ops::Range;

use crate::matcher::json::{Layout, Place};
use crate::program::ir::DetectorId;

/// Whose marker is used where replacements overlap: that of the lowest. The first rule decides, and of what it finds the
/// longest: the number of a card is more than the telephone number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Priority {
    pub(super) rule: usize,
    length: Reverse<usize>,
    pub(super) detector: DetectorId,
}

impl Priority {
    /// Of a match as a whole, also where only parts of it are replaced.
    pub(super) fn new(rule: usize, matched: &Range<usize>, detector: DetectorId) -> Self {
        Self { rule, length: Reverse(matched.len()), detector }
    }
}

/// A part of the text to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    pub(super) priority: Priority,
    /// What stands there, and so how the marker is written.
    pub(super) place: Place,
}

/// What is to be replaced in one text, as far as it has not left.
#[derive(Clone, Debug, Default)]
pub(super) struct Masks {
    /// Sorted by start; none overlap.
    replacements: Vec<Replacement>,
    /// What is to be replaced in a number or a word of JSON text whose end has not come.
    unfinished: Vec<(Range<usize>, Priority)>,
}

impl Masks {
    /// Notes a replacement, as one with those that it overlaps.
    pub(super) fn add(&mut self, mut replacement: Replacement) {
        let from = self.replacements.partition_point(|other| other.range.end <= replacement.range.start);
        let upto = self.replacements.partition_point(|other| other.range.start < replacement.range.end);
        for joined in self.replacements.drain(from..upto.max(from)) {
            replacement.range.start = replacement.range.start.min(joined.range.start);
            replacement.range.end = replacement.range.end.max(joined.range.end);
            if joined.priority < replacement.priority {
                (replacement.priority, replacement.place) = (joined.priority, joined.place);
            }
        }
        self.replacements.insert(from, replacement);
    }

    /// Notes that a match in JSON text is to be replaced: each part of it that may be.
    pub(super) fn add_in(&mut self, layout: &Layout, range: &Range<usize>, priority: Priority) {
        let scalar = layout.open_scalar().filter(|start| *start < range.end);
        let closed = range.start..scalar.unwrap_or(range.end);
        for (range, place) in layout.runs(closed) {
            self.add(Replacement { range, priority, place });
        }
        if let Some(start) = scalar {
            self.unfinished.push((start.max(range.start)..range.end, priority));
        }
    }

    /// Notes what was waiting for the end of a number or a word, once that has come.
    pub(super) fn settle(&mut self, layout: &Layout) {
        if !self.unfinished.is_empty() && layout.open_scalar().is_none() {
            for (range, priority) in std::mem::take(&mut self.unfinished) {
                self.add_in(layout, &range, priority);
            }
        }
    }

    /// Whether something waits for the end of a number or a word.
    pub(super) fn waits(&self) -> bool {
        !self.unfinished.is_empty()
    }

    /// The first byte that cannot leave yet when all before `frontier` is decided: what is open may still join the next
    /// replacement, so that one waits as a whole.
    pub(super) fn held_from(&self, frontier: usize) -> usize {
        let settled = self.settled(frontier);
        self.replacements.get(settled).map_or(frontier, |waiting| waiting.range.start.min(frontier))
    }

    /// Hands out the replacements that cannot grow any more when all before `frontier` is decided.
    pub(super) fn take(&mut self, frontier: usize) -> Vec<Replacement> {
        match self.settled(frontier) {
            0 => Vec::new(),
            settled => self.replacements.drain(..settled).collect(),
        }
    }

    fn settled(&self, frontier: usize) -> usize {
        self.replacements.partition_point(|replacement| replacement.range.end <= frontier)
    }
}
