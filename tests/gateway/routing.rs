//! Which target is asked, and who is next when one fails.

use serde_json::json;
use tests::{Provider, Script, Setup, delta, event, question_of};

use crate::{record, wait_until};

fn fails(status: &str) -> Script {
    Script::reply(status, "application/json", "{}")
}

#[test]
fn the_next_target_is_asked_after_each_kind_of_failure() {
    let second = Provider::always(Script::answer("second"));
    let boots = r#"{"error":{"code":"DEPLOYMENT_SCALING_UP","message":"wait"}}"#;
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\"";
    let later = "retry-after: 9\r\ncontent-type: application/json\r\n";
    for (name, script, tries) in [
        ("429", fails("429 Slow"), 2),
        ("429 for long", Script::with_headers("429 Slow", later, "{}"), 1),
        ("500", fails("500 Oops"), 2),
        ("503", fails("503 Busy"), 2),
        ("503 and no retry", Script::with_headers("503 Busy", "x-should-retry: false\r\n", "{}"), 1),
        ("408", fails("408 Slow"), 2),
        ("closes", Script::default(), 2),
        ("resets", Script::default().reset(), 2),
        ("425", fails("425 Early"), 1),
        ("boots", Script::reply("503 Busy", "application/json", boots), 1),
        ("no such model", fails("404 Gone"), 1),
        ("silence", Script::default().stall(), 1),
        ("breaks off", Script::raw(half), 1),
        ("garbage", Script::reply("200 OK", "application/json", "<html>"), 1),
        ("gzip", Script::with_headers("200 OK", "content-encoding: gzip\r\n", ""), 1),
    ] {
        let first = Provider::always(script);
        let setup = Setup::new().providers("retry: {backoff_ms: 1}");
        let gateway =
            setup.target("a", &first, "timeout_seconds: 1, model: m").target("b", &second, "").here();
        let reply = gateway.ask("hi");
        assert_eq!(
            (reply.status, reply.header("x-kt-target"), first.connections()),
            (200, Some("b"), tries),
            "{name}"
        );
        let record = record::only(&gateway.stop(), "complete", 200);
        assert_eq!((&record["target"], &record["error"]), (&json!("b"), &json!(null)), "{name}");
    }
}

#[test]
fn a_failure_that_no_other_target_can_mend_is_told_at_once() {
    let second = Provider::always(Script::answer("second"));
    for (name, script, status) in
        [("400", fails("400 Bad"), 400), ("401", fails("401 No"), 502), ("307", fails("307 There"), 502)]
    {
        let first = Provider::always(script);
        let gateway = Setup::new().target("a", &first, "").target("b", &second, "").here();
        assert_eq!((gateway.ask("hi").status, second.connections()), (status, 0), "{name}");
        assert_eq!(first.connections(), 1, "{name}");
    }
}

#[test]
fn only_configured_triggers_lead_to_the_next_target() {
    let (first, second) = (Provider::always(fails("500 Oops")), Provider::always(Script::answer("second")));
    let setup = Setup::new().providers("fallback: {triggers: [rate_limit]}");
    let gateway = setup.target("a", &first, "").target("b", &second, "").here();
    assert_eq!(gateway.ask("hi").status, 502);
    first.now(fails("429 Slow"));
    assert_eq!(gateway.ask("hi").said(), "second");
}

#[test]
fn when_all_fail_the_last_failure_is_told_and_no_more_are_asked_than_allowed() {
    let all: Vec<Provider> = (0..4).map(|_| Provider::always(fails("500 Oops"))).collect();
    let mut setup =
        Setup::new().providers("fallback: {max_fallback_attempts: 2}").providers("retry: {max_attempts: 1}");
    for (at, provider) in all.iter().enumerate() {
        setup = setup.target(&format!("t{at}"), provider, "");
    }
    let gateway = setup.here();
    assert_eq!(gateway.ask("hi").status, 502);
    assert_eq!(all.iter().map(Provider::connections).collect::<Vec<_>>(), [1, 1, 1, 0]);
    assert_eq!(record::only(&gateway.stop(), "failed", 502)["target"], "t2");
}

#[test]
fn weights_are_kept_exactly_and_smoothly() {
    let all: Vec<Provider> = (0..3).map(|_| Provider::always(Script::answer("ok"))).collect();
    let mut setup = Setup::new().providers("strategy: weighted_round_robin");
    for (id, provider, weight) in [("a", &all[0], 0.5), ("b", &all[1], 0.3), ("c", &all[2], 0.2)] {
        setup = setup.target(id, provider, &format!("weight: {weight}"));
    }
    let gateway = setup.here();
    let turns: Vec<String> =
        (0..100).map(|_| gateway.ask("hi").header("x-kt-target").unwrap().to_owned()).collect();
    assert_eq!(all.iter().map(Provider::connections).collect::<Vec<_>>(), [50, 30, 20]);
    for ten in turns.chunks(10) {
        assert_eq!(ten.iter().filter(|id| *id == "a").count(), 5, "{ten:?}");
    }
    assert!(!turns.windows(3).any(|three| three == ["b"; 3] || three == ["a"; 3]), "{turns:?}");
}

