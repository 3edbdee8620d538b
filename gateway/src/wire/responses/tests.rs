//! Behaviour of the assembler with responses: what is numbered, held, cut, and put together.

use bytes::BytesMut;
use serde_json::{Value, json};

use crate::kit;
use crate::wire::{Asked, Assembler, Ending, Endpoint};

fn assembler(rules: &str) -> Assembler {
    Assembler::new(Endpoint::Responses, kit::session(rules), true, "req_1".into(), Asked::default())
}

fn play(rules: &str, events: &[Value]) -> (Vec<Value>, Option<Ending>) {
    let (mut assembler, mut out) = (assembler(rules), BytesMut::new());
    let ending = events.iter().find_map(|event| assembler.event(event.to_string().as_bytes(), &mut out));
    (frames(&out), ending)
}

/// The events that left; each is checked to be numbered and named well.
fn frames(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let mut events = Vec::new();
    for frame in text.split_terminator("\n\n") {
        let (name, data) = frame.split_once('\n').unwrap();
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(event["type"].as_str(), name.strip_prefix("event: "));
        events.push(event);
    }
    let first = events.first().map_or(0, |event| event["sequence_number"].as_u64().unwrap());
    for (number, event) in (first..).zip(&events) {
        assert_eq!(event["sequence_number"], number, "{events:?}");
    }
    events
}

fn begun() -> Value {
    json!({"type": "response.created", "sequence_number": 3, "response": {"id": "r", "status": "in_progress", "output": []}})
}

fn item(at: u64, kind: &str) -> Value {
    let item = json!({"id": format!("i{at}"), "type": kind, "content": [], "summary": []});
    json!({"type": "response.output_item.added", "output_index": at, "item": item})
}

fn delta(at: u64, part: u64, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": at, "content_index": part, "delta": text})
}

fn completed(texts: &[&[&str]]) -> Value {
    let items = texts.iter().enumerate().map(|(at, texts)| {
        let parts: Vec<Value> =
            texts.iter().map(|text| json!({"type": "output_text", "text": text})).collect();
        json!({"id": format!("i{at}"), "type": "message", "content": parts})
    });
    let output: Vec<Value> = items.collect();
    json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": output}})
}

fn said(events: &[Value], at: u64, part: u64) -> String {
    let own = events.iter().filter(|event| event["output_index"] == at && event["content_index"] == part);
    own.filter_map(|event| event["delta"].as_str()).collect()
}

#[test]
fn interleaved_texts_are_held_apart() {
    let texts: [&[&str]; 2] = [&["a SECRET1", "SEC"], &["RET2 b"]];
    let events = [
        begun(),
        item(0, "message"),
        item(1, "message"),
        delta(0, 0, "a SEC"),
        delta(0, 1, "SEC"),
        delta(1, 0, "RET2"),
        delta(0, 0, "RET1"),
        delta(1, 0, " b"),
        completed(&texts),
    ];
    let (events, ending) = play(kit::RULES, &events);
    assert_eq!(ending, Some(Ending::Complete));
    assert_eq!(
        [said(&events, 0, 0), said(&events, 0, 1), said(&events, 1, 0)],
        ["a [SECRET]", "SEC", "RET2 b"]
    );
    let output = events.last().unwrap()["response"]["output"].clone();
    let clean: [&[&str]; 2] = [&["a [SECRET]", "SEC"], &["RET2 b"]];
    assert_eq!(output, completed(&clean)["response"]["output"]);
}

#[test]
fn long_texts_leave_in_pieces_and_empty_ones_not_at_all() {
    let long = "é".repeat(40_000);
    let events = [
        begun(),
        item(0, "message"),
        delta(0, 0, ""),
        delta(0, 0, &long),
        delta(0, 0, "SEC"),
        completed(&[&[]]),
    ];
    let (events, _) = play(kit::RULES, &events);
    let pieces: Vec<&Value> =
        events.iter().filter(|event| event["type"] == "response.output_text.delta").collect();
    assert!(pieces.len() > 10 && pieces.iter().all(|event| event.to_string().len() < 32 * 1024));
    assert!(pieces.iter().all(|event| event["delta"] != ""));
    assert_eq!(said(&events, 0, 0), long + "SEC");
}

#[test]
fn a_character_cut_in_half_is_put_together() {
    let raw = |text: &str| delta(0, 0, "TEXT").to_string().replace("TEXT", text);
    let (mut assembler, mut out) = (assembler(kit::RULES), BytesMut::new());
    for event in
        [begun().to_string(), raw("a\\ud83d"), raw("\\ude00b"), raw("\\ud83d"), completed(&[]).to_string()]
    {
        assembler.event(event.as_bytes(), &mut out);
    }
    assert_eq!(said(&frames(&out), 0, 0), "a😀b\u{fffd}");
}

