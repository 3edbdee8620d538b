//! Requests with everything in them that an endpoint knows, as OpenAI and Fireworks describe it, and some that neither does.

use serde_json::Value;

/// What a chat may hold.
pub fn chat() -> Value {
    read(include_str!("../suite/requests/chat.json"))
}

/// What a completion may hold.
pub fn completions() -> Value {
    read(include_str!("../suite/requests/completions.json"))
}

/// What an embedding may hold.
pub fn embeddings() -> Value {
    read(include_str!("../suite/requests/embeddings.json"))
}

/// What a response may be asked for with.
pub fn responses() -> Value {
    read(include_str!("../suite/requests/responses.json"))
}

/// One of each endpoint.
pub fn all() -> [Value; 4] {
    [chat(), completions(), embeddings(), responses()]
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
