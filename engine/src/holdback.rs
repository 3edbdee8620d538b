//! How much of an answer waits at most, found by letting it come character by character.

use crate::input::Channel;
use crate::run::Session;
use crate::verdict::Flow;

/// The most of an answer that ever waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Longest {
    /// How many bytes, over all texts of the answer.
    pub bytes: usize,
    /// The pattern that might have matched; absent where a rule waited for the whole answer.
    pub by: Option<String>,
    /// What waited of the text that came last.
    pub text: String,
}

/// Lets the texts of an answer come, one after the other, each until it has ended or is stopped. Cut in any other way no
/// more of it waits: what waits after a piece waits as well where its last character comes alone.
pub fn longest(session: &mut Session, said: &[(Channel, &str)]) -> Option<Longest> {
    let mut most = None;
    let mut out = String::new();
    for (channel, text) in said {
        feed(session, *channel, text, &mut most);
    }
    // A stop shows in the decision of the session.
    for (channel, _) in said {
        _ = session.finish(*channel, &mut out);
    }
    _ = session.end(&mut Vec::new());
    most
}

/// Feeds a text character by character, until it is stopped.
fn feed(session: &mut Session, channel: Channel, text: &str, most: &mut Option<Longest>) {
    let mut out = String::new();
    let others = session.held();
    for (at, letter) in text.char_indices() {
        let mut bytes = [0; 4];
        if session.feed(channel, letter.encode_utf8(&mut bytes), &mut out) == Flow::Stopped {
            return;
        }
        let held = session.held();
        if held > most.as_ref().map_or(0, |most| most.bytes) {
            let end = at + letter.len_utf8();
            let own = held.saturating_sub(others);
            let by = session.holder().map(str::to_owned).filter(|_| !session.buffers());
            let text = text.get(end.saturating_sub(own)..end).unwrap_or(text).to_owned();
            *most = Some(Longest { bytes: held, by, text });
        }
    }
}
