//! One walk over a text that says where each pattern of a view may match, so that only those places are searched.

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use std::collections::BTreeMap;

use super::atoms::{self, Cover};
use super::{Detector, View};

/// Hits that stand closer to each other than this are noted as one.
const NEAR: usize = 16;
/// Above this many bytes of atoms the walk goes by a smaller, slower automaton.
const MAX_DENSE: usize = 16 << 10;

/// How a detector comes to its matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// It is a list of words: its atoms are all of it, and what the walk hits is confirmed where it stands.
    Literal,
    /// The walk says where it may match.
    Gated,
    /// Nothing that it requires is rare: it searches every text from end to end.
    Always,
}

impl Tier {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Literal => "literal",
            Tier::Gated => "gated",
            Tier::Always => "always-on",
        }
    }
}

/// How a detector is gated.
#[derive(Clone, Debug)]
struct Gate {
    view: View,
    /// Which set of atoms of the view's walk.
    set: usize,
    least: usize,
    most: Option<usize>,
    tier: Tier,
    atoms: Vec<Vec<u8>>,
}

/// The walk of one view.
#[derive(Debug)]
struct Walk {
    view: View,
    automaton: AhoCorasick,
    /// Per atom, the sets that it belongs to.
    sets_of: Vec<Vec<usize>>,
    sets: usize,
}

/// The walks of a program, and what each detector takes from them.
#[derive(Debug, Default)]
pub struct Scanner {
    walks: Vec<Walk>,
    /// By detector.
    gates: Vec<Option<Gate>>,
}

/// Where the atoms of each set stand in one text.
#[derive(Debug)]
pub struct Scan {
    /// Per set, runs of positions; `None` when nothing was looked for, and so anything may be anywhere.
    runs: Option<Vec<Vec<Run>>>,
}

/// The first and the last of positions that are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    first: usize,
    last: usize,
}

/// A place to search: where matches may begin, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) from: usize,
    pub(super) upto: usize,
}

impl Scanner {
    /// The scanner of detectors in views with their atoms.
    pub fn new(patterns: Vec<(View, Option<Cover>)>) -> Self {
        let mut sets: BTreeMap<View, Vec<Vec<Vec<u8>>>> = BTreeMap::new();
        let mut gates = Vec::with_capacity(patterns.len());
        for (view, cover) in patterns {
            let gate = cover.map(|cover| {
                let sets = sets.entry(view).or_default();
                let atoms: Vec<Vec<u8>> = cover.atoms.into_iter().collect();
                let set = sets.iter().position(|other| *other == atoms).unwrap_or_else(|| {
                    sets.push(atoms.clone());
                    sets.len() - 1
                });
                let tier = if cover.whole { Tier::Literal } else { Tier::Gated };
                Gate { view, set, least: cover.least, most: cover.most, tier, atoms }
            });
            gates.push(gate);
        }
        let mut scanner = Self { walks: Vec::new(), gates };
        for (view, sets) in sets {
            match Walk::new(view, &sets) {
                Some(walk) => scanner.walks.push(walk),
                // Too many atoms for one automaton: everything is searched for everywhere.
                None => scanner.ungate(view),
            }
        }
        scanner
    }

    fn ungate(&mut self, view: View) {
        for gate in &mut self.gates {
            if gate.as_ref().is_some_and(|gate| gate.view == view) {
                *gate = None;
            }
        }
    }

    /// How a detector comes to its matches.
    pub fn tier(&self, detector: usize) -> Tier {
        self.gate(detector).map_or(Tier::Always, |gate| gate.tier)
    }

    /// The atoms of a detector: none when it is always on.
    pub fn atoms(&self, detector: usize) -> &[Vec<u8>] {
        self.gate(detector).map_or(&[], |gate| &gate.atoms)
    }

    /// Bytes of memory of a view's walk.
    pub fn memory(&self) -> usize {
        self.walks.iter().map(|walk| walk.automaton.memory_usage()).sum()
    }

