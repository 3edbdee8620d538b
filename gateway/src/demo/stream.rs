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
    /// The answer, a frame per piece.
    pub(super) fn new(turn: &Turn) -> Self {
        let mut frames = VecDeque::new();
        let mut delta = |delta: Value| frames.push_back(frame(turn, &delta, None));
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
        frames.push_back(frame(turn, &json!({}), Some(turn.usage())));
        frames.push_back(Bytes::from_static(sse::DONE));
        Self { frames, pace: interval(PACE) }
    }
}

/// A chunk; the one with the usage is the last, and says why it ends, as Fireworks does.
fn frame(turn: &Turn, delta: &Value, usage: Option<Value>) -> Bytes {
    let finish_reason = usage.as_ref().map(|_| turn.finish_reason());
    let mut chunk = json!({
        "id": turn.id(), "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    });
    if let (Some(usage), Some(fields)) = (usage, chunk.as_object_mut()) {
        fields.insert("usage".to_owned(), usage);
    }
    let mut out = BytesMut::new();
    sse::encode(&strict_json::line(&chunk), &mut out);
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
