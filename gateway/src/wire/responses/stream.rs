//! An answer in events: each event of the provider goes in, and the events that may leave come out.
//!
//! An event is read first, which feeds the session, and written later, which fills in what was let go by then. For most
//! answers that is the same moment. When a rule waits for the whole answer, events are written at its end.

use bytes::BytesMut;
use engine::verdict::Flow;
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::document;
use super::event::About;
use super::item::{put, strip, strip_part, text_of};
use super::items::{Items, TextId};
use super::kind::Kind;
use crate::wire::sse::{self, Next};
use crate::wire::stream::{Dialect, Halt, Judge};
use crate::wire::strip::is_word;
use crate::wire::{Fault, json as strict_json, surrogate};

/// The most bytes of events that wait. Texts wait in the session, which has a bound of its own.
const MAX_WAITING: usize = 4 << 20;

/// Items, arriving.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    /// The fields of the request that the answer repeats.
    repeated: Map<String, Value>,
    items: Items,
    /// The events of an answer that a rule waits for the end of, and their bytes.
    waiting: Option<(Vec<Step>, usize)>,
    /// The answer as it began.
    begun: Option<Value>,
    /// The number of the next event.
    next: Option<u64>,
    /// The last event, which is written when the session has heard that it is.
    last: Option<Step>,
    complete: bool,
}

/// An event that was read.
#[derive(Debug)]
struct Step {
    event: Value,
    /// Whether halves of surrogate pairs are shielded in it.
    shielded: bool,
    says: Says,
}

/// Which texts are filled in where an event is written.
#[derive(Debug)]
enum Says {
    Nothing,
    /// In `delta`, what is new of a text.
    Piece(TextId),
    /// In that field, all of a text.
    Text(TextId, Kind),
    /// In a part.
    Part {
        text: TextId,
        kind: Kind,
        ends: bool,
    },
    /// In an item.
    Item {
        at: usize,
        ends: bool,
    },
    /// In a whole answer, in which these items stand.
    All(Vec<usize>),
}

impl Stream {
    /// Starts on an answer. One that `waits` leaves at its end.
    pub(in crate::wire) fn new(repeated: Map<String, Value>, waits: bool) -> Self {
        Self {
            repeated,
            items: Items::default(),
            waiting: waits.then(Default::default),
            begun: None,
            next: None,
            last: None,
            complete: false,
        }
    }

    /// Reads an event; nothing of one that must not be passed on.
    fn read(
        &mut self,
        judge: &mut Judge,
        about: About,
        mut event: Value,
        shielded: bool,
    ) -> Result<Option<Step>, Halt> {
        if !about.strip(&mut event)? {
            return Ok(None);
        }
        let says = match about {
            About::Beginning => {
                self.begin(&mut event)?;
                Says::Nothing
            }
            About::Item { ends } => {
                let at = self.items.of_event(&event)?;
                let item = event.get_mut("item").ok_or_else(|| lacks("item"))?;
                strip(item)?;
                self.items.read_item(&mut judge.session, at, item, shielded, ends)?;
                Says::Item { at, ends }
            }
            About::Part { list, ends } => self.read_part(judge, list, ends, &mut event, shielded)?,
            About::Piece(kind) => {
                let id = self.items.text_of_event(kind, &event)?;
                let piece = text_of(&mut event, "delta")?.map(std::mem::take).unwrap_or_default();
                let is_first = self.items.note_piece(id, &event);
                self.items.feed(&mut judge.session, id, &piece, shielded)?;
                if self.waiting.is_some() && !is_first {
                    return Ok(None);
                }
                Says::Piece(id)
            }
            About::Text(kind) => {
                if matches!(kind, Kind::Arguments | Kind::Input) {
                    self.items.name_of_event(&mut judge.session, &event)?;
                }
                let id = self.items.text_of_event(kind, &event)?;
                if let Some(whole) = text_of(&mut event, kind.field())? {
                    self.items.whole(&mut judge.session, id, whole, shielded)?;
                }
                self.items.finish(&mut judge.session, id)?;
                Says::Text(id, kind)
            }
            About::End => {
                let response = event.get_mut("response").ok_or_else(|| lacks("response"))?;
                document::strip(response, &self.repeated)?;
                Says::All(self.items.read_all(&mut judge.session, response, shielded)?)
            }
            About::Failure | About::Other => Says::Nothing,
        };
        Ok(Some(Step { event, shielded, says }))
    }

