//! Taking away what policies could not see or redact: fields that nobody here knows and that may hold text.

use serde_json::{Map, Value};

/// Longest word of the protocol.
const MAX_WORD: usize = 64;

/// Drops fields that are not known and may hold text; numbers, flags and nothing may stay. Says whether there were any.
pub(super) fn unknown(fields: &mut Map<String, Value>, known: impl Fn(&str) -> bool) -> bool {
    let before = fields.len();
    fields.retain(|field, value| known(field) || value.is_null() || value.is_number() || value.is_boolean());
    fields.len() < before
}

/// Drops lists and objects from fields that are single values. Says whether there were any.
pub(super) fn nested(fields: &mut Map<String, Value>, may_nest: impl Fn(&str) -> bool) -> bool {
    let before = fields.len();
    fields.retain(|field, value| may_nest(field) || !value.is_object() && !value.is_array());
    fields.len() < before
}

/// Leaves numbers, flags and nothing, and objects of those.
pub(super) fn counts(counts: &mut Map<String, Value>) -> bool {
    let before = counts.len();
    counts.retain(|_, value| !value.is_string() && !value.is_array());
    let dropped = counts.len() < before;
    let nested = counts.values_mut().filter_map(Value::as_object_mut);
    nested.fold(dropped, |stripped, inner| self::counts(inner) | stripped)
}

/// Whether a value is a word of the protocol, such as a status or a reason, and no sentence.
pub(super) fn is_word(value: &Value) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || b"_.".contains(&byte);
    value.as_str().is_some_and(|word| (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(is_letter))
}
