//! What every audit record must hold, and what none may.

use serde_json::Value;
use tests::KEY;

/// A word for prompts and answers that no record may repeat.
pub const CANARY: &str = "xylophone-4711";

/// The one record of a log, checked.
pub fn only(records: &[Value], outcome: &str, status: u16) -> Value {
    assert_eq!(records.len(), 1, "{records:?}");
    check(&records[0], outcome, status);
    records[0].clone()
}

/// Checks the fields that do not depend on the case.
pub fn check(record: &Value, outcome: &str, status: u16) {
    const FIELDS: [&str; 13] = [
        "seq",
        "id",
        "event_type",
        "timestamp",
        "request_id",
        "verdict",
        "reason_code",
        "config_version",
        "config_hash",
        "latency_ms",
        "stream",
        "error",
        "policies_evaluated",
    ];
    FIELDS.iter().for_each(|field| assert!(record.get(field).is_some(), "no `{field}` in {record}"));
    assert_eq!(record["outcome"], outcome, "{record}");
    assert_eq!(record["status"], status, "{record}");
    assert!(record["id"].as_str().unwrap().starts_with("evt_"), "{record}");
    let text = record.to_string();
    for secret in [KEY, CANARY, "SECRET1", "ann@example.com"] {
        assert!(!text.contains(secret), "`{secret}` in {record}");
    }
}
