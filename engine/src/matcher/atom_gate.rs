//! The gate of a detector that has atoms: where its matches may begin, by where those stand.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Detector;
use super::cover::{Atom, Cover, HEAD, Reach};
use super::marks::Marks;
use super::probe::Probe;
use super::runs::{Run, Runs};
use super::scan::Tier;

/// Where matches may begin at more places than this around an atom, all of them are searched at once.
const NARROW: usize = 1024;

/// Atoms that stand at most so far from where matches begin are gated together.
const FARTHEST: [usize; 4] = [0, HEAD, 128, NARROW];

/// The atoms of a detector.
#[derive(Clone, Debug)]
pub(super) struct AtomGate {
    groups: Vec<Group>,
    /// Where its matches begin, when one of the groups is far from there; else empty.
    heads: Vec<Group>,
    pub(super) tier: Tier,
    pub(super) atoms: Vec<Vec<u8>>,
}

/// Atoms of a detector that stand about as far from where its matches begin.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Which set of atoms of the walk.
    set: usize,
    reach: Reach,
}

/// A place to search: where matches may begin, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) from: usize,
    pub(super) upto: usize,
    /// Whether it is searched at once, and not place by place.
    pub(super) wide: bool,
}

impl AtomGate {
    /// The gate of what covers a detector; its sets get numbers.
    pub(super) fn new(cover: &Cover, head: Option<&Cover>, sets: &mut BTreeMap<Vec<Atom>, usize>) -> Self {
        let atoms: BTreeSet<Vec<u8>> = cover.atoms().map(|(atom, _)| atom.bytes).collect();
        let heads = head.map_or_else(Vec::new, |head| Group::all_of(head, sets));
        let tier = if cover.whole { Tier::Literal } else { Tier::Gated };
        Self { groups: Group::all_of(cover, sets), heads, tier, atoms: atoms.into_iter().collect() }
    }

    /// The sets of its atoms.
    pub(super) fn sets(&self) -> impl Iterator<Item = usize> {
        self.groups.iter().map(|group| group.set)
    }

    /// Whether any of its atoms stands in a text.
    pub(super) fn is_in(&self, runs: &Runs) -> bool {
        let any = |groups: &[Group]| groups.iter().any(|group| runs.has(group.set));
        any(&self.groups) && (self.heads.is_empty() || any(&self.heads) || self.has_near(runs))
    }

    /// Whether an atom stands in a text that needs no head.
    fn has_near(&self, runs: &Runs) -> bool {
        self.groups.iter().any(|group| group.is_near() && runs.has(group.set))
    }

    /// The matches of its detector in a text in which its atoms stand there.
    pub(super) fn find(
        &self,
        detector: &Detector,
        probe: Option<&Probe>,
        (text, marks): (&str, &Marks),
        runs: &Runs,
        supplied: &dyn Fn(&Window) -> bool,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let rest = match (probe, self.groups.as_slice()) {
            (None, _) => Some(0),
            (Some(probe), [group]) if group.is_narrow() && self.heads.is_empty() => {
                let windows = runs.of(group.set).iter().map(|run| group.window(*run)).filter(supplied);
                detector.find_at((text, marks), probe, windows, found)
            }
            (Some(probe), _) => {
                let mut windows = self.places(runs, detector.longest, supplied);
                // Where few places come into question, looking at each is less than searching.
                if probe.opening().is_rare() {
                    windows.iter_mut().for_each(|window| window.wide = false);
                }
                detector.find_at((text, marks), probe, windows.into_iter(), found)
            }
        };
        let Some(rest) = rest else { return };
        detector.find_in(text, rest, &self.windows(runs, detector.longest, |_| true, supplied), found);
    }

    /// Where matches may begin, by all that is known; sorted.
    fn places(&self, runs: &Runs, longest: Option<usize>, supplied: &dyn Fn(&Window) -> bool) -> Vec<Window> {
        let tried = |of: &dyn Fn(&Group) -> bool| {
            let groups = self.groups.iter().filter(|group| group.is_narrow() && of(group));
            let windows = groups.flat_map(|group| runs.of(group.set).iter().map(|run| group.window(*run)));
            windows.filter(supplied).collect::<Vec<Window>>()
        };
        let searched = self.windows(runs, longest, |group| !group.is_narrow(), supplied);
        if self.heads.is_empty() {
            let mut places = tried(&|_| true);
            places.extend(searched);
            places.sort_unstable();
            return places;
        }
        // What is far from the beginning says around which heads to look.
        let mut far = tried(&|group| !group.is_near());
        far.extend(searched);
        let mut places = tried(&Group::is_near);
        if !far.is_empty() {
            far.sort_unstable();
            for head in &self.heads {
                head.within(runs.of(head.set), &far, |window| {
                    if supplied(&window) {
                        places.push(window);
                    }
                });
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Where to search for matches by atoms of some groups: windows whose searches would overlap are one, so that no byte is
    /// searched twice.
    pub(super) fn windows(
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
        let windows = groups.flat_map(|group| runs.of(group.set).iter().map(move |run| window(group, *run)));
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

    /// Tells of those of its windows that touch one of others, which are sorted by where they begin; as its own runs are in order and apart,
    /// its windows are in order at both ends.
    fn within(&self, mut runs: &[Run], others: &[Window], mut tell: impl FnMut(Window)) {
        for other in others {
            let before = runs.partition_point(|run| self.window(*run).upto < other.from);
            runs = runs.get(before..).unwrap_or_default();
            while let Some((run, rest)) = runs.split_first()
                && let window = self.window(*run)
                && window.from <= other.upto
            {
                tell(window);
                runs = rest;
            }
        }
    }
}
