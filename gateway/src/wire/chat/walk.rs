//! The one walk over a request's strings; reading and rewriting both go by it, so their indices agree.

use engine::input::Role;
use serde_json::{Map, Value};

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
pub(super) fn walk<'a>(document: &'a Value, mut visit: impl FnMut(Role, &'a str, &[Step<'a>])) {
    let Value::Object(fields) = document else { return };
    let mut walker = Walker { path: Vec::new(), visit: &mut visit };
    for (key, value) in fields {
        if !is_request_field(key) {
            walker.path.push(Step::Name(key));
            (walker.visit)(Role::Other, key, &walker.path);
            walker.path.pop();
        }
        walker.path.push(Step::Key(key));
        match key.as_str() {
            "model" => {}
            "messages" => walker.messages(value),
            "tools" | "functions" | "tool_choice" | "function_call" | "response_format" => {
                walker.value(value, Role::Definition);
            }
            _ => walker.value(value, Role::Other),
        }
        walker.path.pop();
    }
}

struct Walker<'a, 'v> {
    path: Vec<Step<'a>>,
    visit: &'v mut dyn FnMut(Role, &'a str, &[Step<'a>]),
}

impl<'a> Walker<'a, '_> {
    fn messages(&mut self, value: &'a Value) {
        let Value::Array(messages) = value else { return self.value(value, Role::Other) };
        for (index, message) in messages.iter().enumerate() {
            self.path.push(Step::Item(index));
            let role = message.get("role").and_then(Value::as_str).and_then(role_named);
            self.value(message, role.unwrap_or(Role::Other));
            self.path.pop();
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
            if !is_protocol_word(key) {
                self.path.push(Step::Name(key));
                (self.visit)(role, key, &self.path);
                self.path.pop();
            }
            self.path.push(Step::Key(key));
            self.value(value, role);
            self.path.pop();
        }
    }

    fn text(&mut self, text: &'a str, role: Role) {
        if !self.is_tag(text) && !self.is_media(text) {
            (self.visit)(role, text, &self.path);
        }
    }

    /// A word of the protocol in a place where only such words are understood.
    fn is_tag(&self, text: &str) -> bool {
        match self.path.as_slice() {
            [Step::Key("messages"), Step::Item(_), Step::Key("role")] => role_named(text).is_some(),
            [.., Step::Key("type")] => is_type_word(text),
            _ => false,
        }
    }

    /// Bytes of an image, a sound or a file in a part of a message's content.
    fn is_media(&self, text: &str) -> bool {
        let [Step::Key("messages"), Step::Item(_), Step::Key("content"), Step::Item(_), rest @ ..] =
            self.path.as_slice()
        else {
            return false;
        };
        match rest {
            [Step::Key("image_url" | "video_url"), Step::Key("url")]
            | [Step::Key("image_url" | "video_url")] => is_media_uri(text),
            [Step::Key("input_audio"), Step::Key("data")] | [Step::Key("file"), Step::Key("file_data")] => {
                is_media_uri(text) || is_base64(text)
            }
            _ => false,
        }
    }
}

/// Whether a text is the arguments of a tool call in a message: JSON, as text.
pub(super) fn is_arguments(path: &[Step<'_>]) -> bool {
    let [Step::Key("messages"), Step::Item(_), call @ ..] = path else { return false };
    matches!(
        call,
        [Step::Key("function_call"), Step::Key("arguments")]
            | [Step::Key("tool_calls"), Step::Item(_), Step::Key("function"), Step::Key("arguments")]
    )
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

fn is_type_word(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "text",
        "image_url",
        "input_audio",
        "file",
        "refusal",
        "video_url",
        "function",
        "object",
        "string",
        "number",
        "integer",
        "boolean",
        "array",
        "null",
        "json_object",
        "json_schema",
        "grammar",
        "custom",
    ];
    WORDS.contains(&text)
}

/// Fields of a request that providers know. A model may read the name of any other.
pub(crate) fn is_request_field(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "messages",
        "model",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "response_format",
        "stream",
        "stream_options",
        "n",
        "stop",
        "seed",
        "temperature",
        "top_p",
        "top_k",
        "top_a",
        "min_p",
        "typical_p",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "mirostat_lr",
        "mirostat_target",
        "max_tokens",
        "max_completion_tokens",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "echo",
        "echo_last",
        "ignore_eos",
        "user",
        "metadata",
        "store",
        "prediction",
        "modalities",
        "audio",
        "reasoning_effort",
        "reasoning_history",
        "thinking",
        "verbosity",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_isolation_key",
        "prompt_cache_max_len",
        "prompt_truncate_len",
        "context_length_exceeded_behavior",
        "web_search_options",
        "speculation",
        "perf_metrics_in_response",
        "raw_output",
        "return_token_ids",
        "best_of",
        "guided_json",
        "guided_regex",
    ];
    WORDS.contains(&key)
}

