//! Calls of tools in pieces: their heads wait for their names, their arguments are judged as they come.

use bytes::BytesMut;
use engine::input::Carrier;
use serde_json::{Map, Value, json};

use super::Stream;
use crate::wire::Fault;
use crate::wire::choices::calls::{self, OLDER, Written};
use crate::wire::choices::heads::Step;
use crate::wire::choices::shape::Place;
use crate::wire::json::Fields as _;
use crate::wire::stream::{Halt, Judge};

impl Stream {
    /// Judges the arguments of calls; says whether anything changed.
    pub(super) fn calls(
        &mut self,
        judge: &mut Judge,
        part: &mut Map<String, Value>,
        slot: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        if !calls::are_made(part) {
            return Ok(false);
        }
        let mut changed = self.seal_reasoning(judge, part, slot, out)?;
        let judged = judge.session.judges_calls();
        for call in calls::entries(part) {
            let number = self.choices.get_mut(slot).and_then(|choice| choice.calls.of(call));
            let number =
                number.ok_or_else(|| Fault::unreadable("the provider's answer has too many calls"))?;
            // Seen only where the chunk must be written anew.
            if let Value::Object(fields) = call
                && fields.field("index").is_none_or(Value::is_null)
            {
                fields.insert("index".to_owned(), number.into());
            }
            if judged {
                changed |= self.head(judge, slot, number, Written::of(call), call, out)?;
            }
            let Some((written, text)) = calls::arguments(call) else { continue };
            changed |= self.call(judge, slot, number, written, text)?;
        }
        if let Some(call) = calls::older(part).filter(|_| judged) {
            changed |= self.head(judge, slot, OLDER, Some(Written::Older), call, out)?;
        }
        if let Some(text) = calls::older_arguments(part) {
            changed |= self.call(judge, slot, OLDER, Written::Older, text)?;
        }
        if changed {
            calls::prune(part);
        }
        Ok(changed)
    }

    /// Keeps the head of a call back until its name is complete, and judges it then; says whether the piece changed. One
    /// that is kept back is left empty.
    fn head(
        &mut self,
        judge: &mut Judge,
        slot: usize,
        number: u16,
        written: Option<Written>,
        call: &mut Value,
        out: &mut BytesMut,
    ) -> Result<bool, Halt> {
        self.name_others(judge, slot, Some(number), out)?;
        let Some(choice) = self.choices.get_mut(slot) else { return Ok(false) };
        match choice.heads.take(number, written, call) {
            Step::GoesOn(changed) => Ok(changed),
            Step::Named(name, changed) => choice.call(judge, number, &name).map(|()| changed),
            Step::Waits => {
                *call = json!({});
                Ok(true)
            }
            Step::Renames => Err(Fault::unreadable("the provider's answer gives a call two names").into()),
        }
    }

    /// Something else comes than more of their names: judges the calls whose heads are kept back, and says them.
    pub(super) fn name_others(
        &mut self,
        judge: &mut Judge,
        slot: usize,
        but: Option<u16>,
        out: &mut BytesMut,
    ) -> Result<(), Halt> {
        let Self { choices, envelope, shape, .. } = self;
        let Some(choice) = choices.get_mut(slot) else { return Ok(()) };
        for (number, written, name, head) in choice.heads.complete(but) {
            choice.call(judge, number, &name)?;
            envelope.frame(&shape.heading(choice.index, written, head), out);
        }
        Ok(())
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
}
