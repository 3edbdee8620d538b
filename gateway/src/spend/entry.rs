//! One claim on one counter.

use engine::Claim;

use super::journal::Change;
use super::window;
use crate::ids;

/// The largest limit that is kept exactly: what a number of Lua can count, about nine million dollars.
const MOST: u64 = 1 << 53;

/// What a request takes of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Which counter: the policy, the rule, the time, and whose, as a digest.
    pub(super) key: String,
    /// The counter of those for whom there is none of their own.
    pub(super) crowd: String,
    pub(super) limit: u64,
    pub(super) amount: u64,
    /// When the time is over, in seconds since 1970.
    pub(super) end: i64,
}

impl Entry {
    /// A claim of that amount at that moment.
    pub(super) fn of(claim: &Claim, amount: u64, now: i64) -> Self {
        let span = window::around(claim.window, now);
        let budget = format!("{}/{}/{}/{}", claim.policy(), claim.rule(), claim.window.name(), span.start);
        let digest = ids::digest(claim.whose.iter().map(Option::as_deref));
        Self {
            key: format!("{budget}/{digest}"),
            crowd: format!("{budget}/crowd"),
            limit: claim.limit.min(MOST),
            amount,
            end: span.end,
        }
    }

    /// A change of its counter.
    pub(super) fn change(&self, by: i128) -> Change {
        Change { key: self.key.clone(), by, end: self.end }
    }
}
