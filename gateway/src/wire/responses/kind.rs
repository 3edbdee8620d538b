//! The kinds of text that items have, and the words by which the protocol calls them.

use engine::input::Carrier;
use serde_json::{Value, json};

/// A kind of text.
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
    /// The arguments of a call of a function.
    Arguments,
    /// What a tool is called with that takes any text.
    Input,
}

/// The lists of parts that an item may have.
pub(super) const LISTS: [&str; 2] = ["content", "summary"];

impl Kind {
    /// All of them.
    pub(super) const ALL: [Kind; 6] =
        [Kind::Output, Kind::Refusal, Kind::Reasoning, Kind::Summary, Kind::Arguments, Kind::Input];

    /// The kind of the text that stands in an item itself.
    pub(super) fn of_item(item: &Value) -> Option<Kind> {
        match item.get("type")?.as_str()? {
            "function_call" => Some(Kind::Arguments),
            "custom_tool_call" => Some(Kind::Input),
            _ => None,
        }
    }

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

    /// The list in which its parts stand, and the field of an event that says which of them is meant; nothing where the
    /// text stands in the item itself.
    pub(super) fn list(self) -> Option<(&'static str, &'static str)> {
        match self {
            Kind::Output | Kind::Refusal | Kind::Reasoning => Some(("content", "content_index")),
            Kind::Summary => Some(("summary", "summary_index")),
            Kind::Arguments | Kind::Input => None,
        }
    }

    /// The field of a part or an item, and of the event that repeats it, which holds the text.
    pub(super) fn field(self) -> &'static str {
        match self {
            Kind::Output | Kind::Reasoning | Kind::Summary => "text",
            Kind::Refusal => "refusal",
            Kind::Arguments => "arguments",
            Kind::Input => "input",
        }
    }

    /// How its events are called, before `.delta` and `.done`.
    pub(super) fn event(self) -> &'static str {
        match self {
            Kind::Output => "response.output_text",
            Kind::Refusal => "response.refusal",
            Kind::Reasoning => "response.reasoning_text",
            Kind::Summary => "response.reasoning_summary_text",
            Kind::Arguments => "response.function_call_arguments",
            Kind::Input => "response.custom_tool_call_input",
        }
    }

    /// What carries it, for the engine.
    pub(super) fn carrier(self) -> Carrier {
        match self {
            Kind::Output => Carrier::Content,
            Kind::Refusal => Carrier::Refusal,
            Kind::Reasoning | Kind::Summary => Carrier::Reasoning,
            Kind::Arguments | Kind::Input => Carrier::Arguments(0),
        }
    }

    /// A part of this kind, or the field of an item, that says nothing yet.
    pub(super) fn blank(self) -> Value {
        match self {
            Kind::Output => json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []}),
            Kind::Refusal => json!({"type": "refusal", "refusal": ""}),
            Kind::Reasoning => json!({"type": "reasoning_text", "text": ""}),
            Kind::Summary => json!({"type": "summary_text", "text": ""}),
            Kind::Arguments | Kind::Input => json!(""),
        }
    }
}
