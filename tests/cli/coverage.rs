//! `kt policy coverage`, and `kt policy test --coverage`: what no test has tried.

use insta::assert_snapshot;
use serde_json::Value;

use crate::{folder, kt};

const CONFIG: &str = "pack: {name: p, version: 1.0.0}\npolicies: {chain: [./rules/house.ktr, pii-detector]}\n\
    providers: {targets: []}\n";

const HOUSE: &str = r#"policy house

param limit: int = 100

pattern code_name = words ["Bluebird"] label CODE_NAME
pattern order = /\bORD-\d{6}\b/

rule stay on request, response { when text has (code_name, order) do redact }

rule dear on request unless stream {
  when (max_tokens ?? 0) > limit
    and (model == "old" or model == "older")
  do block
}

rule never on request { when model == "none" do flag }

test "a name is taken out" { response "Bluebird" expect text "[CODE_NAME]" }
"#;

const CASE: &str = "- name: dear\n  input: {messages: [{role: user, content: hi}], model: older, max_tokens: 500}\n  \
    expected: {verdict: block}\n";

#[test]
fn what_no_test_has_tried_is_told() {
    let folder = folder(&[("rules/house.ktr", HOUSE)]);
    let (out, err, code) = kt(folder.path(), &["policy", "coverage"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert_snapshot!(out);
}

#[test]
fn golden_cases_count() {
    let folder =
        folder(&[("policy-config.yaml", CONFIG), ("rules/house.ktr", HOUSE), ("tests/cases.yaml", CASE)]);
    let (out, err, code) = kt(folder.path(), &["policy", "test", "--coverage"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert_snapshot!(out);
}

#[test]
fn too_little_is_found_wanting() {
    let folder = folder(&[("rules/house.ktr", HOUSE)]);
    let (_, err, code) = kt(folder.path(), &["policy", "coverage", "--min", "99"]);
    assert!(code == 1 && err.contains("`--min` asks for 99 %"), "{code} {err}");
    let (out, _, code) = kt(folder.path(), &["policy", "coverage", "--min", "10", "--json"]);
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(code, 0);
    assert_eq!(told["files"][0]["rules"], serde_json::json!({"tried": 1, "all": 3}));
    assert_eq!(told["files"][0]["missed"][0]["text"], "order");
}

#[test]
fn a_test_that_fails_is_told_of() {
    let broken = HOUSE.replace("[CODE_NAME]", "[NAME]");
    let folder = folder(&[("rules/house.ktr", &broken)]);
    let (out, err, code) = kt(folder.path(), &["policy", "coverage"]);
    assert!(code == 1 && out.contains("% covered") && err.contains("some tests fail"), "{code} {out} {err}");
}