    fn gate(&self, detector: usize) -> Option<&Gate> {
        self.gates.get(detector)?.as_ref()
    }

    /// Whether a scan of the view's texts tells anything of the detector.
    pub fn gates(&self, detector: usize) -> bool {
        self.gate(detector).is_some()
    }

    /// Walks over a text of a view.
    pub fn scan(&self, view: View, text: &str) -> Scan {
        let walk = self.walks.iter().find(|walk| walk.view == view);
        Scan { runs: walk.filter(|_| !atoms::has_twins(text)).map(|walk| walk.run(text)) }
    }

    #[cfg(test)]
    pub(super) fn windows(&self, index: usize, scan: &Scan, longest: Option<usize>) -> Option<usize> {
        let (gate, runs) = self.gate(index).zip(scan.runs.as_ref())?;
        Some(gate.windows(runs.get(gate.set)?, longest).len())
    }

    /// The matches of a detector in a text that was scanned: the same as those of [`Detector::find_all`].
    pub fn find_all(
        &self,
        (index, detector): (usize, &Detector),
        text: &str,
        scan: &Scan,
        found: impl FnMut(std::ops::Range<usize>),
    ) {
        let Some((gate, runs)) = self.gate(index).zip(scan.runs.as_ref()) else {
            return detector.find_all(text, found);
        };
        let runs = runs.get(gate.set).map_or(&[][..], Vec::as_slice);
        if !runs.is_empty() {
            detector.find_in(text, &gate.windows(runs, detector.longest), found);
        }
    }
}

impl Gate {
    /// Where to search: windows whose searches would overlap are one, so that no byte is searched twice.
    fn windows(&self, runs: &[Run], longest: Option<usize>) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::with_capacity(runs.len());
        for run in runs {
            let from = self.most.map_or(0, |most| run.first.saturating_sub(most));
            let upto = run.last.saturating_sub(self.least);
            windows.push(Window { from, upto: longest.map_or(usize::MAX, |_| upto) });
        }
        windows.sort_unstable();
        let reach = longest.unwrap_or(usize::MAX);
        windows.dedup_by(|next, last| {
            let joins = next.from <= last.upto.saturating_add(reach);
            if joins {
                last.upto = last.upto.max(next.upto);
            }
            joins
        });
        windows
    }
}

impl Walk {
    fn new(view: View, sets: &[Vec<Vec<u8>>]) -> Option<Self> {
        let mut atoms: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for (set, members) in sets.iter().enumerate() {
            for atom in members {
                atoms.entry(atom).or_default().push(set);
            }
        }
        let bytes: usize = atoms.keys().map(|atom| atom.len()).sum();
        let kind = if bytes <= MAX_DENSE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(aho_corasick::StartKind::Unanchored)
            .prefilter(false)
            .kind(Some(kind))
            .build(atoms.keys())
            .ok()?;
        Some(Self { view, automaton, sets_of: atoms.into_values().collect(), sets: sets.len() })
    }

    fn run(&self, text: &str) -> Vec<Vec<Run>> {
        let mut runs = vec![Vec::new(); self.sets];
        let mut state = OverlappingState::start();
        loop {
            self.automaton.find_overlapping(Input::new(text), &mut state);
            let Some(hit) = state.get_match() else { return runs };
            for set in self.sets_of.get(hit.pattern().as_usize()).into_iter().flatten() {
                if let Some(runs) = runs.get_mut(*set) {
                    note(runs, hit.start());
                }
            }
        }
    }
}

/// Notes a position. Positions come by where atoms end, so they go back by less than an atom's length.
fn note(runs: &mut Vec<Run>, at: usize) {
    match runs.last_mut() {
        Some(run) if at <= run.last + NEAR => {
            run.first = run.first.min(at);
            run.last = run.last.max(at);
        }
        _ => runs.push(Run { first: at, last: at }),
    }
}
