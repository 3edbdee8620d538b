//! Streams: wherever they are cut, the client reads the redaction of the whole text, and no byte of a secret.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{DONE, Provider, Reply, STREAM_HEAD, Script, Setup, chunk, delta, event, events, finish};

use crate::record;

const TEXT: &str = "é 😀 write to ann@example.com or SECRET12, not to SECRE.";
const CLEAN: &str = "é 😀 write to [EMAIL] or [SECRET], not to SECRE.";

fn assert_clean(reply: &Reply, at: impl std::fmt::Debug) {
    assert_eq!(reply.said(), CLEAN, "{at:?}: {}", reply.body);
    for part in ["ann", "SECRET1", "@example"] {
        assert!(!reply.shows(part), "`{part}` leaked, {at:?}: {}", reply.body);
    }
    assert!(reply.is_whole && reply.body.ends_with(DONE), "{at:?}: {}", reply.body);
    assert_eq!(reply.finish().as_deref(), Some("stop"), "{at:?}");
}

#[test]
fn no_cut_of_the_bytes_shows_a_secret() {
    let (first, second) = TEXT.split_at(TEXT.find("example").unwrap());
    let bytes = events([first, second]);
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    for cut in 0..bytes.len() {
        let (before, after) = bytes.as_bytes().split_at(cut);
        provider.now(Script::stream(before).pause(1).then(after));
        assert_clean(&gateway.stream("hi"), cut);
    }
}

#[test]
fn no_cut_of_the_text_shows_a_secret() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    for cut in (0..TEXT.len()).filter(|cut| TEXT.is_char_boundary(*cut)) {
        let (before, after) = TEXT.split_at(cut);
        provider.now(Script::deltas([before, after]));
        assert_clean(&gateway.stream("hi"), cut);
    }
    provider.now(Script::deltas(TEXT.chars().map(String::from)));
    assert_clean(&gateway.stream("hi"), "letter by letter");
}

#[test]
fn escapes_and_line_ends_of_the_provider_change_nothing() {
    let escaped: String = TEXT.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let said = format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{escaped}"}}}}]}}"#);
    let rest = format!("data: {}", finish("stop"));
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    for end in ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n", "\nid: 7\nevent: x\nretry: 3\n\n: ping\n\n"] {
        provider.now(Script::stream(format!("\u{feff}{said}{end}{rest}{end}data: [DONE]{end}")));
        assert_clean(&gateway.stream("hi"), end);
    }
    let (half, other) = (r#"{"content":"😀"}"#.replace('😀', "\\ud83d"), r#"{"content":"\ude00"}"#);
    let raw = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
    provider.now(Script::stream(raw(&half) + &*raw(other) + &*event(&finish("stop")) + DONE));
    assert_eq!(gateway.stream("hi").said(), "😀");
}

#[test]
fn a_stream_in_http_chunks_of_one_byte_is_read_the_same() {
    let head = STREAM_HEAD.replace("connection: close", "connection: close\r\ntransfer-encoding: chunked");
    let mut script = Script::raw(head);
    for byte in events([TEXT]).bytes() {
        script = script.then([b"1\r\n".as_slice(), &[byte], b"\r\n"].concat());
    }
    let provider = Provider::always(script.then("0\r\n\r\n"));
    assert_clean(&Setup::guarded(&provider).here().stream("hi"), "chunked");
}

