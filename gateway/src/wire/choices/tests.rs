//! Behaviour of the assembler: with a session that lets everything through, and with one that does not.

use bytes::BytesMut;
use serde_json::{Value, json};

use crate::kit;
use crate::wire::{Asked, Assembler, Ending, Endpoint, Usage};

fn assembler() -> Assembler {
    assembler_of(Endpoint::Chat, "", 1)
}

fn assembler_of(endpoint: Endpoint, rules: &str, choices: usize) -> Assembler {
    let asked = Asked { choices, usage: true, ..Asked::default() };
    Assembler::new(endpoint, kit::session(rules), true, "req_1".into(), asked)
}

fn play(events: &[&str]) -> (Vec<String>, Option<Ending>) {
    play_with("", events)
}

fn play_with(rules: &str, events: &[&str]) -> (Vec<String>, Option<Ending>) {
    let mut assembler = assembler_of(Endpoint::Chat, rules, 1);
    let mut out = BytesMut::new();
    let ending = events.iter().find_map(|event| assembler.event(event.as_bytes(), &mut out));
    (frames(&out), ending)
}

fn frames(out: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(out).unwrap();
    text.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap().to_owned()).collect()
}

const HI: &str =
    r#"{"id":"x","created":1.0,"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}"#;
const STOP: &str = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

#[test]
fn chunks_that_nobody_touches_leave_byte_for_byte() {
    let call = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\"" }}]}}]}"#;
    let (frames, ending) = play(&[HI, call, STOP, "[DONE]"]);
    assert_eq!(frames, [HI, call, STOP, "[DONE]"]);
    assert_eq!(ending, Some(Ending::Complete));
}

#[test]
fn the_last_usage_is_kept() {
    let (mut assembler, mut out) = (assembler(), BytesMut::new());
    assembler.event(STOP.as_bytes(), &mut out);
    assembler.event(br#"{"choices":[],"usage":null}"#, &mut out);
    assert_eq!(assembler.usage(), Some(Usage { input: Some(3), output: Some(4), ..Usage::default() }));
}

#[test]
fn a_stream_that_breaks_off_ends_in_an_error() {
    for events in [&[HI, "[DONE]"][..], &["[DONE]"]] {
        let (frames, ending) = play(events);
        assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "stream_truncated"));
        assert!(frames[frames.len() - 2].contains(r#""code":"stream_truncated""#));
        assert_eq!(frames.last().unwrap(), "[DONE]");
    }
}

#[test]
fn garbage_and_hidden_text_end_the_stream() {
    let hidden = r#"{"choices":[{"message":{"content":"x"}}]}"#;
    let part = r#"{"choices":[{"delta":{"content":["x"]}}]}"#;
    let odd = [r#"{"choices":["x"]}"#, r#"{"choices":[{"delta":"x"}]}"#, r#"{"choices":[{"delta":["x"]}]}"#];
    for event in ["{", "{\"a\":1,\"a\":2}", hidden, part, "{}"].into_iter().chain(odd) {
        let (frames, ending) = play(&[event]);
        assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "unreadable_answer"));
        assert_eq!(frames.len(), 2);
    }
}

