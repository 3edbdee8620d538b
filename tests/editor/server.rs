//! The language server, as an editor sees it.

use serde_json::{Value, json};

use crate::client::Editor;

const RULES: &str = r#"/// Names of the house.
policy house
use std.pii (email)

/// How much is too much.
param threshold: float in 0.0..1.0 = 0.8

/// A ticket's number.
pattern ticket = /T-\d{4}/ label TICKET where luhn

/* */
"#;

fn rules() -> String {
    let rule =
        "rule tickets on request { when user.text has (email, ticket) and threshold > 0.5 do block }\n";
    let test = "test \"an address\" { user \"ann@example.com\" expect block by tickets }\n";
    format!("{}{rule}{test}", RULES.replace("/* */\n", ""))
}

#[test]
fn mistakes_are_told_while_they_are_typed() {
    let mut editor = Editor::start();
    let text = rules();
    assert_eq!(editor.open("house.ktr", &text), Vec::<Value>::new());
    let broken = text.replace("ticket)", "tickt)").replace("house.", "日本😀.");
    let found = editor.change("house.ktr", &broken);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["code"], &found[0]["severity"]), (&json!("E007"), &json!(1)));
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `ticket`?"), "{found:?}");
    assert_eq!(found[0]["range"]["start"]["line"], 10);
    assert_eq!(editor.change("house.ktr", &text), Vec::<Value>::new());
    editor.stop();
}

#[test]
fn columns_are_counted_as_editors_count_them() {
    let mut editor = Editor::start();
    let text = "policy p\nrule r on request { when text has \"日本😀\" and nobody do block }\n";
    let found = editor.open("p.ktr", text);
    let before = text.lines().nth(1).unwrap().split_once("nobody").unwrap().0;
    assert_eq!(
        found[0]["range"]["start"],
        json!({"line": 1, "character": before.encode_utf16().count()}),
        "{found:?}"
    );
    editor.stop();
}

#[test]
fn a_buffer_that_is_not_saved_is_what_others_use() {
    let mut editor = Editor::start();
    let user = "policy p\nuse \"./shared.ktr\" (ticket)\nrule r on request { when text has ticket do block }\n\
         test \"t\" { user \"T-1234\" expect block }\n";
    assert_ne!(editor.open("p.ktr", user), Vec::<Value>::new(), "there is no such file yet");
    editor.open("shared.ktr", "library shared\n/// Shared.\npattern ticket = /T-\\d{4}/\n");
    assert_eq!(editor.change("p.ktr", user), Vec::<Value>::new());
    let there = editor.at("textDocument/definition", "p.ktr", user, "has ticket", 6);
    assert_eq!(there["uri"], editor.uri("shared.ktr"));
    assert_eq!(there["range"]["start"], json!({"line": 2, "character": 8}));
    editor.stop();
}

#[test]
fn a_configuration_is_checked_too() {
    let mut editor = Editor::start();
    let found = editor.open("policy-config.yaml", "policies:\n  chian: []\n");
    assert!(found.iter().any(|found| found["code"] == "E002"), "{found:?}");
    editor.stop();
}

#[test]
fn what_is_likely_not_meant_is_told_too() {
    let mut editor = Editor::start();
    let text = rules().replace("threshold > 0.5", "threshold > 0.5 and stream and not stream");
    let found = editor.open("house.ktr", &text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["code"], &found[0]["severity"]), (&json!("W008"), &json!(2)));
    let line = text.lines().position(|line| line.starts_with("rule")).unwrap();
    assert_eq!(found[0]["range"]["start"]["line"], line);
    assert_eq!(found[0]["relatedInformation"][0]["message"], "and this", "{found:?}");
    let untested = text.split("test \"").next().unwrap().replace("and stream and not stream", "");
    let found = editor.change("house.ktr", &untested);
    assert_eq!(found.iter().map(|found| &found["code"]).collect::<Vec<_>>(), ["W004"]);
    let config = "pack: {name: p, version: 1.0.0}\npolicies: {chain: [pii-detector]}\npolicy:\n  \
                  pii-detector: {detect_patterns: [\"[cat|dog]\"]}\nrules: |\n  \
                  rule r on request { when model == \"a\" and model == \"b\" do block }\n";
    let found = editor.open("policy-config.yaml", config);
    let told: Vec<_> = found.iter().map(|found| (&found["code"], &found["range"]["start"]["line"])).collect();
    assert_eq!(told, [(&json!("W008"), &json!(5)), (&json!("W013"), &json!(3))], "{found:?}");
    editor.stop();
}

#[test]
fn hover_says_what_a_name_is() {
    let mut editor = Editor::start();
    let text = rules();
    editor.open("house.ktr", &text);
    for (needle, into, wanted) in [
        ("threshold >", 2, "param threshold: float in 0.0..1.0 = 0.8"),
        ("threshold >", 2, "How much is too much."),
        ("ticket)", 1, "A ticket's number."),
        ("email, ", 1, "policies/std/pii.ktr"),
        ("user.text", 6, "what the user wrote"),
        ("user.text", 1, "on request"),
        ("luhn", 1, "Luhn"),
        ("std.pii", 2, "policies/std/pii.ktr"),
        ("when", 1, "the condition"),
    ] {
        let hover = editor.at("textDocument/hover", "house.ktr", &text, needle, into);
        let value = hover["contents"]["value"].as_str().unwrap_or_default();
        assert!(value.contains(wanted), "{needle}: {hover}");
    }
    assert_eq!(editor.at("textDocument/hover", "house.ktr", &text, "Names of", 1), Value::Null, "a comment");
    editor.stop();
}

