//! One detector on one stream: which matches are still possible, and which are certain.
//!
//! A thread is a match that began somewhere and is still possible. The earliest live thread is precisely the first
//! byte whose fate is open, so everything before it can go. Threads in equal automaton states share their future, so
//! the earliest of them stands for all. Every step takes one byte, so the outcome depends on the text alone and not on
//! how it was cut.

use std::ops::Range;

use regex_automata::util::primitives::StateID;

use super::view_text::ViewText;
use crate::matcher::near::begins_character;
use crate::matcher::{Automaton, Detector, MAX_MATCH};

/// Up to so many threads each is compared with every other.
const FEW: usize = 6;
/// Places of the table that more of them are looked up in, and how many it takes.
const PLACES: usize = 256;
const MOST: usize = 192;

/// A match that is still possible.
#[derive(Clone, Copy, Debug)]
struct Thread {
    start: usize,
    state: StateID,
    /// Where the match ends, if nothing longer comes.
    candidate: Option<usize>,
    /// Whether nothing longer can come.
    done: bool,
}

impl Thread {
    fn new(start: usize, state: StateID) -> Self {
        Self { start, state, candidate: None, done: false }
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overrun {
    /// All is well.
    No,
    /// A match stayed possible for longer than [`MAX_MATCH`].
    Yes,
}

/// One detector's place in a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// Whether text is held back for its detector.
    holds: bool,
    threads: Vec<Thread>,
    /// The next byte to read.
    pos: usize,
    /// Whether any thread has a candidate.
    ends: bool,
    /// A match that passes its checks, and of which it is not known yet what stands after it.
    waiting: Option<Waiting>,
}

/// A match for which more text must come.
#[derive(Clone, Debug)]
struct Waiting {
    matched: Range<usize>,
    /// The part of it that was found.
    part: Range<usize>,
    /// The characters that are still to be known, and where they begin.
    missing: usize,
    seen: usize,
}

impl Waiting {
    /// Whether enough has come: all characters, and a byte more for boundaries.
    fn is_over(&mut self, view: &ViewText) -> bool {
        while let Some(byte) = view.byte(self.seen) {
            if begins_character(byte) {
                if self.missing == 0 {
                    return true;
                }
                self.missing -= 1;
            }
            self.seen += 1;
        }
        false
    }
}

/// The state after the first byte of a match that begins at a place, if one can.
#[inline]
pub(super) fn begun(automaton: &Automaton, view: &ViewText, at: usize, byte: u8) -> Option<StateID> {
    let look_behind = at.checked_sub(1).and_then(|before| view.byte(before));
    let state = automaton.next(automaton.start(look_behind), byte);
    (!automaton.is_dead(state)).then_some(state)
}

impl Cursor {
    /// Begins to read at a place, before which nothing is possible any more.
    pub(super) fn wake(&mut self, at: usize, holds: bool) {
        self.holds = holds;
        self.go_on(at);
    }

    /// Whether nothing is possible, so that it need not be asked before a byte at which a match can begin.
    pub(super) fn is_idle(&self) -> bool {
        self.threads.is_empty() && self.waiting.is_none()
    }

    /// The first byte of the view whose fate is open; everything before it is decided.
    pub(super) fn open_from(&self) -> usize {
        self.threads.first().map_or(self.pos, |thread| thread.start)
    }

    /// Reads on to the end of the view's text, handing out every match that is certain.
    pub(super) fn advance(
        &mut self,
        detector: &Detector,
        automaton: &Automaton,
        view: &ViewText,
        found: &mut dyn FnMut(Range<usize>),
    ) -> Overrun {
        loop {
            if let Some(waiting) = &mut self.waiting {
                if !waiting.is_over(view) {
                    return Overrun::No;
                }
                self.decide(detector, view, found);
            }
            let Some(byte) = view.byte(self.pos) else { return Overrun::No };
            if self.goes_on(automaton, view, byte) {
                continue;
            }
            self.step(automaton, view, byte);
            self.settle(detector, view, found);
            if self.threads.first().is_some_and(|thread| self.pos - thread.start > MAX_MATCH) {
                if self.holds {
                    return Overrun::Yes;
                }
                self.give_up();
                self.settle(detector, view, found);
            }
        }
    }

