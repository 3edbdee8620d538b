//! Conditions as formulas, and what can be proved of them whatever the params and the traffic are.

mod claims;
mod conflict;
mod formula;
mod keys;
mod possible;
mod read;
mod says;
mod search;
mod values;

pub(super) use conflict::{Conflict, Why};
pub(super) use formula::{Claim, Finding, Formula, Site, Sought};
pub(super) use read::{At, Reader, equals};
pub(super) use says::{Domain, Says};
pub(super) use search::{Covers, conflict, conflict_with, survey};
