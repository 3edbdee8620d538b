//! An answer in pieces: each event of the provider goes in, and the frames that may leave come out.

mod frame;
mod waiting;

use bytes::{BufMut, BytesMut};
use engine::input::{Carrier, Channel};
use engine::run::Session;
use engine::verdict::{Decision, Flow, Report};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::Usage;
use super::carrier::{CARRIERS, TEXTS, is_no_reason, is_odd, strip_copies};
use super::upstream_error;
use frame::{Envelope, PIECE, Said, said_more_than};
use waiting::Waiting;

use crate::secret::Secret;
use crate::wire::surrogate::Joiner;
use crate::wire::{Fault, json as strict_json, sse, surrogate};

/// Most choices of one answer; providers stop at 128.
const MAX_CHOICES: usize = 128;

/// How a stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Every choice finished.
    Complete,
    /// A rule stopped the answer.
    Blocked(Box<Decision>),
    /// The provider failed, or its answer could not be judged.
    Failed(Box<Fault>),
}

/// Feeds the session and puts chunks together again from what it releases.
#[derive(Debug)]
pub struct Assembler {
    session: Session,
    strict: bool,
    request_id: String,
    secret: Option<Secret>,
    choices: Vec<Choice>,
    expected: usize,
    usage: Option<Usage>,
    joined: String,
    /// The frames of an answer that a rule waits for the end of.
    waiting: Option<Waiting>,
}

/// What is known of one choice.
#[derive(Debug)]
struct Choice {
    index: u32,
    finished: bool,
    texts: [Strand; CARRIERS.len()],
}

/// One channel of a choice: whether it ever spoke, in which field, and half a character that may wait.
#[derive(Clone, Copy, Debug, Default)]
struct Strand {
    field: Option<&'static str>,
    joiner: Joiner,
}

/// Why a chunk cannot be passed on.
#[derive(Debug)]
enum Halt {
    Stopped { choice: u32 },
    Failed(Fault),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Failed(fault)
    }
}

impl Assembler {
    /// Starts on an answer. `strict`, which is for a program that has policies, refuses shapes in which text could
    /// hide and takes away second copies of the text.
    pub fn new(session: Session, strict: bool, request_id: String) -> Self {
        let (choices, joined) = (Vec::new(), String::new());
        let waiting = session.buffers().then(Waiting::default);
        Self { session, strict, request_id, secret: None, choices, expected: 1, usage: None, joined, waiting }
    }

    /// With the number of choices that were asked for: an answer that has fewer is not whole.
    #[must_use]
    pub fn expecting(mut self, choices: usize) -> Self {
        self.expected = choices.max(1);
        self
    }

    /// With a key that is cut out of whatever the provider says in its errors.
    #[must_use]
    pub fn hiding(mut self, secret: Option<Secret>) -> Self {
        self.secret = secret;
        self
    }

    /// The last usage that the provider told.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The session's account so far.
    pub fn report(&self) -> Report {
        self.session.report()
    }

    /// Takes the data of one event; appends frames to `out`. After an ending nothing more may be fed or sent.
    pub fn event(&mut self, payload: &[u8], out: &mut BytesMut) -> Option<Ending> {
        if payload.trim_ascii() == b"[DONE]" {
            return Some(self.end(out));
        }
        let mut said = Vec::new();
        let result = match self.waiting.take() {
            Some(mut waiting) => {
                waiting.begin();
                let result = self.chunk(payload, &mut said, &mut waiting.frames);
                let result = result.and_then(|envelope| waiting.took(envelope, self.finishes()));
                self.waiting = Some(waiting);
                result
            }
            None => self.chunk(payload, &mut said, out).map(drop),
        };
        let (halt, envelope) = *result.err()?;
        Some(match halt {
            Halt::Failed(fault) => self.fail(fault, out),
            Halt::Stopped { choice } => self.stop(&envelope, choice, said, out),
        })
    }

    /// Takes a last event that lacks its end: it counts when it can be read, else it is part of the break.
    pub fn last_event(&mut self, payload: &[u8], out: &mut BytesMut) -> Option<Ending> {
        let readable = payload.trim_ascii() == b"[DONE]" || strict_json::parse(payload).is_ok();
        if readable && !self.is_complete() { self.event(payload, out) } else { None }
    }

    fn is_complete(&self) -> bool {
        self.choices.len() >= self.expected && self.choices.iter().all(|choice| choice.finished)
    }

    /// The provider has nothing more to say. Without a `finish_reason` for every choice that is a failure, since
    /// SDKs take a short answer for a whole one; what was still held back is discarded.
    pub fn end(&mut self, out: &mut BytesMut) -> Ending {
        if self.is_complete() {
            return self.complete(out);
        }
        let message = "the provider's answer broke off before its end";
        self.fail(Fault::upstream(StatusCode::BAD_GATEWAY, "stream_truncated", message), out)
    }

