//! Drafts: what they judge, what they may use, and where they end.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{KEY, Provider, Script, Setup};

use super::{DRAFT, look, play, play_raw, told};

#[test]
fn a_draft_judges_and_says_where() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let played = play(&gateway, &json!({"rules": DRAFT, "text": "😀 a bluebird"})).json();
    assert_eq!(
        (&played["compiles"], &played["judged"]["verdict"]),
        (&json!(true), &json!("block")),
        "{played}"
    );
    let found = &played["judged"]["findings"][0];
    assert_eq!(
        (&found["label"], &found["in"], &found["start"], &found["end"]),
        (&json!("BIRD"), &json!("text"), &json!(5), &json!(13))
    );
    assert_eq!(played["judged"]["rules"][0]["rule"], "stop");
    let played = play(&gateway, &json!({"rules": DRAFT, "text": "hi", "answer": "bluebird"})).json();
    assert_eq!(
        (&played["judged"]["findings"][0]["in"], &played["judged"]["reason_code"]),
        (&json!("answer"), &json!("draft.code"))
    );
    let played =
        play(&gateway, &json!({"rules": DRAFT.replace("has bird", "has brid"), "text": "hi"})).json();
    let found = &played["diagnostics"][0];
    assert_eq!((&played["compiles"], &played["judged"]), (&json!(false), &Value::Null));
    assert_eq!(
        (&found["severity"], &found["line"], &found["code"]),
        (&json!("error"), &json!(3), &json!("E007")),
        "{played}"
    );
    assert!(found["suggestion"].as_str().unwrap().contains("`bird`"), "{found}");
    let at = DRAFT.find("has bird").unwrap() + 4;
    assert_eq!(found["range"], json!([at, at + 4]), "{found}");
}

#[test]
fn shipped_kinds_can_be_tried_with_arguments() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let files = told(&gateway, "policies")["files"].clone();
    for file in files.as_array().unwrap() {
        let played =
            play(&gateway, &json!({"rules": file["text"], "file": file["file"], "text": "hi"})).json();
        assert_eq!(played["compiles"], true, "{}: {played}", file["name"]);
    }
    let pii = files.as_array().unwrap().iter().find(|file| file["name"] == "pii-detector").unwrap();
    let try_with = |arguments: &str| {
        play(&gateway, &json!({"rules": pii["text"], "text": "ann@example.com", "arguments": arguments}))
            .json()
    };
    assert_eq!(try_with("")["judged"]["verdict"], "redact");
    assert_eq!(try_with("action: block")["judged"]["verdict"], "block");
    let played = try_with("actoin: block");
    assert!(played["compiles"] == false && played["diagnostics"][0]["file"] == "arguments", "{played}");
    assert_eq!(try_with("- [")["compiles"], false);
}

#[test]
fn a_draft_reads_no_files() {
    let provider = Provider::always(Script::answer("fine"));
    let library = "library words\npattern name = /bluebird/ label NAME\n";
    let setup = Setup::over(&provider).rules(
        "house",
        "policy house\nuse \"./words.ktr\" (name)\nrule hide on request { when text has name do redact }\n",
    );
    let (folder, config) = setup.write();
    std::fs::write(folder.path().join("words.ktr"), library).unwrap();
    std::fs::write(folder.path().join("other.ktr"), library).unwrap();
    let run = setup.process_in(Arc::new(folder));
    let draft = |path: &str| {
        let rules = format!(
            "policy draft\nuse \"{path}\" (name)\nrule hide on request {{ when text has name do redact }}\n"
        );
        let body = json!({"rules": rules, "file": config.with_file_name("draft.ktr"), "text": "bluebird"})
            .to_string();
        play_raw(run.admin, "content-type: application/json\r\n", &body).json()
    };
    assert_eq!(draft("./words.ktr")["judged"]["verdict"], "redact", "what is in force may be used");
    for path in ["./other.ktr", "/etc/passwd", "../../etc/passwd", "./policy-config.yaml", "./key"] {
        let played = draft(path);
        assert_eq!(played["compiles"], false, "{path}");
        assert!(played["diagnostics"].to_string().contains("reads no files"), "{path}: {played}");
        assert!(
            !played.to_string().contains("root:") && !played.to_string().contains(KEY),
            "{path}: {played}"
        );
    }
}

#[test]
fn drafts_have_limits() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let code = |draft: &Value| {
        let reply = play(&gateway, draft);
        (reply.status, reply.code())
    };
    assert_eq!(code(&json!({"rules": "x".repeat(600 * 1024)})), (413, "body_too_large".into()));
    assert_eq!(code(&json!({"rules": "x".repeat(200 * 1024)})), (400, "invalid_request".into()));
    assert_eq!(code(&json!({"rules": DRAFT, "text": "x".repeat(40 * 1024)})).0, 400);
    assert_eq!(code(&json!({"rules": DRAFT, "prompt": "hi"})).0, 400, "unknown fields are told");
    assert_eq!(code(&json!({"text": "hi"})).0, 400);
    assert_eq!(code(&json!({"rules": 7})).0, 400);
    assert_eq!(play_raw(gateway.admin, "content-type: text/plain\r\n", "{}").status, 415);
    assert_eq!(play_raw(gateway.admin, "", "{}").status, 415);
    assert_eq!(look(&gateway, "/console/api/play").status, 405);
    let endless = "policy draft\nscript spin(s: string) -> bool = \"\"\"while true {} true\"\"\"\nrule stop on request { when spin(model) do block }\n";
    let played = play(&gateway, &json!({"rules": endless, "text": "hi"})).json();
    assert_eq!(played["judged"]["reason_code"], "policy.error", "{played}");
    let deep = format!(
        "policy draft\nrule r on request {{ when {}true{} do block }}",
        "(".repeat(4000),
        ")".repeat(4000)
    );
    assert_eq!(play(&gateway, &json!({"rules": deep, "text": "hi"})).json()["compiles"], false);
}

#[test]
fn a_draft_tells_what_it_would_reserve() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::new().target("a", &provider, "pricing: {prompt: 1, completion: 10}").here();
    let rules =
        "policy p\nrule daily on request { when true do reserve cost within $5 per day assuming 1000 }\n";
    let played = play(&gateway, &json!({"rules": rules, "text": "hi"})).json();
    let reserved = &played["judged"]["reservations"][0];
    assert_eq!(
        (&reserved["rule"], &reserved["window"], &reserved["limit"]),
        (&json!("daily"), &json!("day"), &json!(5.0)),
        "{played}"
    );
    assert!(reserved["text"].as_str().unwrap().starts_with("up to $0.01"), "{reserved}");
}
