//! The official Python SDK against the real `kt` and a scripted provider: what applications will see.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::form::{self, Told};
use tests::{DONE, Form, Provider, RULES, Script, Seen, Setup, chunk, delta, event, events, finish, whole};

/// The SDK; the version is pinned, since what SDKs tolerate changes.
const PACKAGE: &str = "openai==3.54.0";

#[test]
fn the_official_sdk_works_through_the_gateway() {
    let python = environment();
    let provider = Provider::always(Script::echo(|seen| scripted(seen).bytes()));
    let run = Setup::over(&provider).rules("house", RULES).process();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/test_openai.py");
    let output = Command::new(python)
        .arg(cases)
        .env("KT_BASE_URL", format!("http://{}/v1", run.address))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("the Python of the environment runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{told}");
    assert!(output.status.success(), "{told}\n{}", run.log());
    let asked = provider.seen().iter().filter(|seen| seen.json().to_string().contains("FORBIDDEN")).count();
    assert_eq!(asked, 0, "a blocked request reached the provider");
    let records = run.stop().records;
    let blocked = records.iter().filter(|record| record["error"] == "input_blocked").count();
    assert_eq!(blocked, 5, "a block is asked for once, and never tried again");
}

/// What the provider does is in the last word of the last message, or of the prompt.
fn scripted(seen: &Seen) -> Script {
    let request = seen.json();
    if seen.head.starts_with("POST /v1/embeddings ") {
        return embedded(&request);
    }
    if seen.head.starts_with("POST /v1/completions ") {
        return spoken(Form::Completion, &request["prompt"], request["stream"] == true);
    }
    if seen.head.starts_with("POST /v1/responses ") {
        return spoken(Form::Response, &request["input"], request["stream"] == true);
    }
    let content =
        request["messages"].as_array().and_then(|all| all.last()).map(|last| last["content"].clone());
    let content = content.unwrap_or_default();
    let word = content.as_str().unwrap_or_default().split(' ').next_back().unwrap_or_default().to_owned();
    let stream = request["stream"] == true;
    match word.as_str() {
        "echo" => Script::json(&whole(content.as_str().unwrap_or_default())),
        "tools" if stream => Script::stream(call_in_pieces()),
        "tools" => Script::json(&call()),
        "cut" => Script::deltas(["write to ann", "@exam", "ple.com or SEC", "RET12", "3 now"]),
        "letters" => Script::stream(events("é😀 to ann@example.com".chars().map(String::from))),
        "stop" => Script::stream(event(&delta("fine so far. FORB")) + &*event(&delta("IDDEN")) + DONE),
        "truncate" => Script::stream(event(&delta("half an ans"))),
        "busy" => {
            Script::with_headers("429 Slow", "retry-after: 0\r\ncontent-type: application/json\r\n", "{}")
        }
        "refuse" => Script::reply("401 No", "application/json", "{}"),
        _ if stream => Script::deltas(["hello", " there"]),
        _ => Script::answer("hello there"),
    }
}

/// As many vectors as there are texts, in the spelling that was asked for.
fn embedded(request: &Value) -> Script {
    let count = request["input"].as_array().map_or(1, Vec::len);
    let mut vectors = form::vectors(count);
    if request["encoding_format"] == "base64" {
        // 0.25 and -2.0 as they stand in memory.
        vectors["data"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|entry| entry["embedding"] = json!("AACAPgAAAMA="));
    }
    Script::json(&vectors)
}

/// The other forms, whole and streamed.
fn spoken(form: Form, asked: &Value, stream: bool) -> Script {
    let asked = asked.as_str().unwrap_or_default();
    let word = asked.split(' ').next_back().unwrap_or_default();
    match word {
        "echo" => Script::json(&form.whole(asked)),
        "cut" => form.deltas(["write to ann", "@exam", "ple.com or SEC", "RET12", "3 now"]),
        "stop" => form.deltas(["fine so far. FORB", "IDDEN"]),
        "truncate" if form == Form::Response => Script::stream(Told::begun().events()),
        "truncate" => Script::stream(event(&form::text_chunk(0, "half an ans", None))),
        "tools" if stream => Script::stream(item_in_pieces()),
        _ if stream => form.deltas(["hello", " there"]),
        _ => Script::json(&form.whole("hello there")),
    }
}

/// A call of a function as an item of a response.
fn item_in_pieces() -> String {
    let item = |status: &str, arguments: &str| {
        json!({"id": "fc_1", "type": "function_call", "status": status,
        "call_id": "call_1", "name": "get_weather", "arguments": arguments})
    };
    let mut told = Told::begun();
    let at = told.item(&item("in_progress", ""));
    for piece in ["{\"ci", "ty\": \"Oslo\"}"] {
        told.add(json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": at, "delta": piece}));
    }
    told.add(json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": at,
        "arguments": "{\"city\": \"Oslo\"}"}));
    told.end(at, item("completed", "{\"city\": \"Oslo\"}"));
    told.completed()
}

fn call() -> Value {
    let function = json!({"name": "get_weather", "arguments": "{\"city\": \"Oslo\", \"n\": 1.0}"});
    let mut answer = whole("");
    answer["choices"][0]["message"] = json!({"role": "assistant", "content": null,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}]});
    answer["choices"][0]["finish_reason"] = json!("tool_calls");
    answer
}

fn call_in_pieces() -> String {
    let start = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}});
    let mut said = event(&chunk(json!({"role": "assistant", "content": null, "tool_calls": [start]}), None));
    for piece in ["{\"ci", "ty\": \"Os", "lo\", \"n\": 1.0}"] {
        let call = json!({"index": 0, "function": {"arguments": piece}});
        said.push_str(&event(&chunk(json!({"tool_calls": [call]}), None)));
    }
    said + &*event(&finish("tool_calls")) + DONE
}

/// The Python of a virtual environment that has the SDK; it is made under the target folder when it is not there.
fn environment() -> PathBuf {
    let folder = tests::binary::target_dir().join("sdk-python");
    let (python, ready) = (folder.join("bin/python"), folder.join(PACKAGE));
    if ready.exists() {
        return python;
    }
    println!("installing {PACKAGE} and what it needs from PyPI into {}", folder.display());
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    let made = made.unwrap_or_else(|e| panic!("the SDK tests need `python3` on the PATH: {e}"));
    let told = String::from_utf8_lossy(&made.stderr).into_owned() + &*String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "the SDK tests need Python's `venv` and `pip`: {told}");
    let pip = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE])
        .output();
    let pip = pip.unwrap_or_else(|e| panic!("the environment has no Python: {e}"));
    let told = String::from_utf8_lossy(&pip.stderr);
    assert!(pip.status.success(), "`pip install {PACKAGE}` failed; the SDK tests need PyPI once: {told}");
    std::fs::write(ready, "").expect("a mark that the environment is whole");
    python
}