    /// Every choice has finished: what a rule has waited for may leave now, or is stopped.
    fn complete(&mut self, out: &mut BytesMut) -> Ending {
        let mut tails = Vec::new();
        let flow = self.session.end(&mut tails);
        let waiting = self.waiting.take().unwrap_or_default();
        if flow == Flow::Stopped {
            return self.stop(&waiting.envelope, 0, Vec::new(), out);
        }
        let texts = tails.into_iter().filter_map(|(channel, text)| {
            let choice = self.choices.iter().find(|choice| choice.index == channel.choice)?;
            let field = choice.texts.get(position_of(channel.carrier))?.field?;
            Some(Said { choice: channel.choice, field, text })
        });
        waiting.leave(texts, out);
        out.put_slice(sse::DONE);
        Ending::Complete
    }

    /// Whether any choice has finished.
    fn finishes(&self) -> bool {
        self.choices.iter().any(|choice| choice.finished)
    }

    /// Ends the stream with an error frame.
    pub fn fail(&mut self, fault: Fault, out: &mut BytesMut) -> Ending {
        self.error_frame(&fault, out);
        Ending::Failed(Box::new(fault))
    }

    fn error_frame(&self, fault: &Fault, out: &mut BytesMut) {
        sse::encode(&strict_json::line(&fault.envelope(&self.request_id)), out);
        out.put_slice(sse::DONE);
    }

    /// What was released so far may leave; then the client is told who stopped the answer.
    fn stop(&mut self, envelope: &Envelope, choice: u32, said: Vec<Said>, out: &mut BytesMut) -> Ending {
        said.iter().for_each(|said| envelope.say(said, None, out));
        envelope.frame(&json!({"index": choice, "delta": {}, "finish_reason": "content_filter"}), out);
        let decision = self.session.decision().clone();
        self.error_frame(&Fault::output_blocked(decision.clone()), out);
        Ending::Blocked(Box::new(decision))
    }

    fn chunk(
        &mut self,
        payload: &[u8],
        said: &mut Vec<Said>,
        out: &mut BytesMut,
    ) -> Result<Envelope, Box<(Halt, Envelope)>> {
        let shielded = surrogate::shield(payload);
        let mut chunk = self
            .parse(shielded.as_deref().unwrap_or(payload))
            .map_err(|fault| Box::new((Halt::Failed(fault), Envelope::default())))?;
        let mut changed = self.strict && strip_copies(&mut chunk);
        self.usage = Usage::of(&chunk).or(self.usage);
        let choices = chunk.get_mut("choices").filter(|choices| choices.is_array()).map(Value::take);
        let mut envelope = Envelope { chunk, shielded: shielded.is_some() };
        let Some(Value::Array(mut choices)) = choices else {
            envelope.write(&envelope.chunk, out);
            return Ok(envelope);
        };
        for (position, choice) in choices.iter_mut().enumerate() {
            match self.choice(choice, position, envelope.shielded, said, &envelope, out) {
                Ok(choice_changed) => changed |= choice_changed,
                Err(halt) => return Err(Box::new((halt, envelope))),
            }
        }
        if !changed && payload.len() < PIECE && !payload.contains(&b'\n') {
            sse::encode(payload, out);
            return Ok(envelope);
        }
        envelope.pass_on(choices, changed, out);
        Ok(envelope)
    }

    fn parse(&self, payload: &[u8]) -> Result<Value, Fault> {
        let chunk = strict_json::parse(payload)
            .map_err(|flaw| Fault::unreadable(format!("an event of the provider cannot be read: {flaw}")))?;
        if let Some(fault) = upstream_error(&chunk, self.secret.as_ref()) {
            return Err(fault);
        }
        let is_odd = |choices: &Value| !choices.is_array() && !choices.is_null();
        if self.strict && chunk.get("choices").is_some_and(is_odd) {
            return Err(Fault::unreadable("the choices of the provider's event are no list"));
        }
        let has_choices = chunk.get("choices").is_some_and(Value::is_array);
        if self.strict && !has_choices && chunk.get("usage").is_none_or(Value::is_null) {
            return Err(Fault::unreadable("an event of the provider has no list of choices"));
        }
        Ok(chunk)
    }

