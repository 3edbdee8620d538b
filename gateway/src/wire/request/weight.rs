//! How much a request asks of a model at most.

use serde_json::Value;

use super::field::invalid;
use super::prompts;
use crate::wire::json::Fields as _;
use crate::wire::{Endpoint, Fault};

/// Tokens that an image or a sound counts as, and a file at least: only its provider knows better.
const MEDIUM: u64 = 2000;

/// Tokens that something counts as which is kept elsewhere and of any length, such as an earlier answer: as many as fit into
/// most models, and as many as it is more likely to be.
const KEPT: Tokens = Tokens { most: 200_000, likely: 20_000 };

/// Fields of a response's request that bring in what its provider keeps.
const KEPT_FIELDS: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Tokens of a request that no text of it shows: marks of turns, of tools, of the end.
const FRAME: u64 = 64;

impl Endpoint {
    /// Refuses a request for more answers to a prompt than `most`, told apart or the best of so many.
    pub(crate) fn check_answers(self, document: &Value, most: u32) -> Result<(), Fault> {
        let is_too_many = |field: &&&str| document.field(field).and_then(Value::as_u64) > Some(most.into());
        match ["n", "best_of"].iter().find(is_too_many) {
            Some(field) => Err(invalid(field, &format!("must not be more than {most}"))),
            None => Ok(()),
        }
    }

    /// How many answers it asks for, each of which may be as long as it allows.
    pub(crate) fn answers(self, document: &Value) -> u64 {
        let number = |field: &str| document.field(field).and_then(Value::as_u64).unwrap_or(1).max(1);
        match self {
            Endpoint::Chat => number("n"),
            Endpoint::Completions => {
                let prompts = u64::try_from(prompts::count(document)).unwrap_or(u64::MAX);
                number("n").max(number("best_of")).saturating_mul(prompts)
            }
            Endpoint::Responses => 1,
            Endpoint::Embeddings => 0,
        }
    }

    /// The most tokens that a request of that many bytes can be: a token is a byte or more. Images and their like are not
    /// read as text.
    pub(crate) fn most_tokens(self, document: &Value, size: usize) -> u64 {
        let unread = self.unread(document);
        let size = u64::try_from(size.saturating_sub(unread.bytes)).unwrap_or(u64::MAX);
        size.saturating_add(unread.tokens.most).saturating_add(FRAME)
    }

    /// How many tokens a request likely is beside its texts.
    pub(crate) fn tokens_beside_texts(self, document: &Value) -> u64 {
        self.unread(document).tokens.likely
    }

    fn unread(self, document: &Value) -> Unread {
        let mut unread = Unread::default();
        unread.count(document, None);
        if self == Endpoint::Responses {
            let is_there = |field: &&&str| document.field(field).is_some_and(|value| !value.is_null());
            KEPT_FIELDS.iter().filter(is_there).for_each(|_| unread.add(KEPT));
        }
        unread
    }
}

/// How many tokens something counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tokens {
    most: u64,
    likely: u64,
}

/// What of a request is no text: images and their like, and what it brings in from elsewhere.
#[derive(Debug, Default)]
struct Unread {
    tokens: Tokens,
    /// The bytes of it that stand in the request itself.
    bytes: usize,
}

impl Unread {
    fn add(&mut self, tokens: Tokens) {
        self.tokens.most = self.tokens.most.saturating_add(tokens.most);
        self.tokens.likely = self.tokens.likely.saturating_add(tokens.likely);
    }

    fn count(&mut self, value: &Value, key: Option<&str>) {
        let fields = match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
            Value::Array(items) => return items.iter().for_each(|item| self.count(item, None)),
            Value::Object(fields) => fields,
        };
        let is_image = fields.field("type").is_some_and(|kind| kind == "input_image");
        for (name, value) in fields {
            match (key, name.as_str(), value) {
                (_, "file_data", Value::String(data)) => {
                    self.bytes = self.bytes.saturating_add(data.len());
                    self.add(of_file(data));
                }
                (_, "file_id", Value::String(_)) if is_image => self.add(OF_MEDIUM),
                (_, "file_id" | "file_url", Value::String(_)) => self.add(KEPT),
                (Some("image_url" | "video_url" | "audio_url"), "url", Value::String(data))
                | (Some("input_audio"), "data", Value::String(data))
                | (_, "image_url", Value::String(data)) => {
                    let is_inside = data.starts_with("data:") || name == "data";
                    self.bytes = self.bytes.saturating_add(if is_inside { data.len() } else { 0 });
                    self.add(OF_MEDIUM);
                }
                (_, name, value) => self.count(value, Some(name)),
            }
        }
    }
}