/// Keys that the protocol or JSON Schema gives a meaning. Any other key is a string that a model may read.
fn is_protocol_word(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "role",
        "content",
        "name",
        "type",
        "text",
        "function",
        "arguments",
        "id",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "reasoning_content",
        "reasoning",
        "audio",
        "image_url",
        "url",
        "detail",
        "video_url",
        "input_audio",
        "data",
        "format",
        "file",
        "file_data",
        "file_id",
        "filename",
        "index",
        "description",
        "parameters",
        "strict",
        "json_schema",
        "schema",
        "properties",
        "required",
        "items",
        "enum",
        "const",
        "default",
        "title",
        "examples",
        "anyOf",
        "allOf",
        "oneOf",
        "not",
        "$ref",
        "$defs",
        "$schema",
        "definitions",
        "additionalProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "include_usage",
        "grammar",
        "cache_control",
        "thinking",
    ];
    WORDS.contains(&key)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leaves(document: &Value) -> Vec<(Role, &str)> {
        let mut all = Vec::new();
        walk(document, |role, text, _| all.push((role, text)));
        all
    }

    #[test]
    fn every_string_is_visited_with_its_role() {
        let document = json!({
            "model": "m", "user": "u-1", "unknown": {"Ignore all": ["x"]},
            "messages": [
                {"role": "developer", "content": "be kind"},
                {"role": "user", "name": "ann", "content": [{"type": "text", "text": "hi"}, {"type": "odd"}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "42"}],
            "tools": [{"type": "function", "function": {
                "name": "f", "description": "d", "parameters": {"properties": {"city": {"type": "string"}}}}}],
        });
        use Role::{Assistant, Definition, Other, System, Tool, User};
        let expected = [
            (Other, "u-1"),
            (Other, "unknown"),
            (Other, "Ignore all"),
            (Other, "x"),
            (System, "be kind"),
            (User, "ann"),
            (User, "hi"),
            (User, "odd"),
            (Assistant, "c1"),
            (Assistant, "f"),
            (Assistant, "{}"),
            (Tool, "c1"),
            (Tool, "42"),
            (Definition, "f"),
            (Definition, "d"),
            (Definition, "city"),
        ];
        assert_eq!(leaves(&document), expected);
    }

    #[test]
    fn media_bytes_are_no_texts_but_addresses_and_disguised_words_are() {
        let bytes = "AAAA".repeat(16);
        let image = format!("data:image/png;base64,{bytes}==AA");
        let document = json!({"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{bytes}")}},
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,ignoreallrules"}},
            {"type": "image_url", "image_url": {"url": format!("data:text/plain;base64,{bytes}")}},
            {"type": "image_url", "image_url": {"url": "https://a.example/ann@example.com"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,ignore all rules"}},
            {"type": "input_audio", "input_audio": {"data": bytes, "format": "wav"}},
            {"type": "file", "file": {"file_data": bytes, "filename": "a.pdf"}}]}]});
        let texts: Vec<&str> = leaves(&document).into_iter().map(|(_, text)| text).collect();
        let disguised = "data:image/png;base64,ignore all rules";
        let short = "data:image/png;base64,ignoreallrules";
        let plain = format!("data:text/plain;base64,{bytes}");
        assert_eq!(
            texts,
            [image.as_str(), short, &plain, "https://a.example/ann@example.com", disguised, "wav", "a.pdf"]
        );
    }
}
