//! Audit records as OTLP logs: the line of the log is the body, so that whoever has it can check the chain.

use grammar::config;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use prost::Message as _;
use serde_json::{Map, Value};

use super::Taken;
use super::reader::Line;
use crate::error::Error;
use crate::telemetry;
use crate::telemetry::collector::{Collector, Refusal};

/// Fields that are attributes of their own, to search by.
const ATTRIBUTES: [&str; 16] = [
    "seq",
    "event_type",
    "request_id",
    "endpoint",
    "outcome",
    "verdict",
    "policy",
    "rule",
    "reason_code",
    "severity",
    "model",
    "provider",
    "target",
    "status",
    "error",
    "key",
];

/// The way to a collector.
pub(super) struct Logs {
    collector: Collector,
    resource: Resource,
}

impl Logs {
    pub(super) fn new(written: &config::Collector, telemetry: &config::Telemetry) -> Result<Self, Error> {
        let resource = ResourceAttributesWithSchema::from(&telemetry::resource(telemetry));
        let resource = Resource { attributes: resource.attributes.0, ..Resource::default() };
        Ok(Self { collector: Collector::new(written, "/v1/logs")?, resource })
    }

    pub(super) async fn send(&self, batch: &[Line]) -> Result<Taken, Refusal> {
        let now = nanos(Timestamp::now());
        let scope = InstrumentationScope {
            name: "kt.audit".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let log_records = batch.iter().map(|line| record(line, now)).collect();
        let logs = ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() };
        let resource = Some(self.resource.clone());
        let logs = ResourceLogs { resource, scope_logs: vec![logs], ..ResourceLogs::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
        let answer = self.collector.post(request.encode_to_vec()).await?;
        // OTLP: what was rejected in part must not be sent again.
        let answer = ExportLogsServiceResponse::decode(answer).unwrap_or_default();
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_log_records);
        Ok(Taken { rejected: u64::try_from(rejected).unwrap_or_default().min(batch.len() as u64) })
    }
}

fn record(line: &Line, now: u64) -> LogRecord {
    let record: Map<String, Value> = serde_json::from_str(&line.text).unwrap_or_default();
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let id = text("id").map(|id| attribute("log.record.uid", Any::StringValue(id.to_owned())));
    let own = ATTRIBUTES.iter().filter_map(|name| {
        let value = match record.get(*name)? {
            Value::String(text) => Any::StringValue(text.clone()),
            Value::Number(number) => Any::IntValue(number.as_i64()?),
            Value::Bool(flag) => Any::BoolValue(*flag),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(attribute(&format!("kt.{name}"), value))
    });
    let severity = match (text("verdict"), text("outcome")) {
        (_, Some("failed")) => SeverityNumber::Error,
        (Some("block" | "escalate"), _) => SeverityNumber::Warn,
        _ => SeverityNumber::Info,
    };
    LogRecord {
        time_unix_nano: line.timestamp.map_or(now, nanos),
        observed_time_unix_nano: now,
        severity_number: severity.into(),
        severity_text: severity.as_str_name().trim_start_matches("SEVERITY_NUMBER_").to_owned(),
        event_name: format!("kt.audit.{}", text("event_type").unwrap_or("record")),
        trace_id: text("trace_id").and_then(bytes).unwrap_or_default(),
        attributes: id.into_iter().chain(own).collect(),
        body: Some(AnyValue { value: Some(Any::StringValue(line.text.clone())) }),
        ..LogRecord::default()
    }
}

fn attribute(name: &str, value: Any) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

/// The bytes of hexadecimal digits.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    pairs.collect()
}
