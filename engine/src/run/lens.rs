//! A text of an answer as the patterns of one view see it, while it arrives, and the matches that are still possible.

mod rows;

use std::ops::Range;

use super::cursor::{Cursor, Overrun};
use super::stream::Hit;
use super::view_text::ViewText;
use crate::matcher::view::PositionMap;
use crate::matcher::{Automaton, Detector, View, gate};
use crate::program::ir::DetectorId;
use crate::program::panel::{Panel, Sight, Watcher};
use crate::program::{Program, Starters};
use rows::Row;

/// A view of the text that some watcher needs.
#[derive(Clone, Debug)]
pub(super) struct Lens {
    pub(super) view: View,
    /// Whether it sees the text as JSON.
    pub(super) reads_json: bool,
    pub(super) text: ViewText,
    map: PositionMap,
    /// The detectors that read by themselves, since a match that began three bytes ago or more is possible.
    live: Vec<Live>,
    /// Those of which a match is possible that is no more yet than a row of bytes.
    rows: Vec<Row>,
    /// The bits of both.
    busy: Vec<u64>,
    /// By bit, up to where its detector has read by itself: what began before that is decided for it.
    since: Vec<usize>,
    /// What began with the last byte that was read, and with the one before it.
    begun: [u16; 2],
    /// The kind of the last byte.
    before: Option<usize>,
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

/// The states that a byte leads to: of what begins with it, of what began with the byte before it, and with the one before that.
struct Reached {
    /// The kind of the byte.
    kind: usize,
    one: u16,
    two: u16,
    three: u16,
}

impl Reached {
    /// The states in which detectors wake, by the bytes that they have read: a match that began earlier comes before one that
    /// begins later.
    #[inline]
    fn waking(&self) -> impl Iterator<Item = (usize, u16)> {
        let states = [(3, self.three), (2, self.two), (1, self.one)];
        states
            .into_iter()
            .filter(|(bytes, state)| *bytes == 3 && *state != gate::NOTHING || gate::wakes(*state))
    }
}

/// What waking detectors takes.
struct Waking<'w> {
    program: &'w Program,
    panel: &'w Panel,
    sight: &'w Sight,
    starters: &'w Starters,
    hits: &'w mut Vec<Hit>,
}

