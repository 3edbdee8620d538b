//! The demo provider's streams: a few letters at a time, cut where it hurts.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use tokio::time::{Interval, interval};

use super::MODEL;
use super::form::{self, CREATED};
use super::script::{Act, Turn};
use crate::wire::{json as strict_json, sse};

/// Time between two pieces: fast enough to wait for, slow enough to see.
const PACE: Duration = Duration::from_millis(12);

/// Most letters of a piece: an e-mail address takes several, so that no piece holds a whole match.
const LETTERS: usize = 5;

/// A body that types its frames.
#[derive(Debug)]
pub(super) struct Typing {
    frames: VecDeque<Bytes>,
    pace: Interval,
}

impl Typing {
    fn new(frames: VecDeque<Bytes>) -> Self {
        Self { frames, pace: interval(PACE) }
    }

    /// A chat, a frame per piece.
    pub(super) fn chat(turn: &Turn) -> Self {
        let mut frames = VecDeque::new();
        let mut delta = |delta: Value| frames.push_back(chunk(turn, &delta, None));
        delta(json!({"role": "assistant"}));
        match &turn.act {
            Act::Say(text) => pieces(text).for_each(|piece| delta(json!({"content": piece}))),
            Act::Call(name, arguments) => {
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"index": 0, "id": "call_demo", "type": "function", "function": function});
                delta(json!({"tool_calls": [call]}));
                for piece in pieces(arguments) {
                    delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}));
                }
            }
        }
        frames.push_back(chunk(turn, &json!({}), form::chat(turn).get("usage").cloned()));
        frames.push_back(Bytes::from_static(sse::DONE));
        Self::new(frames)
    }

    /// A completion: its choices speak one after the other.
    pub(super) fn completion(document: &Value) -> Self {
        let texts = form::texts(document);
        let frame = |index: usize, text: &str, ends: bool, usage: Option<Value>| {
            let finish_reason = ends.then_some("stop");
            let choice =
                json!({"text": text, "index": index, "logprobs": null, "finish_reason": finish_reason});
            let mut chunk = json!({"id": "cmpl-demo", "object": "text_completion", "created": CREATED,
                "model": MODEL, "choices": [choice]});
            add(&mut chunk, "usage", usage);
            data(&chunk)
        };
        let mut frames = VecDeque::new();
        for (index, text) in texts.iter().enumerate() {
            frames.extend(pieces(text).map(|piece| frame(index, &piece, false, None)));
            let is_last = index + 1 == texts.len();
            let usage = is_last.then(|| form::completion_usage(document, &texts));
            frames.push_back(frame(index, "", true, usage));
        }
        frames.push_back(Bytes::from_static(sse::DONE));
        Self::new(frames)
    }

    /// A response, in numbered events.
    pub(super) fn response(turn: &Turn, document: &Value) -> Self {
        let mut events = Events::default();
        let begun = form::response(turn, document, false);
        events.add("response.created", json!({"response": begun}));
        events.add("response.in_progress", json!({"response": begun}));
        match &turn.act {
            Act::Say(text) => events.message(turn, text),
            Act::Call(_, arguments) => events.call(turn, arguments),
        }
        events.add(
            "response.output_item.done",
            json!({"output_index": 0, "item": form::item(turn, "completed")}),
        );
        events.add("response.completed", json!({"response": form::response(turn, document, true)}));
        Self::new(events.frames)
    }
}

/// Events of a response.
#[derive(Default)]
struct Events {
    frames: VecDeque<Bytes>,
}

impl Events {
    fn message(&mut self, turn: &Turn, text: &str) {
        let mut item = form::item(turn, "in_progress");
        add(&mut item, "content", Some(json!([])));
        self.add("response.output_item.added", json!({"output_index": 0, "item": item}));
        let place = json!({"item_id": "msg_demo", "output_index": 0, "content_index": 0});
        let at = |field: &str, value: Value| {
            let mut event = place.clone();
            add(&mut event, field, Some(value));
            event
        };
        self.add("response.content_part.added", at("part", form::part("")));
        for piece in pieces(text) {
            self.add("response.output_text.delta", at("delta", json!(piece)));
        }
        self.add("response.output_text.done", at("text", json!(text)));
        self.add("response.content_part.done", at("part", form::part(text)));
    }

    fn call(&mut self, turn: &Turn, arguments: &str) {
        let mut item = form::item(turn, "in_progress");
        add(&mut item, "arguments", Some(json!("")));
        self.add("response.output_item.added", json!({"output_index": 0, "item": item}));
        let name = "response.function_call_arguments";
        for piece in pieces(arguments) {
            let event = json!({"item_id": "fc_demo", "output_index": 0, "delta": piece});
            self.add(&format!("{name}.delta"), event);
        }
        let event = json!({"item_id": "fc_demo", "output_index": 0, "arguments": arguments});
        self.add(&format!("{name}.done"), event);
    }

    fn add(&mut self, name: &str, fields: Value) {
        let mut event = json!({"type": name, "sequence_number": self.frames.len()});
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        let mut out = BytesMut::new();
        sse::encode_named(name, &strict_json::line(&event), &mut out);
        self.frames.push_back(out.freeze());
    }
}

/// A chunk; the one with the usage is the last, and says why it ends, as Fireworks does.
fn chunk(turn: &Turn, delta: &Value, usage: Option<Value>) -> Bytes {
    let finish_reason = usage.as_ref().map(|_| turn.finish_reason());
    let mut chunk = json!({
        "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    });
    add(&mut chunk, "usage", usage);
    data(&chunk)
}

/// Adds a field, when there is one.
fn add(object: &mut Value, field: &str, value: Option<Value>) {
    if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
        fields.insert(field.to_owned(), value);
    }
}

fn data(chunk: &Value) -> Bytes {
    let mut out = BytesMut::new();
    sse::encode(&strict_json::line(chunk), &mut out);
    out.freeze()
}

/// The text in pieces: a word with the space before it, long words in several.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let mut letters = text.chars().peekable();
    std::iter::from_fn(move || {
        let mut piece = String::from(letters.next()?);
        for _ in 1..LETTERS {
            match letters.next_if(|letter| !letter.is_whitespace()) {
                Some(letter) => piece.push(letter),
                None => break,
            }
        }
        Some(piece)
    })
}

impl Body for Typing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.frames.is_empty() {
            return Poll::Ready(None);
        }
        ready!(this.pace.poll_tick(cx));
        Poll::Ready(this.frames.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text_and_cut_addresses() {
        let text = "Write to ann.smith@example.com, please: é😀";
        let all: Vec<String> = pieces(text).collect();
        assert_eq!(all.concat(), text);
        assert!(all.iter().all(|piece| !piece.contains("ann.smith")));
        assert_eq!(all[0], "Write");
    }
}
