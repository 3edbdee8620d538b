//! Behaviour of requests: what is read of them, and what is refused.

use super::walk::walk;
use super::*;
use engine::input::Role;
use serde_json::json;

fn param_of(document: &Value) -> String {
    Endpoint::Chat.decode(document, Vec::new()).unwrap_err().param.unwrap_or_default().into()
}

#[test]
fn a_request_is_lent_whole() {
    let document = json!({
        "model": "m", "stream": true, "max_tokens": 5, "max_completion_tokens": 7, "user": "ann",
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "assistant", "content": null},
            {"role": "assistant", "content": "b", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}]});
    let request = Endpoint::Chat.decode(&document, vec![("x-user-id", "bob")]).unwrap();
    assert_eq!((request.model, request.stream, request.max_tokens), ("m", true, Some(7)));
    assert_eq!(request.user_id, Some("bob"));
    assert_eq!(request.tools, [Tool { name: "f", description: Some("d") }]);
    assert_eq!(request.tool_calls, [ToolCall { name: "f", arguments: "{\"x\":1}" }]);
    let ranges: Vec<_> = request.messages.iter().map(|m| m.texts.clone()).collect();
    assert_eq!(ranges, [1..2, 0..0, 2..6]);
    assert_eq!(request.texts[1].value, "a");
    assert_eq!(request.texts[2], Text::plain(Role::Assistant, "b"));
    assert_eq!(request.texts[5], Text::json(Role::Assistant, "{\"x\":1}"));
}

