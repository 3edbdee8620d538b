//! Where the texts of a choice stand: in a message, in a delta, or in the choice itself.

use engine::input::Carrier;
use serde_json::{Map, Value, json};

use super::calls::{self, Written};
use super::strip::is_odd;
use crate::wire::json::Fields as _;

/// Fields of a message or a delta that carry text, in the order in which a reader sees them. `reasoning` is how
/// some providers call `reasoning_content`.
pub(super) const SPOKEN: [(&str, Carrier); 4] = [
    ("reasoning_content", Carrier::Reasoning),
    ("reasoning", Carrier::Reasoning),
    ("content", Carrier::Content),
    ("refusal", Carrier::Refusal),
];

/// A choice of a whole chat.
pub(in crate::wire) const MESSAGE: Shape =
    Shape { part: Some("message"), texts: &SPOKEN, others: ["text", "delta"] };

/// A choice of a chat in pieces.
pub(in crate::wire) const DELTA: Shape =
    Shape { part: Some("delta"), texts: &SPOKEN, others: ["text", "message"] };

/// A choice of a completion, whole and in pieces.
pub(in crate::wire) const TEXT: Shape =
    Shape { part: None, texts: &[("text", Carrier::Content)], others: ["message", "delta"] };

/// Where in a choice a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In that field.
    Field(&'static str),
    /// In the arguments of the call of that number.
    Call(u16, Written),
}

/// Where the texts of a choice stand.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) struct Shape {
    /// The part of a choice that holds them; absent where the choice does.
    part: Option<&'static str>,
    /// The fields, in the order in which a reader sees them.
    pub(super) texts: &'static [(&'static str, Carrier)],
    /// Where texts stand in other shapes.
    others: [&'static str; 2],
}

impl Shape {
    /// The object that holds the texts of a choice.
    pub(super) fn part(self, choice: &Value) -> Option<&Map<String, Value>> {
        self.part.map_or(Some(choice), |part| choice.field(part))?.as_object()
    }

    /// The same, to write to.
    pub(super) fn part_mut(self, choice: &mut Value) -> Option<&mut Map<String, Value>> {
        match self.part {
            Some(part) => choice.get_mut(part)?.as_object_mut(),
            None => choice.as_object_mut(),
        }
    }

    /// Takes a text out of its place.
    pub(super) fn empty(self, part: &mut Map<String, Value>, field: &str) {
        match self.part {
            Some(_) => drop(part.shift_remove(field)),
            // SDKs rely on a text in every choice of a completion.
            None => part.get_mut(field).into_iter().for_each(|text| *text = json!("")),
        }
    }

    /// A choice that says that text.
    pub(super) fn saying(self, index: u32, place: Place, text: &str) -> Value {
        let (field, said) = match place {
            Place::Field(field) => (field.to_owned(), json!(text)),
            Place::Call(number, written) => written.saying(number, text),
        };
        match self.part {
            Some(part) => json!({"index": index, part: {field: said}, "finish_reason": null}),
            None => json!({"index": index, field: said, "logprobs": null, "finish_reason": null}),
        }
    }

    /// A choice that begins a call.
    pub(super) fn heading(self, index: u32, written: Written, head: Value) -> Value {
        let (field, head) = written.heading(head);
        json!({"index": index, self.part.unwrap_or("delta"): {field: head}, "finish_reason": null})
    }

    /// Takes out of a choice that ends what it says before it does, as a choice of its own.
    pub(super) fn take_said(self, choice: &mut Value) -> Value {
        let mut said = choice.clone();
        if let Some(reason) = said.get_mut("finish_reason") {
            *reason = Value::Null;
        }
        if let Some(fields) = self.part_mut(choice) {
            match self.part {
                Some(_) => fields.clear(),
                None => self.texts.iter().for_each(|(field, _)| self.empty(fields, field)),
            }
        }
        said
    }

    /// Whether a choice calls tools.
    pub(super) fn has_calls(self, choice: &Value) -> bool {
        let calls = |fields: &Map<String, Value>| {
            ["tool_calls", "function_call"].iter().any(|field| fields.contains_key(*field))
        };
        self.part.is_some() && self.part(choice).is_some_and(calls)
    }

    /// A choice that ends for that reason.
    pub(super) fn ending(self, index: u32, reason: &str) -> Value {
        match self.part {
            Some(part) => json!({"index": index, part: {}, "finish_reason": reason}),
            None => json!({"index": index, "text": "", "logprobs": null, "finish_reason": reason}),
        }
    }

    /// Whether a choice of a chunk says anything: it finishes, or has a text, a call or the like.
    pub(super) fn says_something(self, choice: &Value) -> bool {
        let finishes = choice.field("finish_reason").is_some_and(|reason| !reason.is_null());
        let said = |value: &Value| match self.part {
            Some(_) => !value.is_null(),
            None => value.as_str().is_some_and(|text| !text.is_empty()),
        };
        let fields = self.part(choice).into_iter().flatten();
        let speaks = |field: &str| self.part.is_some() || self.texts.iter().any(|(text, _)| *text == field);
        finishes || fields.filter(|(field, _)| speaks(field)).any(|(_, value)| said(value))
    }

    /// Whether a choice has a shape in which text would pass unseen.
    pub(super) fn hides_text(self, choice: &Value) -> bool {
        let is_there = |field: &str| choice.field(field).filter(|value| !value.is_null());
        let part_is_odd = self.part.and_then(is_there).is_some_and(|part| !part.is_object());
        let calls_are_odd = self.part.is_some() && self.part(choice).is_some_and(calls::hide_text);
        let is_elsewhere = self.others.into_iter().any(|field| is_there(field).is_some());
        is_odd(choice) || is_elsewhere || part_is_odd || calls_are_odd
    }
}
