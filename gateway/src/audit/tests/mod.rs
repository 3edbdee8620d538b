//! Behaviour of the log: on a real disk, on one that is full, on one that forgets, and under the hands of a forger.

mod full;
mod power;
mod segments;
mod starts;
mod tamper;

use serde_json::Value;

use super::checkpoint;
use super::verify::{Against, Report, verify};
use super::*;
use crate::kit;
use crate::route::Target;

/// A folder that is gone with the test; in memory where that is possible, since much is synced.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn options(sync: SyncPolicy) -> Options {
    Options::of(&config::Audit { sync, ..config::Audit::default() }).unwrap()
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// A record of a request, as the exchange makes it.
fn record(request_id: &str) -> Box<Record> {
    Ledger::open(None, &kit::pack(), request_id).into_record()
}

/// Opens the log in a folder.
fn open(folder: &Path, options: Options) -> Result<log::Log<Folder>, Error> {
    start::open(Folder::open(folder)?, folder, options, now())
}

/// Opens the log, writes so many records and closes it.
fn write(folder: &Path, options: Options, count: usize) {
    let mut log = open(folder, options).unwrap();
    for number in 0..count {
        log.write(now(), [&mut *record(&format!("req_{number}"))]).unwrap();
    }
    log.close(now()).unwrap();
}

fn checked(folder: &Path) -> Report {
    verify(folder, &Against::default(), |_| {}).unwrap()
}

/// What is wrong with a log: the record and in which way.
fn breach(folder: &Path) -> Option<(u64, &'static str)> {
    checked(folder).breach.map(|breach| (breach.seq, breach.kind))
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(segment::ACTIVE)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(folder: &Path) -> Vec<String> {
    lines(folder).iter().map(|line| line["event_type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_record_that_nobody_closes_says_that_the_client_went_away() {
    let folder = scratch();
    let (audit, task) = Audit::open(folder.path(), options(SyncPolicy::Interval), FailMode::Block).unwrap();
    drop(Ledger::open(audit.seat(), &kit::pack(), "req_9"));
    drop(audit);
    task.await.unwrap();
    let line = &lines(&segment::folder(folder.path()))[0];
    assert_eq!((&line["outcome"], &line["request_id"]), (&"client_disconnect".into(), &"req_9".into()));
}

#[tokio::test]
async fn a_target_without_a_model_records_the_one_that_was_asked_for() {
    let mut written = kit::target("a", "http://127.0.0.1:9/v1");
    let plain = Arc::new(Target::prepare(&written, None).unwrap());
    written.model = Some("own".into());
    let own = Arc::new(Target::prepare(&written, None).unwrap());
    let mut ledger = Ledger::open(None, &kit::pack(), "req_1");
    ledger.sent(&own, "asked");
    ledger.sent(&plain, "asked");
    assert_eq!(ledger.into_record().model.as_deref(), Some("asked"));
}

#[test]
fn the_defaults_of_the_log_are_those_of_its_policy() {
    let file = crate::packs::shipped::find(crate::packs::shipped::KINDS, "audit-logger").unwrap();
    assert!(file.text.contains("param immutable: bool = true\n"));
    assert!(file.text.contains("param retention_days: int in 1..36500 = 365\n"));
    let audit = crate::packs::quickstart().pack.unwrap().config.audit.clone();
    assert_eq!((audit.sync, audit.retention_days), (SyncPolicy::Always, Some(365)));
}

#[test]
fn every_line_is_canonical() {
    let folder = scratch();
    let mut log = open(folder.path(), options(SyncPolicy::None)).unwrap();
    let mut record = record("req_1");
    record.cost_usd = Some(0.000_000_25);
    record.user_id = Some("\u{1}\u{1f}\"\\\n\u{7f}é𝄞".into());
    record.tags = vec!["b".into(), "a".into()];
    let found = Found { end: 9, label: "EMAIL".into(), rule: "r".into(), site: "s".into(), start: 3 };
    record.policies_evaluated =
        vec![Evaluated { findings: vec![found], latency_us: 1, name: "p".into(), result: "redact" }];
    log.write(now(), [&mut *record]).unwrap();
    log.seal_now();
    log.write(now(), [&mut event::Recovery::new("behind", Some(1), now())]).unwrap();
    let removed = event::Removed { first_seq: 1, head_hash: Hash::ZERO, last_seq: 2 };
    log.write(now(), [&mut event::Retention::new(vec![removed], 1, now())]).unwrap();
    let sealed = std::fs::read_to_string(folder.path().join(segment::name(1))).unwrap();
    let active = std::fs::read_to_string(folder.path().join(segment::ACTIVE)).unwrap();
    assert!(sealed.contains(r#""cost_usd":2.5e-7,"#) && sealed.contains(r#""\u0001\u001f\"\\\n"#));
    for line in sealed.lines().chain(active.lines()) {
        let (record, _) = line.rsplit_once(",\"hash\":").unwrap();
        let record = format!("{record}}}");
        let value: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(canonical(&value), record);
    }
}

/// Canonical JSON but for numbers, which keep their text; all keys of the log are ASCII.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields = fields.iter().map(|(key, value)| format!("\"{key}\":{}", canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
