//! Audit records at a collector of logs: all of them, in order, as they stand in the log, whatever happens in between.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use serde_json::{Value, json};
use tests::collector::{attributes, hex, until};
use tests::{Collector, KEY, Provider, Script, Setup, get};

use crate::{caught_up, figure, sink};

/// A gateway whose records go to that collector.
fn sinking(setup: Setup, collector: &Collector, settings: &str) -> Setup {
    let endpoint = collector.endpoint();
    setup.block(&format!(
        "audit: {{segment_mb: 1, interval_ms: 10, sinks: [{{id: siem, type: otlp, endpoint: \"{endpoint}\", headers: {{x-api-key: {{file: KEY}}}}, interval_ms: 10{settings}}}]}}"
    ))
}

/// The lines of the log, of all segments.
fn log(state: &std::path::Path) -> Vec<String> {
    tests::gate::records(state).iter().map(|record| record["seq"].to_string()).collect()
}

/// The numbers of the records that a collector has.
fn numbers(collector: &Collector) -> Vec<String> {
    let lines = collector.lines();
    lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].to_string()).collect()
}

#[test]
fn records_arrive_as_they_stand_in_the_log() {
    let collector = Collector::default();
    let provider = Provider::always(Script::answer("mail ann@example.com"));
    let gateway = sinking(Setup::guarded(&provider), &collector, "").here();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    gateway.post(
        &format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"),
        tests::question_of("SECRET12", false).to_string(),
    );
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    until("both records", || (collector.lines().len() == 2).then_some(()));
    let told = until("a sink that has everything", || caught_up(&gateway, "siem"));
    assert_eq!(
        (&told["type"], &told["last_seq"], &told["backlog_records"]),
        (&json!("otlp"), &json!(2), &json!(0))
    );
    assert_eq!(figure(&gateway, "kt_audit_sink_records_total{sink=\"siem\"}"), Some(2.0));
    assert!(!gateway.admin("/keeptrusts/config").body.contains(KEY));
    let text = std::fs::read_to_string(gateway.folder().join("state/audit/audit.jsonl")).unwrap();
    gateway.stop();
    assert_eq!(text.lines().collect::<Vec<_>>(), collector.lines());

    let records: Vec<_> = collector.batches().concat();
    let (passed, blocked) = (&records[0], &records[1]);
    assert_eq!((hex(&passed.trace_id).as_str(), passed.event_name.as_str()), (trace, "kt.audit.decision"));
    let told = attributes(&blocked.attributes);
    for (name, value) in [
        ("kt.seq", json!(2)),
        ("kt.verdict", json!("block")),
        ("kt.status", json!(409)),
        ("kt.rule", json!("stop")),
    ] {
        assert_eq!(told.get(name), Some(&value), "{name} of {told:?}");
    }
    assert!(told["log.record.uid"].as_str().unwrap().starts_with("evt_"));
    assert_eq!((passed.severity_text.as_str(), blocked.severity_text.as_str()), ("INFO", "WARN"));
    assert_eq!(collector.provider.last().header("x-api-key"), Some(KEY));
    assert_eq!(collector.resources()[0]["service.name"], "kt");
}

#[test]
fn an_outage_slows_nobody_and_is_made_up_for() {
    let collector = Collector::with(Script::no_room());
    let provider = Provider::always(Script::answer("hello"));
    let gateway =
        sinking(Setup::over(&provider), &collector, ", batch_records: 3, max_backoff_ms: 200").here();
    for _ in 0..10 {
        assert_eq!(gateway.ask("hi").said(), "hello");
    }
    let told = until("a sink that fails with all records", || {
        Some(sink(&gateway, "siem"))
            .filter(|told| told["backlog_records"] == 10 && told["status"] == "failing")
    });
    assert_eq!((&told["failure"], &told["last_seq"]), (&json!("answered 503"), &json!(0)));
    assert!(told["backlog_seconds"].as_f64().unwrap() > 0.0, "{told}");
    assert_eq!(gateway.admin("/health").json()["status"], "healthy");
    assert_eq!(gateway.admin("/readyz").status, 200);
    assert_eq!(figure(&gateway, "kt_audit_sink_backlog_records{sink=\"siem\"}"), Some(10.0));
    assert!(figure(&gateway, "kt_audit_sink_backlog_seconds{sink=\"siem\"}").unwrap() > 0.0);
    assert_eq!(figure(&gateway, "kt_audit_sink_failing{sink=\"siem\"}"), Some(1.0));
    let tried = collector.batches().len();
    collector.provider.now(Script::taken());
    until("a sink that has caught up", || caught_up(&gateway, "siem").filter(|told| told["last_seq"] == 10));
    let taken = collector.batches().split_off(tried).concat();
    // The first batch was sent again and again: what was refused is not what was taken.
    let mut numbers: Vec<_> =
        taken.iter().map(|record| attributes(&record.attributes)["kt.seq"].as_u64().unwrap()).collect();
    numbers.dedup();
    assert!(numbers.ends_with(&(1..=10).collect::<Vec<_>>()), "{numbers:?}");
    assert_eq!(figure(&gateway, "kt_audit_sink_failing{sink=\"siem\"}"), Some(0.0));
    gateway.stop();
}

