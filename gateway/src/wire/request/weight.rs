//! How much a request asks of a model at most.

use serde_json::Value;

use super::field::invalid;
use super::prompts;
use crate::wire::{Endpoint, Fault};

/// Tokens that an image, a sound or a file counts as: only its provider knows better.
const MEDIUM: u64 = 2000;

/// Tokens of a request that no text of it shows: marks of turns, of tools, of the end.
const FRAME: u64 = 64;

impl Endpoint {
    /// Refuses a request for more answers to a prompt than `most`, told apart or the best of so many.
    pub(crate) fn check_answers(self, document: &Value, most: u32) -> Result<(), Fault> {
        let is_too_many = |field: &&&str| document.get(**field).and_then(Value::as_u64) > Some(most.into());
        match ["n", "best_of"].iter().find(is_too_many) {
            Some(field) => Err(invalid(field, &format!("must not be more than {most}"))),
            None => Ok(()),
        }
    }

    /// How many answers it asks for, each of which may be as long as it allows.
    pub(crate) fn answers(self, document: &Value) -> u64 {
        let number = |field: &str| document.get(field).and_then(Value::as_u64).unwrap_or(1).max(1);
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
        let (mut bytes, mut media) = (0, 0);
        count_media(document, None, &mut bytes, &mut media);
        let size = u64::try_from(size.saturating_sub(bytes)).unwrap_or(u64::MAX);
        size.saturating_add(MEDIUM.saturating_mul(media)).saturating_add(FRAME)
    }
}

/// Counts images and their like, and the bytes of those that stand in the request itself.
fn count_media(value: &Value, key: Option<&str>, bytes: &mut usize, media: &mut u64) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::Array(items) => items.iter().for_each(|item| count_media(item, None, bytes, media)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (key, name.as_str(), value) {
                    (Some("image_url" | "video_url" | "audio_url"), "url", Value::String(data))
                    | (Some("input_audio"), "data", Value::String(data))
                    | (_, "image_url" | "file_data", Value::String(data)) => {
                        *media = media.saturating_add(1);
                        let is_inside = data.starts_with("data:") || name == "data" || name == "file_data";
                        *bytes = bytes.saturating_add(if is_inside { data.len() } else { 0 });
                    }
                    (_, name, value) => count_media(value, Some(name), bytes, media),
                }
            }
        }
    }
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
    fn every_answer_that_is_asked_for_counts() {
        assert_eq!(Endpoint::Chat.answers(&json!({"n": 3})), 3);
        assert_eq!(Endpoint::Completions.answers(&json!({"prompt": ["a", "b"], "n": 2, "best_of": 4})), 8);
        assert_eq!(
            (Endpoint::Responses.answers(&json!({"n": 9})), Endpoint::Embeddings.answers(&json!({}))),
            (1, 0)
        );
    }
}
