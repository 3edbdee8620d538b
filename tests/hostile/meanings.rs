//! One meaning: what a provider gets is what was judged, byte for byte, for any document that is let through; and a reader that
//! takes less than the gateway, or more, is given nothing to disagree about.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tests::{Provider, Script, Setup};

use crate::CANARY;
use crate::watch::start;

/// A string as somebody may write it: any character, escaped in any way that JSON has.
fn written(text: &str, dice: &[u8]) -> String {
    let mut out = String::from("\"");
    for (at, letter) in text.chars().enumerate() {
        let die = dice.get(at % dice.len().max(1)).copied().unwrap_or(0);
        match (letter, die % 4) {
            ('"', _) => out.push_str("\\\""),
            ('\\', _) => out.push_str("\\\\"),
            ('/', 1) => out.push_str("\\/"),
            ('\n', 0 | 1) => out.push_str("\\n"),
            ('\t', 0 | 1) => out.push_str("\\t"),
            (letter, die) if die == 3 || letter < ' ' => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
            (letter, _) => out.push(letter),
        }
    }
    out + "\""
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::String),
        Just(json!("my SECRET1 and ann@example.com")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-zA-Z_$\u{e9}]{1,6}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A document as somebody may write it, with whatever spaces.
fn document(value: &Value, dice: &[u8], out: &mut String) {
    let gap = [" ", "", "\n", "\t", "\r\n  "][usize::from(dice.first().copied().unwrap_or(0)) % 5];
    let rest = dice.get(1..).unwrap_or_default();
    match value {
        Value::String(text) => out.push_str(&written(text, rest)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { gap });
                document(item, rest, out);
            }
            out.push_str(gap);
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { gap });
                out.push_str(&written(key, rest));
                out.push_str(gap);
                out.push(':');
                document(item, rest, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// What the house rules make of every string and every key.
fn redacted(value: &Value) -> Value {
    let text = |text: &str| text.replace("SECRET1", "[SECRET]").replace("ann@example.com", "[EMAIL]");
    match value {
        Value::String(string) => json!(text(string)),
        Value::Array(items) => Value::Array(items.iter().map(redacted).collect()),
        Value::Object(fields) => fields.iter().map(|(key, value)| (text(key), redacted(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_provider_reads_what_the_policies_read_however_it_was_written() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let case = (value(), any::<String>(), prop::collection::vec(any::<u8>(), 1..12));
    let mut passed = 0;
    for _ in 0..400 {
        let (extra, said, dice) = case.new_tree(&mut runner).unwrap().current();
        let request = json!({"model": "m", "stream": false, "x_extra": extra,
            "messages": [{"role": "user", "content": format!("{CANARY} {said} SECRET1")}]});
        // Numbers as they stand after one reading: exponents have a sign then.
        let request: Value = serde_json::from_str(&request.to_string()).unwrap();
        let mut bytes = String::new();
        document(&request, &dice, &mut bytes);
        let reply = gateway.post("", &bytes);
        assert_eq!(reply.status, 200, "{bytes}: {}", reply.body);
        let seen = provider.last();
        assert_eq!(seen.json(), redacted(&request), "{bytes}");
        // Nothing is left to read in two ways: no escape that is not needed, no key twice, no space.
        let sent = String::from_utf8(seen.body).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap().to_string(), sent);
        passed += 1;
    }
    assert_eq!(passed, 400);
    provider.forget();
    gateway.stop();
}

#[test]
fn numbers_arrive_as_they_were_written() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    for number in [
        "0",
        "-0",
        "1.0",
        "1E5",
        "0.10",
        "18446744073709551616",
        "-9223372036854775809",
        "1e-400",
        "12345678901234567890.123456789",
    ] {
        let body =
            format!(r#"{{"model":"m","x":{number},"messages":[{{"role":"user","content":"{CANARY}"}}]}}"#);
        assert_eq!(gateway.post("", &body).status, 200, "{number}");
        let sent = String::from_utf8(provider.last().body).unwrap().to_lowercase();
        let written = number.to_lowercase().replace("1e5", "1e+5");
        assert!(sent.contains(&format!("\"x\":{written},")), "{number}: {sent}");
    }
    gateway.stop();
}

#[test]
fn other_spellings_of_fields_that_matter_are_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    for (path, good, fields) in [
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
            ["messages", "tools", "stream"],
        ),
        ("/v1/completions", json!({"model": "m", "prompt": "hi"}), ["prompt", "suffix", "n"]),
        ("/v1/embeddings", json!({"model": "m", "input": "hi"}), ["input", "model", "stream"]),
        ("/v1/responses", json!({"model": "m", "input": "hi"}), ["input", "instructions", "background"]),
    ] {
        for field in fields {
            let capital = field[..1].to_uppercase() + &field[1..];
            for odd in [field.to_uppercase(), capital] {
                let mut request = good.clone();
                request[&odd] = json!(false);
                let reply = gateway.call(path, &request);
                assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_request"), "{path} {odd}");
            }
        }
    }
    assert_eq!(provider.connections(), 0);
    gateway.stop();
}
