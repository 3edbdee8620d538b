//! What the client has of an answer, and what it gets next.

use serde_json::{Map, Value, json};

use super::{Items, TextId};
use crate::wire::Fault;
use crate::wire::responses::item::{each_text, put};
use crate::wire::responses::kind::Kind;

impl Items {
    /// Notes an event in which a piece of a text came; says whether it is the first.
    pub(in crate::wire::responses) fn note_piece(&mut self, TextId(at): TextId, event: &Value) -> bool {
        let Some(text) = self.texts.get_mut(at).filter(|text| text.piece.is_none()) else { return false };
        text.piece = Some(event.clone());
        true
    }

    /// What was let go of a text and the client does not have yet; it is taken to have it now.
    pub(in crate::wire::responses) fn take(&mut self, TextId(at): TextId) -> String {
        let Some(text) = self.texts.get_mut(at) else { return String::new() };
        let fresh = text.released.get(text.sent..).unwrap_or_default().to_owned();
        text.sent = text.released.len();
        fresh
    }

    /// The event in which pieces of a text are told.
    pub(in crate::wire::responses) fn piece(&self, TextId(at): TextId) -> Option<&Value> {
        self.texts.get(at)?.piece.as_ref()
    }

    /// All that was let go of a text.
    pub(in crate::wire::responses) fn released(&self, TextId(at): TextId) -> &str {
        self.texts.get(at).map(|text| text.released.as_str()).unwrap_or_default()
    }

    /// Puts into an item what was let go of its texts: all of it, or what is new where the item began with some.
    pub(in crate::wire::responses) fn fill_item(&mut self, at: usize, item: &mut Value, whole: bool) {
        let filled: Result<(), Fault> = each_text(item, |kind, part, place| {
            let id = self.find(at, kind, part);
            *place = match id {
                Some(id) if whole => self.released(id).to_owned(),
                Some(id) if !place.is_empty() => self.take(id),
                Some(_) | None => String::new(),
            };
            Ok(())
        });
        debug_assert!(filled.is_ok(), "the item was read before");
    }

    /// The same for a whole answer; `places` says which item stands where.
    pub(in crate::wire::responses) fn fill_all(&mut self, response: &mut Value, places: &[usize]) {
        let output = response.get_mut("output").and_then(Value::as_array_mut);
        for (item, at) in output.into_iter().flatten().zip(places) {
            self.fill_item(*at, item, true);
        }
        if response.get("output_text").is_some() {
            let said =
                self.texts.iter().filter(|text| text.kind == Kind::Output && places.contains(&text.item));
            let said: String = said.map(|text| text.released.as_str()).collect();
            put(response, "output_text", json!(said));
        }
    }

    /// The items as the client knows them, with what was let go of their texts.
    pub(in crate::wire::responses) fn shown(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        for at in 0..self.items.len() {
            let Some(mut item) = self.items.get(at).map(|item| item.shown.clone()) else { continue };
            let Value::Object(fields) = &mut item else { continue };
            self.complete_parts(at, fields);
            if self.items.get(at).is_some_and(|item| !item.over) {
                fields.insert("status".to_owned(), json!("incomplete"));
            }
            self.fill_item(at, &mut item, true);
            all.push(item);
        }
        all
    }

    /// Parts that were told in events of their own, after the item had begun.
    fn complete_parts(&self, at: usize, fields: &mut Map<String, Value>) {
        for text in self.texts.iter().filter(|text| text.item == at) {
            let Some((list, _)) = text.kind.list() else {
                fields.entry(text.kind.field()).or_insert_with(|| text.kind.blank());
                continue;
            };
            if let Value::Array(parts) = fields.entry(list).or_insert_with(|| json!([])) {
                while parts.len() <= text.part {
                    parts.push(text.kind.blank());
                }
            }
        }
    }
}
