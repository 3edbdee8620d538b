//! The walk over a text that finds atoms: one automaton for all of them.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::MatchKind;
use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous::NFA;

use super::cover::Atom;
use super::marks::Marks;
use super::runs::{Notes, Runs};
use super::table::{Steps, Table};

/// Above this many bytes of atoms the walk goes by a smaller, slower automaton.
const MAX_DENSE: usize = 64 << 10;

/// The parts of a text that are walked over side by side: a step waits for the one before it, but not for those of
/// other parts.
const LANES: usize = 4;

/// The shortest text that is taken in parts.
const LONG: usize = 512;

/// So much of a text is walked over before what was met is noted.
const STRETCH: usize = 64 << 10;

/// In prose an atom or two stand among so many bytes: for so many there is room from the beginning.
const COMMON: usize = 4;

/// An automaton that finds the atoms of many sets.
#[derive(Debug)]
pub(super) struct Sweep {
    automaton: Either,
    /// By ending of the automaton, where what ends there begins in `members`; and last where all of it ends.
    starts: Vec<u32>,
    members: Vec<Member>,
    sets: usize,
}

#[derive(Debug)]
enum Either {
    Dense(Table),
    Sparse(NFA),
}

/// A set that has an atom of so many bytes, and whether that must stand between boundaries of words.
#[derive(Clone, Copy, Debug)]
struct Member {
    set: u32,
    length: u32,
    bound_before: bool,
    bound_after: bool,
}

/// A state at which atoms end, and where that is.
type Hit<S> = (S, usize);

impl Sweep {
    /// The walk for sets of atoms, each with its number; none when they are too many.
    pub(super) fn new(sets: &BTreeMap<Vec<Atom>, usize>) -> Option<Self> {
        let mut atoms: BTreeMap<&[u8], Vec<Member>> = BTreeMap::new();
        for (members, set) in sets {
            for Atom { bytes, bound_before, bound_after } in members {
                let (set, length) = (u32::try_from(*set).ok()?, u32::try_from(bytes.len()).ok()?);
                let member = Member { set, length, bound_before: *bound_before, bound_after: *bound_after };
                atoms.entry(bytes).or_default().push(member);
            }
        }
        let bytes: usize = atoms.keys().map(|atom| atom.len()).sum();
        let automaton = NFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(atoms.keys())
            .ok()?;
        let table = if bytes <= MAX_DENSE { Table::new(&automaton, atoms.keys().copied()) } else { None };
        let (automaton, endings) = match table {
            Some((table, endings)) => (Either::Dense(table), endings),
            None => (Either::Sparse(automaton), (0..atoms.len()).map(|atom| vec![atom]).collect()),
        };
        let of_atom: Vec<Vec<Member>> = atoms.into_values().collect();
        let mut sweep = Self { automaton, starts: vec![0], members: Vec::new(), sets: sets.len() };
        for ending in endings {
            sweep.members.extend(ending.iter().filter_map(|atom| of_atom.get(*atom)).flatten());
            sweep.starts.push(u32::try_from(sweep.members.len()).ok()?);
        }
        Some(sweep)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let automaton = match &self.automaton {
            Either::Dense(automaton) => automaton.memory(),
            Either::Sparse(automaton) => automaton.memory_usage(),
        };
        automaton + self.starts.len() * size_of::<u32>() + self.members.len() * size_of::<Member>()
    }

    /// Where the atoms of each set stand in a text.
    pub(super) fn run(&self, text: &[u8], marks: &Marks) -> Runs {
        let mut notes = Notes::new(self.sets, text.len().min(STRETCH) / COMMON);
        match &self.automaton {
            Either::Dense(automaton) => self.walk(automaton, (text, marks), &mut notes),
            Either::Sparse(automaton) => self.walk(automaton, (text, marks), &mut notes),
        }
        notes.sorted()
    }

    fn walk(&self, automaton: &impl Steps, (text, marks): (&[u8], &Marks), notes: &mut Notes) {
        for from in (0..text.len()).step_by(STRETCH) {
            let here = from..text.len().min(from + STRETCH);
            if here.len() >= LONG {
                for hit in side_by_side(automaton, text, here).iter().flatten() {
                    self.note(automaton, marks, *hit, notes);
                }
                continue;
            }
            let mut state = before(automaton, text, from);
            for (at, byte) in here.clone().zip(text.get(here).unwrap_or_default()) {
                state = automaton.next(state, *byte);
                if automaton.ends(state) {
                    self.note(automaton, marks, (state, at + 1), notes);
                }
            }
        }
    }

    /// Notes the atoms that end at a state.
    fn note<A: Steps>(&self, automaton: &A, marks: &Marks, (state, end): Hit<A::State>, notes: &mut Notes) {
        let after = marks.is_edge(end);
        automaton.each(state, &mut |ending| {
            let Some([from, upto]) = self.starts.get(ending..).and_then(|starts| starts.first_chunk()) else {
                return;
            };
            for member in self.members.get(*from as usize..*upto as usize).unwrap_or_default() {
                let at = end - member.length as usize;
                if (after || !member.bound_after) && (!member.bound_before || marks.is_edge(at)) {
                    notes.note(member.set, at);
                }
            }
        });
    }
}

/// The state in which a place is reached: an atom that ends behind it is seen whole.
fn before<A: Steps>(automaton: &A, text: &[u8], at: usize) -> A::State {
    let early = text.get(at.saturating_sub(automaton.longest())..at).unwrap_or_default();
    early.iter().fold(automaton.start(), |state, byte| automaton.next(state, *byte))
}

/// Walks over the parts of a stretch of text side by side, and gives what each comes to.
fn side_by_side<A: Steps>(automaton: &A, text: &[u8], here: Range<usize>) -> [Vec<Hit<A::State>>; LANES] {
    let (from, part) = (here.start, here.len() / LANES);
    let mut hits = std::array::from_fn(|_| Vec::with_capacity(part / COMMON));
    let mut states: [_; LANES] = std::array::from_fn(|lane| before(automaton, text, from + lane * part));
    let stretch = text.get(here).unwrap_or_default();
    let mut parts = stretch.chunks_exact(part.max(1));
    let [Some(a), Some(b), Some(c), Some(d)] = std::array::from_fn(|_| parts.next()) else { return hits };
    for (at, (((a, b), c), d)) in a.iter().zip(b).zip(c).zip(d).enumerate() {
        let bytes = [*a, *b, *c, *d];
        let mut any = false;
        for (state, byte) in states.iter_mut().zip(bytes) {
            *state = automaton.next(*state, byte);
            any |= automaton.ends(*state);
        }
        if any {
            for (lane, (state, hits)) in states.iter().zip(&mut hits).enumerate() {
                if automaton.ends(*state) {
                    hits.push((*state, from + lane * part + at + 1));
                }
            }
        }
    }
    let [.., last] = &mut states;
    let [.., found] = &mut hits;
    for (at, byte) in stretch.iter().enumerate().skip(LANES * part) {
        *last = automaton.next(*last, *byte);
        if automaton.ends(*last) {
            found.push((*last, from + at + 1));
        }
    }
    hits
}
