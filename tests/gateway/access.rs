//! Who may come in: keys and their models, addresses, web pages, and how much of it.

use serde_json::json;
use tests::{Gateway, Provider, Reply, Script, Setup, events, get, question_of, send};

use crate::record;

/// A key and the SHA-256 of it.
const ANN: (&str, &str) = ("kt_1", "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f");
const BOB: (&str, &str) = ("test", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");

fn keys(ann: &str, bob: &str) -> String {
    let (ann_digest, bob_digest) = (ANN.1, BOB.1);
    format!(
        "auth:\n  keys:\n  - {{name: ann, sha256: {ann_digest}{ann}}}\n  - {{name: bob, sha256: {bob_digest}{bob}}}"
    )
}

fn with_key(gateway: &Gateway, key: &str, headers: &str, model: &str) -> Reply {
    let mut question = question_of("hi", false);
    question["model"] = model.into();
    gateway.post(&format!("authorization: Bearer {key}\r\n{headers}"), question.to_string())
}

#[test]
fn a_refused_key_is_told_in_the_words_of_sdks() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).block(&keys("", "")).here();
    let reply = with_key(&gateway, "kt_canary_1234567", "", "m");
    assert_eq!((reply.status, reply.code().as_str()), (401, "invalid_api_key"));
    assert_eq!(reply.error().unwrap()["type"], "authentication_error");
    assert_eq!(
        (reply.header("x-should-retry"), reply.header("www-authenticate")),
        (Some("false"), Some("Bearer"))
    );
    assert!(!reply.shows("kt_canary_1234567"));
    let record = record::only(&gateway.stop(), "refused", 401);
    assert!(record["key"].is_null() && !record.to_string().contains("canary"), "{record}");
}

#[test]
fn the_name_of_a_key_is_seen_by_rules_and_kept_on_record() {
    let provider = Provider::always(Script::answer("ok"));
    let rules =
        "policy p\nversion \"1.0.0\"\nrule bob on request { when (key.name ?? \"\") == \"bob\" do block }\n";
    let gateway = Setup::over(&provider).rules("p", rules).block(&keys("", "")).here();
    assert_eq!(with_key(&gateway, ANN.0, "", "m").status, 200);
    assert_eq!(with_key(&gateway, BOB.0, "", "m").status, 409);
    assert!(!provider.last().head.contains("authorization: Bearer kt_1"));
    let config = gateway.admin("/keeptrusts/config");
    assert_eq!(config.json()["access"]["keys"], json!(["ann", "bob"]));
    assert!(!config.shows(ANN.1) && !config.shows(ANN.0));
    let records = gateway.stop();
    assert_eq!((&records[0]["key"], &records[1]["key"]), (&json!("ann"), &json!("bob")));
}

