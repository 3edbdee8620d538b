//! What came of a reload: for the log, for whoever asked, and for `/health`.

use grammar::config::{self, KeyRef, RedisUrl};
use grammar::{Diagnostic, Sources};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::packs;

/// What made the gateway read its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The signal SIGHUP.
    Signal,
    /// A request of the operator.
    Request,
    /// A change of a file.
    Change,
}

impl Trigger {
    fn name(self) -> &'static str {
        match self {
            Trigger::Signal => "signal",
            Trigger::Request => "request",
            Trigger::Change => "file_change",
        }
    }
}

/// A reload that is over.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    at: Timestamp,
    trigger: Trigger,
    outcome: Outcome,
}

/// How it ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// What was read is in force.
    Taken {
        hash: String,
        previous_hash: String,
        policies: usize,
        warnings: Vec<Value>,
        /// What has changed and is not in force.
        needs_restart: Vec<&'static str>,
    },
    /// What was in force before still is.
    Refused(Refused),
}

/// Why what was read is not taken.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    reason: String,
    errors: Vec<Value>,
    lines: Vec<String>,
}

impl Refused {
    pub(super) fn because(sentence: impl Into<String>) -> Self {
        Self { reason: sentence.into(), errors: Vec::new(), lines: Vec::new() }
    }

    pub(super) fn of(diagnostics: &[Diagnostic], sources: &Sources) -> Self {
        let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|found| found.is_error()).collect();
        let lines: Vec<String> = errors.iter().map(|found| packs::as_line(found, sources)).collect();
        let more = match lines.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let reason =
            format!("{}{more}", lines.first().map_or("the configuration has mistakes", String::as_str));
        Self { reason, errors: errors.iter().map(|found| packs::as_json(found, sources)).collect(), lines }
    }
}

impl Told {
    pub(super) fn now(trigger: Trigger, outcome: Outcome) -> Self {
        Self { at: Timestamp::now(), trigger, outcome }
    }

    /// Whether what was read is in force.
    pub(crate) fn is_taken(&self) -> bool {
        match self.outcome {
            Outcome::Taken { .. } => true,
            Outcome::Refused(_) => false,
        }
    }

    /// All of it.
    pub(crate) fn as_json(&self) -> Value {
        let (at, trigger) = (self.at.to_string(), self.trigger.name());
        match &self.outcome {
            Outcome::Taken { hash, previous_hash, policies, warnings, needs_restart } => json!({
                "status": "taken", "at": at, "trigger": trigger, "hash": hash, "previous_hash": previous_hash,
                "policies_loaded": policies, "warnings": warnings, "needs_restart": needs_restart,
            }),
            Outcome::Refused(refused) => json!({
                "status": "refused", "at": at, "trigger": trigger, "reason": refused.reason,
                "errors": refused.errors,
            }),
        }
    }

    pub(super) fn log(&self) {
        let trigger = self.trigger.name();
        match &self.outcome {
            Outcome::Taken { hash, previous_hash, policies, warnings, needs_restart } => {
                for warning in warnings {
                    tracing::warn!(trigger, "the configuration has a warning: {warning}");
                }
                for what in needs_restart {
                    tracing::warn!(
                        trigger,
                        "`{what}` has changed, which takes a restart; it stays as it was"
                    );
                }
                tracing::info!(trigger, hash, previous_hash, policies, "the configuration was read anew");
            }
            Outcome::Refused(refused) => {
                for line in refused.lines.iter().skip(1) {
                    tracing::error!(trigger, "the new configuration has a mistake: {line}");
                }
                let reason = &refused.reason;
                tracing::error!(
                    trigger,
                    "the new configuration is refused, the old one stays in force: {reason}"
                );
            }
        }
    }
}

/// What was opened at the start and stays open.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// What the audit log was opened with.
    pub(crate) audit: config::Audit,
    /// What spans are made by.
    pub(crate) telemetry: config::Telemetry,
    /// Where counters are kept.
    pub(crate) state: config::State,
}

/// The settings that are not as they were when what they are of was opened.
pub(super) fn needs_restart(before: &Opened, after: &config::Config) -> Vec<&'static str> {
    let is_other_state = counters(&before.state) != counters(&after.state);
    let is_other_telemetry = before.telemetry.written != after.telemetry.written;
    let (before, after) = (&before.audit, &after.audit);
    let place = |audit: &config::Audit| audit.key.as_ref().map(kept_in);
    let changes = [
        ("audit.sync", before.sync != after.sync),
        ("audit.interval_ms", before.interval_ms != after.interval_ms),
        ("audit.segment_mb", before.segment_mb != after.segment_mb),
        ("audit.key_ref", place(before) != place(after)),
        ("audit.sinks", before.sinks_written != after.sinks_written),
        ("policy.audit-logger.retention_days", before.retention_days != after.retention_days),
        ("state.redis", is_other_state),
        ("telemetry", is_other_telemetry),
    ];
    changes.into_iter().filter_map(|(name, is_other)| is_other.then_some(name)).collect()
}

/// Where a key is kept.
fn kept_in(key: &KeyRef) -> String {
    match key {
        KeyRef::Env(name) => format!("env {}", name.value),
        KeyRef::File(path) => format!("file {}", path.value),
    }
}

/// Where counters are kept, wherever in the file that is said.
fn counters(state: &config::State) -> Option<(String, String, u32, config::OnError, Vec<&str>)> {
    let redis = state.redis.as_ref()?;
    let url = match &redis.url {
        RedisUrl::Plain(url) => url.value.clone(),
        RedisUrl::Key(key) => kept_in(key),
    };
    let tls = redis.tls.iter().flat_map(config::TargetTls::files).collect();
    Some((url, redis.prefix.clone(), redis.timeout_ms, redis.on_error, tls))
}