#[test]
fn choices_are_guarded_apart() {
    let of = |index: u32, text: &str, end: Option<&str>| json!({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": end}]});
    let chunks = [
        of(0, "a SEC", None),
        of(1, "b SECRET", None),
        of(0, "RET1", None),
        of(1, "ary", None),
        of(0, "2", Some("stop")),
        of(1, "7", Some("length")),
    ];
    let said: String = chunks.iter().map(event).collect();
    let provider = Provider::always(Script::stream(said + DONE));
    let reply = Setup::guarded(&provider).here().stream("hi");
    let text_of = |index: u32| -> String {
        let choices = reply.chunks().into_iter().flat_map(|c| c["choices"].as_array().unwrap().clone());
        let own = choices.filter(|choice| choice["index"] == index);
        own.filter_map(|choice| choice["delta"]["content"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!((text_of(0).as_str(), text_of(1).as_str()), ("a [SECRET]", "b SECRETary7"));
}

#[test]
fn reasoning_and_refusals_are_redacted_too() {
    for field in ["reasoning_content", "reasoning", "refusal"] {
        let parts = ["my SEC", "RET1", "!"].map(|text| event(&chunk(json!({field: text}), None)));
        let provider = Provider::always(Script::stream(parts.concat() + &*event(&finish("stop")) + DONE));
        let reply = Setup::guarded(&provider).here().stream("hi");
        let chunks = reply.chunks();
        let said: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"][field].as_str()).collect();
        assert_eq!(said, "my [SECRET]!");
        assert!(!reply.shows("SECRET1") && !reply.shows("RET1"));
    }
}

#[test]
fn second_copies_of_the_text_never_pass() {
    let mut copy = delta("SECRET1");
    copy["choices"][0]["logprobs"] = json!({"content": [{"token": "SECRET1", "logprob": -1.0}]});
    copy["choices"][0]["raw_output"] = json!({"completion": "SECRET1"});
    copy["token_ids"] = json!([1]);
    let provider = Provider::always(Script::stream(event(&copy) + &*event(&finish("stop")) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.stream("hi");
    assert!(
        reply.said() == "[SECRET]" && !reply.shows("SECRET1") && !reply.shows("token_ids"),
        "{}",
        reply.body
    );
    let mut whole = tests::whole("SECRET1");
    whole["choices"][0]["logprobs"] = json!({"content": [{"token": "SECRET1"}]});
    whole["choices"][0]["message"]["reasoning_details"] = json!([{"text": "SECRET1"}]);
    provider.now(Script::json(&whole));
    assert!(!gateway.ask("hi").shows("SECRET1"));
}

#[test]
fn a_block_in_mid_stream_tells_the_client_and_lets_go_of_the_provider() {
    let said = event(&delta("fine so far. FORB")) + &*event(&delta("IDDEN and more"));
    let provider = Provider::always(Script::stream(said).stall());
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.stream("hi");
    let events = reply.events();
    let parsed: Vec<Value> = events.iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let [.., filtered, error] = parsed.as_slice() else { panic!("{}", reply.body) };
    assert_eq!(reply.said(), "fine so far. ");
    assert_eq!(filtered["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "content_filter"}]));
    assert_eq!(
        (&error["error"]["code"], &error["error"]["type"]),
        (&json!("output_blocked"), &json!("policy_violation"))
    );
    assert_eq!(
        (&error["error"]["rule"], &error["error"]["reason_code"]),
        (&json!("stop"), &json!("house.forbidden"))
    );
    assert_eq!(events.last(), Some(&"[DONE]"));
    assert!(reply.is_whole && !reply.shows("FORB\"") && !reply.shows("more"));
    assert!(provider.is_let_go(Duration::from_millis(500)), "the provider goes on, and so does the bill");
    let record = record::only(&gateway.stop(), "blocked", 200);
    assert_eq!((&record["verdict"], &record["error"]), (&json!("block"), &json!("output_blocked")));
}

#[test]
fn text_leaves_as_soon_as_it_is_safe() {
    use std::io::{Read, Write};
    let provider = Provider::always(Script::stream(event(&delta("hello there SEC"))).stall());
    let gateway = Setup::guarded(&provider).here();
    let mut socket = tests::client::connect(gateway.address);
    let ask = tests::question_of("hi", true).to_string();
    socket.write_all(tests::client::request("/v1/chat/completions", "", ask.len()).as_bytes()).unwrap();
    socket.write_all(ask.as_bytes()).unwrap();
    let (mut seen, mut piece) = (String::new(), [0; 1024]);
    while !seen.contains("hello there ") {
        let count = socket.read(&mut piece).expect("text within the client's patience");
        seen.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    assert!(!seen.contains("SEC"), "{seen}");
}

#[test]
fn usage_is_recorded_in_each_of_the_three_ways_to_tell_it() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 5});
    let mut with_finish = finish("stop");
    with_finish["usage"] = usage.clone();
    let own = json!({"id": "c1", "choices": [], "usage": usage});
    let mut with_delta = delta("hi");
    with_delta["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 1});
    for said in [
        event(&delta("hi")) + &*event(&with_finish),
        event(&delta("hi")) + &*event(&finish("stop")) + &*event(&own),
        event(&with_delta) + &*event(&with_finish),
    ] {
        let provider = Provider::always(Script::stream(said + DONE));
        let gateway = Setup::guarded(&provider).here();
        assert_eq!(gateway.stream("hi").said(), "hi");
        let record = record::only(&gateway.stop(), "complete", 200);
        assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(5)));
    }
}
