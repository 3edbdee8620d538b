//! What a provider does with a connection once it has read the request: bytes, pauses, and ways to go wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::provider::Seen;

/// A head for a stream that ends when the connection does.
pub const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// The event that ends a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// Acts in order; after the last the connection is closed.
#[derive(Clone, Default)]
pub struct Script(pub(crate) Vec<Act>);

/// Bytes made of a request.
pub(crate) type Answer = dyn Fn(&Seen) -> Vec<u8> + Send + Sync;

/// What is done about a request.
pub(crate) type Choice = dyn Fn(&Seen) -> Script + Send + Sync;

#[derive(Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    Echo(Arc<Answer>),
    Follow(Arc<Choice>),
    Pause(Duration),
    Stall,
    Reset,
}

impl Script {
    /// Those bytes, as they are.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().then(bytes)
    }

    /// A reply with a body of that content type.
    pub fn reply(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self::with_headers(status, &format!("content-type: {kind}\r\n"), body)
    }

    /// A reply with those header lines.
    pub fn with_headers(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len();
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
        Self::raw(head).then(body)
    }

    /// A reply of JSON with status 200.
    pub fn json(body: &Value) -> Self {
        Self::reply("200 OK", "application/json", body.to_string())
    }

    /// A whole answer that says that text.
    pub fn answer(text: &str) -> Self {
        Self::json(&whole(text))
    }

    /// A stream of those bytes.
    pub fn stream(events: impl AsRef<[u8]>) -> Self {
        Self::raw(STREAM_HEAD).then(events)
    }

    /// A whole stream whose deltas are those texts.
    pub fn deltas<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::stream(events(texts))
    }

    /// What the function makes of the request.
    pub fn echo(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(vec![Act::Echo(Arc::new(answer))])
    }

    /// What the function says of the request is done.
    pub fn follow(choose: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        Self(vec![Act::Follow(Arc::new(choose))])
    }

    /// All bytes that it sends.
    pub fn bytes(&self) -> Vec<u8> {
        let sent = self
            .0
            .iter()
            .filter_map(|act| if let Act::Send(bytes) = act { Some(bytes.as_slice()) } else { None });
        sent.collect::<Vec<_>>().concat()
    }

    /// Further bytes.
    #[must_use]
    pub fn then(self, bytes: impl AsRef<[u8]>) -> Self {
        self.act(Act::Send(bytes.as_ref().to_vec()))
    }

    /// Silence for a while.
    #[must_use]
    pub fn pause(self, milliseconds: u64) -> Self {
        self.act(Act::Pause(Duration::from_millis(milliseconds)))
    }

    /// Silence until the gateway closes the connection.
    #[must_use]
    pub fn stall(self) -> Self {
        self.act(Act::Stall)
    }

    /// The connection is reset.
    #[must_use]
    pub fn reset(self) -> Self {
        self.act(Act::Reset)
    }

    fn act(mut self, act: Act) -> Self {
        self.0.push(act);
        self
    }
}

/// A whole answer in the shape of OpenAI's.
pub fn whole(text: &str) -> Value {
    let message = json!({"role": "assistant", "content": text});
    json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "real",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}})
}

/// A chunk of a stream: choice 0 with that delta and that finish.
pub fn chunk(delta: Value, finish_reason: Option<&str>) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "real",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})
}

/// A chunk that says that text.
pub fn delta(text: &str) -> Value {
    chunk(json!({"content": text}), None)
}

/// A chunk that ends the choice.
pub fn finish(reason: &str) -> Value {
    chunk(json!({}), Some(reason))
}

/// The events of a whole stream whose deltas are those texts.
pub fn events<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut events: String = texts.into_iter().map(|text| event(&delta(text.as_ref()))).collect();
    events.push_str(&event(&finish("stop")));
    events.push_str(DONE);
    events
}

/// A chunk as an event.
pub fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}
