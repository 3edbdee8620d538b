//! `telemetry:`, and what it shares with `audit.sinks`: collectors and their headers.

use super::key::key_ref;
use super::{address, serving};
use crate::codes::BAD_VALUE;
use crate::config::{Collector, Header, HeaderValue, Telemetry, Traces};
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::Value;
use crate::yaml::field::Field;
use crate::yaml::mapping::{Mapping, looks_secret};
use crate::yaml::reader::Reader;

/// Headers that every request sets itself.
const OWN: &[&str] =
    &["host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "te"];

/// Longest name of a service or an instance.
const MAX_NAME: usize = 200;

/// What leaves the machine about requests.
pub(super) fn read(reader: &mut Reader, root: &Mapping) -> Telemetry {
    let mut telemetry = Telemetry::default();
    let Some(field) = root.get("telemetry") else { return telemetry };
    telemetry.written = field.node.to_json_text();
    let Some(block) = field.mapping(reader, &["service_name", "instance", "traces"]) else {
        return telemetry;
    };
    if let Some(name) = block.get("service_name").and_then(|field| name(reader, &field)) {
        telemetry.service_name = name;
    }
    telemetry.instance = block.get("instance").and_then(|field| name(reader, &field));
    telemetry.traces = block.get("traces").and_then(|field| traces(reader, &field));
    telemetry
}

fn name(reader: &mut Reader, field: &Field) -> Option<String> {
    let name = field.text(reader)?.value;
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let message = format!("{} must be a name of at most {MAX_NAME} bytes", field.name());
        reader.report(field.error(BAD_VALUE, message));
        return None;
    }
    Some(name)
}

fn traces(reader: &mut Reader, field: &Field) -> Option<Traces> {
    let own = ["sampling_ratio", "queue_spans", "batch_spans", "interval_ms"];
    let block = field.mapping(reader, &[&COLLECTOR[..], &own].concat())?;
    let number = |reader: &mut Reader, name, range, default| {
        block.get(name).and_then(|field: Field| field.whole(reader, range)).unwrap_or(default)
    };
    let queue_spans = number(reader, "queue_spans", 16..=1_000_000, 4096);
    let batch_spans = number(reader, "batch_spans", 1..=10_000, 512);
    let interval_ms = number(reader, "interval_ms", 10..=60_000, 1000);
    let sampling_ratio = block.get("sampling_ratio").and_then(|field| ratio(reader, &field)).unwrap_or(1.0);
    let collector = collector(reader, &block, 10)?;
    Some(Traces { collector, sampling_ratio, queue_spans, batch_spans, interval_ms })
}

fn ratio(reader: &mut Reader, field: &Field) -> Option<f64> {
    let ratio = field.amount(reader)?;
    if ratio > 1.0 {
        reader.report(
            field.error(BAD_VALUE, format!("{} must be from 0 to 1", field.name())).label("out of range"),
        );
    }
    Some(ratio).filter(|ratio| *ratio <= 1.0)
}

/// The keys of a collector.
pub(super) const COLLECTOR: [&str; 5] = ["endpoint", "headers", "timeout_seconds", "allow_insecure", "tls"];

/// Where OTLP goes.
pub(super) fn collector(reader: &mut Reader, block: &Mapping, timeout: u32) -> Option<Collector> {
    let insecure = block.get("allow_insecure").and_then(|field| field.flag(reader));
    let insecure = insecure.is_some_and(|flag| flag.value);
    let help = "the address of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`";
    let endpoint = block.require(reader, "endpoint", help);
    let endpoint = endpoint.and_then(|field| address::collector(reader, &field, insecure));
    let headers = block.get("headers").map(|field| headers(reader, &field)).unwrap_or_default();
    let timeout_seconds = block.get("timeout_seconds").and_then(|field| field.whole(reader, 1..=300));
    let tls = serving::target_tls(reader, block, endpoint.as_ref());
    Some(Collector { endpoint: endpoint?, headers, timeout_seconds: timeout_seconds.unwrap_or(timeout), tls })
}

fn headers(reader: &mut Reader, field: &Field) -> Vec<Header> {
    let Some(block) = field.open(reader) else { return Vec::new() };
    block.fields().filter_map(|(field, key)| header(reader, &field, key)).collect()
}

fn header(reader: &mut Reader, field: &Field, key: &Spanned<String>) -> Option<Header> {
    let name = key.value.to_lowercase();
    let is_token = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !is_token || name.is_empty() || name.len() > 100 || OWN.contains(&name.as_str()) {
        let message = format!("`{}` cannot be a header of requests to a collector", key.value);
        let help = format!("a name of letters, digits and dashes, and none of {}", OWN.join(", "));
        reader.report(Diagnostic::error(BAD_VALUE, key.span, message).help(help).path(field.path.as_str()));
        return None;
    }
    if matches!(field.node.value, Value::Map(_)) || looks_secret(&name) {
        return key_ref(reader, field).map(|key| Header { name, value: HeaderValue::Secret(key) });
    }
    let text = field.text(reader)?.value;
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        reader.report(field.error(BAD_VALUE, format!("{} must be plain ASCII on one line", field.name())));
        return None;
    }
    Some(Header { name, value: HeaderValue::Plain(text) })
}
