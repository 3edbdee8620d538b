//! Vectors: numbers in which no policy reads, passed on as the bytes they came as.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Fault;

/// What is read of an answer that may hold millions of numbers.
#[derive(Deserialize)]
struct Skimmed {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    data: Option<Vec<serde::de::IgnoredAny>>,
}

/// The part of an answer that is read; one that has no vectors is none.
pub(super) fn skim(bytes: &[u8]) -> Result<Value, Fault> {
    let unreadable = |flaw: &str| Fault::unreadable(format!("the provider's answer cannot be read: {flaw}"));
    let Skimmed { error, message, usage, data } =
        serde_json::from_slice(bytes).map_err(|flaw| unreadable(&flaw.to_string()))?;
    if data.is_none() && error.is_null() {
        return Err(unreadable("it has no list of vectors"));
    }
    Ok(json!({"error": error, "message": message, "usage": usage}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Usage;

    #[test]
    fn usage_and_errors_are_read_and_vectors_are_not() {
        let answer = br#"{"object":"list","data":[{"embedding":[1e-7,2.50]},{"embedding":"AAAA"}],"usage":{"prompt_tokens":3}}"#;
        let skimmed = skim(answer).unwrap();
        assert_eq!(Usage::of(&skimmed), Some(Usage { input: Some(3), ..Usage::default() }));
        assert!(skim(br#"{"error":"boom"}"#).unwrap()["error"] == "boom");
        for text in ["[]", "{}", r#"{"data":{}}"#, r#"{"data":[],"data":[]}"#, "<html>"] {
            assert_eq!(skim(text.as_bytes()).unwrap_err().code, "unreadable_answer", "{text}");
        }
    }
}
