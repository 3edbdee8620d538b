//! One text of an answer on its way through the session; halves of characters are joined before it sees them.

use engine::input::Channel;
use engine::run::Session;
use engine::verdict::Flow;
use hyper::StatusCode;

use super::Fault;
use super::cutout::Cutout;
use super::surrogate::Joiner;
use crate::secret::Secret;

/// A text of an answer, arriving.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    pub(super) channel: Channel,
    joiner: Joiner,
    /// Whether the text seems to be over.
    is_sealed: bool,
    /// What has left already, since the text seemed to be over, of what the session still holds.
    ahead: String,
    cutout: Cutout,
}

impl Strand {
    /// A text that does not say the key.
    pub(super) fn new(channel: Channel, secret: Option<&Secret>) -> Self {
        let cutout = Cutout::of(secret);
        Self { channel, joiner: Joiner::default(), is_sealed: false, ahead: String::new(), cutout }
    }

    /// What the session lets go of at the very end, without the key.
    pub(super) fn cut(&self, text: String) -> String {
        self.cutout.cut(text)
    }

    /// Takes the next piece, and appends what may leave. `shielded` says whether the piece comes from a document with
    /// stand-ins for halves of characters.
    pub(super) fn feed(
        &mut self,
        session: &mut Session,
        piece: &str,
        shielded: bool,
        out: &mut String,
    ) -> Result<Flow, Fault> {
        self.is_sealed &= piece.is_empty();
        let before = out.len();
        let flow = if !shielded && self.joiner.is_idle() {
            session.feed(self.channel, piece, out)
        } else {
            let mut joined = String::with_capacity(piece.len());
            self.joiner.push(piece, shielded, &mut joined);
            session.feed(self.channel, &joined, out)
        };
        self.leave_out(before, out)?;
        self.cutout.pass(before, out);
        Ok(flow)
    }

    /// The text is complete: appends what was still held.
    pub(super) fn finish(&mut self, session: &mut Session, out: &mut String) -> Result<Flow, Fault> {
        let (before, mut rest) = (out.len(), String::new());
        self.joiner.end(&mut rest);
        let mut flow = Flow::Open;
        if !rest.is_empty() {
            flow = session.feed(self.channel, &rest, out);
        }
        if flow == Flow::Open {
            flow = session.finish(self.channel, out);
        }
        self.leave_out(before, out)?;
        self.cutout.pass(before, out);
        self.cutout.end(out);
        self.settled(flow)
    }

    /// The answer goes on in another text, so this one seems to be over: appends what would be left if it were. Should it
    /// go on after all, it is still judged as one.
    pub(super) fn seal(&mut self, session: &mut Session, out: &mut String) -> Result<Flow, Fault> {
        if self.is_sealed {
            return Ok(Flow::Open);
        }
        self.is_sealed = true;
        let before = out.len();
        let flow = session.preview(self.channel, out);
        let tail = out.get(before..).unwrap_or_default().to_owned();
        self.leave_out(before, out)?;
        self.cutout.pass(before, out);
        self.cutout.end(out);
        let flow = self.settled(flow)?;
        if flow == Flow::Open {
            self.ahead = tail;
        }
        Ok(flow)
    }

    /// At the end of a text all that has left must have been let go of.
    fn settled(&self, flow: Flow) -> Result<Flow, Fault> {
        let owes = flow == Flow::Open && !self.ahead.is_empty();
        if owes { Err(reopened()) } else { Ok(flow) }
    }

    /// Takes what has left already out of what was let go now. What contradicts it cannot be told any more.
    fn leave_out(&mut self, before: usize, out: &mut String) -> Result<(), Fault> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        let fresh = out.split_off(before);
        if let Some(rest) = fresh.strip_prefix(&*self.ahead) {
            out.push_str(rest);
            self.ahead.clear();
            return Ok(());
        }
        match self.ahead.strip_prefix(&*fresh) {
            Some(rest) => self.ahead = rest.to_owned(),
            None => return Err(reopened()),
        }
        Ok(())
    }
}

/// A match reaches over the place at which a text seemed to be over.
fn reopened() -> Fault {
    let message = "the provider's answer went back to a text that seemed to be over, and what it says there is not to be said";
    Fault::upstream(StatusCode::BAD_GATEWAY, "text_reopened", message)
}
