//! Claims on one value that are at odds, and why.

use super::formula::{Absence, Claim, Site};
use super::possible::possible;
use super::says::{Domain, Says};
use crate::program::ir::Comparison;

/// Parts that cannot hold together; one alone that can never hold.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lint) struct Conflict {
    pub(in crate::lint) parts: Vec<Site>,
    pub(in crate::lint) why: Why,
}

/// Why parts are at odds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lint) enum Why {
    /// One part is a constant.
    Constant,
    /// The value is by itself one of others.
    Domain(Domain),
    /// Each part wants another value.
    Values,
    /// No value is left that none of them refuses.
    NoneLeft,
    /// No number is within all bounds.
    Numbers,
    /// One part is the opposite of the other.
    Opposites,
    /// What one expression finds, the other does not, and what one text begins or ends with, no other does.
    Texts,
    /// One part asks for what the other says is absent.
    Absence,
    /// What one pattern finds the other finds too.
    Covered,
    /// Each alternative is at odds with something else.
    Alternatives,
}

/// Whether a value can be all that is claimed of it.
pub(super) fn consistent(claims: &[&Claim<'_>]) -> bool {
    let Some(first) = claims.first() else { return true };
    let (mut present, mut absent, mut optional) = (false, false, false);
    let mut says = Vec::new();
    for claim in claims {
        match (&claim.says, &claim.absence) {
            (Says::Present(true), _) => (present, optional) = (true, true),
            (Says::Present(false), _) => (absent, optional) = (true, true),
            (said, Absence::Instead(other)) => {
                optional = true;
                present |= !said.holds_of(other);
                says.push(said);
            }
            (said, Absence::Plain) => says.push(said),
        }
    }
    if optional && !present {
        // Whatever is said is true of what counts in place of an absent value.
        return true;
    }
    !(present && absent) && possible(&first.domain, &says)
}

/// The fewest of some claims that are still at odds.
pub(super) fn fewest<'s, 'f>(claims: &[&'s Claim<'f>]) -> Vec<&'s Claim<'f>> {
    let mut left = claims.to_vec();
    let mut at = 0;
    while at < left.len() {
        let mut fewer = left.clone();
        fewer.remove(at);
        if consistent(&fewer) {
            at += 1;
        } else {
            left = fewer;
        }
    }
    left
}

pub(super) fn at_odds(claims: &[&Claim<'_>]) -> Conflict {
    Conflict { parts: claims.iter().map(|claim| claim.site).collect(), why: why(claims) }
}

fn why(claims: &[&Claim<'_>]) -> Why {
    let says = || claims.iter().map(|claim| &claim.says);
    match claims {
        [one] if *one.domain != Domain::Any => Why::Domain((*one.domain).clone()),
        [a, b] if a.says == b.says.negated() => Why::Opposites,
        _ if says().any(|says| matches!(says, Says::Present(false))) => Why::Absence,
        [one, ..] if *one.domain == Domain::orders() => Why::Numbers,
        _ if says().all(|says| matches!(says, Says::Is(Comparison::Eq, _) | Says::OneOf(_, true))) => {
            Why::Values
        }
        _ if says().any(|says| matches!(says, Says::Is(Comparison::Ne, _) | Says::OneOf(..))) => {
            Why::NoneLeft
        }
        _ if says().all(|says| matches!(says, Says::Is(..))) => Why::Numbers,
        _ => Why::Texts,
    }
}
