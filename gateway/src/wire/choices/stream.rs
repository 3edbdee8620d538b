//! Choices in pieces: each chunk of the provider goes in, and the chunks that may leave come out.

use bytes::{BufMut, BytesMut};
use engine::input::{Carrier, Channel};
use engine::verdict::Flow;
use serde_json::{Map, Value};

use super::calls::{self, Numbers, OLDER, Written};
use super::frame::{Envelope, Said, has_long_text};
use super::shape::{Place, Shape};
use super::strip::{is_no_reason, strip_copies};
use super::waiting::Waiting;
use crate::wire::sse::{self, Next, PIECE};
use crate::wire::strand::Strand;
use crate::wire::stream::{Dialect, Halt, Judge};
use crate::wire::{Fault, json as strict_json, surrogate};

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
    /// The frames of an answer that a rule waits for the end of.
    waiting: Option<Waiting>,
    /// What all chunks made of the event in hand share.
    envelope: Envelope,
    /// What was released of the event in hand, in case its chunk cannot leave whole.
    said: Vec<Said>,
    /// The choice in which a rule has stopped the answer.
    stopped: u32,
    /// Whether a rule waits for the end.
    waits: bool,
    /// Where the frame of the event in hand begins that tells of a finish, if it does.
    finish: Option<usize>,
}

/// What is known of one choice.
#[derive(Debug)]
struct Choice {
    index: u32,
    finished: bool,
    texts: Vec<Spoken>,
    calls: Numbers,
}

/// One text of a choice, and the place in which it last spoke.
#[derive(Debug)]
struct Spoken {
    place: Place,
    strand: Strand,
}

impl Choice {
    /// The text of a carrier, which is made when it is new.
    fn text(&mut self, place: Place, carrier: Carrier) -> Option<&mut Spoken> {
        let channel = Channel { choice: self.index, carrier };
        let known = self.texts.iter().position(|text| text.strand.channel == channel);
        let at = known.unwrap_or_else(|| {
            self.texts.push(Spoken { place, strand: Strand::new(channel) });
            self.texts.len() - 1
        });
        let text = self.texts.get_mut(at)?;
        text.place = place;
        Some(text)
    }
}

impl Stream {
    /// Starts on an answer that has so many choices when it is whole. One that `waits` leaves at its end.
    pub(in crate::wire) fn new(shape: Shape, expected: usize, waits: bool) -> Self {
        Self {
            shape,
            choices: Vec::new(),
            expected: expected.max(1),
            waiting: waits.then(Waiting::default),
            envelope: Envelope { shape, chunk: Value::Null, shielded: false },
            said: Vec::new(),
            stopped: 0,
            waits,
            finish: None,
        }
    }

    fn chunk(&mut self, judge: &mut Judge, payload: &[u8], out: &mut BytesMut) -> Result<(), Halt> {
        let shielded = surrogate::shield(payload);
        let mut chunk = judge.parse(shielded.as_deref().unwrap_or(payload))?;
        if judge.strict {
            check_choices(&chunk)?;
        }
        let mut changed = judge.strict && strip_copies(&mut chunk);
        judge.note_usage(&chunk);
        let choices = chunk.get_mut("choices").filter(|choices| choices.is_array()).map(Value::take);
        self.envelope = Envelope { shape: self.shape, chunk, shielded: shielded.is_some() };
        let Some(Value::Array(mut choices)) = choices else {
            self.envelope.write(&self.envelope.chunk, out);
            return Ok(());
        };
        for (position, choice) in choices.iter_mut().enumerate() {
            changed |= self.choice(judge, choice, position, out)?;
        }
        self.finish = choices.iter().any(finishes).then_some(out.len());
        if !changed && payload.len() < PIECE && !payload.contains(&b'\n') {
            sse::encode(payload, out);
            return Ok(());
        }
        self.envelope.pass_on(choices, changed, out);
        Ok(())
    }