const WAITS: &str = r#"policy waits
rule a on response buffered { when text has "hi" and not text has "please" do redact with "*" }"#;

#[test]
fn an_answer_that_a_rule_waits_for_leaves_at_its_end_and_in_order() {
    let (mut assembler, mut out) = (assembler(WAITS), BytesMut::new());
    let added = json!({"type": "response.content_part.added", "output_index": 0, "content_index": 0,
        "part": {"type": "output_text", "text": ""}});
    for event in
        [begun(), item(0, "message"), added, delta(0, 0, "oh, h"), delta(0, 0, "i"), delta(0, 1, "hi!")]
    {
        assert_eq!(assembler.event(event.to_string().as_bytes(), &mut out), None);
    }
    assert_eq!(frames(&out).len(), 1, "only the beginning, which says nothing, has left");
    let texts: [&[&str]; 1] = [&["oh, hi", "hi!"]];
    let ending = assembler.event(completed(&texts).to_string().as_bytes(), &mut out);
    assert_eq!(ending, Some(Ending::Complete));
    let events = frames(&out);
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.completed",
        ]
    );
    assert_eq!([said(&events, 0, 0), said(&events, 0, 1)], ["oh, *", "*!"]);
    assert_eq!(events[2]["part"]["text"], "");
    assert_eq!(events[5]["response"]["output"][0]["content"][1]["text"], "*!");
}

#[test]
fn events_do_not_wait_without_bound() {
    let search = json!({"type": "response.web_search_call.searching", "item_id": "x".repeat(100_000)});
    let events: Vec<Value> = std::iter::once(begun()).chain((0..50).map(|_| search.clone())).collect();
    let (events, ending) = play(WAITS, &events);
    assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "answer_too_long"));
    assert_eq!(events.len(), 2);
}

#[test]
fn a_stop_before_anything_was_said_is_told_in_full_as_well() {
    let (events, ending) = play(kit::RULES, &[delta(0, 0, "FORBIDDEN")]);
    assert!(matches!(ending, Some(Ending::Blocked(_))));
    assert_eq!(
        events[0]["response"],
        json!({"object": "response", "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"}, "output": []})
    );
    assert_eq!((&events[1]["type"], &events[1]["error"]["rule"]), (&json!("error"), &json!("stop")));
    assert_eq!(events.len(), 2);
}

#[test]
fn pieces_stay_together_whatever_else_their_events_leave_out() {
    let bare = |text: &str| json!({"type": "response.output_text.delta", "delta": text});
    let named =
        |id: &str, text: &str| json!({"type": "response.output_text.delta", "item_id": id, "delta": text});
    for pieces in [
        [bare("a SEC"), bare("RET"), bare("1 b")],
        [named("x", "a SEC"), named("x", "RET"), named("x", "1 b")],
        [named("x", "a SEC"), named("y", "RET"), bare("1 b")],
        [delta(0, 0, "a SEC"), named("y", "RET"), bare("1 b")],
    ] {
        let events: Vec<Value> = std::iter::once(begun()).chain(pieces).chain([completed(&[])]).collect();
        let (events, ending) = play(kit::RULES, &events);
        let said: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
        assert_eq!((said.as_str(), ending), ("a [SECRET] b", Some(Ending::Complete)), "{events:?}");
    }
}

#[test]
fn numbers_of_events_do_not_overflow() {
    let mut last = begun();
    last["sequence_number"] = json!(u64::MAX);
    let mut out = BytesMut::new();
    for strict in [true, false] {
        let session = kit::session("");
        let mut assembler =
            Assembler::new(Endpoint::Responses, session, strict, "req_1".into(), Asked::default());
        assert_eq!(assembler.event(last.to_string().as_bytes(), &mut out), None);
        assert!(matches!(assembler.end(&mut out), Ending::Failed(_)));
    }
}

#[test]
fn too_many_items_and_parts_are_refused() {
    for event in [delta(0, 512, "x"), delta(0, u64::MAX, "x")] {
        let (_, ending) = play(kit::RULES, &[event]);
        assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "unreadable_answer"));
    }
    let events: Vec<Value> = (0..4097).map(|at| item(at, "message")).collect();
    let (_, ending) = play(kit::RULES, &events);
    assert!(matches!(ending, Some(Ending::Failed(fault)) if fault.code == "unreadable_answer"));
}