#[test]
fn a_start_goes_on_where_the_sink_is() {
    let collector = Collector::default();
    let provider = Provider::always(Script::answer("hello"));
    let setup = sinking(Setup::over(&provider), &collector, "");
    let (folder, _) = setup.write();
    let folder = Arc::new(folder);
    let ask = |address| {
        tests::post(address, "/v1/chat/completions", "", tests::question_of("hi", false).to_string())
    };
    for round in 1..=3 {
        // Nobody is there in the second round, and nobody waits for it.
        collector.provider.now(if round == 2 { Script::default().reset() } else { Script::taken() });
        let before = collector.lines().len();
        let gateway = setup.process_in(Arc::clone(&folder));
        for _ in 0..5 {
            assert_eq!(ask(gateway.address).said(), "hello");
        }
        let ended = gateway.stop();
        assert!(ended.status.success(), "{}", ended.log);
        assert_eq!(ended.records.len(), round * 5);
        if round == 3 {
            assert_eq!(numbers(&collector).split_off(before), log(&folder.path().join("state")).split_off(5));
        }
    }
    // The cursor is lost: everything is sent again, and that is said.
    std::fs::write(folder.path().join("state/audit/sink-siem.cursor"), "nonsense").unwrap();
    let before = collector.lines().len();
    let ended = setup.process_in(Arc::clone(&folder)).stop();
    assert!(ended.log.contains("all records are sent again"), "{}", ended.log);
    assert_eq!(numbers(&collector).split_off(before), log(&folder.path().join("state")));
}

#[test]
fn what_a_collector_rejects_is_counted_and_said_and_what_is_too_much_is_sent_in_parts() {
    let partial = ExportLogsPartialSuccess { rejected_log_records: 1, error_message: "too old".into() };
    let partial = ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let too_large = Script::reply("413 Payload Too Large", "text/plain", "");
    let collector = Collector::with(Script::no_room());
    let provider = Provider::always(Script::answer("hello"));
    let gateway = sinking(Setup::over(&provider), &collector, ", max_backoff_ms: 100").here();
    for _ in 0..8 {
        assert_eq!(gateway.ask("hi").said(), "hello");
    }
    let limited = move |seen: &tests::Seen| {
        let request =
            opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest::decode(&*seen.body)
                .unwrap();
        let count = request.resource_logs[0].scope_logs[0].log_records.len();
        let script = if count > 2 {
            too_large.clone()
        } else {
            Script::reply("200 OK", "application/x-protobuf", &partial)
        };
        script.bytes()
    };
    collector.provider.now(Script::echo(limited));
    until("a sink that has everything", || caught_up(&gateway, "siem").filter(|told| told["last_seq"] == 8));
    let rejected = figure(&gateway, "kt_audit_sink_rejected_total{sink=\"siem\"}").unwrap();
    let taken = figure(&gateway, "kt_audit_sink_records_total{sink=\"siem\"}").unwrap();
    assert_eq!(taken + rejected, 8.0);
    assert!(rejected >= 4.0, "one of each part: {rejected}");
    gateway.stop();
}

#[test]
fn settings_of_what_leaves_the_machine_take_a_restart() {
    let collector = Collector::default();
    let provider = Provider::always(Script::answer("hello"));
    let setup = sinking(Setup::over(&provider), &collector, "");
    let gateway = setup.here();
    let moved = sinking(Setup::over(&provider), &collector, ", batch_records: 7")
        .block("telemetry: {service_name: other}");
    let told = gateway.reload(&moved).json();
    assert_eq!(told["needs_restart"], json!(["audit.sinks", "telemetry"]), "{told}");
    assert_eq!(get(gateway.admin, "/health").json()["status"], "healthy");
    gateway.stop();
}
