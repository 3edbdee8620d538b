//! Choices in pieces: each chunk of the provider goes in, and the chunks that may leave come out.

mod calls;

use std::collections::HashSet;

use bytes::{BufMut, BytesMut};
use engine::input::Carrier;
use engine::verdict::Flow;
use serde_json::{Map, Value};

use super::choice::{Choice, Progress};
use super::frame::{Envelope, Said, has_long_text};
use super::shape::{Place, Shape};
use super::strip::{Untold, is_no_reason, strip_copies, untell_usage};
use super::waiting::Waiting;
use crate::wire::json::Fields as _;
use crate::wire::sse::{self, Next, PIECE};
use crate::wire::stream::{Dialect, Halt, Judge};
use crate::wire::{Asked, Fault, json as strict_json, surrogate};

/// Most choices of one answer; providers stop at 128.
const MAX_CHOICES: usize = 128;

/// Most choices of one answer to several prompts.
const MAX_PROMPTED: usize = 16 * 1024;

/// A list of choices, arriving.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    shape: Shape,
    choices: Vec<Choice>,
    expected: usize,
    /// How many of them a rule has stopped.
    stopped: usize,
    /// The frames of an answer that a rule waits for the end of.
    waiting: Option<Waiting>,
    /// What all chunks made of the event in hand share.
    envelope: Envelope,
    /// What was released of the event in hand, in case its chunk cannot leave whole.
    said: Vec<Said>,
    /// Whether a rule waits for the end.
    waits: bool,
    /// Whether the client wants to know the usage.
    tells_usage: bool,
    /// Where the frame of the event in hand begins that tells of a finish, if it does.
    finish: Option<usize>,
}

impl Stream {
    /// Starts on an answer that fits what was asked. One that `waits` leaves at its end.
    pub(in crate::wire) fn new(shape: Shape, asked: &Asked, waits: bool) -> Self {
        Self {
            shape,
            choices: Vec::new(),
            expected: asked.choices.max(1),
            stopped: 0,
            waiting: waits.then(Waiting::default),
            envelope: Envelope { shape, chunk: Value::Null, shielded: false },
            said: Vec::new(),
            waits,
            tells_usage: asked.usage,
            finish: None,
        }
    }

    fn chunk(&mut self, judge: &mut Judge, payload: &[u8], out: &mut BytesMut) -> Result<(), Halt> {
        let shielded = surrogate::shield(payload);
        let (mut chunk, cut) = judge.parse(shielded.as_deref().unwrap_or(payload))?;
        if judge.strict {
            check_choices(&chunk)?;
        }
        let mut changed = judge.strict && strip_copies(&mut chunk);
        changed |= cut;
        judge.note_usage(&chunk);
        if !self.tells_usage {
            match untell_usage(&mut chunk) {
                Untold::Nothing => {}
                Untold::Part => changed = true,
                Untold::All => return Ok(()),
            }
        }
        let choices = chunk.get_mut("choices").filter(|choices| choices.is_array()).map(Value::take);
        self.envelope = Envelope { shape: self.shape, chunk, shielded: shielded.is_some() };
        let Some(Value::Array(mut choices)) = choices else {
            self.envelope.write(&self.envelope.chunk, out);
            return Ok(());
        };
        let stopped = self.stopped;
        for (position, choice) in choices.iter_mut().enumerate() {
            changed |= self.choice(judge, choice, position, out)?;
        }
        self.finish = choices.iter().any(finishes).then_some(out.len());
        if changed || payload.len() >= PIECE || payload.contains(&b'\n') {
            self.envelope.pass_on(choices, changed, self.tells_usage, out);
        } else {
            sse::encode(payload, out);
        }
        if self.stopped > stopped && self.is_complete() { Err(Halt::Stopped) } else { Ok(()) }
    }

