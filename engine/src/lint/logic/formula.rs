//! A condition as a formula: what it claims, joined by *all* and *any*. Denials stand in the claims.

use std::collections::HashSet;
use std::rc::Rc;

use grammar::Span;
use grammar::ast::{Pattern, Regex};

use super::says::{Domain, Says};
use crate::value::Value;

/// Where a part of a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Site {
    /// Its place; of what a name stands for, the place of the name.
    pub(in crate::lint) span: Span,
    /// Whether a name stands there, or a choice, and the part itself is not what was written at that place.
    pub(in crate::lint) inner: bool,
    /// Whether the opposite is what stands there.
    pub(in crate::lint) flipped: bool,
}

/// A condition.
#[derive(Clone, Debug)]
pub(in crate::lint) enum Formula<'f> {
    /// All of these hold.
    All(Site, Vec<Formula<'f>>),
    /// At least one of these holds.
    Any(Site, Vec<Formula<'f>>),
    /// A claim.
    Claim(Claim<'f>),
    /// Always the same.
    Known(Site, bool),
}

/// What is claimed of one value.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Claim<'f> {
    pub(in crate::lint) site: Site,
    /// Which value: equal texts are equal values.
    pub(in crate::lint) subject: Rc<str>,
    pub(in crate::lint) domain: Rc<Domain>,
    pub(in crate::lint) absence: Absence,
    pub(in crate::lint) says: Says,
    /// What is looked for, when the claim is that a text has a pattern.
    pub(in crate::lint) finding: Option<Finding<'f>>,
    /// Whether a redaction finds something to replace where this holds.
    pub(in crate::lint) evidence: bool,
}

/// What a claim says of an absent value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lint) enum Absence {
    /// The value is never absent, or the claim itself is about its presence.
    Plain,
    /// In place of an absent value this one counts: `x ?? 0`.
    Instead(Value),
}

/// A pattern in a text.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Finding<'f> {
    /// Which text.
    pub(in crate::lint) text: Rc<str>,
    pub(in crate::lint) pattern: Sought<'f>,
}

/// A pattern at its place of use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::lint) enum Sought<'f> {
    /// Declared in this file.
    Declared(&'f Pattern),
    /// Written on the spot.
    Regex(&'f Regex, Span),
    /// A phrase on the spot.
    Phrase(&'f str),
    /// Of another file, or out of a param.
    Elsewhere(&'f str),
}

impl Site {
    fn turned(self) -> Self {
        Self { flipped: !self.flipped, ..self }
    }
}

impl<'f> Formula<'f> {
    /// The opposite.
    pub(in crate::lint) fn negated(self) -> Self {
        let all = |parts: Vec<Formula<'f>>| parts.into_iter().map(Formula::negated).collect();
        match self {
            Formula::All(site, parts) => Formula::Any(site.turned(), all(parts)),
            Formula::Any(site, parts) => Formula::All(site.turned(), all(parts)),
            Formula::Known(site, value) => Formula::Known(site.turned(), !value),
            Formula::Claim(claim) => {
                Formula::Claim(Claim { site: claim.site.turned(), says: claim.says.negated(), ..claim })
            }
        }
    }

    /// The same, said to stand at that place as it is.
    pub(in crate::lint) fn standing(self, site: Site) -> Self {
        match self {
            Formula::All(_, parts) => Formula::All(site, parts),
            Formula::Any(_, parts) => Formula::Any(site, parts),
            Formula::Known(_, value) => Formula::Known(site, value),
            Formula::Claim(claim) => Formula::Claim(Claim { site, ..claim }),
        }
    }

    /// The same, where all of it is what stands at its sites.
    pub(in crate::lint) fn unflipped(self) -> Self {
        let all = |parts: Vec<Formula<'f>>| parts.into_iter().map(Formula::unflipped).collect();
        let site = Site { flipped: false, ..self.site() };
        match self.standing(site) {
            Formula::All(site, parts) => Formula::All(site, all(parts)),
            Formula::Any(site, parts) => Formula::Any(site, all(parts)),
            other @ (Formula::Known(..) | Formula::Claim(_)) => other,
        }
    }

    /// Where it stands.
    pub(in crate::lint) fn site(&self) -> Site {
        match self {
            Formula::All(site, _) | Formula::Any(site, _) | Formula::Known(site, _) => *site,
            Formula::Claim(claim) => claim.site,
        }
    }

    /// Notes the values that its claims are about, and the texts in which they look for patterns.
    pub(in crate::lint) fn subjects(&self, out: &mut HashSet<Rc<str>>) {
        match self {
            Formula::All(_, parts) | Formula::Any(_, parts) => {
                parts.iter().for_each(|part| part.subjects(out));
            }
            Formula::Claim(claim) => {
                out.insert(Rc::clone(&claim.subject));
                out.extend(claim.finding.as_ref().map(|finding| Rc::clone(&finding.text)));
            }
            Formula::Known(..) => {}
        }
    }

    /// The claims that a text has a pattern.
    pub(in crate::lint) fn findings<'a>(&'a self, out: &mut Vec<&'a Claim<'f>>) {
        match self {
            Formula::All(_, parts) | Formula::Any(_, parts) => {
                parts.iter().for_each(|part| part.findings(out));
            }
            Formula::Claim(claim) if claim.finding.is_some() && claim.is_positive() => out.push(claim),
            Formula::Claim(_) | Formula::Known(..) => {}
        }
    }

    /// Whether a redaction finds something to replace somewhere in it.
    pub(in crate::lint) fn has_evidence(&self, dead: &[Span]) -> bool {
        match self {
            Formula::All(_, parts) => parts.iter().any(|part| part.has_evidence(dead)),
            Formula::Any(_, parts) => parts
                .iter()
                .filter(|part| !dead.contains(&part.site().span))
                .any(|part| part.has_evidence(dead)),
            Formula::Claim(claim) => claim.evidence && claim.is_positive(),
            Formula::Known(..) => false,
        }
    }
}

impl Claim<'_> {
    /// Whether the claim is that something is so.
    pub(in crate::lint) fn is_positive(&self) -> bool {
        self.says.holds_of(&Value::Bool(true))
    }
}
