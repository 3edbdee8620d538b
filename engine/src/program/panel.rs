//! The detectors that watch an answer, sorted by the view that each looks through.

use std::sync::Arc;

use super::Program;
use super::ir::DetectorId;
use crate::matcher::View;
use crate::matcher::json::{self, Lexer, Scalar};
use crate::verdict::Verdict;

/// A detector that watches an answer.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    pub(crate) detector: DetectorId,
    /// The rules that it triggers.
    pub(crate) rules: Vec<usize>,
    pub(crate) hold: Hold,
}

/// What a watcher holds text back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// A rule that it triggers stops the answer, and nothing of its match may leave.
    stops: bool,
    /// A rule that it triggers replaces its match.
    masks: bool,
    /// A match may begin in a number of JSON text.
    in_numbers: bool,
    /// A match may begin in `true`, `false` or `null` of JSON text.
    in_words: bool,
}

impl Watcher {
    /// A watcher that triggers no rule yet.
    pub(crate) fn new(program: &Program, detector: DetectorId) -> Self {
        let automaton = program.detector(detector).and_then(|detector| detector.stream.as_ref());
        let begins_in = |bytes: &[u8]| {
            automaton.is_some_and(|automaton| bytes.iter().any(|byte| automaton.begins(*byte)))
        };
        let (in_numbers, in_words) = (begins_in(json::NUMBER), begins_in(json::WORD));
        let hold = Hold { stops: false, masks: false, in_numbers, in_words };
        Self { detector, rules: Vec::new(), hold }
    }

    /// Whether text is held back for it; flags delay nothing.
    pub(crate) fn holds(&self) -> bool {
        self.hold.stops || self.hold.masks
    }

    /// Notes a rule that it triggers, and what that comes to.
    pub(crate) fn trigger(&mut self, rule: usize, verdict: Verdict) {
        let place = self.rules.partition_point(|other| *other < rule);
        self.rules.insert(place, rule);
        self.hold.stops |= verdict.stops();
        self.hold.masks |= verdict == Verdict::Redact;
    }

    /// Takes over the rules of another watcher of the same detector.
    fn join(&mut self, other: Self) {
        self.rules.extend(other.rules);
        self.rules.sort_unstable();
        self.hold.stops |= other.hold.stops;
        self.hold.masks |= other.hold.masks;
    }
}

impl Hold {
    /// The first byte of JSON text whose fate is open, when all before `open` is decided; when there is no such place,
    /// all that is shown is.
    pub(crate) fn open_in(self, lexer: &Lexer, open: Option<usize>) -> usize {
        let at = open.or(lexer.pending());
        let replaced = match (at, lexer.scalar()) {
            // Structure is never replaced, and scalars are as a whole.
            (Some(at), _) => lexer.layout().replaced_from(at),
            // Nothing is possible yet. But a scalar may go on, and a match in it would replace all of it.
            (None, Some((start, Scalar::Number))) if self.in_numbers => start,
            (None, Some((start, Scalar::Word))) if self.in_words => start,
            (None, _) => usize::MAX,
        };
        match (self.stops, self.masks) {
            (true, true) => replaced.min(at.unwrap_or(usize::MAX)),
            (false, true) => replaced,
            (_, false) => at.unwrap_or(usize::MAX),
        }
    }
}

/// The watchers of one answer, sorted by detector.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    pub(crate) watchers: Vec<Watcher>,
    /// By view.
    sights: Vec<Sight>,
}

/// The watchers that look through one view.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// By bit of the view's gate, which watcher that is.
    watchers: Vec<Option<usize>>,
    /// The bits that are watchers.
    pub(crate) bits: Vec<u64>,
    /// Bytes before a match that detectors look at.
    pub(crate) behind: usize,
    /// What those that hold text back do so for, each once.
    pub(crate) holds: Vec<Hold>,
}

impl Panel {
    pub(crate) fn new(program: &Program, mut watchers: Vec<Watcher>) -> Self {
        watchers.sort_by_key(|watcher| watcher.detector);
        let sights = View::ALL.iter().map(|view| Sight::new(program, *view, &watchers)).collect();
        Self { watchers, sights }
    }

    /// These watchers and more.
    pub(crate) fn with(&self, program: &Program, more: impl Iterator<Item = Watcher>) -> Self {
        let mut watchers = self.watchers.clone();
        for watcher in more {
            match self.index_of(watcher.detector).and_then(|known| watchers.get_mut(known)) {
                Some(known) => known.join(watcher),
                None => watchers.push(watcher),
            }
        }
        Self::new(program, watchers)
    }

    /// The views that are looked through.
    pub(crate) fn views(&self) -> impl Iterator<Item = View> {
        let views = View::ALL.into_iter().zip(&self.sights);
        views.filter(|(_, sight)| !sight.is_empty()).map(|(view, _)| view)
    }

    /// The watchers that look through a view.
    pub(crate) fn sight(&self, view: View) -> Option<&Sight> {
        self.sights.get(view.index())
    }

    pub(crate) fn watcher(&self, index: usize) -> Option<&Watcher> {
        self.watchers.get(index)
    }

    /// The place of a detector's watcher.
    pub(crate) fn index_of(&self, id: DetectorId) -> Option<usize> {
        place(&self.watchers, id)
    }
}

impl Sight {
    fn new(program: &Program, view: View, watchers: &[Watcher]) -> Self {
        let mut sight = Self { behind: 1, ..Self::default() };
        let detectors = program.starters.get(view.index()).map_or(&[][..], |starters| &starters.detectors);
        sight.bits = vec![0; detectors.len().div_ceil(64)];
        for (bit, detector) in detectors.iter().enumerate() {
            let index = place(watchers, *detector);
            sight.watchers.push(index);
            let Some(watcher) = index.and_then(|index| watchers.get(index)) else { continue };
            if let Some(word) = sight.bits.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            let behind = program.detector(*detector).map_or(1, |detector| detector.looks_behind());
            sight.behind = sight.behind.max(behind);
            if watcher.holds() && !sight.holds.contains(&watcher.hold) {
                sight.holds.push(watcher.hold);
            }
        }
        sight
    }

    /// How many bits there are.
    pub(crate) fn len(&self) -> usize {
        self.watchers.len()
    }

    fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    /// The watcher of a bit.
    pub(crate) fn watcher(&self, bit: usize) -> Option<usize> {
        self.watchers.get(bit).copied().flatten()
    }
}

/// The place of a detector among watchers that are sorted by theirs.
fn place(watchers: &[Watcher], id: DetectorId) -> Option<usize> {
    watchers.binary_search_by_key(&id, |watcher| watcher.detector).ok()
}

/// What the answers of all exchanges have in common.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The watchers for the rules that no request changes.
    pub(crate) panel: Arc<Panel>,
    /// The places among [`Program::response`] of all others.
    pub(crate) open: Vec<usize>,
}
