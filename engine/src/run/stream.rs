//! One text of an answer, arriving in pieces: what is held, what may leave, and what is replaced.

use std::ops::Range;

use super::cursor::{Cursor, Overrun, ViewText};
use crate::matcher::View;
use crate::matcher::view::PositionMap;
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
    /// Sorted by start.
    replacements: Vec<Replacement>,
}

impl Stream {
    pub(super) fn new(program: &Program, watchers: &[Watcher]) -> Self {
        let mut lenses: Vec<Lens> = Vec::new();
        let mut cursors = Vec::new();
        for watcher in watchers {
            let view = program.detector(watcher.detector).map_or(View::Folded, |detector| detector.view);
            let lens = lenses.iter().position(|lens| lens.view == view).unwrap_or_else(|| {
                lenses.push(Lens { view, text: ViewText::default(), map: PositionMap::default() });
                lenses.len() - 1
            });
            cursors.push((lens, Cursor::new(watcher.holds)));
        }
        Self { raw: String::new(), base: 0, lenses, cursors, replacements: Vec::new() }
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
        // Characters that a view drops lengthen no match in the view, and are bounded here. What has arrived since the
        // last release depends on the cuts, but is never less than what is held, so the outcome does not.
        if self.raw.len() > MAX_HELD && self.end() - self.frontier(watchers) > MAX_HELD {
            return Held::TooLong;
        }
        held
    }

    /// The text is complete.
    pub(super) fn finish(&mut self, program: &Program, watchers: &[Watcher], hits: &mut Vec<Hit>) -> Held {
        self.run(program, watchers, hits, Cursor::finish)
    }

    fn run<F>(&mut self, program: &Program, watchers: &[Watcher], hits: &mut Vec<Hit>, go: F) -> Held
    where
        F: Fn(
            &mut Cursor,
            &crate::matcher::Detector,
            &crate::matcher::Automaton,
            &ViewText,
            &mut dyn FnMut(Range<usize>),
        ) -> Overrun,
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

    /// Notes a replacement.
    pub(super) fn replace(&mut self, replacement: Replacement) {
        let at = self.replacements.partition_point(|other| other.range.start <= replacement.range.start);
        self.replacements.insert(at, replacement);
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

    /// Lets go of everything before `frontier`, replaced where it must be. Replacements that overlap are one.
    pub(super) fn release(&mut self, frontier: usize, out: &mut String, mark: Mark<'_>) {
        let mut taken = 0;
        while let Some(first) = self.replacements.get(taken) {
            let (mut range, mut priority) = (first.range.clone(), first.priority);
            let mut next = taken + 1;
            while let Some(other) = self.replacements.get(next).filter(|other| other.range.start < range.end)
            {
                range.end = range.end.max(other.range.end);
                priority = priority.min(other.priority);
                next += 1;
            }
            if range.end > frontier {
                // Something that is still open may join it: it waits as a whole.
                let upto = range.start.min(frontier);
                self.emit(upto, out);
                self.replacements.drain(..taken);
                return;
            }
            self.emit(range.start, out);
            let matched = self.raw.get(..range.end - self.base).unwrap_or_default();
            mark(priority, matched, out);
            self.raw.drain(..range.end - self.base);
            self.base = range.end;
            taken = next;
        }
        self.replacements.drain(..taken);
        self.emit(frontier, out);
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
            lens.text.forget(open);
            lens.map.forget(open);
        }
    }
}