#[test]
fn an_error_of_the_provider_is_passed_on_in_our_envelope() {
    let (frames, ending) = play(&[HI, r#"{"error":"Too Many","message":"slow down"}"#]);
    assert!(frames[1].contains(r#""message":"the provider failed: slow down","type":"upstream_error""#));
    assert!(matches!(ending, Some(Ending::Failed(_))));
}

#[test]
fn a_character_cut_in_half_is_put_together() {
    let delta = |text: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#);
    let (frames, _) = play(&[&delta("a\\ud83d"), &delta("\\ude00b"), &delta("\\ud83d"), STOP, "[DONE]"]);
    assert_eq!(frames[0], delta("a"));
    assert_eq!(frames[1], delta("😀b"));
    assert!(frames[2].contains("\u{fffd}") && frames[2].contains(r#""finish_reason":null"#));
    assert_eq!(frames[3], STOP);
}

#[test]
fn long_texts_leave_in_pieces() {
    let long = "é".repeat(40_000);
    for finish in ["null", "\"stop\""] {
        let event = format!(
            r#"{{"id":"x","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{long}"}},"finish_reason":{finish}}}]}}"#
        );
        let (frames, _) = play(&[&event]);
        assert!(frames.len() > 4 && frames.iter().all(|frame| frame.len() < 32 * 1024));
        let chunks: Vec<Value> = frames.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect();
        let said: String =
            chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(said, long);
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let last = &chunks[chunks.len() - 1]["choices"][0]["finish_reason"];
        assert_eq!(last.is_string(), finish != "null");
    }
}

const WAITS: &str = r#"policy waits
rule a on response buffered { when text has "hi" and not text has "please" do redact with "*" }
rule b on response buffered { when text has "bad" and text has "word" and not text has "sorry" do block }"#;

fn says(choice: u32, text: &str) -> String {
    format!(r#"{{"id":"x","choices":[{{"index":{choice},"delta":{{"content":"{text}"}}}}]}}"#)
}

#[test]
fn an_answer_that_a_rule_waits_for_leaves_at_its_end() {
    let mut assembler = assembler_of(Endpoint::Chat, WAITS, 1);
    let mut out = BytesMut::new();
    let usage = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    for event in [says(0, "oh, h").as_str(), &says(0, "i!"), STOP, usage] {
        assert_eq!(assembler.event(event.as_bytes(), &mut out), None);
        assert!(out.is_empty(), "nothing leaves before the end");
    }
    assert_eq!(assembler.event(b"[DONE]", &mut out), Some(Ending::Complete));
    let frames = frames(&out);
    let said = frames.iter().position(|frame| frame.contains("oh, *!")).unwrap();
    assert_eq!(frames[said + 1..], [STOP, usage, "[DONE]"]);
    assert!(frames[..said].iter().all(|frame| !frame.contains("content")), "{frames:?}");
}

#[test]
fn an_answer_that_is_stopped_at_its_end_has_said_nothing() {
    let (frames, ending) = play_with(WAITS, &[&says(0, "a bad"), &says(0, " word"), STOP, "[DONE]"]);
    assert!(matches!(ending, Some(Ending::Blocked(_))), "{ending:?}");
    assert!(frames.iter().all(|frame| !frame.contains("bad") && !frame.contains("word")), "{frames:?}");
    assert!(frames.iter().any(|frame| frame.contains("content_filter")), "{frames:?}");
}

#[test]
fn an_answer_that_breaks_off_while_it_is_waited_for_has_said_nothing() {
    let (frames, ending) = play_with(WAITS, &[&says(0, "all is well"), "[DONE]"]);
    assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "stream_truncated"));
    assert!(frames.iter().all(|frame| !frame.contains("well")), "{frames:?}");
}

#[test]
fn an_endless_answer_is_not_waited_for() {
    let long = "x".repeat(100_000);
    let events: Vec<String> = (0..11).map(|_| says(0, &long)).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (frames, ending) = play_with(WAITS, &events);
    assert!(matches!(ending, Some(Ending::Blocked(_))), "{ending:?}");
    assert!(frames.iter().any(|frame| frame.contains("limit.hold_exceeded")), "{frames:?}");
    assert!(frames.iter().all(|frame| !frame.contains("xxx")));
}

#[test]
fn text_after_the_end_is_refused() {
    let (_, ending) = play(&[STOP, HI]);
    assert!(matches!(ending, Some(Ending::Failed(_))));
}

#[test]
fn second_copies_are_taken_away() {
    let event =
        r#"{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[]},"token_ids":[1]}]}"#;
    let (frames, _) = play(&[event]);
    assert_eq!(frames, [r#"{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":null}]}"#]);
}

fn delta(delta: &str) -> String {
    format!(r#"{{"id":"x","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn finish(delta: &str) -> String {
    format!(r#"{{"id":"x","choices":[{{"index":0,"delta":{delta},"finish_reason":"stop"}}],"usage":{{}}}}"#)
}

/// What is said for the given deltas, the last of them with the finish, under the rules of the kit.
fn guarded(deltas: &[&str]) -> (Vec<String>, Option<Ending>) {
    let (last, first) = deltas.split_last().unwrap();
    let mut events: Vec<String> = first.iter().map(|text| delta(text)).collect();
    events.extend([finish(last), "[DONE]".into()]);
    play_with(kit::RULES, &events.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_match_over_several_deltas_is_redacted_and_held_chunks_are_not_sent() {
    let role = r#"{"role":"assistant","content":"a SEC"}"#;
    let (frames, ending) = guarded(&[role, r#"{"content":"RE"}"#, r#"{"content":"T7 b"}"#, "{}"]);
    let expected = [
        delta(r#"{"role":"assistant","content":"a "}"#),
        delta(r#"{"content":"[SECRET] b"}"#),
        finish("{}"),
        "[DONE]".into(),
    ];
    assert_eq!(frames, expected);
    assert_eq!(ending, Some(Ending::Complete));
}

#[test]
fn what_is_held_at_the_end_is_said_before_the_finish() {
    let (frames, _) = guarded(&[r#"{"content":"a SEC"}"#, "{}"]);
    let expected =
        [delta(r#"{"content":"a "}"#), delta(r#"{"content":"SEC"}"#), finish("{}"), "[DONE]".into()];
    assert_eq!(frames, expected);
    let (frames, _) = guarded(&[r#"{"role":"assistant","content":"x SE"}"#]);
    let expected = [
        delta(r#"{"role":"assistant","content":"x "}"#),
        delta(r#"{"content":"SE"}"#),
        finish("{}"),
        "[DONE]".into(),
    ];
    assert_eq!(frames, expected);
}

#[test]
fn a_held_text_lets_the_rest_of_its_chunk_pass() {
    let (frames, _) = guarded(&[r#"{"content":"SEC","tool_calls":[{"index":0}]}"#, r#"{"content":"ond"}"#]);
    assert_eq!(frames[0], delta(r#"{"tool_calls":[{"index":0}]}"#));
    assert!(frames[1].contains(r#""content":"SECond""#));
}

#[test]
fn carriers_are_held_apart() {
    let (frames, _) = guarded(&[r#"{"reasoning":"r SECRET"}"#, r#"{"content":"1 SECRET2"}"#, "{}"]);
    assert!(!frames.concat().contains("SECRET2") && frames.concat().contains("[SECRET]"));
    assert!(frames.contains(&delta(r#"{"reasoning":"SECRET"}"#)), "{frames:?}");
}

#[test]
fn a_stop_tells_the_client_and_sends_nothing_of_the_match() {
    let (frames, ending) = guarded(&[r#"{"content":"hi FORBID"}"#, r#"{"content":"DEN more"}"#, "{}"]);
    assert_eq!(frames[0], delta(r#"{"content":"hi "}"#));
    let filtered = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#;
    assert_eq!(frames[1], filtered);
    let error = [
        r#"{"error":{"message":"found FORBIDDEN","type":"policy_violation","code":"output_blocked","param":null,"#,
        r#""policy":"house","rule":"stop","reason_code":"house.forbidden","request_id":"req_1"}}"#,
    ];
    assert_eq!(frames[2], error.concat());
    assert_eq!((frames[3].as_str(), frames.len()), ("[DONE]", 4));
    assert!(matches!(ending, Some(Ending::Blocked(_))));
}

#[test]
fn however_an_answer_is_cut_the_client_reads_the_same() {
    let text = "id SECRET12, SECRET1 and SECRE";
    for cut in 1..text.len() {
        let deltas: Vec<String> = text
            .as_bytes()
            .chunks(cut)
            .map(|c| json!({"content": String::from_utf8_lossy(c)}).to_string())
            .collect();
        let (frames, _) = guarded(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
        let chunks = frames.iter().filter_map(|frame| serde_json::from_str::<Value>(frame).ok());
        let said: String =
            chunks.filter_map(|c| c["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect();
        assert_eq!(said, "id [SECRET], [SECRET] and SECRE", "cut at every {cut}");
    }
}

/// The content that a client reads from frames.
fn said(frames: &[String]) -> String {
    let chunks = frames.iter().filter_map(|frame| serde_json::from_str::<Value>(frame).ok());
    chunks.filter_map(|c| c["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_tail_that_equals_what_its_chunk_released_is_not_lost() {
    let dashes = kit::RULES.replace("FORBIDDEN/", "-----BEGIN/");
    for (rules, text) in [(kit::RULES, "SS"), (&dashes, "----------"), (kit::RULES, "SECSEC")] {
        let content = json!({"content": text}).to_string();
        let (frames, ending) = play_with(rules, &[&finish(&content), "[DONE]"]);
        assert_eq!((said(&frames).as_str(), ending), (text, Some(Ending::Complete)));
        let (frames, _) = play_with(rules, &[&delta(&content), &finish("{}"), "[DONE]"]);
        assert_eq!(said(&frames), text);
    }
}

#[test]
fn a_choice_that_was_asked_for_and_never_came_breaks_the_answer() {
    for (ending, whole) in
        [("[DONE]", false), (r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#, true)]
    {
        let mut assembler = assembler_of(Endpoint::Chat, "", 2);
        let mut out = BytesMut::new();
        assembler.event(STOP.as_bytes(), &mut out);
        let early = assembler.event(ending.as_bytes(), &mut out);
        let ending = early.unwrap_or_else(|| assembler.end(&mut out));
        assert_eq!(ending == Ending::Complete, whole, "{ending:?}");
        assert!(whole || matches!(ending, Ending::Failed(fault) if fault.code == "stream_truncated"));
    }
}

#[test]
fn text_at_the_top_of_a_chunk_is_taken_away() {
    let event = r#"{"id":"x","note":"SECRET1","n":1,"usage":{"prompt_tokens":1,"note":"SECRET1","details":{"a":[1],"b":2}},"choices":[]}"#;
    let (frames, _) = play(&[event]);
    let left = r#"{"id":"x","n":1,"usage":{"prompt_tokens":1,"details":{"b":2}},"choices":[]}"#;
    assert_eq!(frames, [left]);
}

#[test]
fn an_empty_finish_reason_finishes_nothing() {
    let (out, ending) = play(&[
        r#"{"choices":[{"index":null,"delta":{"content":"a"},"finish_reason":""}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    let out = out.concat();
    assert!(matches!(ending, Some(Ending::Complete)), "{out}");
    assert!(out.contains(r#""content":"a""#) && out.contains(r#""content":"b""#), "{out}");
}

#[test]
fn a_choice_of_an_odd_shape_ends_the_stream() {
    for event in [
        r#"{"usage":{},"choices":{"0":"text"}}"#,
        r#"{"usage":{},"choices":"text"}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"a whole sentence"}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":{"a":"text"}}]}"#,
        r#"{"choices":[{"index":"text","delta":{}}]}"#,
        r#"{"choices":[{"index":-1,"delta":{}}]}"#,
    ] {
        let (_, ending) = play(&[event]);
        assert!(
            matches!(ending, Some(Ending::Failed(fault)) if fault.code == "unreadable_answer"),
            "{event}"
        );
    }
}

/// A chunk of a completion.
fn text(index: u32, text: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"x","choices":[{{"text":"{text}","index":{index},"logprobs":null,"finish_reason":{finish}}}]}}"#
    )
}

#[test]
fn completions_speak_in_their_choices() {
    let mut assembler = assembler_of(Endpoint::Completions, kit::RULES, 2);
    let mut out = BytesMut::new();
    for event in
        [text(0, "a SEC", "null"), text(1, "b", "null"), text(0, "RET1", "null"), text(1, "SEC", "\"stop\"")]
    {
        assert_eq!(assembler.event(event.as_bytes(), &mut out), None);
    }
    assert_eq!(assembler.event(text(0, "", "\"length\"").as_bytes(), &mut out), None);
    assert_eq!(assembler.event(b"[DONE]", &mut out), Some(Ending::Complete));
    let said = |index: u32, text: &str| {
        format!(
            r#"{{"id":"x","choices":[{{"index":{index},"text":"{text}","logprobs":null,"finish_reason":null}}]}}"#
        )
    };
    let expected = [
        text(0, "a ", "null"),
        text(1, "b", "null"),
        said(1, "SEC"),
        text(1, "", "\"stop\""),
        said(0, "[SECRET]"),
        text(0, "", "\"length\""),
        "[DONE]".to_owned(),
    ];
    assert_eq!(frames(&out), expected);
}

#[test]
fn a_stopped_completion_has_a_text_in_its_last_chunk() {
    let mut assembler = assembler_of(Endpoint::Completions, kit::RULES, 1);
    let mut out = BytesMut::new();
    let ending = assembler.event(text(0, "hi FORBIDDEN", "null").as_bytes(), &mut out);
    assert!(matches!(ending, Some(Ending::Blocked(_))));
    let frames = frames(&out);
    let filtered =
        r#"{"id":"x","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"content_filter"}]}"#;
    assert!(frames[0].contains(r#""text":"hi ""#) && frames[2].contains("output_blocked"), "{frames:?}");
    assert_eq!((frames[1].as_str(), frames.len()), (filtered, 4));
}
