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

/// What it does on every connection.
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

/// What the last word says is to be done.
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
        "tools" => match (form == Form::Chat, stream) {
            (true, true) => called_in_pieces(),
            (true, false) => called(),
            (false, _) => item_called(),
        },
        "think" if form == Form::Chat => thought(stream),
        "think" => item_thought(),
        _ => {
            let of = |index| match index {
                0 if word == "stop:second" => pieces("", "", words),
                _ => pieces(name, argument, words),
            };
            let choices: Vec<_> = (0..request["n"].as_u64().unwrap_or(1)).map(of).collect();
            said(form, request, &choices, if name == "filter" { "content_filter" } else { "stop" })
        }
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

/// Says in each choice those pieces.
fn said(form: Form, request: &Value, choices: &[Vec<String>], finish: &str) -> Script {
    let first = choices.first().map(Vec::as_slice).unwrap_or_default();
    match (form, request["stream"] == true) {
        (Form::Response, true) => form.deltas(first),
        (Form::Response, false) => Script::json(&form.whole(&first.concat())),
        (Form::Chat | Form::Completion, true) => {
            let usage = request.pointer("/stream_options/include_usage") == Some(&json!(true));
            Script::stream(chunks(form, usage, choices, finish))
        }
        (Form::Chat | Form::Completion, false) => {
            let whole = |pieces: &Vec<String>| {
                let mut choice = form.whole(&pieces.concat())["choices"][0].take();
                choice["finish_reason"] = json!(finish);
                choice
            };
            let mut answer = form.whole("");
            answer["choices"] =
                (0..).zip(choices).map(|(index, pieces)| numbered(&whole(pieces), index)).collect();
            Script::json(&answer)
        }
    }
}

/// A choice in parts: who speaks, each piece, and the finish.
fn parts(form: Form, pieces: &[String], finish: &str) -> Vec<Value> {
    let is_chat = form == Form::Chat;
    let of = |text: &str| if is_chat { json!({"delta": {"content": text}}) } else { json!({"text": text}) };
    let role = is_chat.then(|| json!({"delta": {"role": "assistant", "content": ""}}));
    let mut end = if is_chat { json!({"delta": {}}) } else { of("") };
    end["finish_reason"] = json!(finish);
    role.into_iter().chain(pieces.iter().map(|piece| of(piece))).chain([end]).collect()
}

/// The parts of all choices in turn as chunks, and the usage, as OpenAI tells it to those who ask.
fn chunks(form: Form, usage: bool, choices: &[Vec<String>], finish: &str) -> String {
    let object = if form == Form::Chat { "chat.completion.chunk" } else { "text_completion" };
    let chunk = |choices: Value, told: Value| {
        let mut chunk =
            json!({"id": "c1", "object": object, "created": 1, "model": "real", "choices": choices});
        if usage {
            chunk["usage"] = told;
        }
        event(&chunk)
    };
    let parts: Vec<_> = choices.iter().map(|pieces| parts(form, pieces, finish)).collect();
    let steps = 0..parts.iter().map(Vec::len).max().unwrap_or(0);
    let step = |at| {
        (0..).zip(&parts).filter_map(move |(index, parts)| Some(json!([numbered(parts.get(at)?, index)])))
    };
    let each = steps.flat_map(step).map(|choices| chunk(choices, json!(null)));
    let last = usage.then(|| chunk(json!([]), form.whole("")["usage"].take()));
    let told = each.chain(last).collect::<String>() + DONE;
    // Two halves of one character, which a string of Rust cannot hold.
    told.replace("<1>", "\\ud83d").replace("<2>", "\\ude00")
}

/// A choice, or a part of one, with its number.
fn numbered(choice: &Value, index: u64) -> Value {
    let mut choice = choice.clone();
    choice["index"] = json!(index);
    if choice.get("finish_reason").is_none() {
        choice["finish_reason"] = json!(null);
    }
    choice
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

/// A streamed response that is a call of a function.
fn item_called() -> Script {
    let item = |status: &str, arguments: &str| {
        json!({"id": "fc_1", "type": "function_call", "status": status,
        "call_id": "call_1", "name": "get_weather", "arguments": arguments})
    };
    let (mut told, text) = (Told::begun(), JSON.concat());
    let at = told.item(&item("in_progress", ""));
    for piece in JSON {
        told.add(
            json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": at,
            "delta": piece}),
        );
    }
    told.add(json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": at,
        "arguments": text}));
    told.end(at, item("completed", &text));
    Script::stream(told.completed())
}

/// A streamed response that is the summary of a thought.
fn item_thought() -> Script {
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    let item = |summary: Value| json!({"id": "rs_1", "type": "reasoning", "summary": summary});
    let (mut told, text) = (Told::begun(), THOUGHT.concat());
    let at = told.item(&item(json!([])));
    let mut add = |name: &str, field: &str, value: Value| {
        told.add(json!({"type": format!("response.reasoning_summary_{name}"), "item_id": "rs_1",
            "output_index": at, "summary_index": 0, field: value}));
    };
    add("part.added", "part", part(""));
    THOUGHT.into_iter().for_each(|piece| add("text.delta", "delta", json!(piece)));
    add("text.done", "text", json!(text));
    add("part.done", "part", part(&text));
    told.end(at, item(json!([part(&text)])));
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
