//! One choice of an answer that arrives in pieces: its texts, and whether it is over.

use engine::input::{Carrier, Channel};
use engine::verdict::Flow;

use super::calls::Numbers;
use super::frame::Said;
use super::heads::Heads;
use super::shape::Place;
use crate::secret::Secret;
use crate::wire::Fault;
use crate::wire::strand::Strand;
use crate::wire::stream::{Halt, Judge};

/// How far a choice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    Open,
    /// The provider has ended it.
    Finished,
    /// A rule has stopped it.
    Stopped,
}

/// What is known of one choice.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) index: u32,
    pub(super) progress: Progress,
    pub(super) calls: Numbers,
    pub(super) heads: Heads,
    texts: Vec<Spoken>,
}

/// One text of a choice, and the place in which it last spoke.
#[derive(Debug)]
struct Spoken {
    place: Place,
    strand: Strand,
}

impl Choice {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            progress: Progress::Open,
            calls: Numbers::default(),
            heads: Heads::default(),
            texts: Vec::new(),
        }
    }

    /// Feeds the next piece of a text. What may leave is given, and noted in `said` as well, in case the chunk cannot leave
    /// whole.
    pub(super) fn feed(
        &mut self,
        judge: &mut Judge,
        place: Place,
        carrier: Carrier,
        piece: (&str, bool),
        said: &mut Vec<Said>,
    ) -> Result<String, Halt> {
        let (text, shielded) = piece;
        if self.progress == Progress::Finished && judge.strict && !text.is_empty() {
            return Err(Fault::unreadable("the provider's answer goes on after its end").into());
        }
        let index = self.index;
        let secret = judge.secret.as_ref();
        let Some(spoken) = self.text(place, carrier, secret) else { return Ok(String::new()) };
        let mut released = String::with_capacity(text.len());
        let flow = spoken.strand.feed(&mut judge.session, text, shielded, &mut released)?;
        if !released.is_empty() {
            said.push(Said { choice: index, place, text: released.clone() });
        }
        open(flow).map(|()| released)
    }

    /// The name of a call is complete.
    pub(super) fn call(&self, judge: &mut Judge, number: u16, name: &str) -> Result<(), Halt> {
        open(judge.session.call(Channel::arguments(self.index, number), name))
    }

    /// The answer goes on behind its reasoning: notes what is left of that.
    pub(super) fn seal_reasoning(&mut self, judge: &mut Judge, said: &mut Vec<Said>) -> Result<(), Halt> {
        let index = self.index;
        let reasoning = self.texts.iter_mut().find(|text| text.strand.channel.carrier == Carrier::Reasoning);
        let Some(spoken) = reasoning else { return Ok(()) };
        let mut tail = String::new();
        let flow = spoken.strand.seal(&mut judge.session, &mut tail)?;
        if !tail.is_empty() {
            said.push(Said { choice: index, place: spoken.place, text: tail });
        }
        open(flow)
    }

    /// Ends every text, and notes what they still held.
    pub(super) fn finish(&mut self, judge: &mut Judge, said: &mut Vec<Said>) -> Result<(), Halt> {
        if self.progress != Progress::Open {
            return Ok(());
        }
        self.progress = Progress::Finished;
        self.texts.sort_by_key(|text| text.strand.channel.carrier);
        for spoken in &mut self.texts {
            let mut tail = String::new();
            let flow = spoken.strand.finish(&mut judge.session, &mut tail)?;
            if !tail.is_empty() {
                said.push(Said { choice: self.index, place: spoken.place, text: tail });
            }
            open(flow)?;
        }
        Ok(())
    }

    /// A text that is let go at the very end, in the place that it last spoke in.
    pub(super) fn spoken(&self, channel: Channel, text: String) -> Option<Said> {
        let spoken = self.texts.iter().find(|spoken| spoken.strand.channel == channel)?;
        Some(Said { choice: channel.choice, place: spoken.place, text: spoken.strand.cut(text) })
    }

    /// The text of a carrier, which is made when it is new.
    fn text(&mut self, place: Place, carrier: Carrier, secret: Option<&Secret>) -> Option<&mut Spoken> {
        let channel = Channel { choice: self.index, carrier };
        let known = self.texts.iter().position(|text| text.strand.channel == channel);
        let at = known.unwrap_or_else(|| {
            self.texts.push(Spoken { place, strand: Strand::new(channel, secret) });
            self.texts.len() - 1
        });
        let text = self.texts.get_mut(at)?;
        text.place = place;
        Some(text)
    }
}

fn open(flow: Flow) -> Result<(), Halt> {
    match flow {
        Flow::Open => Ok(()),
        Flow::Stopped => Err(Halt::Stopped),
    }
}
