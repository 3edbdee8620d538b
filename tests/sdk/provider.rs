//! The provider that the cases ask: what it does is the last word of the last message, of the prompt, or of the input.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Value, json};
use tests::form::{self, Told};
use tests::{DONE, Form, Script, Seen, chunk, event};

/// What it says to `cut:N`, in two pieces, the first of N characters; and to `letters`, one by one.
const TEXT: &str = "é😀 to ann@example.com or SECRET123 now";

/// Arguments of a call, and an answer of JSON, in pieces.
const JSON: [&str; 3] = ["{\"city\": \"Os", "lo\", \"mail\": \"ann@exam", "ple.com\"}"];

/// What it thinks, in pieces.
const THOUGHT: [&str; 2] = ["ask ann@exam", "ple.com"];

/// Follows the word.
pub fn script() -> Script {
    let asked = Mutex::new(HashSet::new());
    Script::echo(move |seen| {
        let request = seen.json();
        let answer = match form(seen) {
            Some(form) => follow(form, &request, &asked),
            None => embedded(&request),
        };
        answer.bytes()
    })
}

fn form(seen: &Seen) -> Option<Form> {
    let is = |form: &Form| seen.head.starts_with(&format!("POST {} ", form.path()));
    Form::ALL.into_iter().find(is)
}

fn follow(form: Form, request: &Value, asked: &Mutex<HashSet<String>>) -> Script {
    let words = match form {
        Form::Chat => request.pointer("/messages/0/content"),
        Form::Completion => request.get("prompt"),
        Form::Response => request.get("input"),
    };
    let words = words.and_then(Value::as_str).unwrap_or_default();
    let word = words.split(' ').next_back().unwrap_or_default();
    let is_first = asked.lock().unwrap().insert(word.to_owned());
    let stream = request["stream"] == true;
    let (name, argument) = word.split_once(':').unwrap_or((word, ""));
    match name {
        "busy" if is_first || argument != "once" => slow(),
        "refuse" => Script::reply("401 No", "application/json", "{}"),
        "truncate" => truncated(form),
        "tools" if form == Form::Chat => {
            if stream {
                called_in_pieces()
            } else {
                called()
            }
        }
        "tools" => item(
            &json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get_weather"}),
            "function_call_arguments",
            &JSON,
        ),
        "think" if form == Form::Chat => thought(stream),
        "think" => item(&json!({"id": "rs_1", "type": "reasoning"}), "reasoning_summary_text", &THOUGHT),
        _ => said(
            form,
            request,
            &pieces(name, argument, words),
            if name == "filter" { "content_filter" } else { "stop" },
        ),
    }
}

/// What it says, in pieces.
fn pieces(name: &str, argument: &str, words: &str) -> Vec<String> {
    let letters = || TEXT.chars().map(String::from);
    match name {
        "echo" => vec![words.to_owned()],
        "cut" => {
            let at = argument.parse().expect("a number after `cut:`");
            vec![letters().take(at).collect(), letters().skip(at).collect()]
        }
        "letters" => letters().collect(),
        "halves" => vec!["so <1>".to_owned(), "<2> far".to_owned()],
        "json" => JSON.map(str::to_owned).to_vec(),
        "stop" if argument == "json" => vec!["{\"city\": \"FORB".to_owned(), "IDDEN\"}".to_owned()],
        "stop" => vec!["fine so far. FORB".to_owned(), "IDDEN".to_owned()],
        _ => vec!["hello".to_owned(), " there".to_owned()],
    }
}

/// Says those pieces, in as many choices as were asked for.
fn said(form: Form, request: &Value, pieces: &[String], finish: &str) -> Script {
    let stream = request["stream"] == true;
    if form == Form::Response {
        return if stream { form.deltas(pieces) } else { Script::json(&form.whole(&pieces.concat())) };
    }
    let choices = 0..request["n"].as_u64().unwrap_or(1);
    if !stream {
        let mut answer = form.whole(&pieces.concat());
        let mut choice = answer["choices"][0].take();
        choice["finish_reason"] = json!(finish);
        answer["choices"] = choices
            .map(|index| {
                choice["index"] = json!(index);
                choice.clone()
            })
            .collect();
        return Script::json(&answer);
    }
    let piece = |text: &str| {
        if form == Form::Chat { json!({"delta": {"content": text}}) } else { json!({"text": text}) }
    };
    let mut told: Vec<Value> = Vec::new();
    let mut each = |part: Value, finish: Option<&str>| {
        for index in choices.clone() {
            let mut choice = part.clone();
            (choice["index"], choice["finish_reason"]) = (json!(index), json!(finish));
            told.push(json!([choice]));
        }
    };
    if form == Form::Chat {
        each(json!({"delta": {"role": "assistant", "content": ""}}), None);
    }
    pieces.iter().for_each(|text| each(piece(text), None));
    each(if form == Form::Chat { json!({"delta": {}}) } else { json!({"text": ""}) }, Some(finish));
    Script::stream(with_usage(form, request, told))
}

