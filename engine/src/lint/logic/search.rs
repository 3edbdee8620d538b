//! Whether a formula can hold, and if not, which of its parts are at odds.
//!
//! The search is sound and not complete: it takes what must hold together, and every choice by itself. A choice of which
//! one alternative is left is taken. What it calls a conflict is one; what it passes may still be.

use std::collections::HashMap;
use std::rc::Rc;

use grammar::Span;

use super::conflict::{Conflict, Why, at_odds, consistent, fewest};
use super::formula::{Claim, Finding, Formula, Site};

/// How many claims are weighed against others for one condition.
const MAX_WEIGHED: usize = 20_000;

/// An alternative that can never hold where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lint) struct Dead {
    pub(in crate::lint) branch: Site,
    pub(in crate::lint) conflict: Conflict,
}

/// Whether all that one pattern finds another finds too.
pub(in crate::lint) trait Covers {
    /// Whether the first is covered by the second.
    fn covers(&self, narrow: &Finding<'_>, wide: &Finding<'_>) -> bool;
}

/// The conflict that keeps a formula from ever holding.
pub(in crate::lint) fn conflict(formula: &Formula<'_>) -> Option<Conflict> {
    Search::default().hold(formula, &mut State::default(), false).err()
}

/// The same where some patterns cover others.
pub(in crate::lint) fn conflict_with(formula: &Formula<'_>, covers: &dyn Covers) -> Option<Conflict> {
    let mut search = Search { covers: Some(covers), ..Search::default() };
    search.hold(formula, &mut State::default(), false).err()
}

/// The conflict that keeps a formula from ever holding, or else the alternatives in it that never hold.
pub(in crate::lint) fn survey(formula: &Formula<'_>) -> Result<Vec<Dead>, Conflict> {
    let mut search = Search::default();
    search.hold(formula, &mut State::default(), true)?;
    Ok(search.dead)
}

/// What is known of each value so far.
type State<'s, 'f> = HashMap<Rc<str>, Vec<&'s Claim<'f>>>;

#[derive(Default)]
struct Search<'c> {
    covers: Option<&'c dyn Covers>,
    dead: Vec<Dead>,
    weighed: usize,
}

