//! `telemetry:` and `audit.sinks[]` as types: what leaves the machine, and where it goes.

use super::{KeyRef, TargetTls};
use crate::span::Spanned;

/// `telemetry:`.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// What the gateway is called in what it sends: `service.name`.
    pub service_name: String,
    /// Which of several gateways it is: `service.instance.id`; the name of the machine when absent.
    pub instance: Option<String>,
    /// Where spans go; without it there are none.
    pub traces: Option<Traces>,
    /// The block as JSON, which tells whether it has changed.
    pub written: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { service_name: "kt".into(), instance: None, traces: None, written: String::new() }
    }
}

/// `telemetry.traces:`.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Where they go.
    pub collector: Collector,
    /// The share of the traces that begin here which are recorded, 0 to 1. A client's own decision counts before it.
    pub sampling_ratio: f64,
    /// Most spans that wait to be sent; more are dropped and counted.
    pub queue_spans: u32,
    /// Most spans of one request to the collector.
    pub batch_spans: u32,
    /// Longest time that a span waits for others, in milliseconds.
    pub interval_ms: u32,
}

/// A collector that takes OTLP over HTTP, in protobuf.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Its address, to which the path of the signal is added.
    pub endpoint: Spanned<String>,
    /// What each request to it carries besides.
    pub headers: Vec<Header>,
    /// Longest wait for its answer, in seconds.
    pub timeout_seconds: u32,
    /// Whom the gateway trusts there, and what it shows.
    pub tls: Option<TargetTls>,
}

/// A header of requests to a collector.
#[derive(Clone, Debug)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// What stands in a header.
#[derive(Clone, Debug)]
pub enum HeaderValue {
    /// A text that everybody may know.
    Plain(String),
    /// A secret that stands elsewhere.
    Secret(KeyRef),
}

/// `audit.sinks[]`: a place that gets all audit records.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its unique name.
    pub id: Spanned<String>,
    /// Where it is.
    pub to: SinkPlace,
    /// Most records of one batch.
    pub batch_records: u32,
    /// Longest time that a record waits for others, in milliseconds.
    pub interval_ms: u32,
    /// Longest wait between two tries, in milliseconds.
    pub max_backoff_ms: u32,
}

/// What kind of place a sink is.
#[derive(Clone, Debug)]
pub enum SinkPlace {
    /// A collector of OTLP logs.
    Otlp(Collector),
    /// A table of PostgreSQL.
    Postgres(Database),
}

impl SinkPlace {
    /// As written in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            SinkPlace::Otlp(_) => "otlp",
            SinkPlace::Postgres(_) => "postgres",
        }
    }

    /// Whom the gateway trusts there, and what it shows.
    pub fn tls(&self) -> Option<&TargetTls> {
        match self {
            SinkPlace::Otlp(collector) => collector.tls.as_ref(),
            SinkPlace::Postgres(database) => database.tls.as_ref(),
        }
    }
}

/// A database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where its address is, which holds a password.
    pub url: KeyRef,
    /// The schema of the tables.
    pub schema: String,
    /// Whether the network to it can be trusted, so that TLS may be left out.
    pub allow_insecure: bool,
    /// Longest time of one statement and of connecting, in seconds.
    pub timeout_seconds: u32,
    /// Whom the gateway trusts there, and what it shows.
    pub tls: Option<TargetTls>,
}
