//! Chunks put together again: what may leave of an event, in frames of a size that SDKs take well.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::calls::{self, OLDER, Written};
use super::shape::{Place, Shape};
use crate::wire::json::Fields as _;
use crate::wire::{json as strict_json, sse, surrogate};

/// A text that may leave.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) choice: u32,
    pub(super) place: Place,
    pub(super) text: String,
}

/// What all chunks made of one event share: id, model, time and whatever else the provider adds.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) shape: Shape,
    /// The chunk, its choices taken out.
    pub(super) chunk: Value,
    /// Whether halves of surrogate pairs are shielded in it.
    pub(super) shielded: bool,
}

impl Envelope {
    /// Emits a text as chunks of its own, in pieces of a size that SDKs take well.
    pub(super) fn say(&self, said: &Said, out: &mut BytesMut) {
        for piece in sse::pieces(&said.text) {
            self.frame(&self.shape.saying(said.choice, said.place, piece), out);
        }
    }

    /// Emits a choice as a chunk of its own, if it says anything; long texts go on in further ones.
    pub(super) fn say_choice(&self, mut choice: Value, out: &mut BytesMut) {
        if self.shape.says_something(&choice) {
            let mut overflow = Vec::new();
            cut_long_texts(self.shape, &mut choice, &mut overflow);
            self.frame(&choice, out);
            overflow.iter().for_each(|said| self.say(said, out));
        }
    }

    pub(super) fn frame(&self, choice: &Value, out: &mut BytesMut) {
        let mut chunk = self.chunk.clone();
        if let Value::Object(fields) = &mut chunk {
            fields.shift_remove("usage");
            fields.insert("choices".to_owned(), json!([choice]));
        }
        self.write(&chunk, out);
    }

    pub(super) fn write(&self, chunk: &Value, out: &mut BytesMut) {
        let json = strict_json::line(chunk);
        if self.shielded { sse::encode(&surrogate::unshield(&json), out) } else { sse::encode(&json, out) }
    }

    /// Emits a chunk with its choices put back. Choices in which nothing is left to say are dropped, and the chunk
    /// too when nothing else is in it that the client asked for; texts that are too long for one frame go on in further
    /// ones.
    pub(super) fn pass_on(
        &mut self,
        mut choices: Vec<Value>,
        changed: bool,
        asked_usage: bool,
        out: &mut BytesMut,
    ) {
        let had_choices = !choices.is_empty();
        if changed {
            choices.retain(|choice| self.shape.says_something(choice));
        }
        let tells_usage = asked_usage && self.chunk.field("usage").is_some_and(|usage| !usage.is_null());
        if had_choices && choices.is_empty() && !tells_usage {
            return;
        }
        let mut overflow = Vec::new();
        choices.iter_mut().for_each(|choice| cut_long_texts(self.shape, choice, &mut overflow));
        if let Some(place) = self.chunk.get_mut("choices") {
            *place = Value::Array(choices);
        }
        self.write(&self.chunk, out);
        overflow.iter().for_each(|said| self.say(said, out));
    }
}

/// Leaves the first piece of each long text in place and moves the rest to `overflow`. Of a choice that finishes, long
/// texts have been said already.
fn cut_long_texts(shape: Shape, choice: &mut Value, overflow: &mut Vec<Said>) {
    let index =
        choice.field("index").and_then(Value::as_u64).and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
    each_text(shape, choice, |place, text| {
        let first = sse::pieces(text).next().map_or(0, str::len);
        if first < text.len() {
            let rest = text.split_off(first);
            overflow.push(Said { choice: index, place, text: rest });
        }
    });
}

/// Whether a text of a choice is too long for one frame.
pub(super) fn has_long_text(shape: Shape, choice: &mut Value) -> bool {
    let mut long = false;
    each_text(shape, choice, |_, text| long |= text.len() > sse::PIECE);
    long
}

/// Calls `each` with the place of every text of a choice whose calls are numbered.
fn each_text(shape: Shape, choice: &mut Value, mut each: impl FnMut(Place, &mut String)) {
    let Some(part) = shape.part_mut(choice) else { return };
    for (field, _) in shape.texts {
        if let Some(Value::String(text)) = part.get_mut(*field) {
            each(Place::Field(field), text);
        }
    }
    for call in calls::entries(part) {
        let number = call.field("index").and_then(Value::as_u64).and_then(|index| u16::try_from(index).ok());
        if let Some((written, text)) = calls::arguments(call) {
            each(Place::Call(number.unwrap_or(0), written), text);
        }
    }
    if let Some(text) = calls::older_arguments(part) {
        each(Place::Call(OLDER, Written::Older), text);
    }
}
