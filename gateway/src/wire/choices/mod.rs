//! Answers that are a list of choices, those of chats and of completions: whole, and in pieces.

mod answer;
mod calls;
mod choice;
mod frame;
mod heads;
mod shape;
mod stream;
mod strip;
mod waiting;

pub(super) use answer::{guard, said};
pub(super) use shape::{DELTA, MESSAGE, TEXT};
pub(super) use stream::Stream;

use engine::input::{Carrier, Channel};

/// Where in a chat's answer a channel stands, as the audit log names it.
pub(super) fn site(Channel { choice, carrier }: Channel) -> String {
    match carrier {
        Carrier::Arguments(calls::OLDER) => format!("response.choices[{choice}].function_call.arguments"),
        Carrier::Arguments(call) => format!("response.choices[{choice}].tool_calls[{call}].arguments"),
        Carrier::Content | Carrier::Reasoning | Carrier::Refusal => {
            format!("response.choices[{choice}].{}", carrier.name())
        }
    }
}

#[cfg(test)]
mod tests;
