//! `kt policy test`: which tests run, what is told of those that fail, and what CI reads.

use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{folder, kt};

const HOUSE: &str = r#"policy house

pattern order = /\bORD-\d{6}\b/

rule orders on request, response { when text has order do redact }

test "an order is redacted" { response "ORD-123456!" expect text "[ORDER]!" }
test "an order is part of no word" { user "XORD-123456" expect allow }
test "a space hides it" { response "ORD-123 456" todo expect redact expect text "ORD-123 456" }
"#;

const OTHER: &str = r#"policy other

rule loud on request { when model == "loud" do flag }

test "loud < quiet & \u{1}" { model "loud" user "x" expect block by loud }
test "quiet" { user "x" expect allow }
"#;

const CONFIG: &str =
    "pack: {name: p, version: 1.0.0}\npolicies: {chain: [./rules/house.ktr]}\nproviders: {targets: []}\n";

const CASES: &str = "- name: an order in a long answer
  input: {messages: [{role: user, content: hi}], response: \"Thank you for your patience. Your order ORD-123456 \
    is on its way\\u200B, and will be with you on Tuesday or Wednesday of next week.\"}
  expected: {verdict: redact, output: \"Thank you for your patience. Your order [CODE] is on its way, and will be \
    with you on Tuesday or Wednesday of next week.\"}
- name: nothing to see
  input: {messages: [{role: user, content: hi}]}
  expected: {verdict: allow}
";

/// A pack with tests of every kind, of which two fail.
fn pack() -> TempDir {
    folder(&[
        ("policy-config.yaml", CONFIG),
        ("rules/house.ktr", HOUSE),
        ("rules/other.ktr", OTHER),
        ("tests/cases.yaml", CASES),
    ])
}

#[test]
fn what_fails_is_told_below_its_test() {
    let (out, err, code) = kt(pack().path(), &["policy", "test"]);
    assert_eq!(code, 1);
    assert_snapshot!(format!("{out}\n--- beside it\n{err}"));
}

#[test]
fn only_what_a_filter_fits_runs() {
    let pack = pack();
    let run = |arguments: &[&str]| kt(pack.path(), &[&["policy", "test"], arguments].concat());
    let (out, err, code) = run(&["--filter", "order is"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert!(out.ends_with("2 passed, 0 failed, 5 left out\n") && !out.contains("cases.yaml"), "{out}");
    let (out, _, code) = run(&["--filter", "*other.ktr::q*", "--filter", "cases.yaml"]);
    assert!(code == 1 && out.ends_with("2 passed, 1 failed, 4 left out\n"), "{code} {out}");
    let (out, _, _) = run(&["--filter", "order is", "--json", "--coverage"]);
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!((told["left_out"].as_u64(), told["results"].as_array().map(Vec::len)), (Some(5), Some(2)));
}

#[test]
fn a_filter_that_fits_nothing_is_told() {
    let pack = pack();
    let (out, err, code) = kt(pack.path(), &["policy", "test", "--filter", "lowd"]);
    assert_eq!((out.as_str(), code), ("0 passed, 0 failed, 7 left out\n", 2));
    assert_snapshot!(err);
    let (out, err, code) = kt(pack.path(), &["policy", "test", "--filter", "quiet", "--filter", "zebra"]);
    assert!(code == 2 && out.contains("✓ quiet"), "{code} {out}");
    assert_snapshot!(err);
}

/// The document with times taken out.
fn timeless(document: &str) -> String {
    let mut parts = document.split("time=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (time, rest) = part.split_once('"').expect("an attribute ends");
        assert!(time.parse::<f64>().is_ok(), "{time}");
        format!("{text}time=\"…\"{rest}")
    })
}

#[test]
fn ci_reads_junit() {
    let pack = pack();
    std::fs::write(pack.path().join("rules/wrong.ktr"), "policy wrong\nrule a on nothing {}\n")
        .expect("a file");
    let (out, _, code) = kt(pack.path(), &["policy", "test", "--junit", "results.xml"]);
    assert!(code == 2 && out.contains("✓ quiet"), "{code} {out}");
    let written = std::fs::read_to_string(pack.path().join("results.xml")).expect("a document");
    assert_snapshot!(timeless(&written));
    let (out, err, _) = kt(pack.path(), &["policy", "test", "--junit", "-"]);
    assert_eq!(timeless(&out), timeless(&written));
    assert!(err.contains("5 passed, 2 failed, 1 known miss, 1 file could not run"), "{err}");
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let pack = pack();
    let (_, err, code) = kt(pack.path(), &["policy", "test", "--junit", "none/results.xml"]);
    assert!(code == 2 && err.contains("`none/results.xml` cannot be written"), "{code} {err}");
    let (_, err, code) = kt(pack.path(), &["policy", "test", "--junit", "-", "--json"]);
    assert!(code == 2 && err.contains("both print"), "{code} {err}");
}

#[test]
fn programs_read_what_differs_and_what_is_known_to_miss() {
    let (out, _, code) = kt(pack().path(), &["policy", "test", "--json"]);
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    let failure = &told["results"][0]["details"]["failures"][0];
    assert!(code == 1 && failure["message"] == "expected another output", "{code} {failure}");
    assert!(failure["got"].as_str().is_some_and(|got| got.contains("[ORDER] is on its way\u{200B}")));
    assert!(failure["expected"].as_str().is_some_and(|expected| expected.contains("[CODE] is on its way,")));
    let named = |name: &str| told["results"].as_array().into_iter().flatten().find(|row| row["name"] == name);
    assert_eq!(named("a space hides it").map(|row| &row["todo"]), Some(&Value::from(1)));
}

#[test]
fn a_test_of_a_library_says_what_is_found() {
    let library = "library shared\npattern ticket = /\\bT-\\d{5}\\b/\n\
        test \"t\" { user \"T-12345\" expect ticket in \"T-12345\" expect block todo expect text \"x\" }\n\
        test \"nothing\" { user \"x\" }\n";
    let (_, err, code) = kt(folder(&[("shared.ktr", library)]).path(), &["policy", "test"]);
    assert_eq!(code, 1);
    assert_snapshot!(err);
}