/// The targets that answer so many questions in turn.
fn answering(gateway: &tests::Gateway, headers: &str, count: usize) -> Vec<String> {
    let ask = |_| gateway.post(headers, question_of("hi", false).to_string());
    (0..count).map(ask).map(|reply| reply.header("x-kt-target").unwrap().to_owned()).collect()
}

#[test]
fn the_fastest_of_late_is_asked_and_the_health_tells_how_fast() {
    let slow = Provider::always(Script::default().pause(300).then(Script::answer("slow").bytes()));
    let fast = Provider::always(Script::answer("fast"));
    let setup = Setup::new().providers("strategy: lowest_latency");
    let gateway = setup.target("slow", &slow, "").target("fast", &fast, "").here();
    assert_eq!(answering(&gateway, "", 5), ["slow", "fast", "fast", "fast", "fast"]);
    let targets = gateway.admin("/health").json()["targets"].clone();
    assert!(targets["slow"]["latency_ms"].as_u64().unwrap() >= 300, "{targets}");
    assert!(targets["fast"]["latency_ms"].as_u64().unwrap() < 300, "{targets}");
}

#[test]
fn the_cheapest_for_the_request_is_asked() {
    let all: Vec<Provider> = (0..3).map(|_| Provider::always(Script::answer("ok"))).collect();
    let gateway = Setup::new()
        .providers("strategy: least_cost")
        .target("unpriced", &all[0], "")
        .target("terse", &all[1], "pricing: {prompt: 1, completion: 100}")
        .target("wordy", &all[2], "pricing: {prompt: 50, completion: 1}")
        .here();
    let ask = |question: &str, max_tokens: u32| {
        let mut request = question_of(question, false);
        request["max_tokens"] = json!(max_tokens);
        gateway.chat(&request).header("x-kt-target").unwrap().to_owned()
    };
    assert_eq!((ask("hi", 1000), ask(&"long ".repeat(500), 5)), ("wordy".into(), "terse".into()));
}

#[test]
fn the_least_busy_is_asked_until_it_has_answered_to_the_end() {
    use std::io::Write;
    let held = Provider::always(Script::stream(event(&delta("a"))).stall());
    let free = Provider::always(Script::answer("free"));
    let setup = Setup::new().providers("strategy: least_busy");
    let gateway = setup.target("held", &held, "").target("free", &free, "").here();
    let body = question_of("hi", true).to_string();
    let mut socket = tests::client::connect(gateway.address);
    socket.write_all(tests::client::request("/v1/chat/completions", "", body.len()).as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    wait_until(|| gateway.admin("/health").json()["targets"]["held"]["in_flight"] == 1);
    assert_eq!(answering(&gateway, "", 4), ["free"; 4]);
    drop(socket);
    wait_until(|| gateway.admin("/health").json()["targets"]["held"]["in_flight"] == 0);
}

#[test]
fn users_are_split_and_stay() {
    let all: Vec<Provider> = (0..3).map(|_| Provider::always(Script::answer("ok"))).collect();
    let gateway = Setup::new()
        .providers(
            "ab_test: {sticky_by: user_id, variants: [{provider_id: b, weight: 3}, {provider_id: c, weight: 1}]}",
        )
        .target("a", &all[0], "")
        .target("b", &all[1], "")
        .target("c", &all[2], "")
        .here();
    let users: Vec<String> = (0..40).map(|n| format!("x-user-id: user-{n}\r\n")).collect();
    let firsts: Vec<String> = users.iter().flat_map(|user| answering(&gateway, user, 1)).collect();
    let of = |id: &str| firsts.iter().filter(|first| *first == id).count();
    assert!(of("a") == 0 && of("b") > of("c") && of("c") > 0, "{firsts:?}");
    for (user, first) in users.iter().zip(&firsts).take(10) {
        assert_eq!(answering(&gateway, user, 3), [first.as_str(); 3]);
    }
    all[1].now(fails("503 Busy"));
    all[2].now(fails("503 Busy"));
    assert_eq!(answering(&gateway, &users[0], 1), ["a"], "a split does not keep a request from falling back");
}

#[test]
fn turns_go_round_and_a_model_pins_its_target() {
    let all: Vec<Provider> = (0..3).map(|_| Provider::always(Script::answer("ok"))).collect();
    let mut setup = Setup::new().providers("strategy: round_robin");
    for (id, provider) in ["a", "b", "c"].iter().zip(&all) {
        setup = setup.target(id, provider, "");
    }
    let gateway = setup.here();
    let asked = |model: &str| {
        let mut request = question_of("hi", false);
        request["model"] = json!(model);
        gateway.chat(&request).header("x-kt-target").unwrap().to_owned()
    };
    assert_eq!([asked("m"), asked("m"), asked("b"), asked("b"), asked("m")], ["a", "b", "b", "b", "c"]);
    all[1].now(fails("500 Oops"));
    let mut request = question_of("hi", false);
    request["model"] = json!("b");
    assert_eq!(gateway.chat(&request).status, 502, "a pinned request goes nowhere else");
}

#[test]
fn a_target_without_its_key_is_left_out_and_clients_do_not_read_why() {
    let provider = Provider::always(Script::answer("ok"));
    let missing = "secret_key_ref: {env: KT_TESTS_NO_SUCH_KEY}";
    let alone = Setup::new().target("a", &provider, missing).here();
    let reply = alone.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (503, "no_target_available"));
    assert!(reply.header("retry-after").is_some());
    assert!(!reply.shows("KT_TESTS_NO_SUCH_KEY"), "{}", reply.body);
    assert_eq!((alone.admin("/readyz").status, provider.connections()), (503, 0));
    record::only(&alone.stop(), "failed", 503);
    let both = Setup::new().target("a", &provider, missing).target("b", &provider, "").here();
    assert_eq!(both.ask("hi").header("x-kt-target"), Some("b"));
    assert_eq!(both.admin("/health").json()["status"], "degraded");
}