#[test]
fn a_key_asks_for_its_models_and_no_others() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider)
        .target("b", &provider, "model: accounts/x/big")
        .block(&keys(", allowed_models: [small-*, \"accounts/*\"]", ""))
        .here();
    for (key, headers, model, status) in [
        (ANN.0, "", "small-1", 200),
        (ANN.0, "", "big", 403),
        (ANN.0, "", "b", 403),
        (BOB.0, "", "b", 200),
        (ANN.0, "fireworks-model: small-2\r\n", "small-1", 200),
        (ANN.0, "fireworks-model: big\r\n", "small-1", 403),
        (ANN.0, "fireworks-deployment: other\r\n", "small-1", 403),
        (ANN.0, "fireworks-model: small-2\r\nfireworks-model: big\r\n", "small-1", 403),
    ] {
        let reply = with_key(&gateway, key, headers, model);
        assert_eq!(reply.status, status, "{key} {headers} {model}: {}", reply.body);
        if status == 403 {
            assert_eq!(reply.code(), "model_not_allowed", "{headers}");
            assert_eq!(reply.error().unwrap()["type"], "permission_error");
        }
    }
    assert_eq!(provider.connections(), 3);
    let listed = |key: &str| {
        let head = format!(
            "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        let models = send(gateway.address, head).json();
        models["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(ANN.0), ["accounts/x/big"]);
    assert_eq!(listed(BOB.0), ["a", "b", "accounts/x/big"]);
    record::check(&gateway.stop()[1], "refused", 403);
}

#[test]
fn only_listed_addresses_come_in() {
    let provider = Provider::always(Script::answer("ok"));
    let closed = Setup::over(&provider).block("ip_allowlist: [10.0.0.0/8, \"2001:db8::1\"]").here();
    let reply = closed.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (403, "ip_not_allowed"));
    assert_eq!(get(closed.address, "/nowhere").status, 403);
    assert_eq!(
        closed.post("x-forwarded-for: 10.0.0.1\r\n", question_of("hi", false).to_string()).status,
        403
    );
    assert_eq!(closed.admin("/livez").status, 200, "the operator has an address of their own");
    assert_eq!(provider.connections(), 0);
    record::check(&closed.stop()[0], "refused", 403);
    let open = Setup::over(&provider).block("ip_allowlist: [127.0.0.1]").here();
    assert_eq!(open.ask("hi").status, 200);
}

#[test]
fn trusted_proxies_say_who_asks() {
    let provider = Provider::always(Script::answer("ok"));
    let blocks = "ip_allowlist: [10.0.0.0/8]\ntrusted_proxies: [127.0.0.0/8, 192.168.0.1]";
    let rules = "policy p\nversion \"1.0.0\"\nrule far on request { when (client.ip ?? \"\") matches cidr(\"10.9.0.0/16\") do block }\n";
    let gateway = Setup::over(&provider).rules("p", rules).block(blocks).here();
    for (forwarded, status) in [
        ("10.0.0.1", 200),
        ("10.0.0.1, 192.168.0.1", 200),
        ("10.0.0.1, 8.8.8.8", 403),
        ("8.8.8.8\r\nx-forwarded-for: 10.0.0.1", 200),
        ("10.9.0.1", 409),
        ("unknown", 403),
    ] {
        let reply =
            gateway.post(&format!("x-forwarded-for: {forwarded}\r\n"), question_of("hi", false).to_string());
        assert_eq!(reply.status, status, "{forwarded}");
    }
    assert!(provider.seen().iter().all(|seen| !seen.head.to_lowercase().contains("x-forwarded-for")));
}

#[test]
fn pages_of_listed_origins_read_answers() {
    let provider = Provider::always(Script::answer("ok"));
    let cors = "cors: {allowed_origins: [https://app.example.com], max_age_seconds: 60}";
    let gateway = Setup::over(&provider).block(cors).block(&keys("", "")).here();
    let preflight = |origin: &str| {
        send(
            gateway.address,
            format!(
                "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
                 access-control-request-headers: authorization, x-stainless-lang\r\n\r\n"
            ),
        )
    };
    let own = preflight("https://app.example.com");
    assert_eq!((own.status, own.body.as_str()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", Some("https://app.example.com")),
        ("access-control-allow-methods", Some("GET, POST, OPTIONS")),
        ("access-control-allow-headers", Some("authorization, x-stainless-lang")),
        ("access-control-max-age", Some("60")),
        ("access-control-allow-credentials", None),
        ("vary", Some("origin")),
    ] {
        assert_eq!(own.header(name), value, "{name}");
    }
    for other in ["https://app.example.com.evil.com", "http://app.example.com", "null"] {
        assert_eq!(preflight(other).header("access-control-allow-origin"), None, "{other}");
    }
    for (key, status) in [(ANN.0, 200), ("wrong", 401)] {
        let reply = with_key(&gateway, key, "origin: https://app.example.com\r\n", "m");
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.com"));
        assert!(reply.header("access-control-expose-headers").unwrap().contains("x-request-id"));
        assert_eq!(reply.header("access-control-max-age"), None);
    }
}

#[test]
fn without_the_block_no_page_is_told_anything() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).here();
    let reply = gateway.post("origin: https://a\r\n", question_of("hi", false).to_string());
    assert!(!reply.head.contains("access-control") && reply.header("vary").is_none(), "{}", reply.head);
}

#[test]
fn sizes_are_the_operators_to_choose() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).block("size_limits: {body_kb: 3, head_kb: 8, headers: 10}").here();
    assert_eq!(gateway.ask("hi").status, 200);
    let reply = gateway.ask(&"x".repeat(3 * 1024));
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
    assert!(reply.body.contains("3 KiB"), "{}", reply.body);
    let body = question_of("hi", false).to_string();
    assert_eq!(gateway.post(&"x: y\r\n".repeat(10), &body).status, 431);
    assert_eq!(gateway.post(&format!("x: {}\r\n", "y".repeat(20_000)), &body).status, 431);
}