impl Lens {
    pub(super) fn new(view: View, reads_json: bool, panel: &Panel) -> Self {
        let sight = panel.sight(view);
        Self {
            view,
            reads_json,
            text: ViewText::default(),
            map: PositionMap::default(),
            live: Vec::new(),
            rows: Vec::new(),
            busy: vec![0; sight.map_or(0, |sight| sight.bits.len())],
            since: vec![0; sight.map_or(0, Sight::len)],
            begun: [gate::NOTHING; 2],
            before: None,
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

    /// Lets the detectors read on byte by byte to a place of the view, or to the first byte that makes a match certain.
    pub(super) fn read_bytes(
        &mut self,
        program: &Program,
        panel: &Panel,
        upto: usize,
        hits: &mut Vec<Hit>,
    ) -> Overrun {
        while self.text.end() < upto {
            self.pass(program, upto);
            if self.text.end() >= upto {
                break;
            }
            if self.read(program, panel, self.text.end() + 1, hits) == Overrun::Yes {
                return Overrun::Yes;
            }
            if !hits.is_empty() {
                break;
            }
        }
        Overrun::No
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
        for live in &mut self.live {
            if step(program, live, &self.text, &self.map, hits, Cursor::advance) == Overrun::Yes {
                over = Overrun::Yes;
            }
            changed |= live.cursor.is_idle();
        }
        if let (Some(sight), Some(starters)) =
            (panel.sight(self.view), program.starters.get(self.view.index()))
        {
            for at in from..upto {
                let Some(reached) = self.reach(&starters.gate, at) else { break };
                self.keep(&reached);
                if !self.rows.is_empty() {
                    let mut waking = Waking { program, panel, sight, starters, hits: &mut *hits };
                    changed |= self.end_rows(&mut waking, at, &mut over);
                }
                for (bytes, state) in reached.waking() {
                    let mut waking = Waking { program, panel, sight, starters, hits: &mut *hits };
                    changed |= self.wake(&mut waking, at + 1 - bytes.min(at + 1), (bytes, state), &mut over);
                }
            }
        }
        if changed {
            self.retire();
        }
        over
    }

    /// What the next byte of the text begins, and what goes on with it.
    #[inline]
    fn reach(&self, gate: &gate::Gate, at: usize) -> Option<Reached> {
        let kind = gate.kind(self.text.byte(at)?);
        let [last, earlier] = self.begun;
        let (one, two) = (gate.begin(self.before, kind), gate.second(last, kind));
        Some(Reached { kind, one, two, three: gate.third(earlier, kind) })
    }

    #[inline]
    fn keep(&mut self, reached: &Reached) {
        self.before = Some(reached.kind);
        self.begun = [reached.one, reached.two];
    }

    /// Takes bytes of the text with which no detector wakes, while none reads by itself, up to a place.
    fn pass(&mut self, program: &Program, upto: usize) {
        let Some(starters) = program.starters.get(self.view.index()).filter(|_| self.live.is_empty()) else {
            return;
        };
        let from = self.text.end();
        self.text.reveal(upto);
        for at in from..upto {
            let Some(reached) = self.reach(&starters.gate, at) else { break };
            if reached.waking().next().is_some() || !self.take_for_rows(program, at) {
                self.text.reveal(at);
                break;
            }
            self.keep(&reached);
        }
    }

    /// The text is complete: hands out every match that is left.
    pub(super) fn finish(&mut self, program: &Program, panel: &Panel, hits: &mut Vec<Hit>) -> Overrun {
        let mut over = Overrun::No;
        let end = self.text.end();
        let begun = std::mem::take(&mut self.begun);
        if let (Some(sight), Some(starters)) =
            (panel.sight(self.view), program.starters.get(self.view.index()))
        {
            for (bytes, state) in [2, 1].into_iter().zip(begun.into_iter().rev()) {
                let alive = starters.gate.begun(bytes, state).map_or(&[][..], |begun| &begun.alive);
                let mut waking = Waking { program, panel, sight, starters, hits: &mut *hits };
                for bit in alive {
                    self.wake_one(&mut waking, end.saturating_sub(bytes), usize::from(*bit), &mut over);
                }
            }
        }
        self.drop_rows(end);
        for live in &mut self.live {
            if step(program, live, &self.text, &self.map, hits, Cursor::finish) == Overrun::Yes {
                over = Overrun::Yes;
            }
        }
        self.retire();
        over
    }

    /// Wakes the detectors of a state for which a match that began at a place has to be followed by themselves. Says
    /// whether there were any.
    fn wake(
        &mut self,
        waking: &mut Waking<'_>,
        start: usize,
        (bytes, state): (usize, u16),
        over: &mut Overrun,
    ) -> bool {
        let Some(begun) = waking.starters.gate.begun(bytes, state) else { return false };
        let mut woken = false;
        for bit in &begun.wake {
            // A match that began earlier comes before this one.
            let gate = &waking.starters.gate;
            let earlier = bytes == 1
                && gate.begun(2, self.begun[1]).is_some_and(|begun| begun.alive.binary_search(bit).is_ok())
                && self.since.get(usize::from(*bit)).is_some_and(|since| *since < start);
            let start = if earlier { start - 1 } else { start };
            woken |= self.wake_one(waking, start, usize::from(*bit), over);
        }
        woken
    }

    /// Wakes a detector, unless it reads by itself or has read beyond that place.
    fn wake_one(&mut self, waking: &mut Waking<'_>, start: usize, bit: usize, over: &mut Overrun) -> bool {
        let (Some(index), Some(detector)) = (waking.sight.watcher(bit), waking.starters.detectors.get(bit))
        else {
            return false;
        };
        let Some(busy) = self.busy.get_mut(bit / 64) else { return false };
        if *busy >> (bit % 64) & 1 == 1 || self.since.get(bit).is_some_and(|since| *since > start) {
            return false;
        }
        *busy |= 1 << (bit % 64);
        if let Some(row) = self.row_from(waking.program, start, (bit, *detector)) {
            self.rows.push(row);
            return false;
        }
        let holds = waking.panel.watcher(index).is_some_and(Watcher::holds);
        let mut cursor = self.spare.pop().unwrap_or_default();
        cursor.wake(start, holds);
        let mut live = Live { bit, detector: *detector, watcher: index, cursor };
        if step(waking.program, &mut live, &self.text, &self.map, waking.hits, Cursor::advance)
            == Overrun::Yes
        {
            *over = Overrun::Yes;
        }
        self.live.push(live);
        true
    }

    /// Puts away the cursors for which nothing is possible any more.
    fn retire(&mut self) {
        let mut index = 0;
        while let Some(live) = self.live.get(index) {
            if !live.cursor.is_idle() {
                index += 1;
                continue;
            }
            // In which order they read does not matter.
            let Live { bit, cursor, .. } = self.live.swap_remove(index);
            self.let_go(bit, cursor.open_from());
            self.spare.push(cursor);
        }
    }

    /// A detector does not read by itself any more; what began before a place is decided for it.
    fn let_go(&mut self, bit: usize, since: usize) {
        if let Some(known) = self.since.get_mut(bit) {
            *known = since;
        }
        if let Some(word) = self.busy.get_mut(bit / 64) {
            *word &= !(1 << (bit % 64));
        }
    }

    /// The watchers for which a match is possible, each with the first byte of the text that is open for it.
    pub(super) fn open(&self, program: &Program, panel: &Panel) -> impl Iterator<Item = (usize, usize)> {
        let live = self.live.iter().filter_map(|live| {
            let open = live.cursor.open_from();
            (open < self.text.end()).then(|| (live.watcher, self.map.start(open)))
        });
        let starters = program.starters.get(self.view.index());
        let sight = panel.sight(self.view);
        let rows = self
            .rows
            .iter()
            .filter_map(move |row| Some((sight?.watcher(row.bit)?, self.map.start(row.start))));
        let begun = sight.zip(starters).into_iter().flat_map(move |(sight, starters)| {
            [(1, self.begun[0]), (2, self.begun[1])].into_iter().flat_map(move |(bytes, state)| {
                let start = self.text.end().saturating_sub(bytes);
                let alive = starters.gate.begun(bytes, state).map_or(&[][..], |begun| &begun.alive);
                let fresh =
                    alive.iter().map(|bit| usize::from(*bit)).filter(move |bit| self.waits(*bit, start));
                fresh.filter_map(move |bit| Some((sight.watcher(bit)?, self.map.start(start))))
            })
        });
        live.chain(rows).chain(begun)
    }

    /// Whether a detector does not read by itself, and what began at that place is open for it.
    fn waits(&self, bit: usize, start: usize) -> bool {
        let busy = self.busy.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        !busy && self.since.get(bit).is_none_or(|since| *since <= start)
    }

    /// The first byte of the text that is open for any watcher that holds text back, if there is one.
    pub(super) fn first_open(&self, program: &Program, panel: &Panel) -> Option<usize> {
        let (sight, starters) = (panel.sight(self.view)?, program.starters.get(self.view.index())?);
        if sight.holds.is_empty() {
            return None;
        }
        let holds = |watcher: usize| panel.watcher(watcher).is_some_and(Watcher::holds);
        let live = self.live.iter().filter(|live| holds(live.watcher)).map(|live| live.cursor.open_from());
        let rows =
            self.rows.iter().filter(|row| sight.watcher(row.bit).is_some_and(holds)).map(|row| row.start);
        let mut first = live.chain(rows).min().unwrap_or(usize::MAX);
        for (bytes, state) in [(2, self.begun[1]), (1, self.begun[0])] {
            let start = self.text.end().saturating_sub(bytes);
            if state == gate::NOTHING || start >= first {
                continue;
            }
            let alive = starters.gate.begun(bytes, state).map_or(&[][..], |begun| &begun.alive);
            let mut bits = alive.iter().map(|bit| usize::from(*bit));
            if bits.any(|bit| sight.watcher(bit).is_some_and(holds) && self.waits(bit, start)) {
                first = start;
            }
        }
        (first < self.text.end()).then(|| self.map.start(first))
    }

    /// Drops what no detector needs any more.
    pub(super) fn forget(&mut self, behind: usize) {
        // What began with the last two bytes may have to be read once more.
        let begun = self.begun.iter().rev().zip([2, 1]).find(|(state, _)| **state != gate::NOTHING);
        let begun = self.text.end().saturating_sub(begun.map_or(0, |(_, bytes)| bytes));
        let rows = self.rows.iter().map(|row| row.start);
        let open = self.live.iter().map(|live| live.cursor.open_from()).chain(rows).fold(begun, usize::min);
        self.text.forget(open, behind);
        self.map.forget(open);
    }
}

/// Lets one detector read.
#[inline]
fn step(
    program: &Program,
    live: &mut Live,
    text: &ViewText,
    map: &PositionMap,
    hits: &mut Vec<Hit>,
    read: impl FnOnce(&mut Cursor, &Detector, &Automaton, &ViewText, &mut dyn FnMut(Range<usize>)) -> Overrun,
) -> Overrun {
    let Some(detector) = program.detector(live.detector) else { return Overrun::No };
    let Some(automaton) = &detector.stream else { return Overrun::No };
    let watcher = live.watcher;
    read(&mut live.cursor, detector, automaton, text, &mut |range| {
        hits.push(Hit { watcher, range: map.start(range.start)..map.end(range.end) });
    })
}
