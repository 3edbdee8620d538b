//! One text of an answer, arriving in pieces: what is held, what may leave, and what is replaced.

use std::ops::Range;

use super::cursor::Overrun;
use super::lens::Lens;
use super::masks::{Masks, Priority, Replacement};
use crate::matcher::View;
use crate::matcher::json::{Lexer, Place, Show};
use crate::program::Program;
use crate::program::panel::{Panel, Watcher};

/// The most bytes of a text that are held back for matches that are still possible.
const MAX_HELD: usize = 64 << 10;

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

/// The most bytes that are taken at once.
const RUN: usize = 1024;

/// One text, arriving.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// The text from `base` on that has not left yet.
    raw: String,
    base: usize,
    /// Position after the last byte that detectors have read.
    read: usize,
    /// Whether what they have not read yet is the same in every view, byte for byte.
    plain: bool,
    lenses: Vec<Lens>,
    /// Reads the text as JSON, when a lens does.
    lexer: Option<Lexer>,
    /// Whether the text is complete.
    pub(super) finished: bool,
    masks: Masks,
}

impl Stream {
    /// A stream that nothing has come of yet; of a text that `is_json` every pattern sees the strings decoded.
    pub(super) fn new(panel: &Panel, is_json: bool) -> Self {
        let lens = |view| Lens::new(view, is_json || view == View::Json, panel);
        let lenses: Vec<Lens> = panel.views().map(lens).collect();
        let lexer = lenses.iter().any(|lens| lens.reads_json).then(Lexer::default);
        let (raw, masks) = (String::new(), Masks::default());
        Self { raw, base: 0, read: 0, plain: false, lenses, lexer, finished: false, masks }
    }

    /// Bytes held back.
    pub(super) fn held(&self) -> usize {
        self.raw.len()
    }

    /// Position after the last byte that arrived.
    fn end(&self) -> usize {
        self.base + self.raw.len()
    }

    /// Takes the beginning of a text, to be read next, and says how many bytes of it: a character, or a run of such as
    /// every view shows as they are.
    pub(super) fn take(&mut self, text: &str) -> usize {
        let ascii = || text.bytes().take(RUN).take_while(u8::is_ascii).count();
        let run = if self.lexer.is_none() { ascii() } else { 0 };
        if let Some(run) = text.get(..run).filter(|run| !run.is_empty()) {
            self.plain = true;
            self.raw.push_str(run);
            self.lenses.iter_mut().for_each(|lens| lens.text.push(run.as_bytes()));
            return run.len();
        }
        let Some(c) = text.chars().next() else { return 0 };
        self.plain = false;
        let from = self.end();
        self.raw.push(c);
        for lens in self.lenses.iter_mut().filter(|lens| !lens.reads_json) {
            lens.show(c, from..from + c.len_utf8());
        }
        self.read_json(|lexer, show| lexer.push(c, show));
        c.len_utf8()
    }

    /// Reads on to the end of what was taken, or to the first character that makes matches certain, and hands these out.
    /// All detectors see a character before any sees the next, so that what is certain at a place never depends on how
    /// the text was cut.
    pub(super) fn advance(&mut self, program: &Program, panel: &Panel, hits: &mut Vec<Hit>) -> Held {
        while self.read < self.end() {
            let held = match self.lenses.as_mut_slice() {
                // One view sees a run at a time, as far as the bounds below need no look.
                [lens] if self.plain && self.read - self.base < MAX_HELD => {
                    let run = self.base + MAX_HELD.min(self.raw.len()) - self.read;
                    let from = lens.text.end();
                    let over = lens.read_bytes(program, panel, from + run, hits);
                    self.read += lens.text.end() - from;
                    over
                }
                _ => self.read_character(program, panel, hits),
            };
            // Characters that a view drops lengthen no match in the view, and replacements may join without end: both are
            // bounded here. What has arrived since the last release depends on the cuts, but is never less than what is
            // held, so the outcome does not.
            let too_much =
                self.read - self.base > MAX_HELD && self.read - self.held_from(program, panel) > MAX_HELD;
            let held = if held == Overrun::Yes || too_much { Held::TooLong } else { Held::Bounded };
            if !hits.is_empty() || held == Held::TooLong {
                hits.sort_by_key(|hit| hit.watcher);
                return held;
            }
        }
        Held::Bounded
    }