    /// Judges one choice of a chunk and writes back what may leave; says whether anything changed.
    fn choice(
        &mut self,
        judge: &mut Judge,
        choice: &mut Value,
        position: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        let shape = self.shape;
        if judge.strict && shape.hides_text(choice) {
            return Err(Fault::unreadable("an event of the provider carries text where none belongs").into());
        }
        let index = choice.get("index").and_then(Value::as_u64).and_then(|i| u32::try_from(i).ok());
        let slot = self.slot(index.unwrap_or_else(|| u32::try_from(position).unwrap_or(u32::MAX)))?;
        let before = self.said.len();
        let mut changed = false;
        if let Some(part) = shape.part_mut(choice) {
            changed = self.part(judge, part, slot)?;
            changed |= judge.strict && self.calls(judge, part, slot)?;
        }
        if !finishes(choice) {
            return Ok(changed);
        }
        let tails = self.said.len();
        self.finish(judge, slot)?;
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

    /// Position of a choice among those known.
    fn slot(&mut self, index: u32) -> Result<usize, Fault> {
        if let Some(slot) = self.choices.iter().position(|choice| choice.index == index) {
            return Ok(slot);
        }
        let most = self.expected.clamp(MAX_CHOICES, MAX_PROMPTED);
        if self.choices.len() >= most {
            return Err(Fault::unreadable(format!("the provider's answer has more than {most} choices")));
        }
        self.choices.push(Choice { index, finished: false, texts: Vec::new(), calls: Numbers::default() });
        Ok(self.choices.len() - 1)
    }

    /// Judges the texts of a choice; says whether anything changed.
    fn part(&mut self, judge: &mut Judge, part: &mut Map<String, Value>, slot: usize) -> Result<bool, Halt> {
        let mut changed = false;
        for (field, carrier) in self.shape.texts {
            let text = match part.get_mut(*field) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text,
                Some(other) if judge.strict => {
                    let kind = strict_json::kind(other);
                    return Err(
                        Fault::unreadable(format!("`{field}` of the provider's answer is {kind}")).into()
                    );
                }
                Some(_) => continue,
            };
            let released = self.feed(judge, slot, Place::Field(field), *carrier, text)?;
            if released == *text {
                continue;
            }
            changed = true;
            if released.is_empty() {
                self.shape.empty(part, field);
            } else {
                *text = released;
            }
        }
        Ok(changed)
    }

    /// Judges the arguments of calls; says whether anything changed.
    fn calls(&mut self, judge: &mut Judge, part: &mut Map<String, Value>, slot: usize) -> Result<bool, Halt> {
        let mut changed = false;
        for call in calls::entries(part) {
            let number = self.choices.get_mut(slot).and_then(|choice| choice.calls.of(call));
            let number =
                number.ok_or_else(|| Fault::unreadable("the provider's answer has too many calls"))?;
            // Seen only where the chunk must be written anew.
            if let Value::Object(fields) = call
                && fields.get("index").is_none_or(Value::is_null)
            {
                fields.insert("index".to_owned(), number.into());
            }
            let Some((written, text)) = calls::arguments(call) else { continue };
            changed |= self.call(judge, slot, number, written, text)?;
        }
        if let Some(text) = calls::older_arguments(part) {
            changed |= self.call(judge, slot, OLDER, Written::Older, text)?;
        }
        if changed {
            calls::prune(part);
        }
        Ok(changed)
    }

    /// Judges the arguments of one call.
    fn call(
        &mut self,
        judge: &mut Judge,
        slot: usize,
        number: u16,
        written: Written,
        text: &mut String,
    ) -> Result<bool, Halt> {
        let place = Place::Call(number, written);
        let released = self.feed(judge, slot, place, Carrier::Arguments(number), text)?;
        let changed = released != *text;
        *text = released;
        Ok(changed)
    }

    /// Feeds one text; what was released is noted in `said` as well, in case the chunk cannot leave whole.
    fn feed(
        &mut self,
        judge: &mut Judge,
        slot: usize,
        place: Place,
        carrier: Carrier,
        text: &str,
    ) -> Result<String, Halt> {
        let Some(choice) = self.choices.get_mut(slot) else { return Ok(String::new()) };
        if choice.finished && judge.strict && !text.is_empty() {
            return Err(Fault::unreadable("the provider's answer goes on after its end").into());
        }
        let index = choice.index;
        let Some(spoken) = choice.text(place, carrier) else { return Ok(String::new()) };
        let mut released = String::with_capacity(text.len());
        let flow = spoken.strand.feed(&mut judge.session, text, self.envelope.shielded, &mut released);
        if !released.is_empty() {
            self.said.push(Said { choice: index, place, text: released.clone() });
        }
        match flow {
            Flow::Open => Ok(released),
            Flow::Stopped => Err(self.stopped_in(index)),
        }
    }

