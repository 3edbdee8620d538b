//! What the events of a stream are about, by their names.

use serde_json::Value;

use super::item::empty_copies;
use super::kind::Kind;
use crate::wire::Fault;
use crate::wire::strip::{self, is_word};

/// Fields that hold a name.
const NAMES: [&str; 3] = ["item_id", "name", "call_id"];

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The answer begins.
    Beginning,
    /// An item, as it begins or ends.
    Item { ends: bool },
    /// A part in a list of an item, as it begins or ends.
    Part { list: &'static str, ends: bool },
    /// The next piece of a text.
    Piece(Kind),
    /// A text, once more and whole.
    Text(Kind),
    /// The answer is there.
    End,
    /// There will be no answer.
    Failure,
    /// Anything else.
    Other,
}

impl About {
    /// What an event of that name is about.
    pub(super) fn of(name: &str) -> About {
        match name {
            "response.created" | "response.queued" | "response.in_progress" => About::Beginning,
            "response.output_item.added" => About::Item { ends: false },
            "response.output_item.done" => About::Item { ends: true },
            "response.content_part.added" => About::Part { list: "content", ends: false },
            "response.content_part.done" => About::Part { list: "content", ends: true },
            "response.reasoning_summary_part.added" => About::Part { list: "summary", ends: false },
            "response.reasoning_summary_part.done" => About::Part { list: "summary", ends: true },
            "response.completed" | "response.incomplete" => About::End,
            "response.failed" | "error" => About::Failure,
            _ => About::of_text(name).unwrap_or(About::Other),
        }
    }

    fn of_text(name: &str) -> Option<About> {
        let (event, moment) = name.rsplit_once('.')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.event() == event)?;
        match moment {
            "delta" => Some(About::Piece(kind)),
            "done" => Some(About::Text(kind)),
            _ => None,
        }
    }

    /// Fields that may pass beside numbers and flags; texts among them are judged.
    fn fields(self) -> &'static [&'static str] {
        match self {
            About::Beginning | About::End | About::Failure => &["response"],
            About::Item { .. } => &["item"],
            About::Part { .. } => &["item_id", "part"],
            About::Piece(_) => &["item_id", "delta", "logprobs"],
            About::Text(Kind::Refusal) => &["item_id", "refusal"],
            About::Text(Kind::Output | Kind::Reasoning | Kind::Summary) => &["item_id", "text", "logprobs"],
            About::Text(Kind::Arguments) => &["item_id", "arguments", "name", "call_id"],
            About::Text(Kind::Input) => &["item_id", "input", "name", "call_id"],
            About::Other => &["item_id"],
        }
    }

    /// Takes away what policies could not see or redact. An event that nobody here knows, and that may hold text, is not
    /// passed on at all.
    pub(super) fn strip(self, event: &mut Value) -> Result<bool, Fault> {
        let Value::Object(fields) = event else { return Ok(false) };
        if !fields.get("type").is_some_and(is_word) {
            return Err(Fault::unreadable("an event of the provider does not say what it is"));
        }
        empty_copies(fields);
        let known = self.fields();
        let mut stripped = strip::unknown(fields, |field| field == "type" || known.contains(&field));
        stripped |= strip::nested(fields, |field| known.contains(&field) && !NAMES.contains(&field));
        Ok(self != About::Other || !stripped)
    }
}
