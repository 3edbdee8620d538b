//! Heads: nothing passes in either direction but what is listed, and the gateway adds its own.

use tests::{KEY, Provider, Script, Setup, question_of, whole};

const ODD: &str = "authorization: Bearer client-key\r\nproxy-authorization: Basic x\r\ncookie: c=1\r\n\
    connection: close, authorization, x-foo\r\nx-foo: 1\r\nkeep-alive: timeout=5\r\nte: trailers\r\n\
    upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\n\
    via: 1.1 evil\r\nopenai-organization: o\r\nx-api-key: client-key\r\naccept-encoding: gzip, br\r\n\
    user-agent: sdk/1\r\nx-session-affinity: s1\r\nfireworks-model: fm\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

#[test]
fn a_provider_sees_a_request_made_from_scratch() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway =
        Setup::new().target("a", &provider, "model: org/real#1, secret_key_ref: {file: KEY}").here();
    assert_eq!(gateway.post(ODD, question_of("hi", false).to_string()).status, 200);
    let seen = provider.last();
    let mut names: Vec<String> =
        seen.head.lines().skip(1).map(|line| line.split(':').next().unwrap().to_ascii_lowercase()).collect();
    names.sort();
    let expected = [
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "traceparent",
        "user-agent",
        "x-session-affinity",
    ];
    assert_eq!(names, expected);
    assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("host"), Some(provider.address.to_string().as_str()));
    assert_eq!(seen.json()["model"], "org/real#1");
}

#[test]
fn a_target_without_a_key_and_a_model_gets_no_key_and_the_clients_model() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::new().target("a", &provider, "").here();
    gateway.post(ODD, question_of("hi", false).to_string());
    assert_eq!(
        (provider.last().header("authorization"), &provider.last().json()["model"]),
        (None, &"m".into())
    );
}

#[test]
fn fields_that_a_target_drops_are_not_sent() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::new().target("a", &provider, "drop_params: [store, verbosity]").here();
    let mut request = question_of("hi", false);
    request["store"] = true.into();
    request["verbosity"] = "low".into();
    gateway.chat(&request);
    assert_eq!(provider.last().json(), question_of("hi", false));
}

#[test]
fn a_client_sees_only_listed_headers_of_the_provider() {
    let headers = "content-type: application/json\r\nset-cookie: s=1\r\nserver: x\r\nx-request-id: theirs\r\n\
        x-kt-policy: allow\r\nx-should-retry: true\r\nkeep-alive: timeout=5\r\nretry-after: 3\r\n\
        x-ratelimit-over-limit: no\r\nfireworks-prompt-tokens: 7\r\nopenai-organization: o\r\n";
    let provider = Provider::always(Script::with_headers("200 OK", headers, whole("ok").to_string()));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.post("x-request-id: mine-1\r\n", question_of("SECRET1", false).to_string());
    let mut names: Vec<&str> =
        reply.head.lines().skip(1).map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    let expected = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "fireworks-prompt-tokens",
        "retry-after",
        "x-kt-policy",
        "x-kt-target",
        "x-ratelimit-over-limit",
        "x-request-id",
    ];
    assert_eq!(names, expected, "{}", reply.head);
    assert_eq!(
        (reply.header("x-request-id"), reply.header("x-kt-policy")),
        (Some("mine-1"), Some("redact; house"))
    );
}

#[test]
fn a_request_keeps_a_well_formed_name_and_gets_one_in_place_of_any_other() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).here();
    let named = |name: &str| {
        let reply = gateway.post(&format!("x-request-id: {name}\r\n"), question_of("hi", false).to_string());
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(named("aZ_09-"), "aZ_09-");
    for odd in ["a b", "a;b", "é", "<x>", &"x".repeat(129)] {
        assert!(named(odd).starts_with("req_"), "{odd}");
    }
    let records = gateway.stop();
    assert_eq!(records[0]["request_id"], "aZ_09-");
    assert!(records[1]["request_id"].as_str().unwrap().starts_with("req_"));
}

#[test]
fn only_clients_with_a_configured_key_come_in() {
    let provider = Provider::always(Script::answer("ok"));
    // SHA-256 of `kt_1`.
    let digest = "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f";
    let gateway =
        Setup::over(&provider).block(&format!("auth: {{keys: [{{name: ann, sha256: {digest}}}]}}")).here();
    let ask = |headers: &str| gateway.post(headers, question_of("hi", false).to_string());
    assert_eq!(ask("authorization: Bearer kt_1\r\n").status, 200);
    for wrong in ["", "authorization: Bearer kt_2\r\n", "authorization: kt_1\r\n", "x-api-key: kt_1\r\n"] {
        let reply = ask(wrong);
        assert_eq!((reply.status, reply.code().as_str()), (401, "invalid_api_key"), "{wrong}");
    }
    assert_eq!(tests::get(gateway.address, "/v1/models").status, 401);
    assert_eq!(provider.connections(), 1);
    assert!(!provider.last().head.contains("kt_1"));
    let records = gateway.stop();
    let refused: Vec<&str> = records.iter().filter_map(|one| one["error"].as_str()).collect();
    assert_eq!(refused, ["invalid_api_key"; 5]);
    assert!(records[1..].iter().all(|one| one["outcome"] == "refused"), "{records:?}");
}
