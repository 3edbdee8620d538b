//! Records and spans through a real collector, which takes them from `kt` and passes them on.

use serde_json::json;
use tests::collector::{attributes, hex, until};
use tests::rotel::Rotel;
use tests::{Collector, Provider, Script, Setup, question_of};

use crate::caught_up;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_collector_takes_records_and_spans() {
    let collector = Collector::default();
    let rotel = Rotel::before(&collector);
    let endpoint = rotel.endpoint();
    let provider = Provider::always(Script::answer("mail ann@example.com"));
    let setup = Setup::guarded(&provider)
        .block(&format!(
            "audit: {{interval_ms: 10, sinks: [{{id: siem, type: otlp, endpoint: \"{endpoint}\", interval_ms: 10}}]}}"
        ))
        .block(&format!("telemetry: {{instance: gw-7, traces: {{endpoint: \"{endpoint}\"}}}}"));
    let gateway = setup.here();
    for n in 0..20 {
        let head = format!("x-request-id: r-{n}\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
        assert_eq!(gateway.post(&head, question_of("hi", false).to_string()).said(), "mail [EMAIL]");
    }
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    until("a sink that has everything", || caught_up(&gateway, "siem").filter(|told| told["last_seq"] == 21));
    let log = std::fs::read_to_string(gateway.folder().join("state/audit/audit.jsonl")).unwrap();
    gateway.stop();
    let told = || {
        format!(
            "of {} records and {} spans; {}",
            collector.lines().len(),
            collector.spans().len(),
            rotel.log()
        )
    };
    // All four spans of each request that was answered, and those of the one that was not.
    let ended = std::time::Instant::now();
    while collector.lines().len() < 21 || collector.spans().len() < 20 * 4 {
        assert!(ended.elapsed().as_secs() < 20, "not in time: what the collector passes on: {}", told());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    // It may send batches side by side, so the order is that of the records' numbers.
    let mut records: Vec<_> = collector.batches().concat();
    records.sort_by_key(|record| attributes(&record.attributes)["kt.seq"].as_u64());
    let bodies: Vec<_> = records.iter().map(|record| attributes(&record.attributes)).collect();
    assert_eq!(bodies[20]["kt.verdict"], json!("block"));
    let mut lines = collector.lines();
    lines.sort_by_key(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64());
    assert_eq!(lines, log.lines().collect::<Vec<_>>());
    assert_eq!(hex(&records[0].trace_id), TRACE);

    let spans = collector.spans();
    let of_the_client = spans.iter().filter(|span| hex(&span.trace_id) == TRACE);
    assert_eq!(of_the_client.count(), 20 * 4);
    let calls = spans
        .iter()
        .filter(|span| attributes(&span.attributes).get("gen_ai.operation.name") == Some(&json!("chat")));
    assert!(calls.count() >= 20, "{spans:?}");
    assert!(collector.resources().iter().all(|resource| resource["service.name"] == "kt"));
}