impl Search<'_> {
    /// Takes a formula to hold.
    fn hold<'s, 'f>(
        &mut self,
        formula: &'s Formula<'f>,
        state: &mut State<'s, 'f>,
        told: bool,
    ) -> Result<(), Conflict> {
        self.weighed += 1;
        if self.weighed > MAX_WEIGHED {
            return Ok(());
        }
        let mut choices = Vec::new();
        self.settle(formula, state, &mut choices)?;
        let mut open: Vec<Choice<'s, 'f>> = choices;
        loop {
            let before = open.len();
            let mut left = Vec::new();
            for choice in open {
                match self.weigh(&choice, state, told)? {
                    Some(only) => self.hold(only, state, told)?,
                    None => left.push(choice),
                }
            }
            if left.len() == before {
                self.look_inside(&left, state, told);
                return Ok(());
            }
            open = left;
        }
    }

    /// Takes all that must hold, and puts the choices aside.
    fn settle<'s, 'f>(
        &mut self,
        formula: &'s Formula<'f>,
        state: &mut State<'s, 'f>,
        choices: &mut Vec<Choice<'s, 'f>>,
    ) -> Result<(), Conflict> {
        match formula {
            Formula::Known(_, true) => Ok(()),
            Formula::Known(site, false) => Err(Conflict { parts: vec![*site], why: Why::Constant }),
            Formula::Claim(claim) => self.add(claim, state),
            Formula::All(_, parts) => parts.iter().try_for_each(|part| self.settle(part, state, choices)),
            Formula::Any(site, parts) => {
                choices.push((*site, parts));
                Ok(())
            }
        }
    }

    /// The alternative that is left of a choice, if it is only one. With none left the choice is a conflict.
    fn weigh<'s, 'f>(
        &mut self,
        (site, branches): &Choice<'s, 'f>,
        state: &State<'s, 'f>,
        told: bool,
    ) -> Result<Option<&'s Formula<'f>>, Conflict> {
        let mut live = Vec::new();
        let mut dead = Vec::new();
        for branch in *branches {
            match self.hold(branch, &mut state.clone(), false) {
                Ok(()) => live.push(branch),
                Err(conflict) => dead.push(Dead { branch: branch.site(), conflict }),
            }
        }
        if live.is_empty() {
            return Err(all_dead(*site, dead));
        }
        if told && !site.inner {
            for one in dead {
                if !self.dead.contains(&one) {
                    self.dead.push(one);
                }
            }
        }
        Ok(if let [only] = live.as_slice() { Some(only) } else { None })
    }

    /// Looks for alternatives inside of alternatives that never hold.
    fn look_inside<'s, 'f>(&mut self, choices: &[Choice<'s, 'f>], state: &State<'s, 'f>, told: bool) {
        for (site, branches) in choices.iter().filter(|_| told) {
            for branch in branches.iter().filter(|_| !site.inner) {
                // What is at odds as a whole is told already.
                let _ = self.hold(branch, &mut state.clone(), true);
            }
        }
    }

    /// Takes a claim to hold beside those before it.
    fn add<'s, 'f>(&mut self, claim: &'s Claim<'f>, state: &mut State<'s, 'f>) -> Result<(), Conflict> {
        let known = state.entry(Rc::clone(&claim.subject)).or_default();
        self.weighed += known.len() + 1;
        if self.weighed > MAX_WEIGHED {
            return Ok(());
        }
        if !consistent(&[claim]) {
            return Err(at_odds(&[claim]));
        }
        if let Some(other) = known.iter().find(|other| !consistent(&[other, claim])) {
            return Err(at_odds(&[other, claim]));
        }
        known.push(claim);
        if known.len() > 2 && !consistent(known) {
            return Err(at_odds(&fewest(known)));
        }
        match self.covered(claim, state) {
            Some(other) => Err(Conflict { parts: vec![other.site, claim.site], why: Why::Covered }),
            None => Ok(()),
        }
    }

    /// A claim that a text lacks what it has by this one, or has what it lacks.
    fn covered<'s, 'f>(&self, claim: &Claim<'f>, state: &State<'s, 'f>) -> Option<&'s Claim<'f>> {
        let (covers, own) = (self.covers?, claim.finding.as_ref()?);
        let known = state.values().flatten().filter(|other| other.is_positive() != claim.is_positive());
        let opposed = |other: &&&Claim<'f>| {
            other.finding.as_ref().is_some_and(|found| {
                let (narrow, wide) = if claim.is_positive() { (own, found) } else { (found, own) };
                narrow.text == wide.text && covers.covers(narrow, wide)
            })
        };
        known.copied().collect::<Vec<_>>().iter().find(opposed).copied()
    }
}

/// A choice: where it stands, and its alternatives.
type Choice<'s, 'f> = (Site, &'s [Formula<'f>]);

/// The conflict of a choice of which nothing is left: the choice itself, and what its alternatives are at odds with.
fn all_dead(site: Site, dead: Vec<Dead>) -> Conflict {
    let within = |span: Span| {
        span.source == site.span.source && site.span.start <= span.start && span.end <= site.span.end
    };
    let mut parts: Vec<Site> = Vec::new();
    for part in dead.iter().flat_map(|dead| &dead.conflict.parts) {
        if !within(part.span) && !parts.contains(part) {
            parts.push(*part);
        }
    }
    let covered = dead.iter().any(|dead| dead.conflict.why == Why::Covered);
    match dead.into_iter().next() {
        Some(first) if parts.is_empty() => first.conflict,
        _ => {
            parts.push(site);
            Conflict { parts, why: if covered { Why::Covered } else { Why::Alternatives } }
        }
    }
}
