//! One walk over a text that says where each pattern may match, so that only those places are searched.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Detector;
use super::atoms::{self, Cover};
use super::doors::{self, Doors};
use super::probe::Probe;
use super::runs::{Run, Runs};
use super::sweep::Sweep;

/// Where matches may begin at more places than this around an atom, all of them are searched at once.
const NARROW: usize = 128;

/// How a detector comes to its matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// It is a list of words: its atoms are all of it, and what the walk hits is confirmed where it stands.
    Literal,
    /// The walk says where it may match.
    Gated,
    /// Nothing that it requires is rare: the bytes at which it can begin say where it may match.
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

/// What the scanner knows of a detector.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// Its atoms, if it has any.
    pub cover: Option<Cover>,
    /// Its probe, if it may be looked for by it.
    pub probe: Option<Arc<Probe>>,
}

/// How a detector is gated.
#[derive(Clone, Debug)]
enum Gate {
    Atoms(AtomGate),
    /// By its bit of the doors.
    Door(u32),
}

/// The atoms of a detector.
#[derive(Clone, Debug)]
struct AtomGate {
    /// Which set of atoms of the walk.
    set: usize,
    least: usize,
    most: Option<usize>,
    tier: Tier,
    atoms: Vec<Vec<u8>>,
}

/// The walk of a program, and what each detector takes from it.
#[derive(Debug, Default)]
pub struct Scanner {
    sweep: Option<Sweep>,
    /// Where detectors without atoms may begin.
    doors: Option<Doors>,
    /// By detector.
    gates: Vec<Option<Gate>>,
    /// By set of atoms, the detectors that have these.
    of_set: Vec<Vec<usize>>,
    /// The detectors without atoms.
    restless: Vec<usize>,
}

/// Where the atoms of each set stand in one text, and where the others may begin.
#[derive(Debug)]
pub struct Scan {
    /// Absent when nothing was looked for, and so anything may be anywhere.
    runs: Option<Runs>,
    doors: Vec<(usize, u64)>,
}

/// A place to search: where matches may begin, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) from: usize,
    pub(super) upto: usize,
}

