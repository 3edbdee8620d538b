//! One walk over a text that says where each pattern may match, so that only those places are searched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::Detector;
use super::atom_gate::{AtomGate, Window};
use super::atoms;
use super::cover::{Atom, Cover};
use super::doors::{self, Doors, Places};
use super::marks::Marks;
use super::needs::{Need, Supply};
use super::probe::Probe;
use super::runs::Runs;
use super::sweep::Sweep;

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
    /// Atoms near the beginnings of its matches, where those are far from there.
    pub head: Option<Cover>,
    /// Its probe, if it may be looked for by it.
    pub probe: Option<Arc<Probe>>,
    /// What its matches have besides.
    pub need: Option<Need>,
}

/// How a detector is gated.
#[derive(Clone, Debug)]
enum Gate {
    Atoms(AtomGate),
    /// By its bit of the doors.
    Door(u32),
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
    /// By detector.
    needs: Vec<Option<Need>>,
    /// By bit of the doors.
    door_needs: Vec<Option<Need>>,
    /// What any of them needs, each once.
    needed: Vec<Need>,
}

/// Where the atoms of each set stand in one text, and where the others may begin.
#[derive(Debug)]
pub struct Scan {
    /// Absent when nothing was looked for, and so anything may be anywhere.
    runs: Option<Runs>,
    doors: Places,
    supply: Supply,
    marks: Marks,
}

impl Scanner {
    /// The scanner of detectors.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let mut sets: BTreeMap<Vec<Atom>, usize> = BTreeMap::new();
        let (mut probes, mut door_needs) = (Vec::new(), Vec::new());
        let mut gates = Vec::with_capacity(patterns.len());
        let needs: Vec<Option<Need>> = patterns.iter().map(|pattern| pattern.need).collect();
        let needed: BTreeSet<Need> = needs.iter().copied().flatten().collect();
        for Pattern { cover, head, probe, need } in patterns {
            gates.push(match (cover, probe) {
                (Some(cover), _) => Some(Gate::Atoms(AtomGate::new(&cover, head.as_ref(), &mut sets))),
                (None, Some(probe)) if probes.len() < doors::MOST => {
                    probes.push(probe);
                    door_needs.push(need);
                    Some(Gate::Door(u32::try_from(probes.len() - 1).unwrap_or_default()))
                }
                (None, _) => None,
            });
        }
        let sweep = if sets.is_empty() { None } else { Sweep::new(&sets) };
        let of_set = vec![Vec::new(); sets.len()];
        let mut scanner = Self {
            sweep,
            doors: Doors::new(&probes),
            gates,
            of_set,
            restless: Vec::new(),
            needs,
            door_needs,
            needed: needed.into_iter().collect(),
        };
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
                Some(Gate::Atoms(gate)) => {
                    for set in gate.sets() {
                        scanner.of_set.get_mut(set).into_iter().for_each(|of| of.push(detector));
                    }
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
        let bytes = text.as_bytes();
        let (marks, supply) = (Marks::of(bytes), Supply::of(bytes, &self.needed));
        let sweep = self.sweep.as_ref().filter(|_| !atoms::has_twins(text));
        let supplied = |need: &Option<Need>| u64::from(need.is_none_or(|need| supply.has(need)));
        let open = self.door_needs.iter().rev().fold(0, |bits, need| bits << 1 | supplied(need));
        let doors = self.doors.as_ref().map(|doors| doors.find(bytes, &marks, open)).unwrap_or_default();
        Scan { runs: sweep.map(|sweep| sweep.run(bytes, &marks)), doors, supply, marks }
    }

    /// What the detector's matches need, if they need anything.
    fn need(&self, detector: usize) -> Option<Need> {
        self.needs.get(detector).copied().flatten()
    }

    /// Whether a text has what the detector's matches need.
    fn is_supplied(&self, detector: usize, scan: &Scan) -> bool {
        self.need(detector).is_none_or(|need| scan.supply.has(need))
    }

    /// Whether the detector may match in a text that was scanned.
    pub fn may_match(&self, detector: usize, scan: &Scan) -> bool {
        if !self.is_supplied(detector, scan) {
            return false;
        }
        match (self.gate(detector), &scan.runs) {
            (Some(Gate::Atoms(gate)), Some(runs)) => gate.is_in(runs),
            (Some(Gate::Door(bit)), _) => scan.doors.has(*bit),
            (Some(Gate::Atoms(_)), None) | (None, _) => true,
        }
    }

    /// Marks the detectors that may match in a text that was scanned.
    pub fn mark(&self, scan: &Scan, marks: &mut [bool]) {
        let mut mark = |detector: usize| {
            if let Some(mark) = marks.get_mut(detector) {
                *mark |= self.is_supplied(detector, scan);
            }
        };
        let Some(runs) = &scan.runs else {
            return (0..self.gates.len()).for_each(mark);
        };
        let opens = |detector: &usize| match self.gate(*detector) {
            Some(Gate::Door(bit)) => scan.doors.has(*bit),
            Some(Gate::Atoms(_)) | None => true,
        };
        self.restless.iter().copied().filter(opens).for_each(&mut mark);
        for set in runs.noted() {
            self.of_set.get(set).into_iter().flatten().for_each(|detector| mark(*detector));
        }
    }

    #[cfg(test)]
    pub(super) fn windows(&self, index: usize, scan: &Scan, longest: Option<usize>) -> Option<usize> {
        let (gate, runs) = self.atom_gate(index).zip(scan.runs.as_ref())?;
        Some(gate.windows(runs, longest, |_| true, &|_| true).len())
    }

    /// The matches of a detector in a text that was scanned: the same as those of [`Detector::find_all`].
    pub fn find_all(
        &self,
        (index, detector): (usize, &Detector),
        text: &str,
        scan: &Scan,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        if !self.is_supplied(index, scan) {
            return;
        }
        let need = self.need(index);
        // Whether a match that begins in the window can reach what it needs.
        let supplied = |window: &Window| {
            let upto = detector.longest.map_or(usize::MAX, |longest| window.upto.saturating_add(longest));
            need.is_none_or(|need| scan.supply.has_near(need, window.from, upto))
        };
        match (self.gate(index), &scan.runs, &detector.probe) {
            (Some(Gate::Atoms(gate)), Some(runs), probe) => {
                if gate.is_in(runs) {
                    gate.find(detector, probe.as_deref(), (text, &scan.marks), runs, &supplied, found);
                }
            }
            (Some(Gate::Door(bit)), _, Some(probe)) => {
                let here = scan.doors.of(*bit).map(|at| Window { from: at, upto: at, wide: false });
                let windows = here.filter(supplied);
                if let Some(rest) = detector.find_at((text, &scan.marks), probe, windows, found) {
                    detector.find_after(text, rest, found);
                }
            }
            _ => detector.find_after(text, 0, found),
        }
    }
}
