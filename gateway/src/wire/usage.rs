//! What an exchange consumed, as the provider counts it.

use serde_json::Value;

use crate::money::Money;
use crate::wire::json::Fields as _;

/// Tokens of an exchange, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// Those of them that the provider had read before, where it says so.
    pub cached: Option<u64>,
    /// Tokens of the answer.
    pub output: Option<u64>,
    /// What the provider says that it costs, in US dollars.
    pub cost: Option<Money>,
}

impl Usage {
    /// The `usage` of an answer or a part of one, when it has one; in either of the two ways to call its counts.
    pub fn of(document: &Value) -> Option<Usage> {
        let usage = document.field("usage").filter(|usage| usage.is_object())?;
        let count = |names: [&str; 2]| names.iter().find_map(|name| usage.field(name)?.as_u64());
        let cost = usage.field("cost").and_then(Value::as_number);
        Some(Usage {
            input: count(["prompt_tokens", "input_tokens"]),
            cached: ["prompt_tokens_details", "input_tokens_details"]
                .iter()
                .find_map(|details| usage.field(details)?.field("cached_tokens")?.as_u64()),
            output: count(["completion_tokens", "output_tokens"]),
            cost: cost.and_then(|cost| Money::read(&cost.to_string())),
        })
    }
}