#[test]
fn completion_offers_what_may_stand_there() {
    let mut editor = Editor::start();
    let text = rules();
    editor.open("house.ktr", &text);
    for (typed, wanted, unwanted) in [
        ("rule a on request {\n  when us", "user.text", "severity"),
        ("rule a on request {\n  when text has ", "ticket", "threshold"),
        ("rule a on request {\n  when text has (email, ", "email", "threshold"),
        ("rule a on request {\n  do ", "escalate", "user.text"),
        ("rule a on request {\n  ", "severity", "expect"),
        ("rule a on request {\n  severity ", "critical", "block"),
        ("rule a on request {\n  when any m in messages: m.", "m.role", "nothing"),
        ("rule a on ", "response", "block"),
        ("use ", "std.pii", "email"),
        ("use std.pii (email, ", "phone", "std.pii"),
        ("pattern x = /a/ where ", "luhn", "ticket"),
        ("test \"t\" {\n  ", "expect", "severity"),
        ("test \"t\" {\n  expect ", "allow", "severity"),
        ("test \"t\" {\n  ", "todo expect", "held <="),
        ("test \"t\" {\n  todo expect ", "held <=", "severity"),
        ("test \"t\" {\n  expect block by ", "tickets", "ticket"),
        ("test \"t\" {\n  with ", "threshold", "ticket"),
        ("", "pattern", "severity"),
    ] {
        let text = format!("{text}\n{typed}");
        editor.change("house.ktr", &text);
        let offers = editor.offers("house.ktr", &format!("{text}\u{0}"), "\u{0}", 0);
        assert!(offers.iter().any(|offer| offer == wanted), "{typed:?}: {offers:?}");
        assert!(!offers.iter().any(|offer| offer == unwanted), "{typed:?}: {offers:?}");
    }
    let text = format!("{text}\nrule a on request {{ when text has \"");
    editor.change("house.ktr", &text);
    assert_eq!(editor.offers("house.ktr", &format!("{text}\u{0}"), "\u{0}", 0), Vec::<String>::new());
    editor.stop();
}

#[test]
fn definitions_are_found_in_this_file_and_in_what_ships() {
    let mut editor = Editor::start();
    let text = rules();
    editor.open("house.ktr", &text);
    let here = editor.at("textDocument/definition", "house.ktr", &text, "ticket)", 2);
    assert_eq!(here["uri"], editor.uri("house.ktr"));
    assert_eq!(here["range"]["start"], json!({"line": 8, "character": 8}));
    let there = editor.at("textDocument/definition", "house.ktr", &text, "(email, ticket)", 2);
    let path = there["uri"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
    let line = there["range"]["start"]["line"].as_u64().unwrap();
    let shipped = std::fs::read_to_string(&path).unwrap();
    assert!(
        shipped.lines().nth(usize::try_from(line).unwrap()).unwrap().starts_with("pattern email"),
        "{there}"
    );
    assert!(std::fs::metadata(&path).unwrap().permissions().readonly());
    editor.stop();
}

#[test]
fn the_outline_and_the_layout() {
    let mut editor = Editor::start();
    let text = rules();
    editor.open("house.ktr", &text);
    let document = json!({"textDocument": {"uri": editor.uri("house.ktr")}});
    let outline = editor.ask("textDocument/documentSymbol", document.clone());
    let names: Vec<&str> =
        outline.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["house", "threshold", "ticket", "tickets", "an address"]);
    editor.change("house.ktr", "policy   p\n\n\n\nlet a=1 // 日本😀");
    let mut format = document.clone();
    format["options"] = json!({"tabSize": 8, "insertSpaces": false});
    let edits = editor.ask("textDocument/formatting", format.clone());
    assert_eq!(edits[0]["newText"], "policy p\n\nlet a = 1 // 日本😀\n");
    assert_eq!(
        edits[0]["range"]["end"],
        json!({"line": 4, "character": "let a=1 // 日本😀".encode_utf16().count()})
    );
    editor.change("house.ktr", "policy p\nrule {");
    assert_eq!(editor.ask("textDocument/formatting", format), Value::Null);
    editor.stop();
}

#[test]
fn it_outlives_every_beginning_of_a_file() {
    let mut editor = Editor::start();
    let text = rules().replace("A ticket", "日本😀");
    editor.open("house.ktr", "");
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(5).collect();
    for end in ends {
        let part = format!("{}\u{0}", &text[..end]);
        editor.change("house.ktr", part.trim_end_matches('\u{0}'));
        for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
            editor.at(method, "house.ktr", &part, "\u{0}", 0);
        }
    }
    let unknown = editor.call("textDocument/nothing", json!({}));
    assert_eq!(unknown["error"]["code"], -32601);
    let strange = editor.call("textDocument/hover", json!({"textDocument": 1}));
    assert_eq!(strange["error"]["code"], -32602);
    editor.stop();
}