    /// Takes a byte with which little happens: one match is possible and stays so, and none begins, or none is possible and one
    /// begins at most. It is what most bytes come to.
    #[inline]
    fn goes_on(&mut self, automaton: &Automaton, view: &ViewText, byte: u8) -> bool {
        let is_plain = |state| !automaton.is_special(state) && !automaton.is_decided(state);
        let begun = || automaton.begins(byte).then(|| begun(automaton, view, self.pos, byte)).flatten();
        match self.threads.as_mut_slice() {
            [] => match begun() {
                None => {}
                Some(state) if is_plain(state) => self.threads.push(Thread::new(self.pos, state)),
                Some(_) => return false,
            },
            [only] => {
                if only.done || self.ends || self.pos - only.start >= MAX_MATCH {
                    return false;
                }
                let next = automaton.next(only.state, byte);
                if !is_plain(next) || begun().is_some() {
                    return false;
                }
                only.state = next;
            }
            _ => return false,
        }
        self.pos += 1;
        true
    }

    /// The text is complete: hands out every match that is left.
    pub(super) fn finish(
        &mut self,
        detector: &Detector,
        automaton: &Automaton,
        view: &ViewText,
        found: &mut dyn FnMut(Range<usize>),
    ) -> Overrun {
        loop {
            if self.advance(detector, automaton, view, found) == Overrun::Yes {
                return Overrun::Yes;
            }
            if self.waiting.is_some() {
                self.decide(detector, view, found);
                continue;
            }
            for thread in self.threads.iter_mut().filter(|thread| !thread.done) {
                if automaton.is_match(automaton.end(thread.state)) {
                    thread.candidate = Some(view.end());
                    self.ends = true;
                }
                thread.done = true;
            }
            self.threads.retain(|thread| thread.candidate.is_some());
            self.threads.truncate(1);
            if self.threads.is_empty() {
                return Overrun::No;
            }
            self.settle(detector, view, found);
        }
    }

    /// Ends the wait of the earliest match that is still possible: what it has matched so far is the match, or it is
    /// none. For detectors that hold nothing back, and so cannot be made to stop an answer.
    fn give_up(&mut self) {
        match self.threads.first_mut() {
            Some(first) if first.candidate.is_some() => first.done = true,
            Some(_) => drop(self.threads.remove(0)),
            None => {}
        }
    }

    fn step(&mut self, automaton: &Automaton, view: &ViewText, byte: u8) {
        let at = self.pos;
        self.pos += 1;
        let mut died = false;
        for thread in self.threads.iter_mut().filter(|thread| !thread.done) {
            thread.state = automaton.next(thread.state, byte);
            if automaton.is_special(thread.state) {
                if automaton.is_match(thread.state) {
                    thread.candidate = Some(at);
                    thread.done = automaton.is_last(thread.state);
                    self.ends = true;
                } else if automaton.is_dead(thread.state) {
                    thread.done = true;
                    died = true;
                }
            }
        }
        if died {
            self.threads.retain(|thread| !thread.done || thread.candidate.is_some());
        }
        if self.ends {
            // That one surely matches; what begins later is looked at again after its end.
            let first = self.threads.iter().position(|thread| thread.candidate.is_some());
            self.threads.truncate(first.map_or(usize::MAX, |first| first + 1));
        } else if automaton.begins(byte) {
            self.spawn(automaton, view, at, byte);
        }
        self.merge(automaton);
        if let Some(first) = self.threads.first_mut()
            && !first.done
            && automaton.is_decided(first.state)
        {
            first.candidate = Some(at + 1);
            first.done = true;
            self.ends = true;
        }
    }

