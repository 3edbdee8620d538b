//! How often clients may ask, and for how many tokens, on a clock that the tests wind.

use serde_json::{Value, json};
use tests::{Gateway, Hands, Provider, Reply, Script, Setup, question_of, whole};

use crate::record;

fn limited(provider: &Provider, hands: &Hands, limits: &str) -> Gateway {
    Setup::over(provider).clock(hands.clock()).block(&format!("rate_limits: {{{limits}}}")).here()
}

fn of_user(gateway: &Gateway, user: &str) -> Reply {
    gateway.post(&format!("x-user-id: {user}\r\n"), question_of("hi", false).to_string())
}

fn refused(reply: &Reply, limit: &str, retry_after: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (429, limit), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["type"], "rate_limit_error");
    assert_eq!(reply.header("retry-after"), Some(retry_after), "{}", reply.body);
}

#[test]
fn requests_beyond_the_limit_are_told_when_to_come_back() {
    let (provider, hands) = (Provider::always(Script::answer("ok")), Hands::default());
    let gateway = limited(&provider, &hands, "global_rate_limit: {requests: 6, per: minute, burst: 2}");
    assert_eq!((gateway.ask("hi").status, gateway.ask("hi").status), (200, 200));
    let reply = gateway.ask("hi");
    refused(&reply, "global_rate_limit", "10");
    assert!(reply.body.contains("6 requests in all per minute"), "{}", reply.body);
    hands.pass(9);
    refused(&gateway.ask("hi"), "global_rate_limit", "1");
    hands.pass(1);
    assert_eq!(gateway.ask("hi").status, 200);
    refused(&gateway.ask("hi"), "global_rate_limit", "10");
    hands.pass(3600);
    assert_eq!((gateway.ask("hi").status, gateway.ask("hi").status), (200, 200));
    refused(&gateway.ask("hi"), "global_rate_limit", "10");
    assert_eq!(provider.connections(), 5);
    let records = gateway.stop();
    record::check(&records[2], "refused", 429);
    assert_eq!(records[2]["error"], "global_rate_limit");
}

#[test]
fn users_do_not_take_from_each_other() {
    let (provider, hands) = (Provider::always(Script::answer("ok")), Hands::default());
    let gateway = limited(&provider, &hands, "user_rate_limit: {requests: 1, per: hour}");
    assert_eq!((of_user(&gateway, "ann").status, of_user(&gateway, "bob").status), (200, 200));
    refused(&of_user(&gateway, "ann"), "user_rate_limit", "3600");
    let mut in_body = question_of("hi", false);
    in_body["user"] = "bob".into();
    refused(&gateway.chat(&in_body), "user_rate_limit", "3600");
    assert_eq!(gateway.ask("hi").status, 200, "those without a name are one");
    refused(&gateway.ask("hi"), "user_rate_limit", "3600");
}

#[test]
fn a_guess_at_a_key_counts_as_any_request_from_there() {
    let (provider, hands) = (Provider::always(Script::answer("ok")), Hands::default());
    let digest = "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f";
    let gateway = Setup::over(&provider)
        .clock(hands.clock())
        .block(&format!("auth: {{keys: [{{name: ann, sha256: {digest}}}]}}"))
        .block("trusted_proxies: [127.0.0.1]")
        .block("rate_limits: {ip_rate_limit: {requests: 3, per: second}, key_rate_limit: {requests: 1, per: second}}")
        .here();
    let ask = |key: &str, from: &str| {
        let headers = format!("authorization: Bearer {key}\r\nx-forwarded-for: {from}\r\n");
        gateway.post(&headers, question_of("hi", false).to_string())
    };
    assert_eq!((ask("x", "1.1.1.1").status, ask("y", "1.1.1.1").status), (401, 401));
    assert_eq!(ask("kt_1", "1.1.1.1").status, 200);
    refused(&ask("kt_1", "1.1.1.1"), "ip_rate_limit", "1");
    refused(&ask("kt_1", "2.2.2.2"), "key_rate_limit", "1");
    for host in ["a", "b", "c"] {
        assert_eq!(ask("x", &format!("2001:db8:1:1::{host}")).status, 401);
    }
    refused(&ask("x", "2001:db8:1:1:ffff::"), "ip_rate_limit", "1");
    assert_eq!(ask("x", "2001:db8:1:2::a").status, 401, "another network");
    let records = gateway.stop();
    assert_eq!((&records[4]["error"], &records[4]["key"]), (&json!("key_rate_limit"), &json!("ann")));
}