    /// Judges one choice of a chunk and writes back what may leave; says whether anything changed. A rule that stops the
    /// choice lets the others go on.
    fn choice(
        &mut self,
        judge: &mut Judge,
        choice: &mut Value,
        position: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        if judge.strict && self.shape.hides_text(choice) {
            return Err(Fault::unreadable("an event of the provider carries text where none belongs").into());
        }
        let index = choice.field("index").and_then(Value::as_u64).and_then(|i| u32::try_from(i).ok());
        let slot = self.slot(index.unwrap_or_else(|| u32::try_from(position).unwrap_or(u32::MAX)))?;
        let before = self.said.len();
        let judged = match self.choices.get(slot).map(|choice| choice.progress) {
            Some(Progress::Stopped) => Err(Halt::Stopped),
            Some(Progress::Open | Progress::Finished) | None => self.speak(judge, choice, slot, out),
        };
        match judged {
            Err(Halt::Stopped) if !self.waits => {
                *choice = Value::Null;
                self.stop_choice(slot, before, out);
                Ok(true)
            }
            judged => judged,
        }
    }

    fn speak(
        &mut self,
        judge: &mut Judge,
        choice: &mut Value,
        slot: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        let (shape, before) = (self.shape, self.said.len());
        let mut changed = false;
        if let Some(part) = shape.part_mut(choice) {
            changed = self.part(judge, part, slot, out)?;
            changed |= judge.strict && self.calls(judge, part, slot, out)?;
        }
        if !finishes(choice) {
            return Ok(changed);
        }
        self.name_others(judge, slot, None, out)?;
        let tails = self.said.len();
        if let Some(known) = self.choices.get_mut(slot) {
            known.finish(judge, &mut self.said)?;
        }
        let waiting_call = self.waits && shape.has_calls(choice);
        if self.said.len() > tails || waiting_call || has_long_text(shape, choice) {
            changed = true;
            let Self { said, envelope, .. } = self;
            envelope.say_choice(shape.take_said(choice), out);
            said.drain(tails..).for_each(|said| envelope.say(&said, out));
            said.truncate(before);
        }
        Ok(changed)
    }

    /// A choice that a rule has stopped: says what was let go of it before, and that it is not all.
    fn stop_choice(&mut self, slot: usize, before: usize, out: &mut BytesMut) {
        let Self { envelope, said, shape, choices, stopped, .. } = self;
        let Some(choice) = choices.get_mut(slot).filter(|choice| choice.progress != Progress::Stopped) else {
            return;
        };
        choice.progress = Progress::Stopped;
        *stopped += 1;
        // A call that is cut short is none: its arguments stay.
        let spoken = said.drain(before..).filter(|said| matches!(said.place, Place::Field(_)));
        spoken.for_each(|said| envelope.say(&said, out));
        envelope.frame(&shape.ending(choice.index, "content_filter"), out);
    }

    /// Position of a choice among those known.
    fn slot(&mut self, index: u32) -> Result<usize, Fault> {
        if let Some(slot) = self.choices.iter().position(|choice| choice.index == index) {
            return Ok(slot);
        }
        let most = self.expected.clamp(MAX_CHOICES, MAX_PROMPTED);
        if self.choices.len() >= most {
            return Err(Fault::unreadable(format!("the provider's answer has more than {most} choices")));
        }
        self.choices.push(Choice::new(index));
        Ok(self.choices.len() - 1)
    }