    fn spawn(&mut self, automaton: &Automaton, view: &ViewText, at: usize, byte: u8) {
        if let Some(state) = begun(automaton, view, at, byte) {
            self.threads.push(Thread::new(at, state));
        }
    }

    /// Of threads in equal states the earliest stays: they have the same future, and the leftmost match wins. A later
    /// one that has a candidate stays too, since the earlier one may still come to nothing.
    fn merge(&mut self, automaton: &Automaton) {
        match self.threads.len() {
            0 | 1 => {}
            few if few <= FEW => self.merge_few(),
            _ => self.merge_many(automaton),
        }
    }

    /// As `merge`, with a look at a small table for each thread in place of one at every other thread.
    fn merge_many(&mut self, automaton: &Automaton) {
        // Of each place, one more than the thread that is there.
        let mut table = [0_u8; PLACES];
        let mut kept = 0;
        for i in 0..self.threads.len() {
            let Some(thread) = self.threads.get(i).copied() else { break };
            let mut place = automaton.ordinal(thread.state) % PLACES;
            let mut same = false;
            if !thread.done {
                // Three quarters full at most: the walk ends at an empty place.
                while let Some(other) = table.get(place).and_then(|at| at.checked_sub(1)) {
                    let other = self.threads.get(usize::from(other));
                    if other.is_some_and(|other| other.state == thread.state) {
                        same = true;
                        break;
                    }
                    place = (place + 1) % PLACES;
                }
            }
            if same && thread.candidate.is_none() {
                continue;
            }
            if let Some(slot) = self.threads.get_mut(kept) {
                *slot = thread;
            }
            kept += 1;
            if let Some(slot) = table.get_mut(place).filter(|_| !same && !thread.done && kept <= MOST) {
                *slot = u8::try_from(kept).unwrap_or(u8::MAX);
            }
        }
        self.threads.truncate(kept);
    }

    fn merge_few(&mut self) {
        let mut kept = 0;
        for i in 0..self.threads.len() {
            let Some(thread) = self.threads.get(i).copied() else { break };
            let earlier = self.threads.get(..kept).unwrap_or_default();
            let same = earlier.iter().any(|other| other.state == thread.state && !other.done && !thread.done);
            if !same || thread.candidate.is_some() {
                if let Some(slot) = self.threads.get_mut(kept) {
                    *slot = thread;
                }
                kept += 1;
            }
        }
        self.threads.truncate(kept);
    }

    /// Takes what is certain off the front: a match that passes its checks is handed out, and reading goes on after
    /// it; one that fails them is not a match, and reading goes on as far after its start as the checks say.
    fn settle(&mut self, detector: &Detector, view: &ViewText, found: &mut dyn FnMut(Range<usize>)) {
        let Some(first) = self.threads.first().copied().filter(|thread| thread.done) else { return };
        let Some(end) = first.candidate else { return };
        let matched = first.start..end;
        match view.check(detector, &matched) {
            Ok(part)
                if detector
                    .near
                    .iter()
                    .all(|near| near.stands_before(view.shown(), &view.here(&matched))) =>
            {
                self.go_on(end);
                found(part);
            }
            Ok(part) => {
                self.threads.truncate(1);
                self.waiting = Some(Waiting { matched, part, missing: detector.reach(), seen: end });
            }
            Err(skip) => self.go_on(matched.start + skip),
        }
    }

    /// What comes of the match that was waited for, now that it is known what stands after it.
    fn decide(&mut self, detector: &Detector, view: &ViewText, found: &mut dyn FnMut(Range<usize>)) {
        let Some(Waiting { matched, part, .. }) = self.waiting.take() else { return };
        let here = view.here(&matched);
        self.go_on(matched.end);
        if detector.has_near(view.shown(), &here) {
            found(part);
        }
    }

    /// Reading goes on at `pos`, as if nothing had been possible before.
    fn go_on(&mut self, pos: usize) {
        self.threads.clear();
        self.ends = false;
        self.pos = pos;
    }
}
