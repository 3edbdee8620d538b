//! Calls of tools in a message or a delta: their arguments are texts, in one of three ways to write them.

use serde_json::{Map, Value, json};

use crate::wire::json::Fields as _;
use crate::wire::strip;

/// A way to write a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Among `tool_calls`, of a function.
    Function,
    /// Among `tool_calls`, of a tool that takes any text.
    Custom,
    /// In `function_call`, as it was before there were tools.
    Older,
}

/// The number of a call in `function_call`, beside which there may be others.
pub(super) const OLDER: u16 = u16::MAX;

/// Most calls of one choice.
const MAX_CALLS: u16 = 1024;

impl Written {
    /// The object that holds a call's name, and the field of it that holds the arguments.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Written::Function => ("function", "arguments"),
            Written::Custom => ("custom", "input"),
            Written::Older => ("function_call", "arguments"),
        }
    }

    /// The way in which a call among `tool_calls` is written, where it says.
    pub(super) fn of(call: &Value) -> Option<Self> {
        let is_there = |written: &Written| call.field(written.words().0).is_some_and(Value::is_object);
        [Written::Function, Written::Custom].into_iter().find(is_there)
    }

    /// The object that holds the name and the arguments.
    pub(super) fn holder(self, call: &mut Value) -> Option<&mut Map<String, Value>> {
        match self {
            Written::Function | Written::Custom => call.get_mut(self.words().0)?.as_object_mut(),
            Written::Older => call.as_object_mut(),
        }
    }

    /// The arguments that a piece of a call says, if it says any.
    pub(super) fn arguments(self, call: &mut Value) -> Option<String> {
        let (_, field) = self.words();
        self.holder(call)?.field(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A field of a delta with the head of a call.
    pub(super) fn heading(self, head: Value) -> (String, Value) {
        match self {
            Written::Function | Written::Custom => ("tool_calls".to_owned(), json!([head])),
            Written::Older => (self.words().0.to_owned(), head),
        }
    }

    /// A field of a delta that says a piece of the arguments of the call of that number.
    pub(super) fn saying(self, number: u16, piece: &str) -> (String, Value) {
        let (holder, field) = self.words();
        match self {
            Written::Function | Written::Custom => {
                ("tool_calls".to_owned(), json!([{"index": number, holder: {field: piece}}]))
            }
            Written::Older => (holder.to_owned(), json!({field: piece})),
        }
    }
}

/// Whether calls have a shape in which text would pass unseen, or are more than are counted.
pub(super) fn hide_text(part: &Map<String, Value>) -> bool {
    let is_odd = |value: Option<&Value>| value.is_some_and(|value| !value.is_object() && !value.is_null());
    let is_there = |call: &Value, holder| call.field(holder).is_some_and(Value::is_object);
    let has_odd = |call: &Value| {
        let is_both = is_there(call, "function") && is_there(call, "custom");
        is_both || is_odd(call.field("function")) || is_odd(call.field("custom"))
    };
    let calls = part.field("tool_calls");
    let listed = calls.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_no_list = calls.is_some_and(|calls| !calls.is_array() && !calls.is_null());
    let are_many = listed.len() > usize::from(MAX_CALLS);
    is_no_list
        || are_many
        || is_odd(part.field("function_call"))
        || listed.iter().any(|call| !call.is_object() || has_odd(call))
}

/// Takes away what nobody here knows and may hold text; arguments that are an object become the text that they should
/// be. Says whether anything changed.
pub(super) fn strip(part: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    for call in entries(part) {
        let Value::Object(fields) = call else { continue };
        changed |= strip::unknown(fields, |field| ["id", "type", "function", "custom"].contains(&field));
        changed |= strip::nested(fields, |field| ["function", "custom"].contains(&field));
        for written in [Written::Function, Written::Custom] {
            let (holder, field) = written.words();
            changed |= fields.get_mut(holder).is_some_and(|holder| strip_holder(holder, field));
        }
    }
    let (holder, field) = Written::Older.words();
    changed | part.get_mut(holder).is_some_and(|holder| strip_holder(holder, field))
}

fn strip_holder(holder: &mut Value, arguments: &str) -> bool {
    let Value::Object(fields) = holder else { return false };
    let mut changed = strip::unknown(fields, |field| field == "name" || field == arguments);
    if let Some(written) = fields.get_mut(arguments).filter(|written| written.is_object()) {
        *written = Value::String(written.to_string());
        changed = true;
    }
    changed | strip::nested(fields, |_| false)
}

/// Whether a part calls anything.
pub(super) fn are_made(part: &Map<String, Value>) -> bool {
    let listed = part.field("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty());
    listed || part.field(Written::Older.words().0).is_some_and(Value::is_object)
}

/// The calls among `tool_calls`.
pub(super) fn entries(part: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    part.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten()
}

/// The arguments of a call among `tool_calls`.
pub(super) fn arguments(call: &mut Value) -> Option<(Written, &mut String)> {
    let written = Written::of(call)?;
    let (holder, field) = written.words();
    text(call.get_mut(holder)?, field).map(|text| (written, text))
}

/// The call in `function_call`.
pub(super) fn older(part: &mut Map<String, Value>) -> Option<&mut Value> {
    part.get_mut(Written::Older.words().0).filter(|call| call.is_object())
}

/// The names of the calls of a whole message, by number.
pub(super) fn names(part: &mut Map<String, Value>) -> Vec<(u16, String)> {
    let name = |written: Option<Written>, call: &mut Value| {
        let holder = written.and_then(|written| written.holder(call));
        holder.and_then(|holder| holder.field("name")?.as_str()).unwrap_or_default().to_owned()
    };
    let mut names: Vec<(u16, String)> =
        (0..OLDER).zip(entries(part)).map(|(number, call)| (number, name(Written::of(call), call))).collect();
    names.extend(older(part).map(|call| (OLDER, name(Some(Written::Older), call))));
    names
}

/// The arguments in `function_call`.
pub(super) fn older_arguments(part: &mut Map<String, Value>) -> Option<&mut String> {
    let (holder, field) = Written::Older.words();
    text(part.get_mut(holder)?, field)
}

fn text<'v>(holder: &'v mut Value, field: &str) -> Option<&'v mut String> {
    match holder.get_mut(field)? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Drops calls of a delta in which nothing is left: no name, no identity, no arguments.
pub(super) fn prune(part: &mut Map<String, Value>) {
    if let Some(Value::Array(calls)) = part.get_mut("tool_calls") {
        calls.retain_mut(|call| {
            let is_there = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
            let named = is_there(call.field("id"))
                || ["function", "custom"]
                    .iter()
                    .any(|holder| is_there(call.field(holder).and_then(|h| h.field("name"))));
            named || arguments(call).is_some_and(|(_, text)| !text.is_empty())
        });
        if calls.is_empty() {
            part.shift_remove("tool_calls");
        }
    }
    let (holder, _) = Written::Older.words();
    let is_named = part.field(holder).and_then(|call| call.field("name")).is_some_and(|name| !name.is_null());
    let says_nothing = older_arguments(part).is_none_or(|text| text.is_empty());
    if !is_named && says_nothing && older(part).is_some() {
        part.shift_remove(holder);
    }
}

/// The calls of a choice that arrives, by number.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    ids: Vec<(u16, Option<String>)>,
}

