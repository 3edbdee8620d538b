//! Fields of a chat request that one provider takes and another answers with 400.

use grammar::config;

/// Fields of OpenAI that others refuse.
const OPENAI: &[&str] = &[
    "audio",
    "modalities",
    "moderation",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "verbosity",
    "web_search_options",
];

/// Fields of Fireworks that others refuse.
const FIREWORKS: &[&str] = &[
    "context_length_exceeded_behavior",
    "echo",
    "echo_last",
    "ignore_eos",
    "include_routing_matrix",
    "min_p",
    "mirostat_lr",
    "mirostat_target",
    "perf_metrics_in_response",
    "prompt_cache_isolation_key",
    "prompt_cache_max_len",
    "prompt_truncate_len",
    "raw_output",
    "reasoning_history",
    "repetition_penalty",
    "return_token_ids",
    "safe_tokenization",
    "speculation",
    "thinking",
    "top_k",
    "typical_p",
];

/// Fields that Groq says it refuses.
const NOT_GROQ: &[&str] = &["logit_bias", "logprobs", "top_logprobs"];

/// What the operator leaves out of all requests to a target.
pub(super) fn unwanted(target: &config::Target) -> Vec<String> {
    target.drop_params.iter().map(|field| field.value.clone()).collect()
}

/// What is left out of chat requests to a target: that, and what its provider does not take. The same names mean other
/// things elsewhere: everybody takes the `echo` of a completion.
pub(super) fn left_out_of_chats(target: &config::Target) -> Vec<String> {
    let foreign = foreign(&target.provider).iter().copied().flatten().map(|field| (*field).to_owned());
    unwanted(target).into_iter().chain(foreign).collect()
}

/// What a provider does not take. Of a provider that is not listed nothing is known.
fn foreign(provider: &str) -> &'static [&'static [&'static str]] {
    match provider {
        "fireworks" => &[OPENAI],
        "openai" => &[FIREWORKS],
        "groq" => &[OPENAI, FIREWORKS, NOT_GROQ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    #[test]
    fn each_provider_gets_what_it_takes_and_nothing_that_the_operator_drops() {
        let out = |provider: &str| {
            let mut target = kit::target("a", "http://127.0.0.1:9/v1");
            (target.provider, target.drop_params) = (provider.into(), vec![kit::spanned("user".into())]);
            left_out_of_chats(&target)
        };
        let has = |provider, field: &str| out(provider).iter().any(|out| out == field);
        assert!(has("fireworks", "store") && !has("fireworks", "min_p") && has("fireworks", "user"));
        assert!(has("openai", "min_p") && !has("openai", "store"));
        assert!(has("groq", "min_p") && has("groq", "store") && has("groq", "logprobs"));
        assert_eq!(out("house"), ["user"]);
        for both in
            ["model", "messages", "tools", "stream", "stream_options", "prediction", "response_format"]
        {
            assert!(
                !["fireworks", "openai", "groq"].into_iter().any(|provider| has(provider, both)),
                "{both}"
            );
        }
    }
}