    /// Judges one choice of a chunk and writes back what may leave; says whether anything changed.
    fn choice(
        &mut self,
        choice: &mut Value,
        position: usize,
        shielded: bool,
        said: &mut Vec<Said>,
        envelope: &Envelope,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        if self.strict && hides_text(choice) {
            let message = "an event of the provider carries text outside of a delta's fields";
            return Err(Fault::unreadable(message).into());
        }
        let index = choice.get("index").and_then(Value::as_u64).and_then(|i| u32::try_from(i).ok());
        let slot = self.slot(index.unwrap_or_else(|| u32::try_from(position).unwrap_or(u32::MAX)))?;
        let finishes = choice.get("finish_reason").is_some_and(|reason| !is_no_reason(reason));
        let before = said.len();
        let mut changed = false;
        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
            changed = self.delta(delta, slot, shielded, said)?;
        }
        if finishes {
            self.finish(slot, said)?;
        }
        if finishes && said_more_than(choice, said.get(before..).unwrap_or_default()) {
            changed = true;
            let mut role = None;
            if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
                TEXTS.iter().for_each(|(field, _)| drop(delta.shift_remove(*field)));
                role = delta.shift_remove("role");
            }
            said.drain(before..).for_each(|said| envelope.say(&said, role.take(), out));
        }
        Ok(changed)
    }

    /// Position of a choice among those known.
    fn slot(&mut self, index: u32) -> Result<usize, Fault> {
        if let Some(slot) = self.choices.iter().position(|choice| choice.index == index) {
            return Ok(slot);
        }
        if self.choices.len() >= MAX_CHOICES {
            return Err(Fault::unreadable(format!(
                "the provider's answer has more than {MAX_CHOICES} choices"
            )));
        }
        self.choices.push(Choice { index, finished: false, texts: Default::default() });
        Ok(self.choices.len() - 1)
    }

    fn delta(
        &mut self,
        delta: &mut Map<String, Value>,
        slot: usize,
        shielded: bool,
        said: &mut Vec<Said>,
    ) -> Result<bool, Halt> {
        let mut changed = false;
        for (field, carrier) in TEXTS {
            let text = match delta.get_mut(field) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text,
                Some(other) if self.strict => {
                    let kind = strict_json::kind(other);
                    return Err(
                        Fault::unreadable(format!("`{field}` of the provider's answer is {kind}")).into()
                    );
                }
                Some(_) => continue,
            };
            let released = self.feed(slot, field, carrier, text, shielded, said)?;
            if released == *text {
                continue;
            }
            changed = true;
            if released.is_empty() {
                delta.shift_remove(field);
            } else {
                *text = released;
            }
        }
        Ok(changed)
    }

    /// Feeds one text; what was released is noted in `said` as well, in case the chunk cannot leave whole.
    fn feed(
        &mut self,
        slot: usize,
        field: &'static str,
        carrier: Carrier,
        text: &str,
        shielded: bool,
        said: &mut Vec<Said>,
    ) -> Result<String, Halt> {
        let Some(choice) = self.choices.get_mut(slot) else { return Ok(String::new()) };
        if choice.finished && self.strict && !text.is_empty() {
            return Err(Fault::unreadable("the provider's answer goes on after its end").into());
        }
        let index = choice.index;
        let Some(strand) = choice.texts.get_mut(position_of(carrier)) else { return Ok(String::new()) };
        strand.field = Some(field);
        self.joined.clear();
        strand.joiner.push(text, shielded, &mut self.joined);
        let mut released = String::with_capacity(self.joined.len());
        let flow = self.session.feed(Channel { choice: index, carrier }, &self.joined, &mut released);
        if !released.is_empty() {
            said.push(Said { choice: index, field, text: released.clone() });
        }
        match flow {
            Flow::Open => Ok(released),
            Flow::Stopped => Err(Halt::Stopped { choice: index }),
        }
    }

    /// Ends every channel of a choice, and notes what they still held.
    fn finish(&mut self, slot: usize, said: &mut Vec<Said>) -> Result<(), Halt> {
        let Some(choice) = self.choices.get_mut(slot).filter(|choice| !choice.finished) else {
            return Ok(());
        };
        choice.finished = true;
        for (strand, carrier) in choice.texts.iter_mut().zip(CARRIERS) {
            let Some(field) = strand.field else { continue };
            let channel = Channel { choice: choice.index, carrier };
            let mut tail = String::new();
            self.joined.clear();
            strand.joiner.end(&mut self.joined);
            let mut flow = Flow::Open;
            if !self.joined.is_empty() {
                flow = self.session.feed(channel, &self.joined, &mut tail);
            }
            if flow == Flow::Open {
                flow = self.session.finish(channel, &mut tail);
            }
            if !tail.is_empty() {
                said.push(Said { choice: choice.index, field, text: tail });
            }
            if flow == Flow::Stopped {
                return Err(Halt::Stopped { choice: choice.index });
            }
        }
        Ok(())
    }
}

/// Whether a choice has a shape in which text would pass unseen.
fn hides_text(choice: &Value) -> bool {
    let is_other = |field: &str| choice.get(field).is_some_and(|value| !value.is_null());
    let delta_is_odd = choice.get("delta").is_some_and(|delta| !delta.is_object() && !delta.is_null());
    is_odd(choice) || is_other("text") || is_other("message") || delta_is_odd
}

fn position_of(carrier: Carrier) -> usize {
    CARRIERS.iter().position(|c| *c == carrier).unwrap_or_default()
}

#[cfg(test)]
mod tests;