/// Lists of choices as chunks, with the usage as OpenAI tells it to those who ask for it.
fn with_usage(form: Form, request: &Value, lists: Vec<Value>) -> String {
    let object = if form == Form::Chat { "chat.completion.chunk" } else { "text_completion" };
    let mut chunks: Vec<Value> = lists.into_iter().map(|choices| json!({"id": "c1", "object": object, "created": 1, "model": "real", "choices": choices})).collect();
    if request.pointer("/stream_options/include_usage") == Some(&json!(true)) {
        chunks.iter_mut().for_each(|chunk| chunk["usage"] = json!(null));
        chunks.push(json!({"id": "c1", "object": object, "created": 1, "model": "real", "choices": [],
            "usage": form.whole("")["usage"]}));
    }
    // Two halves of one character, which a string of Rust cannot hold.
    let told = chunks.iter().map(event).collect::<String>() + DONE;
    told.replace("<1>", "\\ud83d").replace("<2>", "\\ude00")
}

/// An answer that breaks off.
fn truncated(form: Form) -> Script {
    Script::stream(match form {
        Form::Chat => event(&chunk(json!({"role": "assistant", "content": "half an ans"}), None)),
        Form::Completion => event(&form::text_chunk(0, "half an ans", None)),
        Form::Response => Told::begun().events(),
    })
}

/// A rate limit that is over in a second.
fn slow() -> Script {
    Script::with_headers("429 Slow", "retry-after: 1\r\ncontent-type: application/json\r\n", "{}")
}

fn called() -> Script {
    let function = json!({"name": "get_weather", "arguments": JSON.concat()});
    let mut answer = Form::Chat.whole("");
    answer["choices"][0]["message"] = json!({"role": "assistant", "content": null,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}]});
    answer["choices"][0]["finish_reason"] = json!("tool_calls");
    Script::json(&answer)
}

fn called_in_pieces() -> Script {
    let start = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}});
    let mut said = event(&chunk(json!({"role": "assistant", "content": null, "tool_calls": [start]}), None));
    for piece in JSON {
        let call = json!({"index": 0, "function": {"arguments": piece}});
        said.push_str(&event(&chunk(json!({"tool_calls": [call]}), None)));
    }
    Script::stream(said + &*event(&tests::finish("tool_calls")) + DONE)
}

/// A chat with a thought before its answer.
fn thought(stream: bool) -> Script {
    if !stream {
        let mut answer = Form::Chat.whole("hello");
        answer["choices"][0]["message"]["reasoning_content"] = json!(THOUGHT.concat());
        return Script::json(&answer);
    }
    let thoughts = THOUGHT.map(|piece| event(&chunk(json!({"reasoning_content": piece}), None)));
    let role = event(&chunk(json!({"role": "assistant"}), None));
    Script::stream(role + &*thoughts.concat() + &*tests::events(["hello"]))
}

/// A streamed response of one item, whose text comes in pieces.
fn item(fields: &Value, kind: &str, pieces: &[&str]) -> Script {
    let is_call = kind == "function_call_arguments";
    let item = |status: &str, text: &str| {
        let mut item = fields.clone();
        item["status"] = json!(status);
        match (is_call, text) {
            (true, _) => item["arguments"] = json!(text),
            (false, "") => item["summary"] = json!([]),
            (false, _) => item["summary"] = json!([{"type": "summary_text", "text": text}]),
        }
        item
    };
    let mut told = Told::begun();
    let at = told.item(&item("in_progress", ""));
    let of = |name: &str, field: &str, value: Value| {
        let mut event = json!({"type": format!("response.{name}"), "item_id": fields["id"], "output_index": at, field: value});
        if !is_call {
            event["summary_index"] = json!(0);
        }
        event
    };
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    if !is_call {
        told.add(of("reasoning_summary_part.added", "part", part("")));
    }
    for piece in pieces {
        told.add(of(&format!("{kind}.delta"), "delta", json!(piece)));
    }
    let text = pieces.concat();
    told.add(of(&format!("{kind}.done"), if is_call { "arguments" } else { "text" }, json!(text)));
    if !is_call {
        told.add(of("reasoning_summary_part.done", "part", part(&text)));
    }
    told.end(at, item("completed", &text));
    Script::stream(told.completed())
}

/// As many vectors as there are texts, in the spelling that was asked for.
fn embedded(request: &Value) -> Script {
    let mut vectors = form::vectors(request["input"].as_array().map_or(1, Vec::len));
    if request["encoding_format"] == "base64" {
        // 0.25 and -2.0 as they stand in memory.
        let entries = vectors["data"].as_array_mut().unwrap();
        entries.iter_mut().for_each(|entry| entry["embedding"] = json!("AACAPgAAAMA="));
    }
    Script::json(&vectors)
}
