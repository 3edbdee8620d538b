//! `retry`, `circuit_breaker`, `health_probe` and the failures that they speak of.

use crate::codes::{BAD_CONFIG, BAD_VALUE};
use crate::config::{CircuitBreaker, HealthProbe, Retry, Trigger};
use crate::yaml::Value;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

const TRIGGERS: &[(&str, Trigger)] = &[
    ("rate_limit", Trigger::RateLimit),
    ("server_error", Trigger::ServerError),
    ("timeout", Trigger::Timeout),
    ("connection", Trigger::Connection),
    ("rate_limit_exceeded", Trigger::RateLimit),
    ("service_unavailable", Trigger::ServerError),
    ("5xx", Trigger::ServerError),
];

/// A list of failures, each once.
pub(super) fn triggers(reader: &mut Reader, field: &Field) -> Option<Vec<Trigger>> {
    let mut triggers = Vec::new();
    for item in field.list(reader)? {
        if let Some(trigger) = item.choice(reader, TRIGGERS).filter(|t| !triggers.contains(&t.value)) {
            triggers.push(trigger.value);
        }
    }
    Some(triggers)
}

pub(super) fn retry(reader: &mut Reader, field: &Field) -> Option<Retry> {
    let block = field.mapping(reader, &["max_attempts", "backoff_ms", "max_backoff_ms", "retry_on"])?;
    let default = Retry::default();
    let retry = Retry {
        max_attempts: number(reader, &block, "max_attempts", default.max_attempts, 10),
        backoff_ms: number(reader, &block, "backoff_ms", default.backoff_ms, 60_000),
        max_backoff_ms: number(reader, &block, "max_backoff_ms", default.max_backoff_ms, 600_000),
        retry_on: block.get("retry_on").and_then(|f| triggers(reader, &f)).unwrap_or(default.retry_on),
    };
    if let Some(first) = block.get("backoff_ms").filter(|_| retry.backoff_ms > retry.max_backoff_ms) {
        let message = format!(
            "the first wait of {} ms is above `max_backoff_ms`, {}",
            retry.backoff_ms, retry.max_backoff_ms
        );
        reader.report(first.error(BAD_CONFIG, message).help("raise `max_backoff_ms`, or lower this"));
    }
    Some(retry)
}

pub(super) fn circuit_breaker(reader: &mut Reader, field: &Field) -> Option<CircuitBreaker> {
    let keys = ["enabled", "failure_threshold", "cooldown_seconds", "half_open_probes"];
    let block = field.mapping(reader, &keys)?;
    let default = CircuitBreaker::default();
    Some(CircuitBreaker {
        enabled: enabled(reader, &block),
        failure_threshold: number(reader, &block, "failure_threshold", default.failure_threshold, 1000),
        cooldown_seconds: number(reader, &block, "cooldown_seconds", default.cooldown_seconds, 86_400),
        half_open_probes: number(reader, &block, "half_open_probes", default.half_open_probes, 100),
    })
}

/// The mapping, or just `true` or `false`.
pub(super) fn health_probe(reader: &mut Reader, field: &Field) -> Option<HealthProbe> {
    let default = HealthProbe::default();
    if let Value::Bool(enabled) = field.node.value {
        return Some(HealthProbe { enabled, ..default });
    }
    let thresholds = ["unhealthy_threshold", "healthy_threshold"];
    let keys = ["enabled", "path", "interval_seconds", "timeout_seconds", thresholds[0], thresholds[1]];
    let block = field.mapping(reader, &keys)?;
    Some(HealthProbe {
        enabled: enabled(reader, &block),
        path: block.get("path").and_then(|f| probe_path(reader, &f)).unwrap_or(default.path),
        interval_seconds: number(reader, &block, "interval_seconds", default.interval_seconds, 86_400),
        timeout_seconds: number(reader, &block, "timeout_seconds", default.timeout_seconds, 300),
        unhealthy_threshold: number(reader, &block, thresholds[0], default.unhealthy_threshold, 100),
        healthy_threshold: number(reader, &block, thresholds[1], default.healthy_threshold, 100),
    })
}

fn probe_path(reader: &mut Reader, field: &Field) -> Option<String> {
    let path = field.text(reader)?.value;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
    if path.starts_with('/') && is_plain {
        return Some(path);
    }
    reader.report(
        field.error(BAD_VALUE, "`path` must start with `/` and have no `?` part").help("such as `/models`"),
    );
    None
}

fn enabled(reader: &mut Reader, block: &Mapping) -> bool {
    block.get("enabled").and_then(|field| field.flag(reader)).is_none_or(|enabled| enabled.value)
}

/// A whole number from 1 up, or its default.
fn number(reader: &mut Reader, block: &Mapping, name: &str, default: u32, max: u32) -> u32 {
    block.get(name).and_then(|field| field.whole(reader, 1..=max)).unwrap_or(default)
}
