//! The forms in which a model answers, each with a provider's way to write it and a client's way to read it.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::script::{DONE, Script, event, events, whole};

/// A form of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A chat.
    Chat,
    /// A completion.
    Completion,
    /// A response.
    Response,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 3] = [Form::Chat, Form::Completion, Form::Response];

    /// Where it is asked for.
    pub fn path(self) -> &'static str {
        match self {
            Form::Chat => "/v1/chat/completions",
            Form::Completion => "/v1/completions",
            Form::Response => "/v1/responses",
        }
    }

    /// A question.
    pub fn question(self, question: &str, stream: bool) -> Value {
        match self {
            Form::Chat => crate::question_of(question, stream),
            Form::Completion => json!({"model": "m", "stream": stream, "prompt": question}),
            Form::Response => json!({"model": "m", "stream": stream, "input": question}),
        }
    }

    /// A whole answer that says that text.
    pub fn whole(self, text: &str) -> Value {
        match self {
            Form::Chat => whole(text),
            Form::Completion => completion(&[text]),
            Form::Response => response(vec![message("msg_1", text)]),
        }
    }

    /// The events of a whole stream whose deltas are those texts.
    pub fn events<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> String {
        match self {
            Form::Chat => events(texts),
            Form::Completion => {
                let said = texts.into_iter().map(|text| event(&text_chunk(0, text.as_ref(), None)));
                said.collect::<String>() + &*event(&text_chunk(0, "", Some("stop"))) + DONE
            }
            Form::Response => {
                let texts: Vec<String> = texts.into_iter().map(|text| text.as_ref().to_owned()).collect();
                let mut told = Told::begun();
                told.message("msg_1", &texts);
                told.completed()
            }
        }
    }

    /// The events of a stream up to the one that says that text.
    pub fn begun(self, text: &str) -> String {
        let whole = self.events([text]);
        let said = whole.find(text).expect("what was put in");
        let end = whole[said..].find("\n\n").expect("the end of an event");
        whole[..said + end + 2].to_owned()
    }

    /// A stream of those.
    pub fn deltas<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> Script {
        Script::stream(self.events(texts))
    }

    /// The text that the client has read: of a stream, its deltas.
    pub fn said(self, reply: &Reply) -> String {
        if !reply.is_stream() {
            return self.text_of(&reply.json()).to_owned();
        }
        match self {
            Form::Chat => reply.said(),
            Form::Completion => {
                let chunks = reply.chunks();
                chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect()
            }
            Form::Response => {
                let deltas = reply.chunks().into_iter();
                let deltas = deltas.filter(|event| event["type"] == "response.output_text.delta");
                deltas.filter_map(|event| event["delta"].as_str().map(str::to_owned)).collect()
            }
        }
    }

    /// The text of a whole answer.
    pub fn text_of(self, answer: &Value) -> &str {
        let place = match self {
            Form::Chat => "/choices/0/message/content",
            Form::Completion => "/choices/0/text",
            Form::Response => "/output/0/content/0/text",
        };
        answer.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a stream has told that the answer is whole.
    pub fn is_finished(self, reply: &Reply) -> bool {
        let chunks = reply.chunks();
        match self {
            Form::Chat | Form::Completion => {
                chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "stop")
            }
            Form::Response => chunks.last().is_some_and(|event| event["type"] == "response.completed"),
        }
    }

    /// Checks that a stream ends as its form wants it.
    pub fn assert_ended(self, reply: &Reply) {
        assert!(reply.is_whole && reply.body.ends_with("\n\n"), "{}", reply.body);
        assert_eq!(reply.body.ends_with(DONE), self != Form::Response, "{}", reply.body);
        if self == Form::Response {
            let events = reply.events();
            let events = events.iter().map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
            for (number, (name, event)) in reply.event_names().iter().zip(events).enumerate() {
                assert_eq!(
                    (event["type"].as_str(), event["sequence_number"].as_u64()),
                    (*name, Some(number as u64)),
                    "{}",
                    reply.body
                );
            }
        }
    }
}

/// A completion with those choices.
pub fn completion(texts: &[&str]) -> Value {
    let choices = texts.iter().enumerate().map(
        |(index, text)| json!({"text": text, "index": index, "logprobs": null, "finish_reason": "stop"}),
    );
    json!({"id": "c1", "object": "text_completion", "created": 1, "model": "real",
        "choices": choices.collect::<Vec<_>>(),
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}})
}

/// A chunk of a completion.
pub fn text_chunk(index: u32, text: &str, finish_reason: Option<&str>) -> Value {
    json!({"id": "c1", "object": "text_completion", "created": 1, "model": "real", "choices": [
        {"text": text, "index": index, "logprobs": null, "finish_reason": finish_reason}]})
}

/// Vectors, as many as that.
pub fn vectors(count: usize) -> Value {
    let data =
        (0..count).map(|index| json!({"object": "embedding", "index": index, "embedding": [0.25, -1e-7]}));
    json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": "real",
        "usage": {"prompt_tokens": 3, "total_tokens": 3}})
}

/// A response with those items.
pub fn response(output: Vec<Value>) -> Value {
    json!({"id": "r1", "object": "response", "created_at": 1, "status": "completed", "error": null,
        "incomplete_details": null, "model": "real", "output": output, "parallel_tool_calls": true,
        "tools": [], "tool_choice": "auto",
        "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}})
}

/// A message of a response.
pub fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part(text)]})
}

/// A part of it.
pub fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// The events of a response, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Told {
    events: String,
    number: u64,
    output: Vec<Value>,
}

impl Told {
    /// A response that has begun.
    pub fn begun() -> Self {
        let mut told = Self::default();
        let mut begun = response(Vec::new());
        (begun["status"], begun["usage"]) = (json!("in_progress"), json!(null));
        told.add(json!({"type": "response.created", "response": begun}));
        told
    }

    /// A further event; it gets the next number.
    pub fn add(&mut self, mut event: Value) -> &mut Self {
        event["sequence_number"] = json!(self.number);
        self.number += 1;
        self.events.push_str(&format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
        self
    }

    /// An item that begins, at its place.
    pub fn item(&mut self, item: &Value) -> usize {
        let at = self.output.len();
        self.add(json!({"type": "response.output_item.added", "output_index": at, "item": item}));
        self.output.push(item.clone());
        at
    }

    /// An item that ends.
    pub fn end(&mut self, at: usize, item: Value) -> &mut Self {
        self.add(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
        self.output[at] = item;
        self
    }

    /// A whole message, in pieces.
    pub fn message(&mut self, id: &str, pieces: &[String]) -> &mut Self {
        let mut begun = message(id, "");
        (begun["status"], begun["content"]) = (json!("in_progress"), json!([]));
        let at = self.item(&begun);
        let of = |name: &str, field: &str, value: Value| json!({"type": format!("response.{name}"), "item_id": id, "output_index": at, "content_index": 0, field: value});
        self.add(of("content_part.added", "part", part("")));
        for piece in pieces {
            self.add(of("output_text.delta", "delta", json!(piece)));
        }
        let text = pieces.concat();
        self.add(of("output_text.done", "text", json!(text)));
        self.add(of("content_part.done", "part", part(&text)));
        self.end(at, message(id, &text))
    }

    /// What was told so far.
    pub fn events(&self) -> String {
        self.events.clone()
    }

    /// All of it, with the end.
    pub fn completed(&mut self) -> String {
        let response = response(self.output.clone());
        self.add(json!({"type": "response.completed", "response": response}));
        self.events.clone()
    }
}