    /// The answer begins, and has no items yet.
    fn begin(&mut self, event: &mut Value) -> Result<(), Fault> {
        let response = event.get_mut("response").ok_or_else(|| lacks("response"))?;
        if let Value::Object(fields) = response {
            fields.insert("output".to_owned(), json!([]));
            fields.shift_remove("output_text");
        }
        document::strip(response, &self.repeated)?;
        self.begun = Some(response.clone());
        Ok(())
    }

    fn read_part(
        &mut self,
        judge: &mut Judge,
        list: &str,
        ends: bool,
        event: &mut Value,
        shielded: bool,
    ) -> Result<Says, Halt> {
        let part = event.get_mut("part").ok_or_else(|| lacks("part"))?;
        strip_part(list, part)?;
        let Some(kind) = Kind::of_part(list, part) else { return Ok(Says::Nothing) };
        let whole = text_of(part, kind.field())?.map(|text| text.clone()).unwrap_or_default();
        let text = self.items.text_of_event(kind, event)?;
        self.items.whole(&mut judge.session, text, &whole, shielded)?;
        if ends {
            self.items.finish(&mut judge.session, text)?;
        } else if whole.is_empty() {
            return Ok(Says::Nothing);
        }
        Ok(Says::Part { text, kind, ends })
    }

    /// Keeps an event for the end of the answer.
    fn wait(&mut self, step: Step, bytes: usize) -> Result<(), Fault> {
        let Some((steps, waiting)) = &mut self.waiting else { return Ok(()) };
        *waiting += bytes;
        if *waiting > MAX_WAITING {
            let message = "an answer that a rule waits for the end of has too many events";
            return Err(Fault::upstream(StatusCode::BAD_GATEWAY, "answer_too_long", message));
        }
        steps.push(step);
        Ok(())
    }

    /// Writes an event, filled with what was let go.
    fn write(&mut self, mut step: Step, out: &mut BytesMut) {
        match &step.says {
            Says::Nothing => {}
            Says::Piece(text) => return self.say(*text, out),
            Says::Text(text, kind) => {
                self.say(*text, out);
                put(&mut step.event, kind.field(), json!(self.items.released(*text)));
            }
            Says::Part { text, kind, ends } => {
                let said = match ends {
                    true => {
                        self.say(*text, out);
                        self.items.released(*text).to_owned()
                    }
                    false => self.items.take(*text),
                };
                if let Some(part) = step.event.get_mut("part") {
                    put(part, kind.field(), json!(said));
                }
            }
            Says::Item { at, ends } => {
                if *ends {
                    self.items.texts_of(*at).into_iter().for_each(|text| self.say(text, out));
                }
                if let Some(item) = step.event.get_mut("item") {
                    self.items.fill_item(*at, item, *ends);
                }
            }
            Says::All(places) => {
                self.items.all_texts().for_each(|text| self.say(text, out));
                if let Some(response) = step.event.get_mut("response") {
                    self.items.fill_all(response, places);
                }
            }
        }
        self.emit(&mut step.event, step.shielded, out);
    }

    /// Says what is new of a text, in pieces of a size that SDKs take well. A text that the provider does not tell in
    /// pieces is only told whole.
    fn say(&mut self, text: TextId, out: &mut BytesMut) {
        let fresh = self.items.take(text);
        let Some(mut event) = self.items.piece(text).filter(|_| !fresh.is_empty()).cloned() else { return };
        for piece in sse::pieces(&fresh) {
            put(&mut event, "delta", json!(piece));
            self.emit(&mut event, false, out);
        }
    }

    /// Numbers an event and writes it under its name.
    fn emit(&mut self, event: &mut Value, shielded: bool, out: &mut BytesMut) {
        let number = self.next.unwrap_or_default();
        self.next = Some(number.saturating_add(1));
        put(event, "sequence_number", json!(number));
        let name = event.get("type").and_then(Value::as_str).unwrap_or("error").to_owned();
        let json = strict_json::line(event);
        match shielded {
            true => sse::encode_named(&name, &surrogate::unshield(&json), out),
            false => sse::encode_named(&name, &json, out),
        }
    }

