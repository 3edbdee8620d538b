//! Spans: what they tell of a request, how they hang together, and that nobody waits for the one who takes them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::{Value, json};
use tests::collector::{attributes, hex, until};
use tests::{Collector, KEY, Provider, Script, Setup, delta, event, events, question_of};

use crate::figure;

/// The trace that a client is in, and its span.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT: &str = "00f067aa0ba902b7";

fn traced(setup: Setup, collector: &Collector, settings: &str) -> Setup {
    let endpoint = collector.endpoint();
    setup.block(&format!(
        "telemetry: {{instance: gw-7, traces: {{endpoint: \"{endpoint}\", headers: {{authorization: {{file: KEY}}, x-tenant: a}}{settings}}}}}"
    ))
}

fn parent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{CLIENT}-{flags}\r\ntracestate: vendor=1\r\n")
}

/// The one span of that name.
fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "`{name}` in {names:?}");
    found[0]
}

fn told(span: &Span) -> BTreeMap<String, Value> {
    attributes(&span.attributes)
}

fn failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32)
}

/// Nothing of the exchange's texts is in it.
fn assert_silent(spans: &[Span]) {
    for span in spans {
        let bytes = String::from_utf8_lossy(&span.encode_to_vec()).into_owned();
        for secret in [KEY, "SECRET12", "ann@example.com"] {
            assert!(!bytes.contains(secret), "`{secret}` in {span:?}");
        }
    }
}

#[test]
fn a_request_is_one_trace_from_its_client_to_its_provider() {
    let collector = Collector::default();
    let mut whole = tests::whole("mail ann@example.com");
    whole["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    let provider = Provider::always(Script::json(&whole));
    let gateway = traced(Setup::guarded(&provider), &collector, "").here();
    let body = question_of("SECRET12", false).to_string();
    let reply = gateway.post(&format!("x-request-id: r-1\r\n{}", parent("01")), body);
    assert_eq!(reply.said(), "mail [EMAIL]");
    let records = gateway.stop();

    let spans = collector.spans();
    assert_eq!(spans.len(), 4);
    assert!(
        spans
            .iter()
            .all(|span| hex(&span.trace_id) == TRACE && span.end_time_unix_nano > span.start_time_unix_nano)
    );
    let exchange = named(&spans, "POST /v1/chat/completions");
    assert_eq!((hex(&exchange.parent_span_id).as_str(), exchange.kind()), (CLIENT, SpanKind::Server));
    let attempt = named(&spans, "chat m");
    assert_eq!(attempt.kind(), SpanKind::Client);
    let policies = ["policies request", "policies response"].map(|name| named(&spans, name));
    assert!(policies.iter().chain([&attempt]).all(|span| span.parent_span_id == exchange.span_id));

    let of_exchange = told(exchange);
    for (name, value) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/v1/chat/completions")),
        ("http.response.status_code", json!(200)),
        ("kt.request_id", json!("r-1")),
        ("kt.event_id", records[0]["id"].clone()),
        ("kt.outcome", json!("complete")),
        ("kt.verdict", json!("redact")),
        ("kt.rule", json!("hide")),
    ] {
        assert_eq!(of_exchange.get(name), Some(&value), "{name} of {of_exchange:?}");
    }
    let of_attempt = told(attempt);
    for (name, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!("m")),
        ("gen_ai.provider.name", json!("scripted")),
        ("gen_ai.usage.input_tokens", json!(3)),
        ("gen_ai.usage.output_tokens", json!(5)),
        ("server.address", json!("127.0.0.1")),
        ("server.port", json!(provider.address.port())),
        ("kt.target", json!("a")),
        ("kt.attempt", json!(1)),
    ] {
        assert_eq!(of_attempt.get(name), Some(&value), "{name} of {of_attempt:?}");
    }
    assert_eq!(told(policies[1])["kt.policy.results"], json!(["house=redact"]));
    assert!(!spans.iter().any(failed));
    assert_silent(&spans);

    let seen = provider.last();
    assert_eq!(seen.header("traceparent"), Some(format!("00-{TRACE}-{}-01", hex(&attempt.span_id)).as_str()));
    assert_eq!(seen.header("tracestate"), Some("vendor=1"));
    assert_eq!(records[0]["trace_id"], TRACE);
    let posted = collector.provider.last();
    assert_eq!((posted.header("authorization"), posted.header("x-tenant")), (Some(KEY), Some("a")));
    assert_eq!(posted.header("content-type"), Some("application/x-protobuf"));
    let resource = &collector.resources()[0];
    assert_eq!((&resource["service.name"], &resource["service.instance.id"]), (&json!("kt"), &json!("gw-7")));
}