/// Health data stays with targets that keep nothing; the team called `eu` stays with its own.
const ROUTES: &str = r#"policy routes
rule health on request {
  when text has "diagnosis"
  do exclude target t where not t.zero_data_retention
}
rule europe on request {
  when (team.id ?? "") == "eu"
  do route to "eu-*"
}
rule local on request {
  when (client.ip ?? "") matches cidr("127.0.0.0/8") and text has "who am I"
  do block
  code "house.local"
}
rule dear on request {
  when (cost.estimate_usd ?? 0.0) > 1.0
  do block
  code "house.dear"
}
"#;

#[test]
fn rules_say_where_a_request_may_go() {
    let (keeps, safe) = (Provider::always(Script::answer("keeps")), Provider::always(Script::answer("safe")));
    let gateway = Setup::new()
        .rules("routes", ROUTES)
        .target("us-1", &keeps, "pricing: {prompt: 1, completion: 1000}")
        .target("eu-1", &safe, "zdr: true")
        .here();
    assert_eq!(gateway.ask("hi").said(), "keeps");
    assert_eq!(gateway.ask("the diagnosis").said(), "safe");
    let team = gateway.post("x-team-id: eu\r\n", question_of("hi", false).to_string());
    assert_eq!(team.said(), "safe");
    let mut pinned = question_of("the diagnosis", false);
    pinned["model"] = json!("us-1");
    let refused = gateway.chat(&pinned);
    assert_eq!((refused.status, &refused.json()["error"]["reason_code"]), (409, &json!("routing.no_target")));
    assert_eq!(gateway.ask("who am I").json()["error"]["reason_code"], "house.local");
    let mut dear = question_of("hi", false);
    dear["max_tokens"] = json!(2000);
    assert_eq!(gateway.chat(&dear).json()["error"]["reason_code"], "house.dear");
    assert_eq!(keeps.connections() + safe.connections(), 3);
}

#[test]
fn a_request_that_no_target_may_have_is_blocked() {
    let provider = Provider::always(Script::answer("hello"));
    let gateway = Setup::new().rules("routes", ROUTES).target("a", &provider, "").here();
    let refused = gateway.ask("the diagnosis");
    assert_eq!((refused.status, provider.connections()), (409, 0));
    let error = &refused.json()["error"];
    assert_eq!((&error["rule"], &error["reason_code"]), (&json!("health"), &json!("routing.no_target")));
    record::only(&gateway.stop(), "blocked", 409);
}

#[test]
fn a_request_that_falls_back_to_another_provider_carries_no_field_that_it_refuses() {
    let (first, second) = (Provider::always(fails("425 Early")), Provider::always(Script::answer("ok")));
    let target = |id: &str, name: &str, provider: &Provider| {
        format!(
            "    - {{id: {id}, provider: {name}, base_url: \"http://{}/v1\", secret_key_ref: {{file: KEY}}, drop_params: [seed]}}\n",
            provider.address
        )
    };
    let targets = target("a", "openai", &first) + target("b", "fireworks", &second).as_str();
    let gateway = Setup::new().providers(&format!("targets:\n{targets}")).here();
    let mut request = question_of("hi", false);
    for (field, value) in
        [("store", json!(false)), ("min_p", json!(0.1)), ("seed", json!(7)), ("top_p", json!(0.5))]
    {
        request[field] = value;
    }
    assert_eq!(gateway.chat(&request).said(), "ok");
    let fields = |provider: &Provider| {
        let sent = provider.last().json();
        ["store", "min_p", "seed", "top_p"].map(|field| sent.get(field).is_some())
    };
    assert_eq!(fields(&first), [true, false, false, true], "OpenAI takes `store`");
    assert_eq!(fields(&second), [false, true, false, true], "Fireworks takes `min_p`");
}
