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

#[test]
fn what_lies_within_a_finding_is_told_once() {
    let folder = pack();
    let data = br#"{"text": "card 5103 0548 6874 0343, fax +1-984-182-0190, 0548 6874 0343"}"#;
    let (out, _, code) = kt_fed(folder.path(), &["policy", "eval", "-q"], data);
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    let found: Vec<_> = told["findings"].as_array().expect("findings").iter().collect();
    let found: Vec<_> = found.iter().map(|found| (&found["label"], &found["start"], &found["end"])).collect();
    let (card, phone) = (json!("CREDIT_CARD"), json!("PHONE"));
    let places = [json!(5), json!(24), json!(30), json!(45), json!(47), json!(61)];
    let wanted =
        [(&card, &places[0], &places[1]), (&phone, &places[2], &places[3]), (&phone, &places[4], &places[5])];
    assert_eq!((code, found), (0, wanted.to_vec()), "a part of a card's number is no telephone");
}
