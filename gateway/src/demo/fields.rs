//! The fields that the demo provider knows; like Fireworks it refuses any other.

use serde_json::Value;

use crate::wire::Endpoint;

/// Fields of chats and completions.
const SAMPLING: &[&str] = &[
    "model",
    "stream",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "n",
    "stop",
    "user",
    "seed",
    "response_format",
    "logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "raw_output",
    "return_token_ids",
    "echo",
    "safe_tokenization",
];

/// Further fields of chats.
const CHAT: &[&str] = &[
    "messages",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "stream_options",
    "max_completion_tokens",
    "top_logprobs",
    "parallel_tool_calls",
    "reasoning_effort",
    "prediction",
    "thinking",
];

/// Further fields of completions.
const COMPLETION: &[&str] = &["prompt", "suffix", "images", "best_of", "echo_last", "stream_options"];

/// All fields of embeddings.
const EMBEDDING: &[&str] = &["model", "input", "encoding_format", "dimensions", "user", "normalize"];

/// All fields of responses.
const RESPONSE: &[&str] = &[
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stream",
    "stream_options",
    "max_output_tokens",
    "max_tool_calls",
    "temperature",
    "top_p",
    "top_logprobs",
    "text",
    "reasoning",
    "metadata",
    "store",
    "user",
    "truncation",
    "include",
    "previous_response_id",
    "background",
    "service_tier",
    "prompt_cache_key",
    "safety_identifier",
];

/// The first field that Fireworks would refuse.
pub(super) fn unknown(endpoint: Endpoint, document: &Value) -> Option<&str> {
    let known: [&[&str]; 2] = match endpoint {
        Endpoint::Chat => [SAMPLING, CHAT],
        Endpoint::Completions => [SAMPLING, COMPLETION],
        Endpoint::Embeddings => [EMBEDDING, &[]],
        Endpoint::Responses => [RESPONSE, &[]],
    };
    let mut fields = document.as_object()?.keys().map(String::as_str);
    fields.find(|field| !known.iter().any(|known| known.contains(field)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_are_found() {
        assert_eq!(unknown(Endpoint::Chat, &json!({"messages": [], "store": true})), Some("store"));
        assert_eq!(unknown(Endpoint::Chat, &json!({"messages": []})), None);
        assert_eq!(unknown(Endpoint::Completions, &json!({"prompt": "", "messages": []})), Some("messages"));
        assert_eq!(unknown(Endpoint::Responses, &json!({"input": "", "store": true})), None);
    }
}
