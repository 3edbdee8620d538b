//! What covers an expression: atoms of which every match has one, with what each is worth.

use std::collections::{BTreeMap, BTreeSet};

/// The most atoms of one expression.
const MAX_ATOMS: usize = 4096;
/// The least worth of an atom: below it, it stands in every text.
const MIN_WORTH: usize = 3;
/// The least worth of a head with its boundaries: it says where to look once an atom was seen, so it may be common.
const MIN_HEAD: usize = 3;
/// The most bytes before a head.
pub(super) const HEAD: usize = 16;

/// A word boundary within an atom in the making: a byte that no text has.
pub(super) const EDGE: u8 = 0xFF;

/// Atoms of which every match has one, and how far after the match's start each begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// By their bytes in lower case, as far as ASCII goes, with their boundaries.
    spelled: BTreeMap<Vec<u8>, Reach>,
    /// Whether the atoms are all that the expression spells, but for boundaries.
    pub whole: bool,
}

/// How many bytes stand before an atom in a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The fewest.
    pub least: usize,
    /// The most; `None` when there is no bound.
    pub most: Option<usize>,
}

/// A short text, and whether it begins and ends where a word does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atom {
    /// In lower case, as far as ASCII goes.
    pub bytes: Vec<u8>,
    /// A word boundary stands before it.
    pub bound_before: bool,
    /// A word boundary stands after it.
    pub bound_after: bool,
}

impl Atom {
    fn of(spelled: &[u8]) -> Self {
        Self {
            bytes: bare(spelled).collect(),
            bound_before: spelled.first() == Some(&EDGE),
            bound_after: spelled.last() == Some(&EDGE),
        }
    }

    /// It with a bar for each of its boundaries.
    #[cfg(test)]
    pub(super) fn shown(&self) -> String {
        let bar = |bound| if bound { "|" } else { "" };
        let text = String::from_utf8(self.bytes.clone()).unwrap();
        format!("{}{text}{}", bar(self.bound_before), bar(self.bound_after))
    }
}

/// The bytes of an atom in the making without its boundaries.
pub(super) fn bare(spelled: &[u8]) -> impl Iterator<Item = u8> {
    spelled.iter().copied().filter(|byte| *byte != EDGE)
}

impl Reach {
    /// At the beginning of the match.
    pub(super) const HERE: Self = Self { least: 0, most: Some(0) };

    pub(super) fn shifted(self, by: Self) -> Self {
        let most = self.most.zip(by.most).map(|(a, b)| a.saturating_add(b));
        Self { least: self.least + by.least, most }
    }

    /// Whether it is at the beginning of the match, or nearly.
    pub(super) fn is_near(self) -> bool {
        self.most.is_some_and(|most| most <= HEAD)
    }

    pub(super) fn union(self, other: Self) -> Self {
        let most = self.most.zip(other.most).map(|(a, b)| a.max(b));
        Self { least: self.least.min(other.least), most }
    }
}

impl Cover {
    pub(super) fn new(spelled: BTreeSet<Vec<u8>>, reach: Reach, whole: bool) -> Self {
        Self { spelled: spelled.into_iter().map(|atom| (atom, reach)).collect(), whole }
    }

    /// Its atoms, each with where it stands.
    pub fn atoms(&self) -> impl Iterator<Item = (Atom, Reach)> {
        self.spelled.iter().map(|(spelled, reach)| (Atom::of(spelled), *reach))
    }

    /// The worth of the weakest atom, less what it costs to have many.
    pub(super) fn score(&self) -> usize {
        let weakest = self.spelled.keys().map(|atom| worth(atom) + edges(atom)).min().unwrap_or(0);
        let many = self.spelled.len().max(1).ilog2() as usize / 4;
        let far = if self.spelled.values().any(|reach| reach.most.is_none()) { 2 } else { 0 };
        weakest.saturating_sub(many + far)
    }

    pub(super) fn useful(&self) -> bool {
        !self.spelled.is_empty()
            && self.spelled.len() <= MAX_ATOMS
            && self.spelled.keys().all(|atom| worth(atom) >= MIN_WORTH)
    }

    /// The worth of atoms as a head: those right at the beginning say best where to look.
    pub(super) fn head_score(&self) -> usize {
        let here = self.spelled.values().all(|reach| *reach == Reach::HERE);
        self.score() + if here { 3 } else { 0 }
    }

    /// Whether all of it stands at the beginning of matches.
    pub(super) fn is_head(&self) -> bool {
        self.spelled.len() <= MAX_ATOMS
            && !self.is_far()
            && self.spelled.keys().all(|atom| bare(atom).count() > 1 && worth(atom) + edges(atom) >= MIN_HEAD)
    }

    /// The same, of an expression that spells more than that.
    pub(super) fn in_part(mut self) -> Self {
        self.whole = false;
        self
    }

    /// Whether any of it stands beyond the beginning of matches.
    pub(super) fn is_far(&self) -> bool {
        !self.spelled.values().all(|reach| reach.is_near())
    }

    /// The atoms of any of several.
    pub(super) fn union(covers: Vec<Self>) -> Option<Self> {
        covers.into_iter().reduce(|mut all, cover| {
            for (atom, reach) in cover.spelled {
                all.spelled.entry(atom).and_modify(|known| *known = known.union(reach)).or_insert(reach);
            }
            all.whole &= cover.whole;
            all
        })
    }

    /// The same, behind so many bytes.
    pub(super) fn shifted(mut self, by: Reach) -> Self {
        self.spelled.values_mut().for_each(|reach| *reach = reach.shifted(by));
        self.whole = false;
        self
    }
}

/// How rarely an atom stands in ordinary text: a sum over its bytes.
fn worth(atom: &[u8]) -> usize {
    let byte = |byte: u8| match byte {
        b' ' => 0,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'h' | b'l' | b'd' | b'u' => 1,
        b'.' | b',' | b'-' | b'\'' | b'"' | b'\t' | b'\n' | b'\r' => 1,
        b'a'..=b'z' => 2,
        b'0'..=b'9' | 0x80.. => 3,
        _ => 4,
    };
    bare(atom).map(byte).sum()
}

/// The boundaries of an atom in the making.
fn edges(atom: &[u8]) -> usize {
    [atom.first(), atom.last()].iter().filter(|end| **end == Some(&EDGE)).count()
}
