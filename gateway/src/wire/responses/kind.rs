//! The kinds of text that items have, and the words by which the protocol calls them.

use engine::input::Carrier;
use serde_json::{Value, json};

/// A kind of text. The arguments of calls are none: they pass as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a message says.
    Output,
    /// What a message says in place of an answer.
    Refusal,
    /// Reasoning.
    Reasoning,
    /// What is shown of the reasoning.
    Summary,
}

/// The lists of parts that an item may have.
pub(super) const LISTS: [&str; 2] = ["content", "summary"];

impl Kind {
    /// All of them.
    pub(super) const ALL: [Kind; 4] = [Kind::Output, Kind::Refusal, Kind::Reasoning, Kind::Summary];

    /// The kind of a part in one of an item's lists.
    pub(super) fn of_part(list: &str, part: &Value) -> Option<Kind> {
        let name = part.get("type")?.as_str()?;
        Some(match (list, name) {
            ("content", "output_text" | "input_text" | "text") => Kind::Output,
            ("content", "refusal") => Kind::Refusal,
            ("content", "reasoning_text") => Kind::Reasoning,
            ("summary", "summary_text") => Kind::Summary,
            _ => return None,
        })
    }

    /// The list in which its parts stand.
    pub(super) fn list(self) -> &'static str {
        match self {
            Kind::Output | Kind::Refusal | Kind::Reasoning => "content",
            Kind::Summary => "summary",
        }
    }

    /// The field of a part, and of the event that repeats it, which holds the text.
    pub(super) fn field(self) -> &'static str {
        match self {
            Kind::Output | Kind::Reasoning | Kind::Summary => "text",
            Kind::Refusal => "refusal",
        }
    }

    /// The field of an event that says which part of the list is meant.
    pub(super) fn index(self) -> &'static str {
        match self {
            Kind::Output | Kind::Refusal | Kind::Reasoning => "content_index",
            Kind::Summary => "summary_index",
        }
    }

    /// How its events are called, before `.delta` and `.done`.
    pub(super) fn event(self) -> &'static str {
        match self {
            Kind::Output => "response.output_text",
            Kind::Refusal => "response.refusal",
            Kind::Reasoning => "response.reasoning_text",
            Kind::Summary => "response.reasoning_summary_text",
        }
    }

    /// What carries it, for the engine.
    pub(super) fn carrier(self) -> Carrier {
        match self {
            Kind::Output => Carrier::Content,
            Kind::Refusal => Carrier::Refusal,
            Kind::Reasoning | Kind::Summary => Carrier::Reasoning,
        }
    }

    /// A part of this kind that says nothing yet.
    pub(super) fn blank(self) -> Value {
        match self {
            Kind::Output => json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []}),
            Kind::Refusal => json!({"type": "refusal", "refusal": ""}),
            Kind::Reasoning => json!({"type": "reasoning_text", "text": ""}),
            Kind::Summary => json!({"type": "summary_text", "text": ""}),
        }
    }
}
