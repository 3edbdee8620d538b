//! One text of an answer, arriving in pieces: what is held, what may leave, and what is replaced.

use std::ops::Range;

use super::cursor::{Cursor, Overrun, ViewText};
use super::lens::Lens;
use super::masks::{Masks, Priority, Replacement};
use crate::matcher::json::{self, Lexer, Place, Show};
use crate::matcher::{Automaton, Detector, View};
use crate::program::Program;
use crate::program::ir::DetectorId;
use crate::verdict::Verdict;

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
    /// Whether a rule that it triggers stops the answer, and nothing of its match may leave.
    pub(super) stops: bool,
    /// Whether a rule that it triggers replaces its match.
    pub(super) masks: bool,
    /// Whether a match may begin in a number of JSON text.
    in_numbers: bool,
    /// Whether a match may begin in `true`, `false` or `null` of JSON text.
    in_words: bool,
}

impl Watcher {
    /// A watcher that triggers no rule yet.
    pub(super) fn new(program: &Program, detector: DetectorId) -> Self {
        let automaton = program.detector(detector).and_then(|detector| detector.stream.as_ref());
        let begins_in = |bytes: &[u8]| {
            automaton.is_some_and(|automaton| bytes.iter().any(|byte| automaton.begins(*byte)))
        };
        Self {
            detector,
            rules: Vec::new(),
            holds: false,
            stops: false,
            masks: false,
            in_numbers: begins_in(json::NUMBER),
            in_words: begins_in(json::WORD),
        }
    }

    /// Notes a rule that it triggers, and what that comes to.
    pub(super) fn trigger(&mut self, rule: usize, verdict: Verdict) {
        self.rules.push(rule);
        self.holds |= verdict >= Verdict::Redact;
        self.stops |= verdict.stops();
        self.masks |= verdict == Verdict::Redact;
    }
}

/// A certain match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Index of the watcher.
    pub(super) watcher: usize,
    /// Bytes of the text as it arrived.
    pub(super) range: Range<usize>,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// All is well.
    Bounded,
    /// A match stayed possible for too long.
    TooLong,
}

/// Appends the marker for a replacement that stands for a text.
pub(super) type Mark<'a> = &'a mut dyn FnMut(&Replacement, &str, &mut String);

/// One text, arriving.
#[derive(Debug)]
pub(super) struct Stream {
    /// The text from `base` on that has not left yet.
    raw: String,
    base: usize,
    lenses: Vec<Lens>,
    /// Reads the text as JSON, when a lens does.
    lexer: Option<Lexer>,
    /// One per watcher, with the lens that it looks through.
    cursors: Vec<(usize, Cursor)>,
    /// Whether the text is complete.
    pub(super) finished: bool,
    masks: Masks,
}

impl Stream {
    /// A stream that nothing has come of yet; of a text that `is_json` every pattern sees the strings decoded.
    pub(super) fn new(program: &Program, watchers: &[Watcher], is_json: bool) -> Self {
        let mut lenses: Vec<Lens> = Vec::new();
        let mut cursors = Vec::new();
        for watcher in watchers {
            let detector = program.detector(watcher.detector);
            let view = detector.map_or(View::Folded, |detector| detector.view);
            let lens = lenses.iter().position(|lens| lens.view == view).unwrap_or_else(|| {
                lenses.push(Lens::new(view, is_json || view == View::Json));
                lenses.len() - 1
            });
            if let Some(lens) = lenses.get_mut(lens) {
                lens.behind = lens.behind.max(detector.map_or(1, Detector::looks_behind));
            }
            cursors.push((lens, Cursor::new(watcher.holds)));
        }
        let lexer = lenses.iter().any(|lens| lens.reads_json).then(Lexer::default);
        let (raw, masks) = (String::new(), Masks::default());
        Self { raw, base: 0, lenses, lexer, cursors, finished: false, masks }
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
        for lens in self.lenses.iter_mut().filter(|lens| !lens.reads_json) {
            lens.show(c, from..from + c.len_utf8());
        }
        self.read_json(|lexer, show| lexer.push(c, show));
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
        self.read_json(|lexer, show| lexer.finish(show));
        self.run(program, watchers, hits, Cursor::finish)
    }