    /// Ends every text of a choice, and notes what they still held.
    fn finish(&mut self, judge: &mut Judge, slot: usize) -> Result<(), Halt> {
        let Some(choice) = self.choices.get_mut(slot).filter(|choice| !choice.finished) else {
            return Ok(());
        };
        choice.finished = true;
        choice.texts.sort_by_key(|text| order(text.strand.channel.carrier));
        let index = choice.index;
        for spoken in &mut choice.texts {
            let mut tail = String::new();
            let flow = spoken.strand.finish(&mut judge.session, &mut tail);
            if !tail.is_empty() {
                self.said.push(Said { choice: index, place: spoken.place, text: tail });
            }
            if flow == Flow::Stopped {
                return Err(self.stopped_in(index));
            }
        }
        Ok(())
    }

    fn stopped_in(&mut self, choice: u32) -> Halt {
        self.stopped = choice;
        Halt::Stopped
    }

    /// A text that is let go at the very end, in the place that it last spoke in.
    fn spoken(&self, channel: Channel, text: String) -> Option<Said> {
        let choice = self.choices.iter().find(|choice| choice.index == channel.choice)?;
        let spoken = choice.texts.iter().find(|spoken| spoken.strand.channel == channel)?;
        Some(Said { choice: channel.choice, place: spoken.place, text })
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
        self.choices.len() >= self.expected && self.choices.iter().all(|choice| choice.finished)
    }

    fn complete(&mut self, judge: &mut Judge, out: &mut BytesMut) -> Result<(), Halt> {
        let mut tails = Vec::new();
        let flow = judge.session.end(&mut tails);
        let waiting = self.waiting.take().unwrap_or_default();
        self.said.clear();
        if flow == Flow::Stopped {
            return Err(self.stopped_in(0));
        }
        let texts = tails.into_iter().filter_map(|(channel, text)| self.spoken(channel, text));
        waiting.leave(texts, &self.envelope, out);
        out.put_slice(sse::DONE);
        Ok(())
    }

    fn stop(&mut self, out: &mut BytesMut) {
        let Self { envelope, said, shape, stopped, .. } = self;
        // A call that is cut short is none: its arguments stay.
        let spoken = said.drain(..).filter(|said| matches!(said.place, Place::Field(_)));
        spoken.for_each(|said| envelope.say(&said, out));
        envelope.frame(&shape.ending(*stopped, "content_filter"), out);
    }

    fn fail(&mut self, envelope: Value, out: &mut BytesMut) {
        sse::encode(&strict_json::line(&envelope), out);
        out.put_slice(sse::DONE);
    }
}

/// The order in which a reader sees the texts of a choice.
fn order(carrier: Carrier) -> (u8, u16) {
    match carrier {
        Carrier::Reasoning => (0, 0),
        Carrier::Content => (1, 0),
        Carrier::Refusal => (2, 0),
        Carrier::Arguments(call) => (3, call),
    }
}

/// Whether a choice of a chunk ends.
fn finishes(choice: &Value) -> bool {
    choice.get("finish_reason").is_some_and(|reason| !is_no_reason(reason))
}

/// Refuses a chunk whose choices are no list, or that has neither choices nor usage.
fn check_choices(chunk: &Value) -> Result<(), Fault> {
    match chunk.get("choices") {
        Some(Value::Array(_)) => Ok(()),
        None | Some(Value::Null) if chunk.get("usage").is_some_and(|usage| !usage.is_null()) => Ok(()),
        None | Some(Value::Null) => Err(Fault::unreadable("an event of the provider has no list of choices")),
        Some(_) => Err(Fault::unreadable("the choices of the provider's event are no list")),
    }
}
