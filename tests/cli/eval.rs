//! `kt policy eval`: verdicts over data, and a table of what they come to.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{folder, kt, kt_fed};

const CONFIG: &str = "pack: {name: p, version: 1.0.0}\npolicies: {chain: [pii-detector, ./house.ktr]}\n\
    providers: {targets: []}\n";

const HOUSE: &str = "policy house\n\
    rule named on request { when text has \"bluebird\" do flag }\n\
    rule never on request, response { when text has \"forbidden\" do block }\n";

const DATA: &str = r#"{"id": 1, "text": "mail ann@example.com"}
{"id": 2, "text": "nothing"}
{"id": 3, "text": "Bluebird, and ann@example.com"}
{"id": 4, "text": "hi", "response": "forbidden"}
nonsense
{"id": 6, "text": "forbidden bluebird"}
"#;

fn pack() -> tempfile::TempDir {
    folder(&[("policy-config.yaml", CONFIG), ("house.ktr", HOUSE), ("data.jsonl", DATA)])
}

#[test]
fn a_table_tells_what_the_data_come_to() {
    let folder = pack();
    let (out, err, code) = kt_fed(folder.path(), &["policy", "eval"], DATA.as_bytes());
    assert_eq!((out.lines().count(), code), (6, 1));
    assert_snapshot!(err);
}

#[test]
fn the_summary_goes_to_a_file_too() {
    let folder = pack();
    let arguments =
        ["policy", "eval", "--input", "data.jsonl", "--output", "out.jsonl", "--summary", "sum.json", "-q"];
    let (out, err, code) = kt(folder.path(), &arguments);
    assert_eq!((out.as_str(), err.as_str(), code), ("", "", 1));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    assert_eq!(read("out.jsonl").lines().count(), 6);
    let told: Value = serde_json::from_str(&read("sum.json")).expect("one JSON object");
    assert_eq!((&told["lines"], &told["errors"]), (&json!(6), &json!(1)));
    assert_eq!(told["verdicts"], json!({"block": 2, "redact": 2, "allow": 1}));
    let named = json!({"policy": "house", "rule": "named", "decides": 0, "finds_in": 2});
    assert!(told["rules"].as_array().expect("rules").contains(&named), "{told}");
}

#[test]
fn a_summary_that_cannot_be_written_is_said() {
    let folder = pack();
    let arguments = ["policy", "eval", "--input", "data.jsonl", "--summary", "none/sum.json"];
    let (_, err, code) = kt(folder.path(), &arguments);
    assert!(code == 2 && err.contains("`none/sum.json` cannot be written"), "{code} {err}");
}