    /// Reads on as JSON, and shows what was read to the lenses that see the text so.
    fn read_json(&mut self, read: impl FnOnce(&mut Lexer, Show<'_>)) {
        let Some(lexer) = &mut self.lexer else { return };
        let lenses = &mut self.lenses;
        read(lexer, &mut |c, raw| {
            for lens in lenses.iter_mut().filter(|lens| lens.reads_json) {
                lens.show(c, raw.clone());
            }
        });
        self.masks.settle(lexer.layout());
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
            let mut found = |range: Range<usize>| hits.push(Hit { watcher: index, range: lens.raw(range) });
            if go(cursor, detector, automaton, &lens.text, &mut found) == Overrun::Yes {
                held = Held::TooLong;
            }
        }
        held
    }

    /// Notes that a match is to be replaced.
    pub(super) fn mask(&mut self, hit: &Hit, priority: Priority) {
        let lens = self.cursors.get(hit.watcher).and_then(|(lens, _)| self.lenses.get(*lens));
        match &self.lexer {
            Some(lexer) if lens.is_some_and(|lens| lens.reads_json) => {
                self.masks.add_in(lexer.layout(), &hit.range, priority);
            }
            _ => self.replace(Replacement { range: hit.range.clone(), priority, place: Place::Plain }),
        }
    }

    /// Notes a replacement.
    pub(super) fn replace(&mut self, replacement: Replacement) {
        self.masks.add(replacement);
    }

    /// The first byte that cannot leave yet: one whose fate is open, or of a replacement that may still grow.
    fn held_from(&self, watchers: &[Watcher]) -> usize {
        self.masks.held_from(self.frontier(watchers))
    }

    /// The first byte whose fate is open.
    pub(super) fn frontier(&self, watchers: &[Watcher]) -> usize {
        let mut frontier = self.end();
        for ((lens, cursor), watcher) in self.cursors.iter().zip(watchers).filter(|(_, w)| w.holds) {
            let Some(lens) = self.lenses.get(*lens) else { continue };
            let open = lens.open_from(cursor.open_from());
            frontier = frontier.min(match &self.lexer {
                Some(lexer) if lens.reads_json => Self::open_in(lexer, watcher, open),
                _ => open.unwrap_or(frontier),
            });
        }
        let unfinished = self.lexer.as_ref().filter(|_| self.masks.waits());
        let scalar = unfinished.and_then(|lexer| lexer.layout().open_scalar());
        scalar.map_or(frontier, |start| frontier.min(start))
    }

    /// The first byte of JSON text whose fate is open for a watcher, of which all before `open` is decided; all that is
    /// shown when there is none.
    fn open_in(lexer: &Lexer, watcher: &Watcher, open: Option<usize>) -> usize {
        let at = open.or(lexer.pending());
        let replaced = match (at, lexer.scalar()) {
            // Structure is never replaced, and scalars are as a whole.
            (Some(at), _) => lexer.layout().replaced_from(at),
            // Nothing is possible yet. But a scalar may go on, and a match in it would replace all of it.
            (None, Some((start, json::Scalar::Number))) if watcher.in_numbers => start,
            (None, Some((start, json::Scalar::Word))) if watcher.in_words => start,
            (None, _) => usize::MAX,
        };
        match (watcher.stops, watcher.masks) {
            (true, true) => replaced.min(at.unwrap_or(usize::MAX)),
            (false, true) => replaced,
            (_, false) => at.unwrap_or(usize::MAX),
        }
    }

    /// Lets go of everything before `frontier`, replaced where it must be.
    pub(super) fn release(&mut self, frontier: usize, out: &mut String, mark: Mark<'_>) {
        for replacement in self.masks.take(frontier) {
            self.emit(replacement.range.start, out);
            let length = replacement.range.end.saturating_sub(self.base);
            mark(&replacement, self.raw.get(..length).unwrap_or_default(), out);
            self.raw.drain(..length.min(self.raw.len()));
            self.base = replacement.range.end;
        }
        self.emit(self.masks.held_from(frontier), out);
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
            lens.forget(open);
        }
        if let Some(lexer) = &mut self.lexer {
            lexer.forget(self.base);
        }
    }
}
