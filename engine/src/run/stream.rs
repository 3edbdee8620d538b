//! One text of an answer, arriving in pieces: what is held, what may leave, and what is replaced.

use std::ops::Range;

use super::cursor::{Cursor, Overrun, ViewText};
use crate::matcher::view::PositionMap;
use crate::matcher::{Automaton, Detector, View};
use crate::program::Program;
use crate::program::ir::DetectorId;

/// The most bytes of a text that are held back for matches that are still possible.
const MAX_HELD: usize = 64 << 10;

/// A detector that watches an answer.
#[derive(Clone, Debug)]
pub(super) struct Watcher {
    pub(super) detector: DetectorId,
    /// The rules that it triggers.
    pub(super) rules: Vec<usize>,
    /// Whether text is held back for it; flags delay nothing.
    pub(super) holds: bool,
}

/// A certain match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Index of the watcher.
    pub(super) watcher: usize,
    /// Bytes of the text as it arrived.
    pub(super) range: Range<usize>,
}

/// A part of the text to replace.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    /// Whose marker is used where replacements overlap: the lowest.
    pub(super) priority: (usize, u32),
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// All is well.
    Bounded,
    /// A match stayed possible for too long.
    TooLong,
}

/// A view of the text that some watcher needs.
#[derive(Debug)]
struct Lens {
    view: View,
    text: ViewText,
    map: PositionMap,
    /// Bytes before a match that its detectors look at.
    behind: usize,
}

/// Appends the marker for a replacement: its priority, the text that it stands for, and where to.
pub(super) type Mark<'a> = &'a mut dyn FnMut((usize, u32), &str, &mut String);

/// One text, arriving.
#[derive(Debug)]
pub(super) struct Stream {
    /// The text from `base` on that has not left yet.
    raw: String,
    base: usize,
    lenses: Vec<Lens>,
    /// One per watcher, with the lens that it looks through.
    cursors: Vec<(usize, Cursor)>,
    /// Whether the text is complete.
    pub(super) finished: bool,
    /// Sorted by start; none overlap.
    replacements: Vec<Replacement>,
}

impl Stream {
    pub(super) fn new(program: &Program, watchers: &[Watcher]) -> Self {
        let mut lenses: Vec<Lens> = Vec::new();
        let mut cursors = Vec::new();
        for watcher in watchers {
            let detector = program.detector(watcher.detector);
            let view = detector.map_or(View::Folded, |detector| detector.view);
            let lens = lenses.iter().position(|lens| lens.view == view).unwrap_or_else(|| {
                let (text, map) = (ViewText::default(), PositionMap::default());
                lenses.push(Lens { view, text, map, behind: 1 });
                lenses.len() - 1
            });
            if let Some(lens) = lenses.get_mut(lens) {
                lens.behind = lens.behind.max(detector.map_or(1, Detector::looks_behind));
            }
            cursors.push((lens, Cursor::new(watcher.holds)));
        }
        Self { raw: String::new(), base: 0, lenses, cursors, finished: false, replacements: Vec::new() }
    }

    /// Bytes held back.
    pub(super) fn held(&self) -> usize {
        self.raw.len()
    }

    /// Position after the last byte that arrived.
    fn end(&self) -> usize {
        self.base + self.raw.len()
    }

    /// Takes one character and hands out the matches that it makes certain. All detectors see a character before any
    /// sees the next, so that what is certain at a place never depends on how the text was cut.
    pub(super) fn push(
        &mut self,
        program: &Program,
        watchers: &[Watcher],
        c: char,
        hits: &mut Vec<Hit>,
    ) -> Held {
        let from = self.end();
        self.raw.push(c);
        let mut bytes = [0; 4];
        let encoded = c.encode_utf8(&mut bytes).as_bytes();
        for lens in &mut self.lenses {
            let at = lens.text.end();
            if c.is_ascii() || lens.view == View::Raw {
                lens.text.push(encoded);
                continue;
            }
            let mut mapped = [0; 4];
            lens.view.map(c, |part| lens.text.push(part.encode_utf8(&mut mapped).as_bytes()));
            lens.map.push(at..lens.text.end(), from..from + encoded.len());
        }
        let held = self.run(program, watchers, hits, Cursor::advance);
        // Characters that a view drops lengthen no match in the view, and replacements may join without end: both are
        // bounded here. What has arrived since the
        // last release depends on the cuts, but is never less than what is held, so the outcome does not.
        if self.raw.len() > MAX_HELD && self.end() - self.held_from(watchers) > MAX_HELD {
            return Held::TooLong;
        }
        held
    }

    /// The text is complete.
    pub(super) fn finish(&mut self, program: &Program, watchers: &[Watcher], hits: &mut Vec<Hit>) -> Held {
        self.finished = true;
        self.run(program, watchers, hits, Cursor::finish)
    }

