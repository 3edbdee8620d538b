//! The records that are not about a request: how a segment ended, how kt started, what was removed.
//!
//! The fields of every record stand in the order of their names, which is the order of canonical JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::Hash;
use super::record::Record;
use crate::ids;

/// What can stand in the log. Its fields are written in the order of their names.
pub(crate) trait Event: Serialize {
    /// Takes its place behind another record.
    fn link(&mut self, seq: u64, prev_hash: Hash);
}

/// The last record of a segment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seal {
    event_type: &'static str,
    first_seq: u64,
    head_hash: Hash,
    id: String,
    prev_hash: Hash,
    records: u64,
    seq: u64,
    timestamp: String,
}

impl Seal {
    /// Seals that many records, the first of them and the hash of the last.
    pub(super) fn new(first_seq: u64, records: u64, head_hash: Hash, now: Timestamp) -> Self {
        Self {
            event_type: "seal",
            first_seq,
            head_hash,
            id: ids::fresh("evt"),
            prev_hash: Hash::ZERO,
            records,
            seq: 0,
            timestamp: now.to_string(),
        }
    }
}

/// The first record after an end that was not clean.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Recovery {
    /// What was found of the checkpoint: `current`, `behind`, `half`, `unsigned`, `damaged` or `missing`.
    pub(super) checkpoint: &'static str,
    pub(super) checkpoint_seq: Option<u64>,
    event_type: &'static str,
    id: String,
    prev_hash: Hash,
    seq: u64,
    timestamp: String,
    /// What was moved away from the end of the log, and where to.
    pub(super) torn_bytes: u64,
    pub(super) torn_file: Option<String>,
    pub(super) torn_sha256: Option<Hash>,
}

impl Recovery {
    pub(super) fn new(checkpoint: &'static str, checkpoint_seq: Option<u64>, now: Timestamp) -> Self {
        Self {
            checkpoint,
            checkpoint_seq,
            event_type: "recovery",
            id: ids::fresh("evt"),
            prev_hash: Hash::ZERO,
            seq: 0,
            timestamp: now.to_string(),
            torn_bytes: 0,
            torn_file: None,
            torn_sha256: None,
        }
    }
}

/// Segments that are about to be removed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Retention {
    event_type: &'static str,
    id: String,
    prev_hash: Hash,
    removed: Vec<Removed>,
    retention_days: u32,
    seq: u64,
    timestamp: String,
}

/// What is left of a segment that was removed: its first and last number, and the hash of its seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removed {
    pub(crate) first_seq: u64,
    pub(crate) head_hash: Hash,
    pub(crate) last_seq: u64,
}

impl Retention {
    pub(super) fn new(removed: Vec<Removed>, retention_days: u32, now: Timestamp) -> Self {
        Self {
            event_type: "retention",
            id: ids::fresh("evt"),
            prev_hash: Hash::ZERO,
            removed,
            retention_days,
            seq: 0,
            timestamp: now.to_string(),
        }
    }
}

macro_rules! linked {
    ($($event:ty),*) => {
        $(impl Event for $event {
            fn link(&mut self, seq: u64, prev_hash: Hash) {
                (self.seq, self.prev_hash) = (seq, prev_hash);
            }
        })*
    };
}

linked!(Record, Seal, Recovery, Retention);

/// A number as canonical JSON writes it, which is as JavaScript does (RFC 8785, section 3.2.2.3).
pub(super) fn canonical_number(number: f64) -> Option<serde_json::Number> {
    let size = number.abs();
    let plain = size == 0.0 || (1e-6..1e21).contains(&size);
    let text = match plain {
        true => format!("{}", if size == 0.0 { 0.0 } else { number }),
        false => format!("{number:e}").replace('e', if size < 1.0 { "e" } else { "e+" }),
    };
    text.parse().ok().filter(|_| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, written) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (0.000_000_000_15, "1.5e-10"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-2.5e-9, "-2.5e-9"),
        ] {
            assert_eq!(canonical_number(number).unwrap().to_string(), written);
        }
        assert!(canonical_number(f64::NAN).is_none() && canonical_number(f64::INFINITY).is_none());
    }
}
