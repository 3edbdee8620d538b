//! `audit:`, and the two arguments of `audit-logger` that the log itself must hold to.

use super::key::key_ref;
use super::sinks;
use crate::codes::BAD_CONFIG;
use crate::config::{Audit, Policies, SyncPolicy};
use crate::yaml::Value;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// The policy whose arguments speak of the log.
const LOGGER: &str = "audit-logger";

/// Its defaults, as its rule file declares them.
const IMMUTABLE: bool = true;
const RETENTION_DAYS: u32 = 365;

const SYNC: &[(&str, SyncPolicy)] =
    &[("always", SyncPolicy::Always), ("interval", SyncPolicy::Interval), ("none", SyncPolicy::None)];

/// What the log promises, by its own block and by its policy.
pub(super) fn read(reader: &mut Reader, root: &Mapping, policies: Option<&Policies>) -> Audit {
    let logger = policies.and_then(logger);
    let mut audit = Audit::default();
    if let Some(logger) = &logger {
        audit.retention_days = Some(logger.retention_days);
        audit.sync = if logger.immutable { SyncPolicy::Always } else { audit.sync };
    }
    let keys = ["sync", "interval_ms", "segment_mb", "key_ref", "sinks"];
    let Some(block) = root.get("audit").and_then(|field| field.mapping(reader, &keys)) else { return audit };
    if let Some(field) = block.get("sync") {
        audit.sync = sync(reader, &field, logger.as_ref()).unwrap_or(audit.sync);
    }
    let number = |reader: &mut Reader, name, range, default| {
        block.get(name).and_then(|field: Field| field.whole(reader, range)).unwrap_or(default)
    };
    audit.interval_ms = number(reader, "interval_ms", 10..=60_000, audit.interval_ms);
    audit.segment_mb = number(reader, "segment_mb", 1..=4096, audit.segment_mb);
    audit.key = block.get("key_ref").and_then(|field| key_ref(reader, &field));
    if let Some(field) = block.get("sinks") {
        audit.sinks_written = field.node.to_json_text();
        audit.sinks = sinks::read(reader, &field);
    }
    audit
}

/// What `audit-logger` asks for.
struct Logger {
    immutable: bool,
    retention_days: u32,
}

/// Its arguments when it is in the chain; those of a wrong type are told where the rule file is applied.
fn logger(policies: &Policies) -> Option<Logger> {
    policies.chain.iter().find(|entry| entry.value == LOGGER)?;
    let written = policies.arguments.iter().find(|arguments| arguments.kind.value == LOGGER);
    let entries = match written.map(|arguments| &arguments.node.value) {
        Some(Value::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    let value = |name| entries.iter().find(|(key, _)| key.value == name).map(|(_, node)| &node.value);
    let immutable = match value("immutable") {
        Some(Value::Bool(immutable)) => *immutable,
        _ => IMMUTABLE,
    };
    let retention_days = match value("retention_days") {
        Some(Value::Int(days)) => u32::try_from(*days).unwrap_or(RETENTION_DAYS),
        _ => RETENTION_DAYS,
    };
    Some(Logger { immutable, retention_days })
}

fn sync(reader: &mut Reader, field: &Field, logger: Option<&Logger>) -> Option<SyncPolicy> {
    let sync = field.choice(reader, SYNC)?.value;
    if logger.is_some_and(|logger| logger.immutable) && sync != SyncPolicy::Always {
        let message = format!(
            "`{LOGGER}` is immutable, and with `sync: {}` a power failure loses records",
            sync.name()
        );
        let help = format!("write `sync: always`, or `{LOGGER}: {{immutable: false}}`");
        reader.report(field.error(BAD_CONFIG, message).help(help));
    }
    Some(sync)
}
