//! A provider that says anything: its bytes go through the reader of events and the assembler of chunks.

use std::sync::{Arc, LazyLock};

use engine::input::Request;
use engine::{Program, Session, Unit, compile};
use gateway::packs::Shelf;
use gateway::wire::{Asked, Assembler, Endpoint};
use grammar::Sources;
use serde_json::Value;

use crate::RULES;
use crate::cut::relayed;

static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("house.ktr", RULES.to_owned()));
    compile(&[unit], &Shelf, &mut sources).program.expect("rules that compile")
});

/// What streams are made of, so that random bytes say something now and then. A secret stands in texts alone.
const WORDS: &[&str] = &[
    "data: ",
    "data:",
    "\n\n",
    "\r\n\r\n",
    "\r",
    ": ping\n\n",
    "event: x\n",
    "id: 7\n",
    "\u{feff}",
    "data: [DONE]\n\n",
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"a SEC"},"finish_reason":null}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"RET12 "}}]}"#,
    r#"data: {"id":"c","choices":[{"index":1,"delta":{"reasoning_content":"SECRET1","content":"2"}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"reasoning":"to SECRE"}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"\ude00 FORBID"}}]}"#,
    r#"data: {"id":"c","choices":[{"index":1,"delta":{"content":"FORBIDDEN"}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{\"k\":\"SECR"}}]}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"ET12\"}"}}]}}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#"data: {"id":"c","choices":[{"index":1,"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":1}}"#,
    r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    r#"data: {"error":{"message":"no","code":"x"}}"#,
    r#"data: {"id":"c","choices":[{"index":0,"text":"SECRET12","finish_reason":null}]}"#,
    r#"data: {"id":"c","choices":[{"index":0,"text":"","finish_reason":"stop"}]}"#,
    r#"data: {"type":"response.created","response":{"id":"r","object":"response","output":[]},"sequence_number":0}"#,
    r#"data: {"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message","role":"assistant","content":[]}}"#,
    r#"data: {"type":"response.content_part.added","item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":""}}"#,
    r#"data: {"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"to SECRET1"}"#,
    r#"data: {"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"2 FORB"}"#,
    r#"data: {"type":"response.output_text.done","item_id":"m","output_index":0,"content_index":0,"text":"to SECRET12 FORB"}"#,
    r#"data: {"type":"response.output_item.done","output_index":0,"item":{"id":"m","type":"message","content":[{"type":"output_text","text":"SECRET12"}]}}"#,
    r#"data: {"type":"response.completed","response":{"id":"r","output":[{"id":"m","type":"message","content":[{"type":"output_text","text":"SECRET12"}]}]}}"#,
    r#"{"choices":[{"index":0,"#,
    r#""delta":null,"#,
    "]}",
    "\\u0000",
    "null",
    "\"",
];

/// Each byte is a word, a letter of its own behind an escape, or a cut between packets.
fn packets(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            255 => packet.extend(rest.next()),
            240..=254 => packets.push(std::mem::take(&mut packet)),
            byte => {
                let word = WORDS[usize::from(*byte) % WORDS.len()];
                packet.extend_from_slice(word.as_bytes());
                // Most events end where they are complete.
                if word.starts_with("data: {") && byte % 8 != 0 {
                    packet.extend_from_slice(b"\n\n");
                }
            }
        }
    }
    packets.push(packet);
    packets
}

/// Whatever a provider says, what leaves are whole frames of JSON in UTF-8, with one end, and without the secret.
pub fn assemble(bytes: &[u8]) {
    let Some((form, bytes)) = bytes.split_first() else { return };
    let endpoints = [Endpoint::Chat, Endpoint::Completions, Endpoint::Responses];
    let endpoint = endpoints[usize::from(*form) % endpoints.len()];
    let mut session = Session::new(Arc::clone(&PROGRAM), || 0);
    session.request(&Request::default());
    let assembler = Assembler::new(endpoint, session, true, "req_1".into(), Asked::default());
    check(endpoint, &relayed(assembler, packets(bytes)).0);
}

fn check(endpoint: Endpoint, out: &str) {
    assert!(out.ends_with("\n\n"), "{out}");
    let mut frames = out.split_terminator("\n\n").peekable();
    while let Some(frame) = frames.next() {
        let data = match frame.split_once('\n') {
            Some((name, data)) => {
                assert!(name.starts_with("event: ") && endpoint == Endpoint::Responses, "{frame}");
                data
            }
            None => frame,
        };
        let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {frame}"));
        if data == "[DONE]" {
            assert!(frames.peek().is_none(), "something follows the end: {out}");
            continue;
        }
        let event: Value = serde_json::from_str(data).unwrap_or_else(|flaw| panic!("{flaw}: {data}"));
        assert!(event.is_object() && !event.to_string().contains("SECRET1"), "{data}");
    }
}