#[test]
fn a_stream_is_a_span_to_its_last_event() {
    let collector = Collector::default();
    let usage = json!({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}});
    let text = events(["SEC", "RET12 is out"]).replace(tests::DONE, &event(&usage)) + tests::DONE;
    let provider = Provider::always(Script::stream(text));
    let gateway = traced(Setup::guarded(&provider), &collector, "").here();
    assert_eq!(gateway.stream("hi").said(), "[SECRET] is out");
    let records = gateway.stop();
    let spans = collector.spans();
    let (exchange, attempt) = (named(&spans, "POST /v1/chat/completions"), named(&spans, "chat m"));
    assert!(exchange.parent_span_id.is_empty());
    assert_eq!(told(attempt)["gen_ai.usage.output_tokens"], 5);
    assert_eq!(
        (&told(exchange)["kt.stream"], &told(exchange)["kt.verdict"]),
        (&json!(true), &json!("redact"))
    );
    assert_eq!(told(named(&spans, "policies response"))["kt.rule"], "hide");
    assert_eq!(records[0]["trace_id"], json!(hex(&exchange.trace_id)));
    assert!(attempt.end_time_unix_nano <= exchange.end_time_unix_nano);
    assert_silent(&spans);
}

#[test]
fn each_attempt_is_a_span_with_what_it_failed_with() {
    let collector = Collector::default();
    let down = Provider::always(Script::reply("503 Service Unavailable", "application/json", "{}"));
    let broken = Provider::always(Script::stream(event(&delta("he"))));
    let setup = Setup::new()
        .target("a", &down, "secret_key_ref: {file: KEY}")
        .target("b", &broken, "")
        .providers("retry: {max_attempts: 1}");
    let gateway = traced(setup, &collector, "").here();
    assert_eq!(gateway.stream("hi").code(), "stream_truncated");
    gateway.stop();
    let spans = collector.spans();
    let mut attempts: Vec<&Span> = spans.iter().filter(|span| span.kind() == SpanKind::Client).collect();
    attempts.sort_by_key(|span| span.start_time_unix_nano);
    let errors =
        attempts.iter().map(|span| (told(span)["kt.target"].clone(), told(span)["error.type"].clone()));
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors, [(json!("a"), json!("upstream_failed")), (json!("b"), json!("stream_truncated"))]);
    assert!(attempts.iter().all(|span| failed(span)));
    let exchange = named(&spans, "POST /v1/chat/completions");
    assert_eq!(told(exchange)["error.type"], "stream_truncated");
    assert_ne!(down.last().header("traceparent"), broken.last().header("traceparent"));
}

#[test]
fn what_is_refused_is_traced_and_is_no_failure_of_the_gateway() {
    let collector = Collector::default();
    let provider = Provider::always(Script::answer("never asked"));
    let gateway = traced(Setup::guarded(&provider), &collector, "").here();
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    assert_eq!(gateway.post("", "no JSON").status, 400);
    assert_eq!(tests::get(gateway.address, "/v1/nothing/SECRET12").status, 404);
    gateway.stop();
    let spans = collector.spans();
    let exchanges: Vec<_> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let statuses: Vec<_> =
        exchanges.iter().map(|span| told(span)["http.response.status_code"].clone()).collect();
    assert_eq!(statuses, [json!(409), json!(400), json!(404)]);
    assert_eq!((&told(exchanges[0])["kt.verdict"], exchanges[2].name.as_str()), (&json!("block"), "GET"));
    assert!(!spans.iter().any(failed));
    assert_silent(&spans);
}

