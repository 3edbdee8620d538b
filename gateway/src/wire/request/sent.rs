//! A request as a target gets it: the client's own, but for the model, what the target does not take, and the wish to know
//! the usage of a stream, which the gateway always has.

use std::borrow::Cow;

use serde::Serializer as _;
use serde_json::{Value, json};

use crate::wire::Endpoint;
use crate::wire::json::Fields as _;

/// The field of a request that asks for the usage of a stream, and the field in it.
const OPTIONS: &str = "stream_options";
const USAGE: &str = "include_usage";

/// Whether a request asks for the usage of its stream.
pub(super) fn asks_usage(document: &Value) -> bool {
    document.field(OPTIONS).and_then(|options| options.field(USAGE)) == Some(&Value::Bool(true))
}

impl Endpoint {
    /// The request with that model, without the fields that are `dropped`. Where the client did not ask for the usage, what
    /// it would get is [left out](super::Asked::usage) of its answer.
    pub(crate) fn sent(self, document: &Value, model: &str, dropped: &[String]) -> Vec<u8> {
        let model = ("model", json!(model));
        let own: Vec<(&str, Value)> = [Some(model), self.options(document)].into_iter().flatten().collect();
        let given = document.as_object().into_iter().flatten();
        let given = given.map(|(field, value)| {
            let replaced = own.iter().find(|(name, _)| name == field);
            (field.as_str(), replaced.map_or(value, |(_, value)| value))
        });
        let is_new = |field: &str| document.field(field).is_none();
        let added = own.iter().filter(|(field, _)| is_new(field)).map(|(field, value)| (*field, value));
        let taken = |(field, _): &(&str, &Value)| !dropped.iter().any(|dropped| dropped == field);
        let mut bytes = Vec::new();
        let written = serde_json::Serializer::new(&mut bytes).collect_map(given.chain(added).filter(taken));
        debug_assert!(written.is_ok(), "values of JSON are written to memory without fail");
        bytes
    }

    /// The options of a stream, with the wish to know its usage; nothing where there is nothing to wish for.
    fn options(self, document: &Value) -> Option<(&'static str, Value)> {
        match self {
            Endpoint::Chat | Endpoint::Completions => {}
            Endpoint::Embeddings | Endpoint::Responses => return None,
        }
        document.field("stream").filter(|stream| **stream == true)?;
        let options = match document.field(OPTIONS) {
            Some(Value::Object(given)) => Cow::Borrowed(given),
            None | Some(Value::Null) => Cow::default(),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => return None,
        };
        let mut options = options.into_owned();
        options.insert(USAGE.to_owned(), Value::Bool(true));
        Some((OPTIONS, Value::Object(options)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(endpoint: Endpoint, document: &Value, dropped: &[&str]) -> String {
        let dropped: Vec<String> = dropped.iter().map(|field| (*field).to_owned()).collect();
        String::from_utf8(endpoint.sent(document, "m", &dropped)).unwrap()
    }

    #[test]
    fn fields_stay_where_they_are_and_the_model_is_the_targets() {
        let document = json!({"a": 1.0, "model": "alias", "user": "u", "z": "\u{2028}"});
        let expected = "{\"a\":1.0,\"model\":\"m\",\"z\":\"\u{2028}\"}";
        assert_eq!(sent(Endpoint::Chat, &document, &["user", "absent"]), expected);
    }

    #[test]
    fn the_usage_of_a_stream_is_asked_for() {
        let options = |given: Value| {
            let document = json!({"model": "m", "stream": true, "stream_options": given});
            let sent: Value = serde_json::from_str(&sent(Endpoint::Completions, &document, &[])).unwrap();
            sent["stream_options"].clone()
        };
        let wish = json!({"include_usage": true});
        assert_eq!(options(Value::Null), wish);
        assert_eq!(options(json!({"include_usage": false})), wish);
        assert_eq!(options(json!({"x": 1})), json!({"x": 1, "include_usage": true}));
        assert_eq!(options(json!("odd")), json!("odd"), "the provider says what is wrong with it");
        let bare = sent(Endpoint::Chat, &json!({"model": "m", "stream": true}), &[]);
        assert_eq!(bare, r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#);
    }

    #[test]
    fn it_is_not_where_nobody_would_tell_it_so() {
        let stream = json!({"model": "m", "stream": true});
        assert_eq!(sent(Endpoint::Responses, &stream, &[]), stream.to_string());
        assert_eq!(sent(Endpoint::Chat, &stream, &["stream_options"]), stream.to_string());
        let whole = json!({"model": "m", "stream": false});
        assert_eq!(sent(Endpoint::Chat, &whole, &[]), whole.to_string());
    }
}