/// An answer that took so many tokens.
fn took(input: u64, output: u64) -> Script {
    let mut answer: Value = whole("ok");
    answer["usage"] =
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    Script::json(&answer)
}

fn up_to(gateway: &Gateway, max_tokens: u64) -> Reply {
    let mut question = question_of("hi", false);
    question["max_tokens"] = max_tokens.into();
    gateway.chat(&question)
}

#[test]
fn tokens_are_reserved_before_and_settled_after() {
    let (provider, hands) = (Provider::always(took(10, 40)), Hands::default());
    let gateway = limited(&provider, &hands, "token_rate_limit: {tokens: 60, per: minute, burst: 100}");
    assert_eq!(up_to(&gateway, 90).status, 200, "91 reserved, 50 used");
    assert_eq!(up_to(&gateway, 49).status, 200, "50 are left, and used");
    refused(&up_to(&gateway, 9), "token_rate_limit", "10");
    hands.pass(10);
    provider.now(took(10, 100));
    assert_eq!(up_to(&gateway, 9).status, 200, "10 reserved, 110 used");
    refused(&up_to(&gateway, 9), "token_rate_limit", "110");
    hands.pass(109);
    refused(&up_to(&gateway, 9), "token_rate_limit", "1");
    hands.pass(1);
    assert_eq!(up_to(&gateway, 9).status, 200);
}

#[test]
fn what_is_larger_than_the_limit_waits_until_nothing_is_taken() {
    let (provider, hands) = (Provider::always(took(1, 9)), Hands::default());
    let gateway = limited(&provider, &hands, "token_rate_limit: {tokens: 10, per: second, by: user}");
    assert_eq!(up_to(&gateway, 4000).status, 200);
    refused(&up_to(&gateway, 4000), "token_rate_limit", "1");
    hands.pass(1);
    assert_eq!(up_to(&gateway, 4000).status, 200);
    assert_eq!(of_user(&gateway, "ann").status, 200, "others have their own");
}

#[test]
fn a_request_that_goes_nowhere_takes_no_tokens() {
    let (provider, hands) = (Provider::always(took(1, 99)), Hands::default());
    let gateway = Setup::guarded(&provider)
        .clock(hands.clock())
        .block("rate_limits: {token_rate_limit: {tokens: 100, per: day}}")
        .here();
    let blocked = |max_tokens: u64| {
        let mut question = question_of("FORBIDDEN", false);
        question["max_tokens"] = max_tokens.into();
        gateway.chat(&question).status
    };
    assert_eq!((blocked(90), blocked(90), blocked(90)), (409, 409, 409));
    assert_eq!(up_to(&gateway, 90).status, 200);
    assert_eq!(blocked(0), 429);
}

#[test]
fn a_stream_settles_at_its_end() {
    let usage = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}});
    let events = tests::events(["ok"]).replace(tests::DONE, &(tests::event(&usage) + tests::DONE));
    let (provider, hands) = (Provider::always(Script::stream(events)), Hands::default());
    let gateway = limited(&provider, &hands, "token_rate_limit: {tokens: 60, per: minute}");
    let stream = |max_tokens: u64| {
        let mut question = question_of("hi", true);
        question["max_tokens"] = max_tokens.into();
        gateway.chat(&question)
    };
    assert_eq!(stream(59).status, 200, "60 reserved, 30 used");
    assert_eq!(stream(29).status, 200);
    refused(&stream(29), "token_rate_limit", "30");
}
