//! What answers tell besides their words, of keys that are wrong and of what was redacted: nothing.

use tests::{Provider, Reply, Script, Setup, chunk, event, finish, question_of};

/// The SHA-256 of `kt_1`.
const DIGEST: &str = "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f";

/// All of a reply but for the moment at which it was given.
fn timeless(reply: &Reply) -> (String, String) {
    let lines = reply.head.lines().filter(|line| !line.to_lowercase().starts_with("date:"));
    (lines.collect::<Vec<_>>().join("\n"), reply.body.clone())
}

#[test]
fn wrong_keys_are_answered_alike_to_the_last_byte() {
    let provider = Provider::always(Script::answer("ok"));
    let keys = format!("auth: {{keys: [{{name: ann, sha256: {DIGEST}}}]}}");
    let gateway = Setup::over(&provider).block(&keys).here();
    let ask = |authorization: &str| {
        let headers = format!("x-request-id: r1\r\n{authorization}");
        gateway.post(&headers, question_of("hi", false).to_string())
    };
    let bearer = |key: &str| ask(&format!("authorization: Bearer {key}\r\n"));
    assert_eq!(bearer("kt_1").status, 200);
    let none = ask("");
    assert_eq!((none.status, none.code().as_str()), (401, "invalid_api_key"));
    let long = "kt_1".repeat(2000);
    let wrong = ["k", "kt", "kt_", "kt_2", "xt_1", "Kt_1", "kt_11", "kt_1 kt_1", "1_tk", &long, DIGEST];
    for key in wrong {
        assert_eq!(timeless(&bearer(key)), timeless(&none), "{key}");
    }
    for other in ["authorization: Basic kt_1\r\n", "authorization: kt_1\r\n", "x-api-key: kt_1\r\n"] {
        assert_eq!(timeless(&ask(other)), timeless(&none), "{other}");
    }
    assert_eq!(provider.connections(), 1);
}

#[test]
fn a_placeholder_says_nothing_of_how_long_the_text_was() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    let long = "somebody.with.a.name@a.longer.domain.of.the.house.example";
    for (short, long) in [("SECRET1", "SECRET123"), ("a@b.example", long)] {
        for stream in [false, true] {
            let told = [short, long, short].map(|text| {
                provider.now(match stream {
                    true => Script::deltas(["see ", text, " there"]),
                    false => Script::answer(&format!("see {text} there")),
                });
                let question = question_of(&format!("my {text} is"), stream).to_string();
                let reply = gateway.post("x-request-id: r1\r\n", question);
                assert!(reply.said().starts_with("see ["), "{}", reply.body);
                let sent = provider.last();
                (timeless(&reply), sent.head, sent.body)
            });
            let [first, second, third] = told;
            assert_eq!(first, second, "{long} in place of {short}");
            assert_eq!(first, third, "{short} again");
        }
    }
}

#[test]
fn a_placeholder_is_as_long_as_the_text_only_where_the_policy_says_so() {
    let provider = Provider::always(Script::default());
    let wide = "policy: {pii-detector: {redaction: {marker_format: asterisks, preserve_length: true}}}";
    let gateway = Setup::over(&provider).kind("pii-detector").block(wide).here();
    for text in ["ann@acme.example", "somebody@a.longer.domain.example"] {
        provider.now(Script::answer(text));
        assert_eq!(gateway.ask("hi").said(), "*".repeat(text.len()));
    }
}

#[test]
fn padding_of_a_provider_goes_along_only_where_no_policy_looks_at_answers() {
    let mut padded = chunk(serde_json::json!({"content": "hi"}), None);
    padded["obfuscation"] = "xylophone".into();
    let provider =
        Provider::always(Script::stream(event(&padded) + event(&finish("stop")).as_str() + tests::DONE));
    for (setup, is_shown) in [(Setup::over(&provider), true), (Setup::guarded(&provider), false)] {
        let reply = setup.here().stream("hi");
        assert_eq!((reply.said().as_str(), reply.shows("xylophone")), ("hi", is_shown), "{}", reply.body);
    }
}
