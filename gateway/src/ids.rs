//! Names for requests, records and those who ask, and the clock that sessions are timed by.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

/// 64 random bits: good for names and for picking a target, not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A new name such as `req_…`, unique for all practical purposes.
pub(crate) fn fresh(prefix: &str) -> String {
    format!("{prefix}_{:016x}{:016x}", random(), random())
}

/// A name for whoever is told apart by those texts, which says nothing of them. It is the same everywhere and for ever.
pub(crate) fn digest<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        let length = text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
        digest.update(length.to_be_bytes());
        digest.update(text.unwrap_or_default());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
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