    /// Judges the texts of a choice; says whether anything changed.
    fn part(
        &mut self,
        judge: &mut Judge,
        part: &mut Map<String, Value>,
        slot: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        let mut changed = false;
        for (field, carrier) in self.shape.texts {
            let text = match part.get_mut(*field) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => std::mem::take(text),
                Some(other) if judge.strict => {
                    let kind = strict_json::kind(other);
                    return Err(
                        Fault::unreadable(format!("`{field}` of the provider's answer is {kind}")).into()
                    );
                }
                Some(_) => continue,
            };
            if *carrier != Carrier::Reasoning && !text.is_empty() {
                changed |= self.seal_reasoning(judge, part, slot, out)?;
            }
            let released = self.feed(judge, slot, Place::Field(field), *carrier, &text)?;
            let same = released == text;
            changed |= !same;
            if released.is_empty() && !same {
                self.shape.empty(part, field);
            } else {
                part.insert((*field).to_owned(), Value::String(released));
            }
        }
        Ok(changed)
    }

    fn feed(
        &mut self,
        judge: &mut Judge,
        slot: usize,
        place: Place,
        carrier: Carrier,
        text: &str,
    ) -> Result<String, Halt> {
        let Some(choice) = self.choices.get_mut(slot) else { return Ok(String::new()) };
        choice.feed(judge, place, carrier, (text, self.envelope.shielded), &mut self.said)
    }

    /// The choice goes on behind its reasoning: what is left of that is said first. Says whether the part changed.
    fn seal_reasoning(
        &mut self,
        judge: &mut Judge,
        part: &mut Map<String, Value>,
        slot: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        let Some(choice) = self.choices.get_mut(slot).filter(|_| !self.waits) else { return Ok(false) };
        let before = self.said.len();
        choice.seal_reasoning(judge, &mut self.said)?;
        let Some(said) = self.said.get(before) else { return Ok(false) };
        // Behind what this very part says of it.
        if let Place::Field(field) = said.place
            && let Some(Value::String(text)) = part.get_mut(field)
        {
            text.push_str(&said.text);
            return Ok(true);
        }
        self.envelope.say(said, out);
        self.said.truncate(before);
        Ok(false)
    }
}

impl Dialect for Stream {
    fn event(&mut self, judge: &mut Judge, payload: &[u8], out: &mut BytesMut) -> Result<Next, Halt> {
        self.said.clear();
        let Some(mut waiting) = self.waiting.take() else {
            return self.chunk(judge, payload, out).map(|()| Next::More);
        };
        let taken = self.chunk(judge, payload, &mut waiting.frames);
        let taken = taken.and_then(|()| waiting.took(self.finish.take()).map_err(Halt::from));
        self.waiting = Some(waiting);
        taken.map(|()| Next::More)
    }

    fn is_complete(&self) -> bool {
        let is_over = |choice: &Choice| choice.progress != Progress::Open;
        self.choices.len() >= self.expected && self.choices.iter().all(is_over)
    }

    fn complete(&mut self, judge: &mut Judge, out: &mut BytesMut) -> Result<(), Halt> {
        let mut tails = Vec::new();
        let flow = judge.session.end(&mut tails);
        let waiting = self.waiting.take().unwrap_or_default();
        self.said.clear();
        if flow == Flow::Stopped {
            return Err(Halt::Stopped);
        }
        let choice = |index: u32| self.choices.iter().find(|choice| choice.index == index);
        let texts = tails.into_iter().filter_map(|(of, text)| choice(of.choice)?.spoken(of, text));
        waiting.leave(texts, &self.envelope, out);
        out.put_slice(sse::DONE);
        Ok(())
    }

    fn stop(&mut self, out: &mut BytesMut) {
        // Choices that were stopped alone have said so. Where the whole answer is, one says it for all.
        if self.stopped == 0 {
            self.envelope.frame(&self.shape.ending(0, "content_filter"), out);
        }
    }

    fn fail(&mut self, envelope: Value, out: &mut BytesMut) {
        sse::encode(&strict_json::line(&envelope), out);
        out.put_slice(sse::DONE);
    }
}

/// Whether a choice of a chunk ends.
fn finishes(choice: &Value) -> bool {
    choice.field("finish_reason").is_some_and(|reason| !is_no_reason(reason))
}

/// Refuses a chunk whose choices are no list, or that has neither choices nor usage, or one choice twice: the order of its
/// texts could not be kept.
fn check_choices(chunk: &Value) -> Result<(), Fault> {
    match chunk.field("choices") {
        Some(Value::Array(choices)) => {
            let mut seen = HashSet::new();
            let mut indices =
                choices.iter().filter_map(|choice| choice.field("index").and_then(Value::as_u64));
            if choices.len() > 1 && !indices.all(|index| seen.insert(index)) {
                return Err(Fault::unreadable("an event of the provider has one choice twice"));
            }
            Ok(())
        }
        None | Some(Value::Null) if chunk.field("usage").is_some_and(|usage| !usage.is_null()) => Ok(()),
        None | Some(Value::Null) => Err(Fault::unreadable("an event of the provider has no list of choices")),
        Some(_) => Err(Fault::unreadable("the choices of the provider's event are no list")),
    }
}
