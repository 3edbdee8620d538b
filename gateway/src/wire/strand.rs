//! One text of an answer on its way through the session; halves of characters are joined before it sees them.

use engine::input::Channel;
use engine::run::Session;
use engine::verdict::Flow;

use super::surrogate::Joiner;

/// A text of an answer, arriving.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strand {
    pub(super) channel: Channel,
    joiner: Joiner,
}

impl Strand {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, joiner: Joiner::default() }
    }

    /// Takes the next piece, and appends what may leave. `shielded` says whether the piece comes from a document with
    /// stand-ins for halves of characters.
    pub(super) fn feed(
        &mut self,
        session: &mut Session,
        piece: &str,
        shielded: bool,
        out: &mut String,
    ) -> Flow {
        if !shielded && self.joiner.is_idle() {
            return session.feed(self.channel, piece, out);
        }
        let mut joined = String::with_capacity(piece.len());
        self.joiner.push(piece, shielded, &mut joined);
        session.feed(self.channel, &joined, out)
    }

    /// The text is complete: appends what was still held.
    pub(super) fn finish(&mut self, session: &mut Session, out: &mut String) -> Flow {
        let mut rest = String::new();
        self.joiner.end(&mut rest);
        if !rest.is_empty() && session.feed(self.channel, &rest, out) == Flow::Stopped {
            return Flow::Stopped;
        }
        session.finish(self.channel, out)
    }
}
