//! An answer of which nothing may leave before its end: its frames wait, and its texts go where they belong among them.

use bytes::BytesMut;
use hyper::StatusCode;

use super::frame::{Envelope, Said};
use crate::wire::Fault;

/// The most bytes of frames that wait. Texts wait in the session, which has a bound of its own.
const MAX_FRAMES: usize = 4 << 20;

/// Frames that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The frames without their texts.
    pub(super) frames: BytesMut,
    /// Where the first frame begins that tells of a finish: texts come before it.
    finish: Option<usize>,
}

impl Waiting {
    /// An event was taken, which tells of a finish in the frame that begins there, if it does.
    pub(super) fn took(&mut self, finish: Option<usize>) -> Result<(), Fault> {
        self.finish = self.finish.or(finish);
        if self.frames.len() > MAX_FRAMES {
            let message = "an answer that a rule waits for the end of has too many events";
            return Err(Fault::upstream(StatusCode::BAD_GATEWAY, "answer_too_long", message));
        }
        Ok(())
    }

    /// Everything leaves, with the texts before the first finish, in the envelope of the last event.
    pub(super) fn leave(
        mut self,
        texts: impl Iterator<Item = Said>,
        envelope: &Envelope,
        out: &mut BytesMut,
    ) {
        let rest = self.frames.split_off(self.finish.unwrap_or(self.frames.len()));
        out.unsplit(self.frames);
        texts.for_each(|said| envelope.say(&said, out));
        out.unsplit(rest);
    }
}
