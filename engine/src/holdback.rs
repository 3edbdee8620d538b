//! How much of an answer waits at most, found by letting it come character by character.

use crate::input::Channel;
use crate::run::Session;
use crate::verdict::Flow;

/// The most of an answer that ever waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Longest {
    /// How many bytes.
    pub bytes: usize,
    /// The pattern that might have matched; absent where a rule waited for the whole answer.
    pub by: Option<String>,
    /// The text that waited.
    pub text: String,
}

/// Feeds the texts of an answer, one after the other, until they end or the answer is stopped. Cut in any other way no more
/// of it waits: what waits after a piece waits as well where its last character comes alone.
pub fn longest(session: &mut Session, said: &[(Channel, &str)]) -> Option<Longest> {
    let mut most: Option<Longest> = None;
    let mut out = String::new();
    for (channel, text) in said {
        for (at, letter) in text.char_indices() {
            let mut bytes = [0; 4];
            if session.feed(*channel, letter.encode_utf8(&mut bytes), &mut out) == Flow::Stopped {
                return most;
            }
            let held = session.held();
            if held > most.as_ref().map_or(0, |most| most.bytes) {
                let end = at + letter.len_utf8();
                let by = session.holder().map(str::to_owned).filter(|_| !session.buffers());
                let text = text.get(end.saturating_sub(held)..end).unwrap_or(text).to_owned();
                most = Some(Longest { bytes: held, by, text });
            }
        }
        if session.finish(*channel, &mut out) == Flow::Stopped {
            return most;
        }
    }
    most
}
