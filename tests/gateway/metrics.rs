//! Figures of the gateway: what requests came to is counted once each, and how things stand is told as it is.

use serde_json::json;
use tests::{Gateway, Provider, Script, Setup, question_of};

/// A page of figures, checked for the form of OpenMetrics: each line is a comment or a figure, and the last says so.
fn page(gateway: &Gateway) -> String {
    let reply = gateway.admin("/metrics");
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(reply.body.ends_with("\n# EOF\n"), "{}", reply.body);
    for line in reply.body.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    reply.body
}

/// The value of a figure with all those labels.
fn figure(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let is_it = |line: &&str| {
        let (of, _) = line.rsplit_once(' ').unwrap();
        let (its_name, its_labels) = of.split_once('{').unwrap_or((of, ""));
        its_name == name
            && labels.iter().all(|(key, value)| its_labels.contains(&format!("{key}=\"{value}\"")))
    };
    let mut found = page.lines().filter(|line| !line.starts_with('#')).filter(is_it);
    let line = found.next()?;
    assert!(found.next().is_none(), "`{name}` with {labels:?} stands twice in {page}");
    line.rsplit_once(' ').unwrap().1.parse().ok()
}

const RULES: &str = r#"policy house
pattern secret = /SECRET[0-9]{1,3}/ label SECRET
pattern forbidden = /FORBIDDEN/ label FORBIDDEN
script rank(name: string) -> int = """let n = 0; for i in 0..10 { n += 1; } n"""
rule hide on request, response { when text has secret do redact }
rule stop on request { when text has forbidden do block }
rule ranked on request { when rank(model) > 100 do block }"#;

#[test]
fn what_requests_came_to_is_counted() {
    let provider = Provider::always(Script::deltas(["SEC", "RET12 is out"]));
    let gateway = Setup::new()
        .target("a", &provider, "model: real, pricing: {prompt: 1000000, completion: 2000000}")
        .rules("house", RULES)
        .here();
    for _ in 0..2 {
        assert_eq!(gateway.stream("hi").said(), "[SECRET] is out");
    }
    let mut whole = tests::whole("SECRET1");
    whole["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    provider.now(Script::json(&whole));
    assert_eq!(gateway.ask("hi").said(), "[SECRET]");
    assert_eq!(gateway.chat(&question_of("FORBIDDEN", false)).status, 409);
    let page = page(&gateway);
    let at = |name: &str, labels: &[(&str, &str)]| figure(&page, name, labels);
    let of = [("model", "real"), ("provider", "scripted")];
    let requests = |status, verdict| {
        at("keeptrusts_llm_requests_total", &[of[0], of[1], ("status", status), ("verdict", verdict)])
    };
    assert_eq!(requests("200", "redact"), Some(3.0), "{page}");
    let blocked = [("status", "409"), ("verdict", "block"), ("provider", "none"), ("model", "other")];
    assert_eq!(at("keeptrusts_llm_requests_total", &blocked), Some(1.0), "{page}");
    // The streams came without figures, so theirs are estimates.
    assert_eq!(at("keeptrusts_llm_tokens_total", &[of[0], ("direction", "input")]), Some(3.0 + 2.0 * 5.0));
    assert_eq!(at("keeptrusts_llm_tokens_total", &[of[0], ("direction", "output")]), Some(5.0 + 2.0 * 4.0));
    assert_eq!(at("keeptrusts_llm_cost_total", &of), Some(13.0 + 2.0 * 13.0));
    assert_eq!(at("keeptrusts_llm_latency_seconds_count", &of), Some(3.0));
    assert_eq!(at("kt_rule_hits_total", &[("policy", "house"), ("rule", "hide")]), Some(3.0));
    assert_eq!(at("kt_rule_hits_total", &[("policy", "house"), ("rule", "stop")]), Some(1.0));
    assert_eq!(at("kt_policy_results_total", &[("policy", "house"), ("result", "block")]), Some(1.0));
    assert_eq!(at("kt_policy_seconds_count", &[("policy", "house")]), Some(4.0));
    assert_eq!(at("kt_target_attempts_total", &[("target", "a"), ("result", "ok")]), Some(3.0));
    assert_eq!(at("kt_stream_held_bytes_count", &[]), Some(2.0));
    assert_eq!(at("kt_stream_held_bytes_bucket", &[("le", "0.0")]), Some(0.0), "`SEC` was held");
    assert_eq!(at("kt_stream_held_bytes_bucket", &[("le", "8.0")]), Some(2.0));
    let (calls, operations) = (
        at("kt_script_calls_total", &[("script", "rank")]),
        at("kt_script_operations_total", &[("script", "rank")]),
    );
    assert!(
        calls.unwrap() >= 3.0 && operations.unwrap() >= 10.0 * calls.unwrap(),
        "{calls:?} {operations:?}"
    );
}

#[test]
fn how_things_stand_is_told() {
    let provider = Provider::always(Script::reply("500 No", "application/json", "{}"));
    let gateway = Setup::over(&provider)
        .providers("circuit_breaker: {failure_threshold: 1}")
        .providers("retry: {max_attempts: 1}")
        .here();
    assert_eq!(gateway.ask("hi").status, 502);
    let page = page(&gateway);
    let at = |name: &str, labels: &[(&str, &str)]| figure(&page, name, labels);
    let state = |state| at("kt_breaker_state", &[("target", "a"), ("state", state)]);
    assert_eq!(
        (state("open"), state("closed"), state("half_open")),
        (Some(1.0), Some(0.0), Some(0.0)),
        "{page}"
    );
    assert_eq!(at("kt_target_reachable", &[("target", "a")]), Some(0.0));
    assert_eq!(at("kt_target_attempts_total", &[("result", "failed")]), Some(1.0));
    assert_eq!((at("kt_requests_in_flight", &[]), at("kt_audit_sound", &[])), (Some(0.0), Some(1.0)));
    assert_eq!(at("kt_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
}

#[test]
fn names_that_clients_make_up_make_no_figures() {
    let provider = Provider::always(Script::reply("404 No", "application/json", "{}"));
    let gateway = Setup::over(&provider).providers("circuit_breaker: {enabled: false}").here();
    for number in 0..20 {
        let mut question = question_of("hi", false);
        question["model"] = json!(format!("made-up-{number}"));
        gateway.chat(&question);
    }
    let page = page(&gateway);
    assert!(!page.contains("made-up"), "{page}");
    let requests = page.lines().filter(|line| line.starts_with("keeptrusts_llm_requests_total"));
    assert_eq!(requests.count(), 1, "{page}");
}
