//! Names for requests and records, and the clock that sessions are timed by.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::Instant;

/// 64 random bits: good for names and for picking a target, not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A new name such as `req_…`, unique for all practical purposes.
pub(crate) fn fresh(prefix: &str) -> String {
    format!("{prefix}_{:016x}{:016x}", random(), random())
}

/// Nanoseconds since the first call, never running backwards.
pub(crate) fn clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether a client's name for its request can be kept.
pub(crate) fn is_well_formed(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_well_formed() {
        let (a, b) = (fresh("req"), fresh("req"));
        assert!(a != b && is_well_formed(&a) && a.len() == 36);
        assert!(!is_well_formed("") && !is_well_formed("a b") && !is_well_formed(&"x".repeat(129)));
    }
}