const OF_MEDIUM: Tokens = Tokens { most: MEDIUM, likely: MEDIUM };

/// A file counts by its size, whatever it is: a text has a token for a byte at most, and a PDF is packed about as tightly as
/// the pages in it are long.
fn of_file(data: &str) -> Tokens {
    let base64 = data.split_once("base64,").map_or(data, |(_, rest)| rest);
    let bytes = u64::try_from(base64.len() / 4 * 3).unwrap_or(u64::MAX);
    Tokens { most: bytes.max(MEDIUM), likely: (bytes / 4).max(MEDIUM) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_its_bytes_and_an_image_is_not() {
        let text = json!({"messages": [{"role": "user", "content": "data:hello"}]});
        assert_eq!(Endpoint::Chat.most_tokens(&text, 500), 564);
        let data = format!("data:image/png;base64,{}", "A".repeat(400));
        let image = json!({"messages": [{"content": [{"type": "image_url", "image_url": {"url": data}}]}]});
        assert_eq!(Endpoint::Chat.most_tokens(&image, 500), 500 - 422 + 2000 + 64);
        let sound = json!({"messages": [{"content": [{"input_audio": {"data": "AAAA", "format": "wav"}}]}]});
        assert_eq!(Endpoint::Chat.most_tokens(&sound, 500), 500 - 4 + 2000 + 64);
    }

    #[test]
    fn a_file_counts_by_its_size() {
        let beside = |part: Value| {
            let document = json!({"input": [{"role": "user", "content": [part]}]});
            let size = document.to_string().len();
            let empty = json!({"type": "input_file", "filename": "a.pdf", "file_data": ""}).to_string().len();
            let most = Endpoint::Responses.most_tokens(&document, size);
            let text =
                u64::try_from(empty + json!({"input": [{"role": "user", "content": []}]}).to_string().len());
            (most - text.unwrap() - FRAME, Endpoint::Responses.tokens_beside_texts(&document))
        };
        let file = |data: String| json!({"type": "input_file", "filename": "a.pdf", "file_data": data});
        assert_eq!(beside(file("QUJD".into())), (2000, 2000));
        assert_eq!(beside(file("QUJD".repeat(10_000))), (30_000, 7500));
        let with_type = format!("data:application/pdf;base64,{}", "QUJD".repeat(10_000));
        assert_eq!(beside(file(with_type)), (30_000, 7500));
    }

    #[test]
    fn what_is_kept_elsewhere_counts_as_much() {
        let likely = |document: Value| Endpoint::Responses.tokens_beside_texts(&document);
        let part = |part: Value| likely(json!({"input": [{"role": "user", "content": [part]}]}));
        assert_eq!(part(json!({"type": "input_file", "file_id": "f"})), 20_000);
        assert_eq!(part(json!({"type": "input_file", "file_url": "https://x/f.pdf"})), 20_000);
        assert_eq!(part(json!({"type": "input_image", "file_id": "f"})), 2000);
        let document = json!({"previous_response_id": "r", "prompt": {"id": "p"}, "conversation": null});
        assert_eq!(likely(document.clone()), 40_000);
        assert_eq!(Endpoint::Responses.most_tokens(&document, 100), 400_164);
        assert_eq!(Endpoint::Completions.most_tokens(&json!({"prompt": "hello"}), 100), 164);
    }

    #[test]
    fn every_answer_that_is_asked_for_counts() {
        assert_eq!(Endpoint::Chat.answers(&json!({"n": 3})), 3);
        assert_eq!(Endpoint::Completions.answers(&json!({"prompt": ["a", "b"], "n": 2, "best_of": 4})), 8);
        assert_eq!(
            (Endpoint::Responses.answers(&json!({"n": 9})), Endpoint::Embeddings.answers(&json!({}))),
            (1, 0)
        );
    }
}
