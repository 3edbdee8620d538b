//! Behaviour of the assembler with a session that lets everything through.

use super::*;

fn assembler() -> Assembler {
    Assembler::new(Session::new(Default::default(), || 0), true, "req_1".into())
}

fn play(events: &[&str]) -> (Vec<String>, Option<Ending>) {
    let (mut assembler, mut out) = (assembler(), BytesMut::new());
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
    let call = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{\"a\"" }}]}}]}"#;
    let (frames, ending) = play(&[HI, call, STOP, "[DONE]"]);
    assert_eq!(frames, [HI, call, STOP, "[DONE]"]);
    assert_eq!(ending, Some(Ending::Complete));
}

#[test]
fn the_last_usage_is_kept() {
    let (mut assembler, mut out) = (assembler(), BytesMut::new());
    assembler.event(STOP.as_bytes(), &mut out);
    assembler.event(br#"{"choices":[],"usage":null}"#, &mut out);
    assert_eq!(assembler.usage(), Some(Usage { input: Some(3), output: Some(4) }));
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
