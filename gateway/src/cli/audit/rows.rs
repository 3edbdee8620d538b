//! Records as rows: the fields of a request, its findings as labels.

use std::io::{self, Write};

use serde_json::{Map, Value};

/// The columns, in order.
const COLUMNS: [&str; 32] = [
    "seq",
    "id",
    "timestamp",
    "request_id",
    "trace_id",
    "endpoint",
    "outcome",
    "status",
    "error",
    "verdict",
    "reason_code",
    "policy",
    "rule",
    "severity",
    "tags",
    "model",
    "provider",
    "target",
    "attempts",
    "stream",
    "latency_ms",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "usage_source",
    "user_id",
    "key",
    "config_version",
    "config_hash",
    "policies_evaluated",
    "findings",
    "hash",
];

/// Writes rows; the first has the names of the columns.
pub(super) struct Rows<W: Write> {
    writer: csv::Writer<W>,
    is_begun: bool,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(output: W) -> Self {
        Self { writer: csv::Writer::from_writer(output), is_begun: false }
    }

    /// Writes one record.
    pub(super) fn row(&mut self, line: &[u8]) -> io::Result<()> {
        self.begin()?;
        let record: Map<String, Value> = serde_json::from_slice(line)?;
        self.writer.write_record(COLUMNS.iter().map(|column| cell(&record, column)))?;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.begin()?;
        self.writer.flush()
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.is_begun {
            self.writer.write_record(COLUMNS)?;
            self.is_begun = true;
        }
        Ok(())
    }
}

fn cell(record: &Map<String, Value>, column: &str) -> String {
    match (column, record.get(column)) {
        ("policies_evaluated", Some(Value::Array(policies))) => joined(
            policies.iter().map(|policy| format!("{}={}", text(&policy["name"]), text(&policy["result"]))),
        ),
        ("attempts", Some(Value::Array(attempts))) => joined(attempts.iter().map(attempt)),
        ("findings", _) => {
            let policies = record.get("policies_evaluated").and_then(Value::as_array).into_iter().flatten();
            let findings = policies.filter_map(|policy| policy["findings"].as_array()).flatten();
            joined(findings.map(|finding| text(&finding["label"])))
        }
        (_, Some(Value::Array(items))) => joined(items.iter().map(text)),
        (_, Some(value)) => tame(text(value)),
        (_, None) => String::new(),
    }
}

/// Who was asked, and what it failed with, if it did.
fn attempt(attempt: &Value) -> String {
    match &attempt["failure"] {
        Value::Null => text(&attempt["target"]),
        failure => format!("{}={}", text(&attempt["target"]), text(failure)),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    tame(parts.collect::<Vec<_>>().join(";"))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Text that a spreadsheet takes for text: clients choose some of it, and a formula is run by whoever opens the file.
fn tame(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_row() {
        let record = r#"{"seq":7,"user_id":"=cmd()","tags":["a","b"],"cost_usd":null,"model":"a,\"b\"","stream":true,
            "attempts":[{"failure":"answered 503","target":"a"},{"failure":null,"target":"b"}],
            "policies_evaluated":[{"name":"p","result":"redact","findings":[{"label":"EMAIL"},{"label":"SSN"}]},
            {"name":"q","result":"allow","findings":[]}]}"#;
        let mut written = Vec::new();
        let mut rows = Rows::new(&mut written);
        rows.row(record.as_bytes()).unwrap();
        rows.flush().unwrap();
        drop(rows);
        let written = String::from_utf8(written).unwrap();
        let expected = "7,,,,,,,,,,,,,,a;b,\"a,\"\"b\"\"\",,,a=answered 503;b,true,,,,,,'=cmd(),,,,p=redact;q=allow,EMAIL;SSN,";
        assert_eq!(written.lines().collect::<Vec<_>>(), [COLUMNS.join(",").as_str(), expected]);
    }
}
