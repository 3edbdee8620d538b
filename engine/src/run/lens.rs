//! A text of an answer as the patterns of one view see it, while it arrives, and the matches that are still possible.

use std::ops::Range;

use super::cursor::{Cursor, Overrun, ViewText};
use super::panel::{Panel, Sight, Watcher};
use super::stream::Hit;
use crate::matcher::view::PositionMap;
use crate::matcher::{Automaton, Detector, View};
use crate::program::Program;
use crate::program::ir::DetectorId;

/// A view of the text that some watcher needs.
#[derive(Clone, Debug)]
pub(super) struct Lens {
    pub(super) view: View,
    /// Whether it sees the text as JSON.
    pub(super) reads_json: bool,
    pub(super) text: ViewText,
    map: PositionMap,
    /// The detectors for which a match is possible, sorted. All others have read what is shown, and wait for a byte at
    /// which they can begin.
    live: Vec<Live>,
    /// The bits of those.
    busy: Vec<u64>,
    /// Cursors that are not needed at the moment.
    spare: Vec<Cursor>,
}

/// A detector for which a match is possible.
#[derive(Clone, Debug)]
struct Live {
    /// Its bit in the view's gate.
    bit: usize,
    detector: DetectorId,
    /// Its watcher.
    watcher: usize,
    cursor: Cursor,
}

/// Reads on in the text of a view.
type Read = fn(&mut Cursor, &Detector, &Automaton, &ViewText, &mut dyn FnMut(Range<usize>)) -> Overrun;

impl Lens {
    pub(super) fn new(view: View, reads_json: bool, panel: &Panel) -> Self {
        let words = panel.sight(view).map_or(0, |sight| sight.bits.len());
        Self {
            view,
            reads_json,
            text: ViewText::default(),
            map: PositionMap::default(),
            live: Vec::new(),
            busy: vec![0; words],
            spare: Vec::new(),
        }
    }

    /// Shows the next character, which was written in these bytes of the text.
    pub(super) fn show(&mut self, c: char, raw: Range<usize>) {
        let at = self.text.whole_end();
        let mut encoded = [0; 4];
        let stays = self.view.map(c, |part| self.text.push(part.encode_utf8(&mut encoded).as_bytes()));
        if !stays || raw.len() != c.len_utf8() {
            self.map.push(at..self.text.whole_end(), raw);
        }
    }

    /// Lets the detectors read on to a place of the view, and hands out the matches that are certain then.
    pub(super) fn read(
        &mut self,
        program: &Program,
        panel: &Panel,
        upto: usize,
        hits: &mut Vec<Hit>,
    ) -> Overrun {
        let from = self.text.end();
        self.text.reveal(upto);
        let mut over = Overrun::No;
        let mut changed = false;
        if !self.live.is_empty() {
            over = self.each(program, hits, Cursor::advance);
            changed = self.live.iter().any(|live| live.cursor.is_idle());
        }
        if let Some(sight) = panel.sight(self.view) {
            for at in from..upto {
                changed |= self.begin(program, panel, sight, at, hits, &mut over);
            }
        }
        if changed {
            self.retire();
        }
        over
    }

    /// The text is complete: hands out every match that is left.
    pub(super) fn finish(&mut self, program: &Program, hits: &mut Vec<Hit>) -> Overrun {
        let over = self.each(program, hits, Cursor::finish);
        self.retire();
        over
    }

    /// Lets every live detector read.
    fn each(&mut self, program: &Program, hits: &mut Vec<Hit>, read: Read) -> Overrun {
        let mut over = Overrun::No;
        for live in &mut self.live {
            if step(program, live, &self.text, &self.map, hits, read) == Overrun::Yes {
                over = Overrun::Yes;
            }
        }
        over
    }

    /// Wakes the detectors that can begin at a byte. Says whether there were any.
    fn begin(
        &mut self,
        program: &Program,
        panel: &Panel,
        sight: &Sight,
        at: usize,
        hits: &mut Vec<Hit>,
        over: &mut Overrun,
    ) -> bool {
        let (Some(byte), Some(starters)) = (self.text.byte(at), program.starters.get(self.view.index()))
        else {
            return false;
        };
        let before = at.checked_sub(1).and_then(|before| self.text.byte(before));
        let mut woken = false;
        for (word, row) in starters.gate.at(before, byte).iter().enumerate() {
            let (Some(bits), Some(busy)) = (sight.bits.get(word), self.busy.get_mut(word)) else { continue };
            let mut begins = row & bits & !*busy;
            *busy |= begins;
            while begins != 0 {
                let bit = word * 64 + begins.trailing_zeros() as usize;
                begins &= begins - 1;
                let (Some(index), Some(detector)) = (sight.watcher(bit), starters.detectors.get(bit)) else {
                    continue;
                };
                let holds = panel.watcher(index).is_some_and(Watcher::holds);
                let mut cursor = self.spare.pop().unwrap_or_default();
                cursor.wake(at, holds);
                let mut live = Live { bit, detector: *detector, watcher: index, cursor };
                if step(program, &mut live, &self.text, &self.map, hits, Cursor::advance) == Overrun::Yes {
                    *over = Overrun::Yes;
                }
                let place = self.live.partition_point(|other| other.bit < bit);
                self.live.insert(place, live);
                woken = true;
            }
        }
        woken
    }

    /// Puts away the cursors for which nothing is possible any more.
    fn retire(&mut self) {
        let mut kept = 0;
        for index in 0..self.live.len() {
            let idle = self.live.get(index).is_none_or(|live| live.cursor.is_idle());
            if !idle {
                self.live.swap(kept, index);
                kept += 1;
            }
        }
        self.spare.extend(self.live.drain(kept..).map(|live| live.cursor));
        self.busy.fill(0);
        for live in &self.live {
            if let Some(word) = self.busy.get_mut(live.bit / 64) {
                *word |= 1 << (live.bit % 64);
            }
        }
    }

    /// The watchers for which a match is possible, each with the first byte of the text that is open for it.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, usize)> {
        self.live.iter().filter_map(|live| {
            let open = live.cursor.open_from();
            (open < self.text.end()).then(|| (live.watcher, self.map.start(open)))
        })
    }

    /// Drops what no detector needs any more.
    pub(super) fn forget(&mut self, behind: usize) {
        let open = self.live.iter().map(|live| live.cursor.open_from()).min().unwrap_or(self.text.end());
        self.text.forget(open, behind);
        self.map.forget(open);
    }
}

/// Lets one detector read.
fn step(
    program: &Program,
    live: &mut Live,
    text: &ViewText,
    map: &PositionMap,
    hits: &mut Vec<Hit>,
    read: Read,
) -> Overrun {
    let Some(detector) = program.detector(live.detector) else { return Overrun::No };
    let Some(automaton) = &detector.stream else { return Overrun::No };
    let watcher = live.watcher;
    read(&mut live.cursor, detector, automaton, text, &mut |range| {
        hits.push(Hit { watcher, range: map.start(range.start)..map.end(range.end) });
    })
}