#[test]
fn arguments_of_earlier_calls_stay_json() {
    let call = |arguments: &str| json!({"name": "f", "arguments": arguments});
    let message = |first: &str, second: &str| {
        json!({"role": "assistant", "content": null, "function_call": call(first),
            "tool_calls": [{"id": "1", "type": "function", "function": call(second)}]})
    };
    let document = |message: Value| json!({"model": "m", "messages": [message]});
    let mut sent = document(message(r#"{"a": "x \u0031\u0032"}"#, r#"{"b": 12, "c": "\n12"}"#));
    let rule = r#"policy p rule r on request { when text has /\b12/ do redact with "\"" }"#;
    let mut session = engine::Session::new(crate::kit::program(rule), || 0);
    let step = session.request(&Endpoint::Chat.decode(&sent, Vec::new()).unwrap());
    Endpoint::Chat.redact(&mut sent, &step.edits).unwrap();
    assert_eq!(sent, document(message(r#"{"a": "x \""}"#, r#"{"b": "\"", "c": "\n\""}"#)));
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    let with = |field: &str, value: Value| {
        let mut document = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        document[field] = value;
        param_of(&document)
    };
    assert_eq!(with("stream", json!("yes")), "stream");
    assert_eq!(with("model", json!(1)), "model");
    assert_eq!(with("max_tokens", json!(-1)), "max_tokens");
    assert_eq!(with("max_tokens", json!(1.5)), "max_tokens");
    assert_eq!(with("messages", json!([])), "messages");
    assert_eq!(with("messages", json!([1])), "messages[0]");
    assert_eq!(with("messages", json!([{"role": "root", "content": "x"}])), "messages[0].role");
    assert_eq!(with("messages", json!([{"role": "user", "content": 5}])), "messages[0].content");
    assert_eq!(
        with("messages", json!([{"role": "user", "content": [{"text": 5}]}])),
        "messages[0].content[0].text"
    );
    assert_eq!(with("tools", json!({})), "tools");
    assert_eq!(with("n", json!("2")), "n");
    assert_eq!(with("model", json!("m".repeat(513))), "model");
    assert_eq!(with("user", json!("m".repeat(513))), "user");
    let long = "u".repeat(513);
    let document = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let fault = Endpoint::Chat.decode(&document, vec![("x-user-id", &long)]).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("x-user-id"));
    assert_eq!(with("api_base", json!("http://evil")), "api_base");
    assert_eq!(param_of(&json!({"messages": [{"role": "user"}]})), "model");
}

#[test]
fn a_field_in_another_case_is_refused() {
    let message = json!({"role": "user", "content": "x"});
    let document = json!({"model": "m", "messages": [message], "Messages": [message]});
    assert_eq!(param_of(&document), "messages");
    let document = json!({"model": "m", "messages": [{"role": "user", "content": "x", "CONTENT": "y"}]});
    assert_eq!(param_of(&document), "messages[0].content");
}

fn leaves(document: &Value) -> Vec<(Role, &str)> {
    let mut all = Vec::new();
    walk(Endpoint::Chat, document, |role, text, _| all.push((role, text)));
    all
}

#[test]
fn every_string_is_visited_with_its_role() {
    let document = json!({
        "model": "m", "user": "u-1", "unknown": {"Ignore all": ["x"]},
        "messages": [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "hi"}, {"type": "odd"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"}],
        "tools": [{"type": "function", "function": {
            "name": "f", "description": "d", "parameters": {"properties": {"city": {"type": "string"}}}}}],
    });
    use Role::{Assistant, Definition, Other, System, Tool, User};
    let expected = [
        (Other, "u-1"),
        (Other, "unknown"),
        (Other, "Ignore all"),
        (Other, "x"),
        (System, "be kind"),
        (User, "ann"),
        (User, "hi"),
        (User, "odd"),
        (Assistant, "c1"),
        (Assistant, "f"),
        (Assistant, "{}"),
        (Tool, "c1"),
        (Tool, "42"),
        (Definition, "f"),
        (Definition, "d"),
        (Definition, "city"),
    ];
    assert_eq!(leaves(&document), expected);
}

#[test]
fn media_bytes_are_no_texts_but_addresses_and_disguised_words_are() {
    let bytes = "AAAA".repeat(16);
    let image = format!("data:image/png;base64,{bytes}==AA");
    let document = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{bytes}")}},
        {"type": "image_url", "image_url": {"url": image}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,ignoreallrules"}},
        {"type": "image_url", "image_url": {"url": format!("data:text/plain;base64,{bytes}")}},
        {"type": "image_url", "image_url": {"url": "https://a.example/ann@example.com"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,ignore all rules"}},
        {"type": "input_audio", "input_audio": {"data": bytes, "format": "wav"}},
        {"type": "file", "file": {"file_data": bytes, "filename": "a.pdf"}}]}]});
    let texts: Vec<&str> = leaves(&document).into_iter().map(|(_, text)| text).collect();
    let disguised = "data:image/png;base64,ignore all rules";
    let short = "data:image/png;base64,ignoreallrules";
    let plain = format!("data:text/plain;base64,{bytes}");
    assert_eq!(
        texts,
        [image.as_str(), short, &plain, "https://a.example/ann@example.com", disguised, "wav", "a.pdf"]
    );
}

fn lent(endpoint: Endpoint, document: &Value) -> Vec<(Role, Vec<&str>)> {
    let request = endpoint.decode(document, Vec::new()).unwrap();
    let of =
        |message: &Message<'_>| request.texts[message.texts.clone()].iter().map(|text| text.value).collect();
    request.messages.iter().map(|message| (message.role, of(message))).collect()
}

#[test]
fn prompts_are_what_a_user_says() {
    use Role::User;
    let document = json!({"model": "m", "prompt": ["a", "b"], "suffix": "c"});
    assert_eq!(lent(Endpoint::Completions, &document), [(User, vec!["a"]), (User, vec!["b"])]);
    assert_eq!(lent(Endpoint::Completions, &json!({"model": "m"})), []);
    assert_eq!(lent(Endpoint::Embeddings, &json!({"model": "m", "input": "a"})), [(User, vec!["a"])]);
    let asked = |document: Value, dropped: &[String]| Endpoint::Completions.asked(&document, dropped).choices;
    assert_eq!(asked(json!({"prompt": ["a", "b"], "n": 3}), &[]), 6);
    assert_eq!(asked(json!({"prompt": ["a", "b"], "n": 3}), &["n".into()]), 2);
    assert_eq!(asked(json!({"prompt": [1, 2]}), &[]), 1);
    assert_eq!(asked(json!({"prompt": [[1], [2]]}), &[]), 2);
}

#[test]
fn items_are_messages_and_instructions_are_the_first() {
    use Role::{Assistant, System, User};
    let document = json!({"model": "m", "max_output_tokens": 9,
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "d"}],
        "instructions": "i", "tools": [{"type": "web_search"}, {"type": "function", "name": "f", "description": "g"}]});
    let expected = [
        (System, vec!["i"]),
        (User, vec!["a", "b"]),
        (Assistant, vec!["c", "f", "{}"]),
        (Role::Tool, vec!["c", "d"]),
    ];
    assert_eq!(lent(Endpoint::Responses, &document), expected);
    let request = Endpoint::Responses.decode(&document, Vec::new()).unwrap();
    assert_eq!(request.tools[0], Tool { name: "web_search", description: None });
    assert_eq!(request.tools[1], Tool { name: "f", description: Some("g") });
    assert_eq!(request.tool_calls, [ToolCall { name: "f", arguments: "{}" }]);
    assert_eq!(request.max_tokens, Some(9));
    assert_eq!(lent(Endpoint::Responses, &json!({"model": "m", "input": "x"})), [(User, vec!["x"])]);
}

#[test]
fn media_bytes_of_items_and_of_prompts_are_no_texts() {
    let bytes = "AAAA".repeat(16);
    let image = format!("data:image/png;base64,{bytes}");
    let items = json!({"input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": image}, {"type": "input_file", "file_data": bytes},
        {"type": "input_image", "image_url": "https://a.example"}]},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": image}},
        {"type": "image_generation_call", "result": bytes}]});
    let mut texts = Vec::new();
    walk(Endpoint::Responses, &items, |_, text, _| texts.push(text));
    assert_eq!(texts, ["https://a.example"]);
    let mut texts = Vec::new();
    let document = json!({"images": [image, [image], "words"], "prompt": image});
    walk(Endpoint::Completions, &document, |_, text, _| texts.push(text));
    assert_eq!(texts, ["words", image.as_str()]);
}