impl Scanner {
    /// The scanner of detectors.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let mut sets: BTreeMap<Vec<Vec<u8>>, usize> = BTreeMap::new();
        let mut probes = Vec::new();
        let mut gates = Vec::with_capacity(patterns.len());
        for Pattern { cover, probe } in patterns {
            gates.push(match (cover, probe) {
                (Some(cover), _) => {
                    let atoms: Vec<Vec<u8>> = cover.atoms.into_iter().collect();
                    let next = sets.len();
                    let set = *sets.entry(atoms.clone()).or_insert(next);
                    let tier = if cover.whole { Tier::Literal } else { Tier::Gated };
                    Some(Gate::Atoms(AtomGate { set, least: cover.least, most: cover.most, tier, atoms }))
                }
                (None, Some(probe)) if probes.len() < doors::MOST => {
                    probes.push(probe);
                    Some(Gate::Door(u32::try_from(probes.len() - 1).unwrap_or_default()))
                }
                (None, _) => None,
            });
        }
        let sweep = if sets.is_empty() { None } else { Sweep::new(&sets) };
        let of_set = vec![Vec::new(); sets.len()];
        let mut scanner = Self { sweep, doors: Doors::new(&probes), gates, of_set, restless: Vec::new() };
        // Too many atoms for one automaton, or bytes of too many kinds: everything is searched for everywhere.
        let (walks, opens) = (scanner.sweep.is_some(), scanner.doors.is_some());
        for (detector, gate) in scanner.gates.iter_mut().enumerate() {
            let stands = match gate {
                Some(Gate::Atoms(_)) => walks,
                Some(Gate::Door(_)) => opens,
                None => true,
            };
            if !stands {
                *gate = None;
            }
            match gate {
                Some(Gate::Atoms(AtomGate { set, .. })) => {
                    scanner.of_set.get_mut(*set).into_iter().for_each(|of| of.push(detector));
                }
                Some(Gate::Door(_)) | None => scanner.restless.push(detector),
            }
        }
        scanner
    }

    /// How a detector comes to its matches.
    pub fn tier(&self, detector: usize) -> Tier {
        self.atom_gate(detector).map_or(Tier::Always, |gate| gate.tier)
    }

    /// The atoms of a detector: none when it is always on.
    pub fn atoms(&self, detector: usize) -> &[Vec<u8>] {
        self.atom_gate(detector).map_or(&[], |gate| &gate.atoms)
    }

    /// Bytes of memory of the walk.
    pub fn memory(&self) -> usize {
        self.sweep.as_ref().map_or(0, Sweep::memory)
    }

    fn gate(&self, detector: usize) -> Option<&Gate> {
        self.gates.get(detector)?.as_ref()
    }

    fn atom_gate(&self, detector: usize) -> Option<&AtomGate> {
        match self.gate(detector)? {
            Gate::Atoms(gate) => Some(gate),
            Gate::Door(_) => None,
        }
    }

    /// Whether a scan of texts tells by atoms where the detector may match.
    pub fn gates(&self, detector: usize) -> bool {
        self.atom_gate(detector).is_some()
    }

    /// Walks over a text, as a view shows it.
    pub fn scan(&self, text: &str) -> Scan {
        let sweep = self.sweep.as_ref().filter(|_| !atoms::has_twins(text));
        let doors = self.doors.as_ref().map_or_else(Vec::new, |doors| doors.find(text.as_bytes()));
        Scan { runs: sweep.map(|sweep| sweep.run(text.as_bytes())), doors }
    }

    /// Whether the detector may match in a text that was scanned.
    pub fn may_match(&self, detector: usize, scan: &Scan) -> bool {
        match (self.gate(detector), &scan.runs) {
            (Some(Gate::Atoms(gate)), Some(runs)) => runs.has(gate.set),
            (Some(Gate::Door(_)), _) => !scan.doors.is_empty(),
            (Some(Gate::Atoms(_)), None) | (None, _) => true,
        }
    }

    /// Marks the detectors that may match in a text that was scanned.
    pub fn mark(&self, scan: &Scan, marks: &mut [bool]) {
        let mut mark = |detector: usize| {
            if let Some(mark) = marks.get_mut(detector) {
                *mark = true;
            }
        };
        let Some(runs) = &scan.runs else {
            return (0..self.gates.len()).for_each(mark);
        };
        self.restless.iter().for_each(|detector| mark(*detector));
        for set in runs.noted() {
            self.of_set.get(set).into_iter().flatten().for_each(|detector| mark(*detector));
        }
    }

    #[cfg(test)]
    pub(super) fn windows(&self, index: usize, scan: &Scan, longest: Option<usize>) -> Option<usize> {
        let (gate, runs) = self.atom_gate(index).zip(scan.runs.as_ref())?;
        Some(gate.windows(runs, longest).len())
    }

    /// The matches of a detector in a text that was scanned: the same as those of [`Detector::find_all`].
    pub fn find_all(
        &self,
        (index, detector): (usize, &Detector),
        text: &str,
        scan: &Scan,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        match (self.gate(index), &scan.runs, &detector.probe) {
            (Some(Gate::Atoms(gate)), Some(runs), probe) => {
                if runs.has(gate.set) {
                    gate.find(detector, probe.as_deref(), text, runs, found);
                }
            }
            (Some(Gate::Door(bit)), _, Some(probe)) => {
                let here = scan.doors.iter().filter(|(_, mask)| mask >> bit & 1 == 1);
                let windows = here.map(|(at, _)| Window { from: *at, upto: *at });
                if let Some(rest) = detector.find_at(text, probe, windows, found) {
                    detector.find_after(text, rest, found);
                }
            }
            _ => detector.find_after(text, 0, found),
        }
    }
}

impl AtomGate {
    fn find(
        &self,
        detector: &Detector,
        probe: Option<&Probe>,
        text: &str,
        runs: &Runs,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let mut rest = 0;
        let narrow = self.most.is_some_and(|most| most - self.least.min(most) <= NARROW);
        if let Some(probe) = probe.filter(|_| narrow) {
            let windows = runs.of(self.set).map(|run| self.window(run));
            match detector.find_at(text, probe, windows, found) {
                None => return,
                Some(at) => rest = at,
            }
        }
        detector.find_in(text, rest, &self.windows(runs, detector.longest), found);
    }

    /// Where matches may begin whose atoms stand there.
    fn window(&self, run: Run) -> Window {
        let from = self.most.map_or(0, |most| run.first.saturating_sub(most));
        Window { from, upto: run.last.saturating_sub(self.least) }
    }

    /// Where to search: windows whose searches would overlap are one, so that no byte is searched twice.
    fn windows(&self, runs: &Runs, longest: Option<usize>) -> Vec<Window> {
        let window = |run| {
            let Window { from, upto } = self.window(run);
            Window { from, upto: longest.map_or(usize::MAX, |_| upto) }
        };
        let mut windows: Vec<Window> = runs.of(self.set).map(window).collect();
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
