//! The demo provider's answers in one piece, in the form of each endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::MODEL;
use super::script::{Act, Turn, list};

/// When everything was made.
pub(super) const CREATED: u64 = 1_700_000_000;

/// How many numbers a vector has when nobody says.
const DIMENSIONS: u64 = 16;

/// A chat.
pub(super) fn chat(turn: &Turn) -> Value {
    let message = match &turn.act {
        Act::Say(text) => json!({"role": "assistant", "content": text}),
        Act::Call(name, arguments) => json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_demo", "type": "function", "function": {"name": name, "arguments": arguments}}]}),
    };
    json!({
        "id": "chatcmpl-demo", "object": "chat.completion", "created": CREATED, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": turn.finish_reason()}],
        "usage": usage(turn.asked, turn.answered()),
    })
}

/// The texts of a completion: each prompt is answered as often as it was asked for, and repeated when that was wanted.
pub(super) fn texts(document: &Value) -> Vec<String> {
    let each = document.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 16);
    let echoes = document.get("echo").and_then(Value::as_bool) == Some(true);
    let said = |prompt: &str| match Turn::of_prompt(prompt).act {
        Act::Say(text) if echoes => format!("{prompt} {text}"),
        Act::Say(text) => text,
        Act::Call(..) => String::new(),
    };
    prompts(document, "prompt").iter().flat_map(|prompt| (0..each).map(|_| said(prompt))).collect()
}

/// A completion.
pub(super) fn completion(document: &Value) -> Value {
    let texts = texts(document);
    let choices = texts.iter().enumerate().map(
        |(index, text)| json!({"text": text, "index": index, "logprobs": null, "finish_reason": "stop"}),
    );
    json!({
        "id": "cmpl-demo", "object": "text_completion", "created": CREATED, "model": MODEL,
        "choices": choices.collect::<Vec<_>>(), "usage": completion_usage(document, &texts),
    })
}

/// What a completion cost.
pub(super) fn completion_usage(document: &Value, texts: &[String]) -> Value {
    let words = |texts: &[String]| texts.iter().map(|text| text.split_whitespace().count()).sum();
    usage(words(&prompts(document, "prompt")), words(texts))
}

/// The items of a response.
pub(super) fn item(turn: &Turn, status: &str) -> Value {
    match &turn.act {
        Act::Say(text) => json!({"id": "msg_demo", "type": "message", "status": status, "role": "assistant",
            "content": [part(text)]}),
        Act::Call(name, arguments) => json!({"id": "fc_demo", "type": "function_call", "status": status,
            "call_id": "call_demo", "name": name, "arguments": arguments}),
    }
}

/// A part of a message.
pub(super) fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// A response; one that is not there yet has no items.
pub(super) fn response(turn: &Turn, document: &Value, done: bool) -> Value {
    let asked = |field: &str| document.get(field).cloned();
    let status = if done { "completed" } else { "in_progress" };
    let output = if done { vec![item(turn, "completed")] } else { Vec::new() };
    let (input, answered) = (turn.asked, turn.answered());
    let usage = json!({"input_tokens": input, "output_tokens": answered, "total_tokens": input + answered});
    json!({
        "id": "resp_demo", "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": null, "instructions": asked("instructions"), "model": MODEL, "output": output,
        "parallel_tool_calls": true, "tool_choice": asked("tool_choice").unwrap_or_else(|| json!("auto")),
        "tools": list(document, "tools"), "metadata": asked("metadata").unwrap_or_else(|| json!({})),
        "usage": if done { usage } else { Value::Null },
    })
}

/// Vectors: the same words, the same numbers.
pub(super) fn vectors(document: &Value) -> Value {
    let length = document.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS).clamp(1, 4096);
    let in_base64 = document.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let inputs = prompts(document, "input");
    let entries = inputs.iter().enumerate().map(|(index, text)| {
        let vector = vector(text, length);
        let bytes = || vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let written = if in_base64 { json!(STANDARD.encode(bytes())) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": written})
    });
    let tokens: usize = inputs.iter().map(|text| text.split_whitespace().count()).sum();
    json!({
        "object": "list", "data": entries.collect::<Vec<_>>(), "model": MODEL,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}

/// Each word adds one, in a place and with a sign of its own; the length is 1 in the end.
fn vector(text: &str, length: u64) -> Vec<f32> {
    let mut vector = vec![0.0_f32; usize::try_from(length).unwrap_or(1)];
    for word in text.to_lowercase().split_whitespace() {
        let hash = word.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        });
        let place = usize::try_from(hash % length).unwrap_or(0);
        if let Some(number) = vector.get_mut(place) {
            *number += if hash & (1 << 40) == 0 { 1.0 } else { -1.0 };
        }
    }
    let norm = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    vector.iter_mut().filter(|_| norm > 0.0).for_each(|number| *number /= norm);
    vector
}

/// The texts of a field that holds one or several.
fn prompts(document: &Value, field: &str) -> Vec<String> {
    match document.get(field) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
        }
        _ => vec![String::new()],
    }
}

fn usage(asked: usize, answered: usize) -> Value {
    json!({"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_is_answered_as_often_as_asked() {
        let document = json!({"prompt": ["Xyzzy", "rust"], "n": 2, "echo": true});
        let answer = completion(&document);
        let said: Vec<&str> =
            list(&answer, "choices").iter().map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!((said.len(), said[0], said[1]), (4, "Xyzzy You said: Xyzzy", said[0]));
        assert!(said[2].starts_with("rust Rust is"));
    }

    #[test]
    fn vectors_are_the_same_in_both_spellings() {
        let ask = |format: &str| vectors(&json!({"input": "a b c", "encoding_format": format}));
        let numbers = ask("float");
        let text = ask("base64")["data"][0]["embedding"].as_str().unwrap().to_owned();
        let bytes = STANDARD.decode(text).unwrap();
        let decoded = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
        assert_eq!(json!(decoded.collect::<Vec<_>>()), numbers["data"][0]["embedding"]);
        assert_eq!(list(&numbers["data"][0], "embedding").len(), 16);
    }
}
