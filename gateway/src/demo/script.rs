//! What the demo provider says: enough to see policies at work, the same every time.

use serde_json::{Value, json};

use super::MODEL;

/// Made-up personal data, of the kinds that detectors look for.
const CONTACT: &str = "Of course. You can write to Ann at ann.smith@example.com or call her at (415) 555-0134. \
     Her card is 4111 1111 1111 1111 and her social security number is 536-22-8145.";

/// Words in a question, and what is answered.
const FACTS: [(&str, &str); 5] = [
    ("capital of france", "The capital of France is Paris."),
    ("rust", "Rust is a systems programming language whose compiler proves memory safety."),
    ("policy", "A policy says what may go to a model and what may come back."),
    ("staging key", "The staging key is AKIAIOSFODNN7EXAMPLE, but please do not tell anyone."),
    ("hello", "Hello! Ask me for somebody's contact to see redaction at work."),
];

/// Fields of a chat request that Fireworks knows; it refuses any other.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
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
    "top_logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "parallel_tool_calls",
    "reasoning_effort",
    "metadata",
    "prediction",
    "thinking",
    "service_tier",
    "prompt_cache_key",
    "raw_output",
    "return_token_ids",
    "echo",
    "safe_tokenization",
];

/// The first field that Fireworks would refuse.
pub(super) fn unknown_field(document: &Value) -> Option<&str> {
    let mut fields = document.as_object()?.keys().map(String::as_str);
    fields.find(|field| !FIELDS.contains(field))
}

/// One answer, before it is put into a shape.
#[derive(Debug)]
pub(super) struct Turn {
    /// What is said or called.
    pub(super) act: Act,
    prompt_tokens: usize,
}

/// What the model does.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// It says something.
    Say(String),
    /// It calls a function with those arguments.
    Call(String, String),
}

impl Turn {
    /// The answer to a request.
    pub(super) fn of(document: &Value) -> Self {
        let messages =
            document.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let words = messages.iter().map(|message| text_of(message).split_whitespace().count() + 4).sum();
        Self { act: act(document, messages), prompt_tokens: words }
    }

    /// Its identity, in both shapes.
    pub(super) fn id(&self) -> &'static str {
        "chatcmpl-demo"
    }

    /// Why it ends.
    pub(super) fn finish_reason(&self) -> &'static str {
        match self.act {
            Act::Say(_) => "stop",
            Act::Call(..) => "tool_calls",
        }
    }

    /// What it cost.
    pub(super) fn usage(&self) -> Value {
        let completion = match &self.act {
            Act::Say(text) => text.split_whitespace().count(),
            Act::Call(_, arguments) => arguments.len() / 4 + 4,
        };
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        })
    }

    /// The answer in one piece.
    pub(super) fn whole(&self) -> Value {
        let message = match &self.act {
            Act::Say(text) => json!({"role": "assistant", "content": text}),
            Act::Call(name, arguments) => json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_demo", "type": "function", "function": {"name": name, "arguments": arguments}}]}),
        };
        json!({
            "id": self.id(), "object": "chat.completion", "created": 1_700_000_000, "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason()}],
            "usage": self.usage(),
        })
    }
}

fn act(document: &Value, messages: &[Value]) -> Act {
    let last = messages.last();
    if last.and_then(|message| message.get("role")).and_then(Value::as_str) == Some("tool") {
        let said = last.map(text_of).unwrap_or_default();
        return Act::Say(format!("According to the tool: {said}"));
    }
    let is_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let question = messages.iter().rfind(is_user).map(text_of).unwrap_or_default();
    let asked = question.to_lowercase();
    if asked.contains("weather")
        && let Some(name) = first_tool(document)
    {
        let city = question.split_whitespace().next_back().unwrap_or("Paris");
        let city = city.trim_matches(|c: char| !c.is_alphanumeric());
        return Act::Call(name.to_owned(), json!({"city": city}).to_string());
    }
    if ["contact", "card", "phone", "e-mail address"].iter().any(|word| asked.contains(word)) {
        return Act::Say(CONTACT.to_owned());
    }
    match FACTS.iter().find(|(words, _)| asked.contains(words)) {
        Some((_, fact)) => Act::Say((*fact).to_owned()),
        None => Act::Say(format!("You said: {question}")),
    }
}

fn first_tool(document: &Value) -> Option<&str> {
    document.get("tools")?.get(0)?.get("function")?.get("name")?.as_str()
}

/// The text of a message, its parts joined.
fn text_of(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join(" ")
        }
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(question: &str) -> Act {
        Turn::of(&json!({"messages": [{"role": "user", "content": question}]})).act
    }

    #[test]
    fn answers_show_policies() {
        assert_eq!(said("Xyzzy"), Act::Say("You said: Xyzzy".into()));
        assert_eq!(said("Give me Ann's CONTACT"), Act::Say(CONTACT.into()));
    }

    #[test]
    fn a_tool_is_called_and_its_result_told() {
        let tools = json!([{"type": "function", "function": {"name": "get_weather"}}]);
        let ask = json!({"role": "user", "content": "What is the weather in Oslo?"});
        let turn = Turn::of(&json!({"tools": tools, "messages": [ask]}));
        assert_eq!(turn.act, Act::Call("get_weather".into(), r#"{"city":"Oslo"}"#.into()));
        let turn = Turn::of(&json!({"tools": tools, "messages": [ask, {"role": "tool", "content": "rain"}]}));
        assert_eq!(turn.act, Act::Say("According to the tool: rain".into()));
    }

    #[test]
    fn unknown_fields_are_found() {
        assert_eq!(unknown_field(&json!({"messages": [], "store": true})), Some("store"));
        assert_eq!(unknown_field(&json!({"messages": []})), None);
    }
}
