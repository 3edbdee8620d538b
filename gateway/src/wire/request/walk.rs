//! The one walk over a request's strings; reading and rewriting both go by it, so their indices agree.

use engine::input::Role;
use serde_json::{Map, Value};

use super::items;
use crate::wire::Endpoint;
use crate::wire::json::Fields as _;

/// One step from a value to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Into the value under a key.
    Key(&'a str),
    /// Into an item of an array.
    Item(usize),
    /// To the text of a key itself.
    Name(&'a str),
}

/// Visits every string that a model may read, in document order, with its role and its path.
pub(super) fn walk<'a>(
    endpoint: Endpoint,
    document: &'a Value,
    mut visit: impl FnMut(Role, &'a str, &[Step<'a>]),
) {
    let Value::Object(fields) = document else { return };
    let mut walker = Walker { endpoint, path: Vec::new(), visit: &mut visit };
    for (key, value) in fields {
        if !endpoint.has_field(key) {
            walker.name(key, Role::Other);
        }
        walker.path.push(Step::Key(key));
        match (endpoint, key.as_str()) {
            (_, "model") => {}
            (Endpoint::Chat, "messages") | (Endpoint::Responses, "input") => walker.turns(value),
            (_, key) => walker.value(value, role_of_field(endpoint, key)),
        }
        walker.path.pop();
    }
}

/// Who speaks in a field at the top of a request.
fn role_of_field(endpoint: Endpoint, key: &str) -> Role {
    match (endpoint, key) {
        (_, "tools" | "functions" | "tool_choice" | "function_call" | "response_format")
        | (Endpoint::Responses, "text") => Role::Definition,
        (Endpoint::Completions, "prompt" | "suffix" | "images")
        | (Endpoint::Embeddings, "input")
        | (Endpoint::Responses, "prompt") => Role::User,
        (Endpoint::Responses, "instructions") => Role::System,
        _ => Role::Other,
    }
}

struct Walker<'a, 'v> {
    endpoint: Endpoint,
    path: Vec<Step<'a>>,
    visit: &'v mut dyn FnMut(Role, &'a str, &[Step<'a>]),
}

impl<'a> Walker<'a, '_> {
    /// The messages of a chat, or the items of a response's input.
    fn turns(&mut self, value: &'a Value) {
        let is_chat = self.endpoint == Endpoint::Chat;
        let Value::Array(turns) = value else {
            return self.value(value, if is_chat { Role::Other } else { Role::User });
        };
        for (index, turn) in turns.iter().enumerate() {
            self.path.push(Step::Item(index));
            if is_chat {
                let role = turn.field("role").and_then(Value::as_str).and_then(role_named);
                self.value(turn, role.unwrap_or(Role::Other));
            } else {
                self.item(turn);
            }
            self.path.pop();
        }
    }

    /// An item; what a tool of the provider has found stands in the model's own call of it.
    fn item(&mut self, item: &'a Value) {
        let role = items::role_of(item);
        let Value::Object(fields) = item else { return self.value(item, role) };
        for (key, value) in fields {
            let is_found = matches!(key.as_str(), "output" | "outputs" | "results");
            self.field(key, value, if is_found { Role::Tool } else { role });
        }
    }

