//! A key that cannot be shown: no `Debug`, no `Display`, no way out but the header it is for.

use bytes::Bytes;
use hyper::header::HeaderValue;
use serde_json::Value;

/// Shortest key that is looked for in texts: a shorter one may be a word of its own, and real keys are longer.
const MIN_SCRUBBED: usize = 12;

/// A provider's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Takes a key as it was configured; white space around it is dropped. Nothing for an empty one.
    pub fn new(written: &str) -> Option<Self> {
        let key = written.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    /// The `authorization` header, or nothing when the key cannot stand in a header.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The text without the key: providers quote it in their errors.
    pub(crate) fn scrub(&self, text: String) -> String {
        if self.stands_in(&text) { text.replace(&self.0, "***") } else { text }
    }

    /// The same for bytes that nobody has read.
    pub(crate) fn scrub_bytes(&self, bytes: Bytes) -> Bytes {
        match std::str::from_utf8(&bytes) {
            Ok(text) if self.stands_in(text) => Bytes::from(self.scrub(text.to_owned())),
            Ok(_) | Err(_) => bytes,
        }
    }

    fn stands_in(&self, text: &str) -> bool {
        self.0.len() >= MIN_SCRUBBED && text.contains(&self.0)
    }

    /// The same for every string of a document; its keys and its shape stay.
    pub(crate) fn scrub_document(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => *text = self.scrub(std::mem::take(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.scrub_document(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.scrub_document(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nowhere() {
        let secret = Secret::new(" fw_canary_7Yq2 \n").unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.bearer().unwrap()), "*** Sensitive");
        assert_eq!(secret.scrub("bad key fw_canary_7Yq2".into()), "bad key ***");
        assert!(Secret::new(" \n").is_none());
    }

    #[test]
    fn a_short_key_is_no_reason_to_change_words() {
        for key in ["x", "none", "content", "placeholder"] {
            let text = format!("the {key} of it");
            assert_eq!(Secret::new(key).unwrap().scrub(text.clone()), text);
        }
    }

    #[test]
    fn a_document_keeps_its_shape() {
        let mut document = serde_json::json!({"chat.completion": [{"a": "is chat.completion", "b": 1}]});
        Secret::new("chat.completion").unwrap().scrub_document(&mut document);
        assert_eq!(document.to_string(), r#"{"chat.completion":[{"a":"is ***","b":1}]}"#);
    }
}
