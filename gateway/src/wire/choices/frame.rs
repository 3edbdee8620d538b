//! Chunks put together again: what may leave of an event, in frames of a size that SDKs take well.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::shape::Shape;
use crate::wire::{json as strict_json, sse, surrogate};

/// A text that may leave.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) choice: u32,
    pub(super) field: &'static str,
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
    pub(super) fn say(&self, said: &Said, mut role: Option<Value>, out: &mut BytesMut) {
        for piece in sse::pieces(&said.text) {
            self.frame(&self.shape.saying(said.choice, said.field, piece, role.take()), out);
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
    /// too when nothing else is in it; texts that are too long for one frame go on in further ones.
    pub(super) fn pass_on(&mut self, mut choices: Vec<Value>, changed: bool, out: &mut BytesMut) {
        let had_choices = !choices.is_empty();
        if changed {
            choices.retain(|choice| self.shape.says_something(choice));
        }
        let tells_usage = self.chunk.get("usage").is_some_and(|usage| !usage.is_null());
        if had_choices && choices.is_empty() && !tells_usage {
            return;
        }
        let mut overflow = Vec::new();
        choices.iter_mut().for_each(|choice| cut_long_texts(self.shape, choice, &mut overflow));
        if let Some(place) = self.chunk.get_mut("choices") {
            *place = Value::Array(choices);
        }
        self.write(&self.chunk, out);
        overflow.iter().for_each(|said| self.say(said, None, out));
    }
}

/// Leaves the first piece of each long text in place and moves the rest to `overflow`. A finish is told before
/// nothing: long texts next to one have been said already.
fn cut_long_texts(shape: Shape, choice: &mut Value, overflow: &mut Vec<Said>) {
    let index = choice.get("index").and_then(Value::as_u64).and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
    let finishes = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
    let Some(part) = shape.part_mut(choice).filter(|_| !finishes) else { return };
    for (field, _) in shape.texts {
        let Some(Value::String(text)) = part.get_mut(*field) else { continue };
        let first = sse::pieces(text).next().map_or(0, str::len);
        if first < text.len() {
            let rest = text.split_off(first);
            overflow.push(Said { choice: index, field, text: rest });
        }
    }
}

/// Whether there is more to say than the texts that stand in the choice, or more than one frame takes. A field that
/// speaks twice, in its delta and at the finish, says more than its place holds, even if it says the same twice.
pub(super) fn said_more_than(shape: Shape, choice: &Value, said: &[Said]) -> bool {
    let stands = |said: &Said| {
        let text = shape.part(choice).and_then(|part| part.get(said.field)).and_then(Value::as_str);
        text == Some(&said.text) && said.text.len() <= sse::PIECE
    };
    let once =
        |one: &Said| said.iter().filter(|s| (s.choice, s.field) == (one.choice, one.field)).count() == 1;
    !said.iter().all(|said| stands(said) && once(said))
}