    /// Passes an event on as it came.
    fn pass(&mut self, event: &Value, payload: &[u8], out: &mut BytesMut) {
        let number = event.get("sequence_number").and_then(Value::as_u64);
        self.next = number.or(self.next).map(|number| number.saturating_add(1));
        let line = if payload.contains(&b'\n') { strict_json::line(event) } else { payload.into() };
        match event.get("type").filter(|name| is_word(name)).and_then(Value::as_str) {
            Some(name) => sse::encode_named(name, &line, out),
            None => sse::encode(&line, out),
        }
    }
}

impl Dialect for Stream {
    fn event(&mut self, judge: &mut Judge, payload: &[u8], out: &mut BytesMut) -> Result<Next, Halt> {
        let shielded = surrogate::shield(payload);
        let (mut event, cut) = judge.parse(shielded.as_deref().unwrap_or(payload))?;
        if self.items.secret.is_none() {
            self.items.secret.clone_from(&judge.secret);
        }
        let about = About::of(event.get("type").and_then(Value::as_str).unwrap_or_default());
        if about == About::Failure {
            return Err(failure(judge, &event).into());
        }
        if let Some(response) = event.get("response") {
            judge.check(response)?;
            judge.note_usage(response);
        }
        let over = about == About::End;
        if !judge.strict {
            match cut {
                true => {
                    self.next = event.get("sequence_number").and_then(Value::as_u64).or(self.next);
                    self.emit(&mut event, shielded.is_some(), out);
                }
                false => self.pass(&event, payload, out),
            }
            self.complete = over;
            return Ok(if over { Next::Stop } else { Next::More });
        }
        self.next = self.next.or_else(|| event.get("sequence_number")?.as_u64());
        let Some(step) = self.read(judge, about, event, shielded.is_some())? else { return Ok(Next::More) };
        if over {
            (self.last, self.complete) = (Some(step), true);
            return Ok(Next::Stop);
        }
        if self.waiting.is_some() && about != About::Beginning {
            self.wait(step, payload.len())?;
        } else {
            self.write(step, out);
        }
        Ok(Next::More)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn complete(&mut self, judge: &mut Judge, out: &mut BytesMut) -> Result<(), Halt> {
        let mut tails = Vec::new();
        if judge.session.end(&mut tails) == Flow::Stopped {
            return Err(Halt::Stopped);
        }
        tails.iter().for_each(|(channel, tail)| self.items.release(*channel, tail));
        let (steps, _) = self.waiting.take().unwrap_or_default();
        steps.into_iter().chain(self.last.take()).for_each(|step| self.write(step, out));
        Ok(())
    }

    fn stop(&mut self, out: &mut BytesMut) {
        self.items.all_texts().for_each(|text| self.say(text, out));
        let mut response = self.begun.take().unwrap_or_else(|| json!({"object": "response"}));
        put(&mut response, "status", json!("incomplete"));
        put(&mut response, "incomplete_details", json!({"reason": "content_filter"}));
        let seen = if self.waiting.is_some() { Vec::new() } else { self.items.shown() };
        put(&mut response, "output", json!(seen));
        self.emit(&mut json!({"type": "response.incomplete", "response": response}), false, out);
    }

    fn fail(&mut self, envelope: Value, out: &mut BytesMut) {
        let error = envelope.get("error").cloned().unwrap_or_default();
        let word = |field: &str| error.get(field).cloned().unwrap_or_default();
        let mut event = json!({
            "type": "error",
            "code": word("code"),
            "message": word("message"),
            "param": word("param"),
            "sequence_number": 0,
            "error": error,
        });
        self.emit(&mut event, false, out);
    }
}

fn lacks(field: &str) -> Fault {
    Fault::unreadable(format!("an event of the provider has no `{field}`"))
}

/// What an event says that tells of a failure, in either of its two forms.
fn failure(judge: &Judge, event: &Value) -> Fault {
    let told = event.get("response").and_then(|response| judge.check(response).err());
    let words = ["code", "message"].into_iter().filter_map(|field| {
        let said = event.get(field).filter(|said| !said.is_null())?;
        Some((field.to_owned(), said.clone()))
    });
    let flat = json!({"error": words.collect::<Map<String, Value>>()});
    told.or_else(|| judge.check(&flat).err()).unwrap_or_else(|| Fault::unreadable("the provider failed"))
}