    fn run<F>(&mut self, program: &Program, watchers: &[Watcher], hits: &mut Vec<Hit>, go: F) -> Held
    where
        F: Fn(&mut Cursor, &Detector, &Automaton, &ViewText, &mut dyn FnMut(Range<usize>)) -> Overrun,
    {
        let mut held = Held::Bounded;
        for (index, ((lens, cursor), watcher)) in self.cursors.iter_mut().zip(watchers).enumerate() {
            let Some(lens) = self.lenses.get(*lens) else { continue };
            let Some(detector) = program.detector(watcher.detector) else { continue };
            let Some(automaton) = &detector.stream else { continue };
            let mut found = |range: Range<usize>| {
                let range = lens.map.start(range.start)..lens.map.end(range.end);
                hits.push(Hit { watcher: index, range });
            };
            if go(cursor, detector, automaton, &lens.text, &mut found) == Overrun::Yes {
                held = Held::TooLong;
            }
        }
        held
    }

    /// Notes a replacement, as one with those that it overlaps.
    pub(super) fn replace(&mut self, mut replacement: Replacement) {
        let from = self.replacements.partition_point(|other| other.range.end <= replacement.range.start);
        let upto = self.replacements.partition_point(|other| other.range.start < replacement.range.end);
        for joined in self.replacements.drain(from..upto.max(from)) {
            replacement.range.start = replacement.range.start.min(joined.range.start);
            replacement.range.end = replacement.range.end.max(joined.range.end);
            replacement.priority = replacement.priority.min(joined.priority);
        }
        self.replacements.insert(from, replacement);
    }

    /// The first byte that cannot leave yet: one whose fate is open, or of a replacement that may still grow.
    fn held_from(&self, watchers: &[Watcher]) -> usize {
        let frontier = self.frontier(watchers);
        let waiting = self.replacements.iter().find(|waiting| waiting.range.end > frontier);
        waiting.map_or(frontier, |waiting| waiting.range.start.min(frontier))
    }

    /// The first byte whose fate is open.
    pub(super) fn frontier(&self, watchers: &[Watcher]) -> usize {
        let mut frontier = self.end();
        for ((lens, cursor), watcher) in self.cursors.iter().zip(watchers) {
            if let Some(lens) = self.lenses.get(*lens).filter(|_| watcher.holds) {
                let open = cursor.open_from();
                if open < lens.text.end() {
                    frontier = frontier.min(lens.map.start(open));
                }
            }
        }
        frontier
    }

    /// The watcher whose open match begins first, if any holds text back.
    pub(super) fn holder(&self, watchers: &[Watcher]) -> Option<usize> {
        let open = |index: usize| {
            let (lens, cursor) = self.cursors.get(index)?;
            let lens = self.lenses.get(*lens)?;
            let from = cursor.open_from();
            (from < lens.text.end()).then(|| lens.map.start(from))
        };
        let holding = watchers.iter().enumerate().filter(|(_, watcher)| watcher.holds);
        holding.filter_map(|(index, _)| Some((open(index)?, index))).min().map(|(_, index)| index)
    }

    /// Lets go of everything before `frontier`, replaced where it must be.
    pub(super) fn release(&mut self, frontier: usize, out: &mut String, mark: Mark<'_>) {
        let settled = self.replacements.partition_point(|replacement| replacement.range.end <= frontier);
        for Replacement { range, priority } in self.replacements.drain(..settled).collect::<Vec<_>>() {
            self.emit(range.start, out);
            let length = range.end.saturating_sub(self.base);
            mark(priority, self.raw.get(..length).unwrap_or_default(), out);
            self.raw.drain(..length.min(self.raw.len()));
            self.base = range.end;
        }
        // What is still open may join the next replacement: that one waits as a whole.
        let waiting = self.replacements.first().map_or(frontier, |waiting| waiting.range.start.min(frontier));
        self.emit(waiting, out);
        self.forget();
    }

    fn emit(&mut self, upto: usize, out: &mut String) {
        let mut count = upto.saturating_sub(self.base).min(self.raw.len());
        while !self.raw.is_char_boundary(count) {
            count -= 1;
        }
        out.push_str(self.raw.get(..count).unwrap_or_default());
        self.raw.drain(..count);
        self.base += count;
    }

    /// Drops what no detector needs any more.
    fn forget(&mut self) {
        for (index, lens) in self.lenses.iter_mut().enumerate() {
            let cursors = self.cursors.iter().filter(|(of, _)| *of == index);
            let open = cursors.map(|(_, cursor)| cursor.open_from()).min().unwrap_or_else(|| lens.text.end());
            lens.text.forget(open, lens.behind);
            lens.map.forget(open);
        }
    }
}