#[test]
fn the_client_decides_what_is_sampled_and_the_ratio_where_it_does_not() {
    for (ratio, flags, expected) in [("0", "01", true), ("1", "00", false), ("0", "", false), ("1", "", true)]
    {
        let (collector, provider) = (Collector::default(), Provider::always(Script::answer("hello")));
        let gateway =
            traced(Setup::over(&provider), &collector, &format!(", sampling_ratio: {ratio}")).here();
        let headers = if flags.is_empty() { String::new() } else { parent(flags) };
        assert_eq!(gateway.post(&headers, question_of("hi", false).to_string()).status, 200);
        let records = gateway.stop();
        assert_eq!(!collector.spans().is_empty(), expected, "ratio {ratio}, flags {flags}");
        let passed = provider.last().header("traceparent").unwrap().to_owned();
        assert!(passed.ends_with(if expected { "-01" } else { "-00" }), "{passed}");
        assert!(passed.contains(records[0]["trace_id"].as_str().unwrap()), "{passed}");
        assert!(!passed.contains(CLIENT), "the provider is asked by the gateway, not by its client");
    }
}

#[test]
fn without_a_collector_a_sound_trace_passes_through_and_a_malformed_one_does_not() {
    let provider = Provider::always(Script::answer("hello"));
    let gateway = Setup::over(&provider).here();
    let body = question_of("hi", false).to_string();
    gateway.post(&parent("01"), &body);
    assert_eq!(provider.last().header("traceparent"), Some(format!("00-{TRACE}-{CLIENT}-01").as_str()));
    assert_eq!(provider.last().header("tracestate"), Some("vendor=1"));
    for malformed in ["00-xyz-00f067aa0ba902b7-01", "", &format!("00-{TRACE}-{CLIENT}-01-SECRET12")] {
        gateway.post(&format!("traceparent: {malformed}\r\ntracestate: vendor=1\r\n"), &body);
        assert_eq!(provider.last().header("traceparent"), None, "{malformed}");
        assert_eq!(provider.last().header("tracestate"), None, "{malformed}");
    }
    assert!(!gateway.admin("/metrics").body.contains("kt_spans"));
    let records = gateway.stop();
    assert_eq!((&records[0]["trace_id"], &records[1]["trace_id"]), (&json!(TRACE), &Value::Null));
}

#[test]
fn a_malformed_parent_begins_a_trace() {
    let (collector, provider) = (Collector::default(), Provider::always(Script::answer("hello")));
    let gateway = traced(Setup::over(&provider), &collector, "").here();
    let body = question_of("hi", false).to_string();
    gateway.post(&format!("traceparent: 00-{TRACE}-0000000000000000-01\r\n"), body);
    gateway.stop();
    let spans = collector.spans();
    let exchange = named(&spans, "POST /v1/chat/completions");
    assert!(exchange.parent_span_id.is_empty() && hex(&exchange.trace_id) != TRACE);
}

#[test]
fn a_collector_that_does_not_answer_slows_nobody_and_what_is_lost_is_counted() {
    let collector = Collector::with(Script::default().stall());
    let provider = Provider::always(Script::answer("hello"));
    let settings = ", queue_spans: 16, batch_spans: 4, interval_ms: 10, timeout_seconds: 1";
    let gateway = traced(Setup::over(&provider), &collector, settings).here();
    for _ in 0..40 {
        assert_eq!(gateway.ask("hi").said(), "hello");
    }
    let full = "kt_spans_dropped_total{reason=\"queue_full\"}";
    assert!(until("dropped spans", || figure(&gateway, full).filter(|count| *count > 0.0)) > 50.0);
    assert_eq!(figure(&gateway, "kt_spans_exported_total"), Some(0.0));
    assert_eq!(gateway.admin("/health").json()["status"], "healthy");
    assert_eq!(gateway.stop().len(), 40);
}

#[test]
fn a_collector_that_comes_back_gets_what_was_not_given_up() {
    let collector =
        Collector { provider: Provider::in_turn([Script::no_room(), Script::no_room(), Script::taken()]) };
    let provider = Provider::always(Script::answer("hello"));
    let gateway = traced(Setup::over(&provider), &collector, ", interval_ms: 10").here();
    assert_eq!(gateway.ask("hi").said(), "hello");
    until("spans", || figure(&gateway, "kt_spans_exported_total").filter(|count| *count == 4.0));
    assert_eq!(figure(&gateway, "kt_spans_dropped_total{reason=\"refused\"}"), Some(0.0));
    gateway.stop();
}