    /// Lets all views see the next character.
    fn read_character(&mut self, program: &Program, panel: &Panel, hits: &mut Vec<Hit>) -> Overrun {
        self.read = if self.plain { self.read + 1 } else { self.end() };
        let mut over = Overrun::No;
        for lens in &mut self.lenses {
            let upto = if self.plain { lens.text.end() + 1 } else { lens.text.whole_end() };
            if lens.read(program, panel, upto, hits) == Overrun::Yes {
                over = Overrun::Yes;
            }
        }
        over
    }

    /// Whether all that was taken is read.
    pub(super) fn is_read(&self) -> bool {
        self.read == self.end()
    }

    /// The text is complete.
    pub(super) fn finish(&mut self, program: &Program, panel: &Panel, hits: &mut Vec<Hit>) -> Held {
        self.finished = true;
        self.read_json(|lexer, show| lexer.finish(show));
        let mut held = Held::Bounded;
        for lens in &mut self.lenses {
            let shown = lens.read(program, panel, lens.text.whole_end(), hits);
            if shown == Overrun::Yes || lens.finish(program, panel, hits) == Overrun::Yes {
                held = Held::TooLong;
            }
        }
        hits.sort_by_key(|hit| hit.watcher);
        held
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

    /// Notes that a match is to be replaced.
    pub(super) fn mask(&mut self, hit: &Hit, view: View, priority: Priority) {
        let lens = self.lenses.iter().find(|lens| lens.view == view);
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
    fn held_from(&self, program: &Program, panel: &Panel) -> usize {
        self.masks.held_from(self.frontier(program, panel))
    }

    /// The first byte whose fate is open.
    pub(super) fn frontier(&self, program: &Program, panel: &Panel) -> usize {
        let mut frontier = self.read;
        for lens in &self.lenses {
            let Some(lexer) = self.lexer.as_ref().filter(|_| lens.reads_json) else {
                frontier = frontier.min(lens.first_open(program, panel).unwrap_or(usize::MAX));
                continue;
            };
            for (watcher, open) in lens.open(program, panel) {
                if let Some(watcher) = panel.watcher(watcher).filter(|watcher| watcher.holds()) {
                    frontier = frontier.min(watcher.hold.open_in(lexer, Some(open)));
                }
            }
            // Those for which nothing is possible yet.
            if let Some(sight) = panel.sight(lens.view) {
                let open = sight.holds.iter().map(|hold| hold.open_in(lexer, None));
                frontier = open.fold(frontier, usize::min);
            }
        }
        let unfinished = self.lexer.as_ref().filter(|_| self.masks.waits());
        let scalar = unfinished.and_then(|lexer| lexer.layout().open_scalar());
        scalar.map_or(frontier, |start| frontier.min(start))
    }

    /// The watcher whose open match begins first, if any holds text back.
    pub(super) fn holder(&self, program: &Program, panel: &Panel) -> Option<usize> {
        let holds = |watcher: usize| panel.watcher(watcher).is_some_and(Watcher::holds);
        let open = self
            .lenses
            .iter()
            .flat_map(|lens| lens.open(program, panel))
            .filter(|(watcher, _)| holds(*watcher));
        open.min_by_key(|(watcher, open)| (*open, *watcher)).map(|(watcher, _)| watcher)
    }

    /// Lets go of everything before `frontier`, replaced where it must be.
    pub(super) fn release(&mut self, panel: &Panel, frontier: usize, out: &mut String, mark: Mark<'_>) {
        let mut left = 0;
        for replacement in self.masks.take(frontier) {
            left = self.emit(left, replacement.range.start, out);
            let end = replacement.range.end.saturating_sub(self.base).min(self.raw.len());
            mark(&replacement, self.raw.get(left..end).unwrap_or_default(), out);
            left = end;
        }
        left = self.emit(left, self.masks.held_from(frontier), out);
        if left == self.raw.len() {
            self.raw.clear();
        } else if left > 0 {
            self.raw.drain(..left);
        }
        self.base += left;
        self.forget(panel);
    }

    /// Appends what is held from `left` on and lies before `upto`; gives where that ends.
    fn emit(&self, left: usize, upto: usize, out: &mut String) -> usize {
        let mut end = upto.saturating_sub(self.base).min(self.raw.len());
        while !self.raw.is_char_boundary(end) {
            end -= 1;
        }
        out.push_str(self.raw.get(left..end).unwrap_or_default());
        end.max(left)
    }

    /// Drops what no detector needs any more.
    pub(super) fn forget(&mut self, panel: &Panel) {
        for lens in &mut self.lenses {
            lens.forget(panel.sight(lens.view).map_or(1, |sight| sight.behind));
        }
        if let Some(lexer) = &mut self.lexer {
            lexer.forget(self.base);
        }
    }
}
