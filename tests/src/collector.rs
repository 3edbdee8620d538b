//! A collector on loopback that takes OTLP over HTTP, and reads it with the types that OpenTelemetry generates from its protocol.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::{Provider, Script, Seen};

/// Longest wait for what is sent from time to time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A collector.
pub struct Collector {
    /// What it does with connections, and what came over them.
    pub provider: Provider,
}

impl Default for Collector {
    fn default() -> Self {
        Self::with(Script::taken())
    }
}

impl Script {
    /// The answer of a collector that takes everything.
    pub fn taken() -> Self {
        Self::reply("200 OK", "application/x-protobuf", "")
    }

    /// The answer of a collector that has no room.
    pub fn no_room() -> Self {
        Self::reply("503 Service Unavailable", "application/x-protobuf", "")
    }
}

impl Collector {
    /// One that answers in that way.
    pub fn with(script: Script) -> Self {
        Self { provider: Provider::always(script) }
    }

    /// Its address, as a configuration names it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.provider.address)
    }

    fn posted(&self, path: &str) -> Vec<Seen> {
        let posted = self.provider.seen().into_iter();
        posted.filter(|seen| seen.head.starts_with(&format!("POST {path} HTTP/1.1\r\n"))).collect()
    }

    /// All spans that it was sent.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.posted("/v1/traces");
        let requests = requests
            .iter()
            .map(|seen| ExportTraceServiceRequest::decode(&*plain(seen)).expect("a request of spans"));
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|spans| spans.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// What it was sent of logs, a list for each request.
    pub fn batches(&self) -> Vec<Vec<LogRecord>> {
        let requests = self.posted("/v1/logs");
        let read = |seen: &Seen| {
            let request = ExportLogsServiceRequest::decode(&*plain(seen)).expect("a request of logs");
            let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            scopes.flat_map(|scope| scope.log_records).collect()
        };
        requests.iter().map(read).collect()
    }

    /// The bodies of all log records that it was sent: lines of the audit log.
    pub fn lines(&self) -> Vec<String> {
        self.batches().iter().flatten().map(|record| text(record.body.as_ref())).collect()
    }

    /// What the senders of spans and logs say that they are.
    pub fn resources(&self) -> Vec<BTreeMap<String, Value>> {
        let spans = self.posted("/v1/traces");
        let spans = spans
            .iter()
            .map(|seen| ExportTraceServiceRequest::decode(&*plain(seen)).expect("a request of spans"));
        let spans = spans.flat_map(|request| request.resource_spans).filter_map(|spans| spans.resource);
        let logs = self.posted("/v1/logs");
        let logs = logs
            .iter()
            .map(|seen| ExportLogsServiceRequest::decode(&*plain(seen)).expect("a request of logs"));
        let logs = logs.flat_map(|request| request.resource_logs).filter_map(|logs| logs.resource);
        spans.chain(logs).map(|resource| attributes(&resource.attributes)).collect()
    }
}

/// The body of a request; those who pass on compress it.
fn plain(seen: &Seen) -> Cow<'_, [u8]> {
    if seen.header("content-encoding") != Some("gzip") {
        return Cow::Borrowed(&seen.body);
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*seen.body).read_to_end(&mut plain).expect("a body in gzip");
    Cow::Owned(plain)
}

/// Waits until something is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Attributes by their names.
pub fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute.value.as_ref()))).collect()
}

fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(flag)) => json!(flag),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(items)) => items.values.iter().map(|item| value(Some(item))).collect(),
        _ => Value::Null,
    }
}

fn text(any: Option<&AnyValue>) -> String {
    value(any).as_str().expect("a text").to_owned()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
