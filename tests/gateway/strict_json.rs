//! One meaning per body: whatever two parsers could read in two ways reaches no provider.

use tests::{Provider, Script, Setup};

use crate::record;

const ASK: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

/// Bodies that are refused, and a word of the reason.
fn refused() -> Vec<(Vec<u8>, &'static str)> {
    let of = |text: &str| format!(r#"{{"model":"m",{ASK},{text}}}"#).into_bytes();
    let message =
        |text: &str| format!(r#"{{"model":"m","messages":[{{"role":"user",{text}}}]}}"#).into_bytes();
    let deep = |n: usize| of(&format!(r#""x":{}{}"#, "[".repeat(n), "]".repeat(n)));
    let good = of(r#""n":1"#);
    vec![
        (of(r#""model":"x""#), "repeated"),
        (of(r#""messages":[]"#), "repeated"),
        (of(r#""m\u0065ssages":[]"#), "repeated"),
        (of(r#""\u006d\u006F\u0064\u0065\u006c":"x""#), "repeated"),
        (of(r#""a":{"b":[{"c":1,"d":2,"c":3}]}"#), "repeated"),
        (message(r#""content":"a","content":"b""#), "repeated"),
        (message(r#""content":[{"type":"text","text":"a","te\u0078t":"b"}]"#), "repeated"),
        (of(r#""Messages":[]"#), "lower case"),
        (of(r#""MODEL":"x""#), "lower case"),
        (of(r#""Stream":true"#), "lower case"),
        (message(r#""content":"a","Content":"b""#), "lower case"),
        (deep(70), "64 levels"),
        (deep(100_000), "64 levels"),
        (of(r#""a":{"$serde_json::private::Number":"1"}"#), "reserved"),
        (of(r#""a":"\ud83d""#), "acceptable"),
        (of(r#""a":"\x41""#), "acceptable"),
        (of("\"a\":\"\u{1}\""), "acceptable"),
        (of("\"a\nb\":1"), "control character"),
        (of(r#""a\u000ab":1"#), "control character"),
        (of(r#""a":01"#), "acceptable"),
        (of(r#""a":NaN"#), "acceptable"),
        (of(r#""a":1,"#), "acceptable"),
        (of("\"a\":1 // no"), "acceptable"),
        (of("'a':1"), "acceptable"),
        ([b"{\"a\":\"".as_slice(), b"\xff", b"\"}"].concat(), "UTF-8"),
        ([b"{\"a\":\"".as_slice(), b"\xed\xa0\xbd", b"\"}"].concat(), "UTF-8"),
        ([b"{\"a\":\"".as_slice(), b"\xc0\xaf", b"\"}"].concat(), "UTF-8"),
        ([b"\xef\xbb\xbf".as_slice(), &good].concat(), "byte order mark"),
        ("{}".encode_utf16().flat_map(u16::to_le_bytes).collect(), "acceptable"),
        ([good.as_slice(), b"{}"].concat(), "trailing"),
        ([good.as_slice(), b"\0"].concat(), "trailing"),
        (b"[]".to_vec(), "object"),
        (b"\"x\"".to_vec(), "object"),
        (b"".to_vec(), "acceptable"),
        (good[..good.len() - 1].to_vec(), "acceptable"),
    ]
}

#[test]
fn ambiguous_bodies_reach_no_provider() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let cases = refused();
    for (body, word) in &cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(90)]).into_owned();
        let reply = gateway.post("", body);
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_request"), "{shown}");
        let error = reply.error().unwrap();
        assert_eq!(error["type"], "invalid_request_error", "{shown}");
        assert!(error["message"].as_str().unwrap().contains(word), "{shown}: {error}");
    }
    assert_eq!(provider.connections(), 0);
    let records = gateway.stop();
    assert_eq!(records.len(), cases.len());
    records.iter().for_each(|one| record::check(one, "refused", 400));
}

#[test]
fn a_field_of_the_wrong_shape_is_named() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    for (body, param) in [
        (r#"{"model":"m"}"#.to_owned(), "messages"),
        (format!("{{{ASK}}}"), "model"),
        (r#"{"model":"m","messages":[]}"#.to_owned(), "messages"),
        (r#"{"model":"m","messages":[{"content":"x"}]}"#.to_owned(), "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"root","content":"x"}]}"#.to_owned(), "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"user","content":7}]}"#.to_owned(), "messages[0].content"),
        (format!(r#"{{"model":"m","stream":"true",{ASK}}}"#), "stream"),
        (format!(r#"{{"model":"m","api_base":"http://evil",{ASK}}}"#), "api_base"),
        (format!(r#"{{"model":"m","base_url":"http://evil",{ASK}}}"#), "base_url"),
        (format!(r#"{{"model":"m","api_key":"x",{ASK}}}"#), "api_key"),
        (format!(r#"{{"model":"m","max_tokens":-1,{ASK}}}"#), "max_tokens"),
        (format!(r#"{{"model":"m","tools":{{}},{ASK}}}"#), "tools"),
    ] {
        let error = gateway.post("", &body).error().unwrap();
        assert_eq!(
            (error["code"].as_str(), error["param"].as_str()),
            (Some("invalid_request"), Some(param)),
            "{body}"
        );
    }
    assert_eq!(provider.connections(), 0);
}

#[test]
fn spellings_of_the_same_body_pass() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let deep = format!(r#"{{"model":"m",{ASK},"x":{}{}}}"#, "[".repeat(60), "]".repeat(60));
    let spaced = format!(" \r\n\t{{\"model\" : \"m\" ,{ASK}}}\n ");
    let escaped =
        r#"{"mod\u0065l":"m","messages":[{"role":"us\u0065r","content":"\ud83d\ude00 SECR\u0045T1"}]}"#;
    for body in [deep.as_str(), &spaced, escaped] {
        assert_eq!(gateway.post("", body).status, 200, "{body}");
    }
    assert_eq!(provider.last().json()["messages"][0]["content"], "😀 [SECRET]");
}
