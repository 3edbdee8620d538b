//! One walk over a text that says where each pattern may match, so that only those places are searched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::Detector;
use super::atoms;
use super::cover::{Atom, Cover, HEAD, Reach};
use super::doors::{self, Doors, Places};
use super::needs::{Need, Supply};
use super::probe::Probe;
use super::runs::{Run, Runs};
use super::sweep::Sweep;

/// Where matches may begin at more places than this around an atom, all of them are searched at once.
const NARROW: usize = 1024;

/// Atoms that stand at most so far from where matches begin are gated together.
const FARTHEST: [usize; 4] = [0, HEAD, 128, NARROW];

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

/// The atoms of a detector.
#[derive(Clone, Debug)]
struct AtomGate {
    groups: Vec<Group>,
    /// Where its matches begin, when one of the groups is far from there; else empty.
    heads: Vec<Group>,
    tier: Tier,
    atoms: Vec<Vec<u8>>,
}

/// Atoms of a detector that stand about as far from where its matches begin.
#[derive(Clone, Debug)]
struct Group {
    /// Which set of atoms of the walk.
    set: usize,
    reach: Reach,
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
}

/// A place to search: where matches may begin, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) from: usize,
    pub(super) upto: usize,
    /// Whether it is searched at once, and not place by place.
    pub(super) wide: bool,
}

impl Scanner {
    /// The scanner of detectors.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let mut sets: BTreeMap<Vec<Atom>, usize> = BTreeMap::new();
        let mut probes = Vec::new();
        let mut gates = Vec::with_capacity(patterns.len());
        let needs: Vec<Option<Need>> = patterns.iter().map(|pattern| pattern.need).collect();
        let needed: BTreeSet<Need> = needs.iter().copied().flatten().collect();
        for Pattern { cover, head, probe, .. } in patterns {
            gates.push(match (cover, probe) {
                (Some(cover), _) => Some(Gate::Atoms(AtomGate::new(&cover, head.as_ref(), &mut sets))),
                (None, Some(probe)) if probes.len() < doors::MOST => {
                    probes.push(probe);
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
                    for Group { set, .. } in &gate.groups {
                        scanner.of_set.get_mut(*set).into_iter().for_each(|of| of.push(detector));
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
        let sweep = self.sweep.as_ref().filter(|_| !atoms::has_twins(text));
        let doors = self.doors.as_ref().map(|doors| doors.find(text.as_bytes())).unwrap_or_default();
        let supply = Supply::of(text.as_bytes(), &self.needed);
        Scan { runs: sweep.map(|sweep| sweep.run(text.as_bytes())), doors, supply }
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
                    gate.find(detector, probe.as_deref(), text, runs, &supplied, found);
                }
            }
            (Some(Gate::Door(bit)), _, Some(probe)) => {
                let here = scan.doors.of(*bit).map(|at| Window { from: at, upto: at, wide: false });
                let windows = here.filter(supplied);
                if let Some(rest) = detector.find_at(text, probe, windows, found) {
                    detector.find_after(text, rest, found);
                }
            }
            _ => detector.find_after(text, 0, found),
        }
    }
}

impl AtomGate {
    /// The gate of what covers a detector; its sets get numbers.
    fn new(cover: &Cover, head: Option<&Cover>, sets: &mut BTreeMap<Vec<Atom>, usize>) -> Self {
        let atoms: BTreeSet<Vec<u8>> = cover.atoms().map(|(atom, _)| atom.bytes).collect();
        let heads = head.map_or_else(Vec::new, |head| Group::all_of(head, sets));
        let tier = if cover.whole { Tier::Literal } else { Tier::Gated };
        Self { groups: Group::all_of(cover, sets), heads, tier, atoms: atoms.into_iter().collect() }
    }

    /// Whether any of its atoms stands in a text.
    fn is_in(&self, runs: &Runs) -> bool {
        let any = |groups: &[Group]| groups.iter().any(|group| runs.has(group.set));
        any(&self.groups) && (self.heads.is_empty() || any(&self.heads) || self.has_near(runs))
    }

    /// Whether an atom stands in a text that needs no head.
    fn has_near(&self, runs: &Runs) -> bool {
        self.groups.iter().any(|group| group.is_near() && runs.has(group.set))
    }

