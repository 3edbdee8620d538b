//! The endpoints that the gateway speaks, and what sets each of them apart from the outside.

use engine::input::Channel;

use super::{choices, responses};

/// A form of the API: how a request is written, and how its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A chat.
    Chat,
    /// The continuation of a text.
    Completions,
    /// Texts as vectors.
    Embeddings,
    /// Items that are answered with items.
    Responses,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Endpoint; 4] =
        [Endpoint::Chat, Endpoint::Completions, Endpoint::Embeddings, Endpoint::Responses];

    /// Its path, after the address of the API.
    pub fn path(self) -> &'static str {
        match self {
            Endpoint::Chat => "chat/completions",
            Endpoint::Completions => "completions",
            Endpoint::Embeddings => "embeddings",
            Endpoint::Responses => "responses",
        }
    }

    /// Where in an answer a channel stands, as the audit log names it.
    pub fn site(self, channel: Channel) -> String {
        match self {
            Endpoint::Chat => choices::site(channel),
            Endpoint::Completions => format!("response.choices[{}].text", channel.choice),
            Endpoint::Embeddings => "response".to_owned(),
            Endpoint::Responses => responses::site(channel),
        }
    }
}
