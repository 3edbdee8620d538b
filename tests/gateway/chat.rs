//! Whole answers: redaction both ways, and what a block looks like.

use serde_json::json;
use tests::{Provider, RULES, Script, Setup, question_of, whole};

use crate::record::{self, CANARY};

#[test]
fn a_whole_answer_passes_as_it_is_and_is_recorded() {
    let provider = Provider::always(Script::answer("hello"));
    let gateway = Setup::over(&provider).here();
    let reply = gateway.ask(CANARY);
    assert_eq!((reply.status, reply.json()), (200, whole("hello")));
    assert_eq!((reply.header("x-kt-target"), reply.header("x-kt-policy")), (Some("a"), Some("allow")));
    let record = record::only(&gateway.stop(), "complete", 200);
    assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(5)));
    assert_eq!((&record["target"], &record["provider"]), (&json!("a"), &json!("scripted")));
}

#[test]
fn prompt_and_answer_are_redacted_before_anybody_sees_them() {
    let provider = Provider::always(Script::answer("write to ann@example.com, SECRET12"));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.ask("I am ann@example.com with SECRET1");
    assert_eq!(provider.last().json()["messages"][0]["content"], "I am [EMAIL] with [SECRET]");
    assert_eq!(reply.said(), "write to [EMAIL], [SECRET]");
    assert!(!reply.shows("ann@") && !reply.shows("SECRET1"));
    assert_eq!(reply.header("x-kt-policy"), Some("redact; house"));
    let record = record::only(&gateway.stop(), "complete", 200);
    assert_eq!((&record["verdict"], &record["reason_code"]), (&json!("redact"), &json!("house.secret")));
    let found = record["policies_evaluated"][0]["findings"].as_array().unwrap();
    let labels: Vec<&str> = found.iter().map(|one| one["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["EMAIL", "SECRET", "EMAIL", "SECRET"]);
}

#[test]
fn every_string_of_a_request_is_redacted_wherever_it_stands() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let secret = "ann@example.com";
    let request = json!({"model": "m", "user": secret, "stop": [secret], "metadata": {"k": secret, secret: 1},
        "messages": [{"role": "system", "content": secret}, {"role": "user", "name": secret, "content": [
            {"type": "text", "text": secret}, {"type": "image_url", "image_url": {"url": format!("https://x.example/{secret}")}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": secret, "type": "function",
                "function": {"name": "f", "arguments": format!("{{\"to\":\"{secret}\"}}")}}]},
            {"role": "tool", "tool_call_id": "c", "content": secret}],
        "tools": [{"type": "function", "function": {"name": "f", "description": secret,
            "parameters": {"type": "object", "properties": {"a": {"type": "string", "enum": [secret]}}}}}],
        "prediction": {"type": "content", "content": secret}, "unknown": [[{"deep": secret}]]});
    assert_eq!(gateway.chat(&request).status, 200);
    let sent = String::from_utf8(provider.last().body).unwrap();
    assert!(!sent.contains(secret), "{sent}");
    assert_eq!(sent.matches("[EMAIL]").count(), request.to_string().matches(secret).count());
}

#[test]
fn a_blocked_request_reaches_no_provider_and_says_why() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    for stream in [false, true] {
        let reply =
            gateway.post("x-request-id: mine-7\r\n", question_of("say FORBIDDEN", stream).to_string());
        assert_eq!((reply.status, reply.header("x-should-retry")), (409, Some("false")));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-kt-policy"), Some("block; house"));
        let error = json!({"message": "found FORBIDDEN", "type": "policy_violation", "code": "input_blocked",
            "param": null, "policy": "house", "rule": "stop", "reason_code": "house.forbidden",
            "request_id": "mine-7"});
        assert_eq!(reply.json(), json!({"error": error}));
    }
    assert_eq!(provider.connections(), 0);
    let records = gateway.stop();
    records.iter().for_each(|one| record::check(one, "blocked", 409));
    assert_eq!((records.len(), &records[0]["error"]), (2, &json!("input_blocked")));
    assert_eq!((&records[1]["stream"], &records[1]["target"]), (&json!(true), &json!(null)));
}

#[test]
fn a_blocked_answer_shows_nothing_of_itself() {
    let provider = Provider::always(Script::answer("before FORBIDDEN after"));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (409, "output_blocked"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert!(!reply.shows("before") && !reply.shows("after"));
    record::only(&gateway.stop(), "blocked", 409);
}

#[test]
fn an_escalation_holds_back_under_its_own_code() {
    let provider = Provider::always(Script::answer("ok"));
    let rules = RULES.replace("do block", "do escalate");
    let gateway = Setup::over(&provider).rules("house", &rules).here();
    let reply = gateway.ask("FORBIDDEN");
    assert_eq!((reply.status, reply.code().as_str()), (409, "escalation_required"));
    assert_eq!(provider.connections(), 0);
    assert_eq!(record::only(&gateway.stop(), "blocked", 409)["verdict"], "escalate");
}

#[test]
fn a_flag_lets_pass_and_is_recorded() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).rules("house", &RULES.replace("do block", "do flag")).here();
    let reply = gateway.ask("FORBIDDEN");
    assert_eq!((reply.status, reply.header("x-kt-policy")), (200, Some("flag; house")));
    assert_eq!(provider.last().json()["messages"][0]["content"], "FORBIDDEN");
    assert_eq!(record::only(&gateway.stop(), "complete", 200)["verdict"], "flag");
}

#[test]
fn block_wins_over_redact() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    assert_eq!(gateway.ask("SECRET1 and FORBIDDEN").status, 409);
    assert_eq!(record::only(&gateway.stop(), "blocked", 409)["verdict"], "block");
}

#[test]
fn a_disabled_pack_lets_everything_pass() {
    let provider = Provider::always(Script::answer("SECRET1"));
    let disabled = Setup::guarded(&provider).disabled().here();
    assert_eq!(disabled.ask("FORBIDDEN").said(), "SECRET1");
    assert_eq!(disabled.admin("/health").json()["policies_enabled"], false);
}

#[test]
fn numbers_and_unknown_fields_pass_as_written() {
    let answer = r#"{"id":"x","n":1.0,"big":18446744073709551616,"choices":[{"index":0,"message":{"role":"assistant","content":"é\u00e9"},"finish_reason":"stop"}],"system_fingerprint":null}"#;
    let provider = Provider::always(Script::reply("200 OK", "application/json; charset=utf-8", answer));
    let gateway = Setup::guarded(&provider).here();
    let request = r#"{"model":"m","temperature":1.0,"seed":18446744073709551616,"x":-0.0,"messages":[{"role":"user","content":"hi"}]}"#;
    let reply = gateway.post("", request);
    assert_eq!(reply.body, answer.replace("\\u00e9", "é"));
    assert_eq!(String::from_utf8(provider.last().body).unwrap(), request);
}