    fn find(
        &self,
        detector: &Detector,
        probe: Option<&Probe>,
        text: &str,
        runs: &Runs,
        supplied: &dyn Fn(&Window) -> bool,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let rest = match (probe, self.groups.as_slice()) {
            (None, _) => Some(0),
            (Some(probe), [group]) if group.is_narrow() && self.heads.is_empty() => {
                let windows = runs.of(group.set).map(|run| group.window(run)).filter(supplied);
                detector.find_at(text, probe, windows, found)
            }
            (Some(probe), _) => {
                let windows = self.places(runs, detector.longest, supplied).into_iter();
                detector.find_at(text, probe, windows, found)
            }
        };
        let Some(rest) = rest else { return };
        detector.find_in(text, rest, &self.windows(runs, detector.longest, |_| true, supplied), found);
    }

    /// Where matches may begin, by all that is known; sorted.
    fn places(&self, runs: &Runs, longest: Option<usize>, supplied: &dyn Fn(&Window) -> bool) -> Vec<Window> {
        let tried = |groups: &[Group], of: &dyn Fn(&Group) -> bool| {
            let groups = groups.iter().filter(|group| of(group));
            let windows = groups.flat_map(|group| runs.of(group.set).map(|run| group.window(run)));
            windows.filter(supplied).collect::<Vec<Window>>()
        };
        let searched = self.windows(runs, longest, |group| !group.is_narrow(), supplied);
        if self.heads.is_empty() {
            let mut places = tried(&self.groups, &Group::is_narrow);
            places.extend(searched);
            places.sort_unstable();
            return places;
        }
        // What is far from the beginning says around which heads to look.
        let mut far = tried(&self.groups, &|group| group.is_narrow() && !group.is_near());
        far.extend(searched);
        far.sort_unstable();
        let mut places = tried(&self.groups, &Group::is_near);
        let mut far = far.into_iter().peekable();
        let mut heads = tried(&self.heads, &|_| true);
        heads.sort_unstable();
        for head in heads {
            while far.next_if(|window| window.upto < head.from).is_some() {}
            if far.peek().is_some_and(|window| window.from <= head.upto) {
                places.push(head);
            }
        }
        places.sort_unstable();
        places
    }

    /// Where to search for matches by atoms of some groups: windows whose searches would overlap are one, so that no byte is
    /// searched twice.
    fn windows(
        &self,
        runs: &Runs,
        longest: Option<usize>,
        of: impl Fn(&Group) -> bool,
        supplied: &dyn Fn(&Window) -> bool,
    ) -> Vec<Window> {
        let window = |group: &Group, run| {
            let Window { from, upto, .. } = group.window(run);
            Window { from, upto: longest.map_or(usize::MAX, |_| upto), wide: true }
        };
        let groups = self.groups.iter().filter(|group| of(group));
        let windows = groups.flat_map(|group| runs.of(group.set).map(move |run| window(group, run)));
        let mut windows: Vec<Window> = windows.filter(supplied).collect();
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

impl Group {
    /// The groups of what covers a detector.
    fn all_of(cover: &Cover, sets: &mut BTreeMap<Vec<Atom>, usize>) -> Vec<Self> {
        let mut groups: BTreeMap<Option<usize>, (Vec<Atom>, Reach)> = BTreeMap::new();
        for (atom, reach) in cover.atoms() {
            let kind = reach.most.map(|most| FARTHEST.partition_point(|farthest| *farthest < most));
            let (members, known) = groups.entry(kind).or_insert((Vec::new(), reach));
            *known = known.union(reach);
            members.push(atom);
        }
        let group = |(atoms, reach)| {
            let next = sets.len();
            Self { set: *sets.entry(atoms).or_insert(next), reach }
        };
        groups.into_values().map(group).collect()
    }

    /// Whether matches begin right before its atoms.
    fn is_near(&self) -> bool {
        self.reach.is_near()
    }

    /// Whether matches begin at so few places that each is tried.
    fn is_narrow(&self) -> bool {
        self.reach.most.is_some_and(|most| most <= NARROW)
    }

    /// Where matches may begin whose atoms stand there.
    fn window(&self, run: Run) -> Window {
        let from = self.reach.most.map_or(0, |most| run.first.saturating_sub(most));
        Window { from, upto: run.last.saturating_sub(self.reach.least), wide: false }
    }
}
