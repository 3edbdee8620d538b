//! `audit:` as types, together with what `policy.audit-logger` asks of the log.

use super::{KeyRef, Sink};

/// What the audit log promises.
#[derive(Clone, Debug)]
pub struct Audit {
    /// When records are forced to the disk.
    pub sync: SyncPolicy,
    /// Longest time for which a record stays unforced under [`SyncPolicy::Interval`].
    pub interval_ms: u32,
    /// Size in MiB at which a segment of the log is sealed.
    pub segment_mb: u32,
    /// Where the key is that authenticates the checkpoint; without one it is only a note.
    pub key: Option<KeyRef>,
    /// Days after which sealed segments are removed; they are kept for ever when nobody says so.
    pub retention_days: Option<u32>,
    /// The places that get all records besides.
    pub sinks: Vec<Sink>,
    /// Those as JSON, which tells whether they have changed.
    pub sinks_written: String,
}

/// When records are forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before the last byte of an answer goes to its client.
    Always,
    /// Every so many milliseconds.
    Interval,
    /// When the system sees fit.
    None,
}

impl SyncPolicy {
    /// As written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            SyncPolicy::Always => "always",
            SyncPolicy::Interval => "interval",
            SyncPolicy::None => "none",
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            sync: SyncPolicy::Interval,
            interval_ms: 1000,
            segment_mb: 64,
            key: None,
            retention_days: None,
            sinks: Vec::new(),
            sinks_written: String::new(),
        }
    }
}