    fn value(&mut self, value: &'a Value, role: Role) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text, role),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Item(index));
                    self.value(item, role);
                    self.path.pop();
                }
            }
            Value::Object(fields) => self.object(fields, role),
        }
    }

    fn object(&mut self, fields: &'a Map<String, Value>, role: Role) {
        for (key, value) in fields {
            self.field(key, value, role);
        }
    }

    fn field(&mut self, key: &'a str, value: &'a Value, role: Role) {
        if !self.endpoint.has_key(key) {
            self.name(key, role);
        }
        self.path.push(Step::Key(key));
        self.value(value, role);
        self.path.pop();
    }

    fn name(&mut self, key: &'a str, role: Role) {
        self.path.push(Step::Name(key));
        (self.visit)(role, key, &self.path);
        self.path.pop();
    }

    fn text(&mut self, text: &'a str, role: Role) {
        if !self.is_tag(text) && !self.is_media(text) {
            (self.visit)(role, text, &self.path);
        }
    }

    /// A word of the protocol in a place where only such words are understood.
    fn is_tag(&self, text: &str) -> bool {
        match self.path.as_slice() {
            [Step::Key("messages" | "input"), Step::Item(_), Step::Key("role")] => role_named(text).is_some(),
            [.., Step::Key("type")] => self.endpoint.has_type(text),
            _ => false,
        }
    }

    /// Bytes of an image, a sound or a file, in a place where only such bytes are understood.
    fn is_media(&self, text: &str) -> bool {
        match (self.endpoint, self.path.as_slice()) {
            (
                Endpoint::Chat,
                [Step::Key("messages"), Step::Item(_), Step::Key("content"), Step::Item(_), rest @ ..],
            )
            | (
                Endpoint::Responses,
                [
                    Step::Key("input"),
                    Step::Item(_),
                    Step::Key("content" | "output"),
                    Step::Item(_),
                    rest @ ..,
                ],
            ) => is_media_part(rest, text),
            (
                Endpoint::Responses,
                [Step::Key("input"), Step::Item(_), Step::Key("output"), Step::Key("image_url")],
            )
            | (Endpoint::Completions, [Step::Key("images"), Step::Item(_)])
            | (Endpoint::Completions, [Step::Key("images"), Step::Item(_), Step::Item(_)]) => {
                is_media_uri(text)
            }
            (Endpoint::Responses, [Step::Key("input"), Step::Item(_), Step::Key("result")]) => {
                is_base64(text)
            }
            _ => false,
        }
    }
}

/// Whether a text is the arguments of a call: JSON, as text.
pub(super) fn is_arguments(endpoint: Endpoint, path: &[Step<'_>]) -> bool {
    match (endpoint, path) {
        (Endpoint::Chat, [Step::Key("messages"), Step::Item(_), call @ ..]) => matches!(
            call,
            [Step::Key("function_call"), Step::Key("arguments")]
                | [Step::Key("tool_calls"), Step::Item(_), Step::Key("function"), Step::Key("arguments")]
        ),
        (Endpoint::Responses, [Step::Key("input"), Step::Item(_), Step::Key("arguments")]) => true,
        _ => false,
    }
}

/// Bytes in a part of a content.
fn is_media_part(place: &[Step<'_>], text: &str) -> bool {
    match place {
        [Step::Key("image_url" | "video_url"), Step::Key("url")] | [Step::Key("image_url" | "video_url")] => {
            is_media_uri(text)
        }
        [Step::Key("input_audio"), Step::Key("data")]
        | [Step::Key("file"), Step::Key("file_data")]
        | [Step::Key("file_data")] => is_media_uri(text) || is_base64(text),
        _ => false,
    }
}

/// The role that a message's `role` names.
pub(super) fn role_named(name: &str) -> Option<Role> {
    Some(match name {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => return None,
    })
}

fn is_media_uri(text: &str) -> bool {
    let Some((head, payload)) = text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
    else {
        return false;
    };
    let is_media = ["image/", "audio/", "video/", "application/"].iter().any(|kind| head.starts_with(kind));
    let plain_head = head.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b));
    is_media && plain_head && is_base64(payload)
}

/// Whether a text is base64 of some length: a short one, or one that decodes to nothing, may be words in disguise.
fn is_base64(text: &str) -> bool {
    const SHORTEST: usize = 64;
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let is_of = |more: &[u8; 2]| bare.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    let fits = match padding {
        0 => bare.len() % 4 != 1,
        1 | 2 => text.len().is_multiple_of(4),
        _ => false,
    };
    text.len() >= SHORTEST && fits && (is_of(b"+/") || is_of(b"-_"))
}