#[test]
fn rules_read_what_a_key_is_marked_with() {
    let provider = Provider::always(Script::answer("ok"));
    let rules = "policy p\nversion \"1.0.0\"\n\
         rule poor on request { when (key.labels.tier ?? \"none\") != \"gold\" do block }\n\
         rule marked on request { when key.labels.cost_center is present do flag }\n\
         rule heard on response { when text has \"secret\" and (key.labels.audience ?? \"\") == \"public\" do block }\n";
    let labels = [", labels: {tier: gold, cost_center: 4711}", ", labels: {tier: gold, audience: public}"];
    let gateway = Setup::over(&provider).rules("p", rules).block(&keys(labels[0], labels[1])).here();
    let told = |key: &str| {
        let reply = with_key(&gateway, key, "x-key-labels-tier: gold\r\nkey.labels.tier: gold\r\n", "m");
        (reply.status, reply.header("x-kt-policy").unwrap_or_default().to_owned())
    };
    assert_eq!(told(ANN.0), (200, "flag; p".into()));
    assert_eq!(told(BOB.0), (200, "allow".into()));
    provider.now(Script::answer("a secret"));
    assert_eq!((told(ANN.0).0, told(BOB.0).0), (200, 409));
    let poor = Setup::over(&provider).rules("p", rules).block(&keys("", ", labels: {tier: silver}")).here();
    for key in [ANN.0, BOB.0] {
        let forged = "key.labels.tier: gold\r\nx-kt-labels: tier=gold\r\n";
        assert_eq!(with_key(&poor, key, forged, "m").status, 409, "a header is no label");
    }
}

#[test]
fn a_key_adds_policies_for_its_own_requests() {
    let provider = Provider::always(Script::answer("mail ann@example.com"));
    let house = "policy house\nversion \"1.0.0\"\nparam strict: bool = false\n\
         rule stop on request { when strict and user.text has \"stop\" do block }\n";
    let setup = Setup::over(&provider)
        .kind("audit-logger")
        .block(&keys(", policies: [pii-detector, ./house.ktr]", ", policies: [./house.ktr]"))
        .block("policy: {house: {strict: true}, pii-detector: {action: redact}}");
    let (folder, _) = setup.write();
    std::fs::write(folder.path().join("house.ktr"), house).unwrap();
    let gateway = setup.again(folder);
    let ask = |key: &str, question: &str, stream: bool| {
        gateway.post(&format!("authorization: Bearer {key}\r\n"), question_of(question, stream).to_string())
    };
    assert_eq!(ask(ANN.0, "hi", false).said(), "mail [EMAIL]");
    assert_eq!(ask(BOB.0, "hi", false).said(), "mail ann@example.com");
    provider.now(Script::stream(events(["mail ann@exa", "mple.com"])));
    assert_eq!(ask(ANN.0, "hi", true).said(), "mail [EMAIL]");
    assert_eq!(ask(BOB.0, "hi", true).said(), "mail ann@example.com");
    assert_eq!((ask(ANN.0, "stop it", false).status, ask(BOB.0, "stop it", false).status), (409, 409));
    provider.now(Script::answer("fine"));
    assert_eq!(ask(BOB.0, "mail joe@example.com", false).status, 200);
    assert_eq!(provider.last().json()["messages"][0]["content"], "mail joe@example.com");
    ask(ANN.0, "mail joe@example.com", false);
    assert_eq!(provider.last().json()["messages"][0]["content"], "mail [EMAIL]");
    let records = gateway.stop();
    let results = |at: usize| -> Vec<(String, String)> {
        let all = records[at]["policies_evaluated"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        all.map(|policy| (text(&policy["name"]), text(&policy["result"]))).collect()
    };
    let pair = |name: &str, result: &str| (name.to_owned(), result.to_owned());
    let of_ann = [pair("audit-logger", "allow"), pair("pii-detector", "redact"), pair("house", "allow")];
    let of_bob = [pair("audit-logger", "allow"), pair("pii-detector", "skipped"), pair("house", "allow")];
    assert_eq!((results(0), results(1)), (of_ann.to_vec(), of_bob.to_vec()));
}