impl Numbers {
    /// The number of the call that a delta goes on with. Where the provider leaves it out, a new identity is a new call,
    /// and none is the last one's. Nothing when there are too many.
    pub(super) fn of(&mut self, call: &Value) -> Option<u16> {
        let id = call.field("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let index = call.field("index").and_then(Value::as_u64);
        let number = match (index, id) {
            (Some(index), _) => u16::try_from(index).unwrap_or(OLDER),
            (None, Some(id)) => {
                let known = self.ids.iter().find(|(_, known)| known.as_deref() == Some(id));
                let next = self.ids.iter().map(|(number, _)| number.saturating_add(1)).max().unwrap_or(0);
                known.map_or(next, |(number, _)| *number)
            }
            (None, None) => self.ids.last().map_or(0, |(number, _)| *number),
        };
        let known = self.ids.iter().position(|(known, _)| *known == number);
        let (_, before) = known.map_or((number, None), |at| self.ids.remove(at));
        self.ids.push((number, id.map(str::to_owned).or(before)));
        (number < MAX_CALLS).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_numbers_are_counted_by_their_names() {
        let mut numbers = Numbers::default();
        let calls = [
            json!({"id": "a"}),
            json!({}),
            json!({"id": "b"}),
            json!({}),
            json!({"id": "a"}),
            json!({"index": 7}),
            json!({"id": ""}),
            json!({"id": "c"}),
        ];
        let all: Vec<Option<u16>> = calls.iter().map(|call| numbers.of(call)).collect();
        assert_eq!(all, [0, 0, 1, 1, 0, 7, 7, 8].map(Some));
        assert_eq!(numbers.of(&json!({"index": 1024})), None);
        assert_eq!(numbers.of(&json!({"index": 70000})), None);
    }

    #[test]
    fn what_nobody_knows_of_a_call_is_dropped_and_objects_become_text() {
        let mut part = json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "extra": {"a": "b"},
            "function": {"name": "f", "arguments": {"a": 1}, "note": "x"}}], "function_call": {"name": ["x"], "arguments": "{}"}});
        let Value::Object(fields) = &mut part else { unreachable!() };
        assert!(strip(fields));
        assert!(!strip(fields));
        let left = json!({"tool_calls": [{"index": 0, "id": "c", "type": "function",
            "function": {"name": "f", "arguments": "{\"a\":1}"}}], "function_call": {"arguments": "{}"}});
        assert_eq!(part, left);
    }
}
