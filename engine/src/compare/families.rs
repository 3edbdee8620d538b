//! Which patterns of two programs are the same one: by what they mean, by their names, by where they are looked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex_syntax::hir::Hir;

use super::uses::{Uses, full_name, policy_of};
use crate::matcher::{Detector, Near, View};
use crate::program::Program;
use crate::program::ir::{DetectorId, Node};

/// A detector and the meaning of its expression.
pub(super) struct Seen<'p> {
    pub(super) detector: &'p Detector,
    pub(super) hir: Option<Hir>,
}

impl<'p> Seen<'p> {
    fn new(detector: &'p Detector) -> Self {
        Self { detector, hir: detector.meaning() }
    }

    /// Whether both find the same and call it the same, as can be seen without asking.
    pub(super) fn means(&self, other: &Seen<'_>) -> bool {
        self.detector.label == other.detector.label && self.finds_as(other)
    }

    /// Whether both find the same, as can be seen without asking.
    pub(super) fn finds_as(&self, other: &Seen<'_>) -> bool {
        self.detector.view == other.detector.view && self.has_checks_of(other) && self.hir == other.hir
    }

    /// Whether both ask the same of what their expressions match.
    pub(super) fn has_checks_of(&self, other: &Seen<'_>) -> bool {
        let (a, b) = (self.detector, other.detector);
        a.captured() == b.captured() && checks(a) == checks(b) && near(a) == near(b)
    }

    /// Whether it finds whatever the other finds, if it matches the same parts and perhaps more: it has no check that the
    /// other has not, and after one that fails it goes on with the next character, so that it passes nothing over.
    pub(super) fn passes_all_of(&self, other: &Seen<'_>) -> bool {
        let (own, inner) = (&self.detector.validators, &self.detector.inner);
        let others = checks(other.detector);
        self.detector.near.is_empty()
            && own.iter().all(|check| !check.whole && others.contains(&check.written()))
            && inner.iter().all(|check| !check.denied && others.contains(&check.written()))
    }

    /// Whether it finds something wherever the other does, if both match the same parts: its checks are the other's, and
    /// what must stand near it is what must stand near the other, as far away or farther.
    pub(super) fn reaches_as_far_as(&self, other: &Seen<'_>) -> bool {
        let (own, others) = (self.detector, other.detector);
        let is_implied = |near: &Near| {
            let mut alike = others
                .near
                .iter()
                .filter(|known| (&known.source, &known.flags) == (&near.source, &near.flags));
            alike.any(|known| known.reach <= near.reach)
        };
        checks(own) == checks(others) && own.near.iter().all(is_implied)
    }
}

/// Its checks, in whatever order they were written.
fn checks(detector: &Detector) -> BTreeSet<String> {
    detector.checks().collect()
}

/// What must stand near, as written.
fn near(detector: &Detector) -> BTreeSet<(&str, &str, usize)> {
    detector.near.iter().map(|near| (&*near.source, &*near.flags, near.reach)).collect()
}

/// The detectors of one pattern, which are always looked for together.
pub(super) struct Family<'p> {
    pub(super) ids: Vec<DetectorId>,
    pub(super) members: Vec<Seen<'p>>,
    pub(super) name: Arc<str>,
    pub(super) label: Arc<str>,
    pub(super) view: View,
    policies: BTreeSet<Arc<str>>,
    /// The rules that look for it, with their policies.
    pub(super) rules: Vec<Arc<str>>,
}

impl Family<'_> {
    fn means(&self, other: &Family<'_>) -> bool {
        self.members.len() == other.members.len()
            && self.members.iter().all(|one| other.members.iter().any(|two| one.means(two)))
    }

    fn is_called(&self, other: &Family<'_>) -> bool {
        self.name == other.name && self.view == other.view && !self.policies.is_disjoint(&other.policies)
    }

    fn stands_with(&self, other: &Family<'_>) -> bool {
        self.view == other.view && self.label == other.label && self.rules == other.rules
    }
}

/// The patterns of one program.
pub(super) struct Families<'p> {
    program: &'p Program,
    pub(super) all: Vec<Family<'p>>,
}

impl<'p> Families<'p> {
    pub(super) fn of(program: &'p Program, uses: &Uses) -> Self {
        let mut families = Self { program, all: Vec::new() };
        for (id, detector) in (0..).map(DetectorId).zip(&program.detectors) {
            let family = family(program, uses, id, detector);
            let alike = |known: &Family<'_>| {
                (&known.name, &known.label, known.view, &known.policies, &known.rules)
                    == (&family.name, &family.label, family.view, &family.policies, &family.rules)
            };
            let place = families.all.iter().position(alike).filter(|place| {
                let ids = families.all.get(*place).map_or(&[][..], |known| &known.ids);
                families.are_together(ids.iter().copied().chain([id]))
            });
            match place.and_then(|place| families.all.get_mut(place)) {
                Some(known) => {
                    known.ids.push(id);
                    known.members.extend(family.members);
                }
                None => families.all.push(family),
            }
        }
        families
    }

    /// Whether a rule that looks for one of them looks for all of them there.
    fn are_together(&self, ids: impl Iterator<Item = DetectorId>) -> bool {
        let ids: Vec<DetectorId> = ids.collect();
        self.program.nodes.iter().all(|node| match node {
            Node::Has(_, found) => {
                let inside = ids.iter().filter(|id| found.contains(id)).count();
                inside == 0 || inside == ids.len()
            }
            _ => true,
        })
    }

    fn all_together(&self, places: &[usize]) -> bool {
        let families = places.iter().filter_map(|place| self.all.get(*place));
        self.are_together(families.flat_map(|family| family.ids.iter().copied()))
    }
}

