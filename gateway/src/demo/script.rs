//! What the demo provider says: enough to see policies at work, the same every time.

use serde_json::{Value, json};

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

/// One answer, before it is put into a form.
#[derive(Debug)]
pub(super) struct Turn {
    /// What is said or called.
    pub(super) act: Act,
    /// Tokens of the prompt.
    pub(super) asked: usize,
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
    /// The answer to a chat.
    pub(super) fn of_chat(document: &Value) -> Self {
        let messages = list(document, "messages");
        let function = |tool: &Value| Some(tool.get("function")?.get("name")?.as_str()?.to_owned());
        let told = messages.last().filter(|last| word(last, "role") == "tool");
        let told = told.map(|message| text_of(message.get("content")));
        let tool = list(document, "tools").first().and_then(function);
        Self::to(&question(messages), told, tool, tokens(messages))
    }

    /// The answer to the items of a response.
    pub(super) fn of_items(document: &Value) -> Self {
        if let Some(question) = document.get("input").and_then(Value::as_str) {
            let tool = list(document, "tools").first().map(|tool| word(tool, "name").to_owned());
            return Self::to(question, None, tool, question.split_whitespace().count() + 4);
        }
        let items = list(document, "input");
        let told = items.last().filter(|last| word(last, "type").ends_with("_output"));
        let told = told.map(|item| text_of(item.get("output")));
        let tool = list(document, "tools").first().map(|tool| word(tool, "name").to_owned());
        Self::to(&question(items), told, tool, tokens(items))
    }

    /// The continuation of a prompt.
    pub(super) fn of_prompt(prompt: &str) -> Self {
        Self::to(prompt, None, None, prompt.split_whitespace().count())
    }

    fn to(question: &str, told: Option<String>, tool: Option<String>, asked: usize) -> Self {
        Self { act: act(question, told, tool), asked }
    }

    /// Tokens of the answer.
    pub(super) fn answered(&self) -> usize {
        match &self.act {
            Act::Say(text) => text.split_whitespace().count(),
            Act::Call(_, arguments) => arguments.len() / 4 + 4,
        }
    }

    /// Why it ends.
    pub(super) fn finish_reason(&self) -> &'static str {
        match self.act {
            Act::Say(_) => "stop",
            Act::Call(..) => "tool_calls",
        }
    }
}

/// What is done about a question, about what a tool has told, or with a tool that could answer.
fn act(question: &str, told: Option<String>, tool: Option<String>) -> Act {
    if let Some(told) = told {
        return Act::Say(format!("According to the tool: {told}"));
    }
    let asked = question.to_lowercase();
    if let Some(name) = tool.filter(|_| asked.contains("weather")) {
        let city = question.split_whitespace().next_back().unwrap_or("Paris");
        let city = city.trim_matches(|c: char| !c.is_alphanumeric());
        return Act::Call(name, json!({"city": city}).to_string());
    }
    if ["contact", "card", "phone", "e-mail address"].iter().any(|word| asked.contains(word)) {
        return Act::Say(CONTACT.to_owned());
    }
    match FACTS.iter().find(|(words, _)| asked.contains(words)) {
        Some((_, fact)) => Act::Say((*fact).to_owned()),
        None => Act::Say(format!("You said: {question}")),
    }
}

/// What the user has said last.
fn question(messages: &[Value]) -> String {
    let last = messages.iter().rfind(|message| word(message, "role") == "user");
    last.map(|message| text_of(message.get("content"))).unwrap_or_default()
}

fn tokens(messages: &[Value]) -> usize {
    messages.iter().map(|message| text_of(message.get("content")).split_whitespace().count() + 4).sum()
}

/// The items of a list, none when it is not there.
pub(super) fn list<'v>(document: &'v Value, field: &str) -> &'v [Value] {
    document.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn word<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The text of a content, its parts joined.
fn text_of(content: Option<&Value>) -> String {
    match content {
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
        Turn::of_chat(&json!({"messages": [{"role": "user", "content": question}]})).act
    }

    #[test]
    fn answers_show_policies() {
        assert_eq!(said("Xyzzy"), Act::Say("You said: Xyzzy".into()));
        assert_eq!(said("Give me Ann's CONTACT"), Act::Say(CONTACT.into()));
        assert_eq!(Turn::of_prompt("a phone?").act, Act::Say(CONTACT.into()));
        assert_eq!(Turn::of_items(&json!({"input": "a card?"})).act, Act::Say(CONTACT.into()));
    }

    #[test]
    fn a_tool_is_called_and_its_result_told() {
        let tools = json!([{"type": "function", "function": {"name": "get_weather"}}]);
        let ask = json!({"role": "user", "content": "What is the weather in Oslo?"});
        let turn = Turn::of_chat(&json!({"tools": tools, "messages": [ask]}));
        let called = Act::Call("get_weather".into(), r#"{"city":"Oslo"}"#.into());
        assert_eq!(turn.act, called);
        let turn =
            Turn::of_chat(&json!({"tools": tools, "messages": [ask, {"role": "tool", "content": "rain"}]}));
        assert_eq!(turn.act, Act::Say("According to the tool: rain".into()));
        let tools = json!([{"type": "function", "name": "get_weather"}]);
        assert_eq!(Turn::of_items(&json!({"tools": tools, "input": [ask]})).act, called);
        let told = json!({"type": "function_call_output", "call_id": "c", "output": "rain"});
        let turn = Turn::of_items(&json!({"tools": tools, "input": [ask, told]}));
        assert_eq!(turn.act, Act::Say("According to the tool: rain".into()));
    }
}