fn family<'p>(program: &'p Program, uses: &Uses, id: DetectorId, detector: &'p Detector) -> Family<'p> {
    let policy = |rule: usize| program.rules.get(rule).map(|rule| Arc::from(policy_of(program, rule)));
    Family {
        ids: vec![id],
        members: vec![Seen::new(detector)],
        name: Arc::clone(&detector.name),
        label: Arc::clone(&detector.label),
        view: detector.view,
        policies: uses.of_detector(id).filter_map(policy).collect(),
        rules: uses.of_detector(id).map(|rule| full_name(program, rule)).collect(),
    }
}

/// Families of both programs that are one pattern, as places in their lists; or of one program alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
}

/// Every family of both, each in one pair.
pub(super) fn pair(before: &Families<'_>, after: &Families<'_>) -> Vec<Pair> {
    let mut pairing = Pairing {
        before,
        after,
        left: (0..before.all.len()).collect(),
        right: (0..after.all.len()).collect(),
        pairs: Vec::new(),
    };
    pairing.match_by(|one, two| one.means(two) && one.name == two.name);
    pairing.match_by(|one, two| one.means(two));
    pairing.match_by(|one, two| one.is_called(two) && one.label == two.label);
    pairing.match_by(|one, two| one.is_called(two));
    pairing.match_places();
    let Pairing { left, right, mut pairs, .. } = pairing;
    pairs.extend(left.into_iter().map(|place| Pair { before: vec![place], after: Vec::new() }));
    pairs.extend(right.into_iter().map(|place| Pair { before: Vec::new(), after: vec![place] }));
    pairs
}

/// Pairs so far, and the families that are in none.
struct Pairing<'f, 'p> {
    before: &'f Families<'p>,
    after: &'f Families<'p>,
    left: Vec<usize>,
    right: Vec<usize>,
    pairs: Vec<Pair>,
}

impl Pairing<'_, '_> {
    /// Pairs each family that is left with the first of the other program of which this holds.
    fn match_by(&mut self, holds: impl Fn(&Family<'_>, &Family<'_>) -> bool) {
        for place in std::mem::take(&mut self.left) {
            let fits = |other: &usize| match (self.before.all.get(place), self.after.all.get(*other)) {
                (Some(one), Some(two)) => holds(one, two),
                _ => false,
            };
            match self.right.iter().position(fits) {
                Some(at) => {
                    let other = self.right.remove(at);
                    self.pairs.push(Pair { before: vec![place], after: vec![other] });
                }
                None => self.left.push(place),
            }
        }
    }

    /// Pairs families without a common name that the same rules look for under one label: one by one where there are as
    /// many, or all with all where they are always looked for together.
    fn match_places(&mut self) {
        for place in self.left.clone() {
            let Some(family) = self.before.all.get(place).filter(|_| self.left.contains(&place)) else {
                continue;
            };
            let alike = |families: &Families<'_>, places: &[usize]| -> Vec<usize> {
                let stands =
                    |at: &usize| families.all.get(*at).is_some_and(|other| family.stands_with(other));
                places.iter().copied().filter(stands).collect()
            };
            let (before, after) = (alike(self.before, &self.left), alike(self.after, &self.right));
            let together =
                !after.is_empty() && self.before.all_together(&before) && self.after.all_together(&after);
            if before.len() != after.len() && !together {
                continue;
            }
            self.left.retain(|at| !before.contains(at));
            self.right.retain(|at| !after.contains(at));
            if before.len() == after.len() {
                let both = before.into_iter().zip(after);
                self.pairs.extend(both.map(|(one, two)| Pair { before: vec![one], after: vec![two] }));
            } else {
                self.pairs.push(Pair { before, after });
            }
        }
    }
}

/// The pair of each detector, so that conditions can name it whichever program they are of.
pub(super) fn slots(families: &Families<'_>, pairs: &[Pair], side: fn(&Pair) -> &[usize]) -> Vec<u32> {
    let mut slots = vec![u32::MAX; families.program.detectors.len()];
    for (slot, pair) in (0..).zip(pairs) {
        for family in side(pair).iter().filter_map(|place| families.all.get(*place)) {
            for id in &family.ids {
                if let Some(known) = slots.get_mut(id.index()) {
                    *known = slot;
                }
            }
        }
    }
    slots
}
