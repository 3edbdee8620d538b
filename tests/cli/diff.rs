//! `kt policy diff`: what changes in behaviour between two versions, with texts that show it.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{folder, kt, kt_fed};

const OLD: &str = r#"policy house

use std.pii (email)

param action: enum(redact, block, log) = redact
param limit: int in 0..100 = 10

pattern staff = /\bEMP-\d{6}\b/ label STAFF
pattern ticket = /\bTCK-\d{4,8}\b/ label TICKET
pattern card = /\b\d{16}\b/ where luhn label CARD
pattern chart = /\bMRN\d{6}\b/ near /\bpatient\b/ within 40 label CHART
pattern code_name = words ["Bluebird", "Night Owl"] label CODE_NAME

rule stay on request, response { when text has (staff, ticket, card, chart) do action code "house.stay" }
rule dear on request { when (max_tokens ?? 0) > limit do block }
rule named on request { when text has code_name do flag }
rule old on request { when model == "old" do block }
rule mail on request, response { when text has email do redact }
"#;

const NEW: &str = r#"policy house

use std.pii (email)

param action: enum(redact, block, log) = block
param limit: int in 0..100 = 20

pattern employee = /\bEMP-\d{6,8}\b/ label STAFF
pattern ticket = /\bTCK-\d{4,6}\b/ label TICKET
pattern card = /\b\d{16}\b/ label CARD
pattern chart = /\bMRN\d{6}\b/ near /\bpatient\b/ within 12 label CHART
pattern code_name = words ["Bluebird", "Day Owl"] label CODE_NAME

rule dear on request { when limit < (max_tokens ?? 0) do block severity high }
rule stay on request, response { when text has (chart, employee, ticket, card) do action code "house.stay" }
rule called on request { when text has code_name do flag }
rule apology on response { when text has "sorry" do flag }
// Other words for the same.
rule mail on request, response { when text has email do redact }
"#;

const DATA: &str = r#"{"id": "staff", "text": "EMP-1234567"}
{"id": "ticket", "text": "TCK-12345678"}
{"text": "nothing"}
{"text": "TCK-1234567"}
{"id": 7, "text": "hi", "response": "sorry"}
{"id": "old", "text": "hi", "model": "old"}
{"id": "both", "text": "EMP-123456"}
{"id": "mail", "text": "ann@example.com"}
not JSON
"#;

/// A folder with both versions, each in a chain of its own too.
fn versions() -> tempfile::TempDir {
    let chain = |arguments: &str| {
        format!(
            "pack: {{name: p, version: 1.0.0}}\npolicies: {{chain: [pii-detector, ./house.ktr]}}\n\
             policy: {arguments}\nproviders: {{targets: []}}\n"
        )
    };
    folder(&[
        ("old/house.ktr", OLD),
        ("new/house.ktr", NEW),
        (
            "old/policy-config.yaml",
            &chain("{pii-detector: {entities: [email], detect_patterns: ['EMP-\\d{6}']}}"),
        ),
        (
            "new/policy-config.yaml",
            &chain("{pii-detector: {entities: [email, phone], detect_patterns: ['EMP-\\d{5}']}}"),
        ),
        ("data.jsonl", DATA),
    ])
}

fn told(arguments: &[&str]) -> String {
    let (out, err, code) = kt(versions().path(), &[&["policy", "diff"], arguments].concat());
    assert_eq!((err.as_str(), code), ("", 1));
    out
}

fn object(folder: &Path, before: &str, after: &str) -> Value {
    let (out, err, code) = kt(folder, &["policy", "diff", before, after, "--json"]);
    assert!(code < 2, "{err}");
    serde_json::from_str(&out).expect("one JSON object")
}

#[test]
fn two_versions_of_a_rule_file() {
    assert_snapshot!(told(&["old/house.ktr", "new/house.ktr", "--data", "data.jsonl"]));
}

#[test]
fn two_configurations() {
    let folder = folder(&[
        (
            "new/policy-config.yaml",
            "pack: {name: p, version: 2.0.0}\npolicies: {chain: [safety-filter, pii-detector]}\n\
            policy: {pii-detector: {action: block, entities: [mac_address, iban]}, safety-filter: {on_error: allow, mode: automotive}}\n\
            providers: {targets: []}\n",
        ),
        (
            "old/policy-config.yaml",
            "pack: {name: p, version: 1.0.0}\npolicies: {chain: [pii-detector, safety-filter, audit-logger]}\n\
            policy: {pii-detector: {entities: [mac_address]}}\nproviders: {targets: []}\n",
        ),
    ]);
    let (out, err, code) = kt(folder.path(), &["policy", "diff", "old", "new"]);
    assert_eq!((err.as_str(), code), ("", 1));
    assert_snapshot!(out);
}

#[test]
fn what_is_only_written_otherwise_is_no_change() {
    let after = OLD
        .replace("staff", "badge")
        .replace(r"\d{4,8}", r"[0-9]{4}\d{0,4}")
        .replace("(max_tokens ?? 0) > limit", "not ((max_tokens ?? 0) <= limit)");
    let folder = folder(&[("old.ktr", OLD), ("new.ktr", &after), ("data.jsonl", DATA)]);
    for data in [&[][..], &["--data", "data.jsonl"]] {
        let (out, err, code) = kt(folder.path(), &[&["policy", "diff", "old.ktr", "new.ktr"], data].concat());
        assert_eq!((err.as_str(), code), ("", 0), "{out}");
        assert!(out.ends_with("no change in behaviour\n"), "{out}");
    }
    assert_eq!(object(folder.path(), "old.ktr", "new.ktr")["same"], true);
}

#[test]
fn examples_are_found_by_one_side_alone() {
    // The verdict of a pattern on a text, asked of `kt` itself.
    let verdict = |folder: &Path, config: &str, text: &str| -> String {
        let line = json!({ "text": text }).to_string();
        let arguments = ["policy", "eval", "--quiet", "--policy-config", config];
        let (out, err, code) = kt_fed(folder, &arguments, line.as_bytes());
        assert_eq!((err.as_str(), code), ("", 0));
        let judged: Value = serde_json::from_str(&out).expect("one verdict");
        judged["verdict"].as_str().expect("a verdict").to_owned()
    };
    for (view, before, after, gained, lost) in [
        ("text", r"/x{2,5}y/", r"/x{3,6}y/", false, true),
        ("text", r"/\d{16}/ where luhn", r"/\d{16}/", true, false),
        (
            "text",
            r"/\bID \d{3}\b/ near /\bcat\b/ within 30",
            r"/\bID \d{3}\b/ near /\bcat\b/ within 9",
            false,
            true,
        ),
        ("text", r"/key (?<v>[a-z]+)/ capture v", r"/key (?<v>[a-z]+)\b/ capture v", false, true),
        ("text", r#"words ["alpha"]"#, r#"words ["beta", "alpha"] fuzzy 1"#, true, false),
        ("raw(text)", "/é+x/", "/e+x/", true, true),
        ("json(text)", r#"/"token": ?"[a-z]{8}"/"#, r#"/"token": ?"[a-z]{8,9}"/"#, true, false),
    ] {
        let chain = |name: &str| {
            format!(
                "pack: {{name: p, version: 1.0.0}}\npolicies: {{chain: [./{name}.ktr]}}\nproviders: {{targets: []}}\n"
            )
        };
        let rules = |pattern: &str| {
            format!("policy p\npattern x = {pattern}\nrule r on request {{ when {view} has x do flag }}\n")
        };
        let folder = folder(&[
            ("a.ktr", &rules(before)),
            ("b.ktr", &rules(after)),
            ("a.yaml", &chain("a")),
            ("b.yaml", &chain("b")),
        ]);
        let folder = folder.path();
        let told = object(folder, "a.ktr", "b.ktr");
        for (kind, is_told, expected) in
            [("gained", gained, ["allow", "flag"]), ("lost", lost, ["flag", "allow"])]
        {
            let reach = &told["patterns"][0][kind];
            assert_eq!(
                (reach["example"].is_string(), &reach["proved"]),
                (is_told, &json!(true)),
                "{before}: {told}"
            );
            if let Some(text) = reach["example"].as_str() {
                assert_eq!(
                    ["a.yaml", "b.yaml"].map(|config| verdict(folder, config, text)),
                    expected,
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn data_comes_through_a_pipe_and_goes_out_as_json() {
    let folder = versions();
    let arguments = ["policy", "diff", "old", "new", "--data", "-", "--show", "1", "--json"];
    let (out, err, code) = kt_fed(folder.path(), &arguments, DATA.as_bytes());
    assert_eq!((err.as_str(), code), ("", 1));
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    let data = &told["data"];
    assert_eq!((&data["lines"], &data["errors"]), (&json!(9), &json!(1)));
    assert_eq!((&data["changed"], &data["stronger"], &data["weaker"]), (&json!(6), &json!(3), &json!(3)));
    let group = &data["groups"][0];
    assert_eq!((&group["count"], group["lines"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    assert_eq!(group["lines"][0], json!({"line": 2, "id": "ticket"}));
    assert_eq!(
        (&group["before"]["verdict"], &group["after"]["verdict"]),
        (&json!("redact"), &json!("allow"))
    );
}

#[test]
fn libraries_are_compared_by_their_patterns() {
    let mine =
        "library mine\npattern card_track = /%B\\d{12,19}\\^[A-Za-z .'-]{2,26}\\^\\d{4}/ label CARD_TRACK\n";
    let folder = folder(&[("mine.ktr", mine)]);
    let told = object(folder.path(), "std.pii", "mine.ktr");
    let patterns = told["patterns"].as_array().expect("patterns");
    let one = patterns.iter().find(|pattern| pattern["pattern"] == "card_track").expect("a change");
    assert_eq!((&one["relation"], &one["gained"]["proved"]), (&json!("narrowed"), &json!(true)));
    assert!(patterns.iter().any(|pattern| pattern["pattern"] == "email" && pattern["change"] == "removed"));
}

#[test]
fn a_chain_that_is_switched_off_is_said() {
    let folder = versions();
    let config =
        std::fs::read_to_string(folder.path().join("old/policy-config.yaml")).expect("a configuration");
    let off = config.replace("version: 1.0.0", "version: 1.0.0, enabled: false");
    std::fs::write(folder.path().join("old/off.yaml"), off).expect("a file");
    let (out, err, code) = kt(folder.path(), &["policy", "diff", "old", "old/off.yaml"]);
    assert_eq!(
        (out.as_str(), code),
        ("- policy pii-detector\n- policy house\n\n2 changes in behaviour\n", 1)
    );
    assert_eq!(err, "note: `old/off.yaml` switches its policies off: every request passes\n");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = versions();
    std::fs::write(folder.path().join("bad.ktr"), "policy x\nrule r on request { when bogus do block }\n")
        .expect("a file");
    for (arguments, expected) in [
        (&["old/house.ktr", "gone.ktr"][..], "there is no file `gone.ktr`"),
        (&["old/house.ktr", "pii-detectr"], "did you mean `pii-detector`?"),
        (&["old", "old/house.ktr", "--data", "gone.jsonl"], "`gone.jsonl` cannot be read"),
        (&["old/house.ktr", "std.pii"], "`std.pii` is a library and `old/house.ktr` is none"),
        (&["std.pii", "std.pii", "--data", "data.jsonl"], "a library judges nothing by itself"),
        (&["old/house.ktr", "bad.ktr"], "`bad.ktr` has mistakes; nothing was compared"),
        (&["old", "data.jsonl"], "`data.jsonl` has mistakes"),
        (&["."; 2], "there is no file `./policy-config.yaml`"),
    ] {
        let (out, err, code) = kt(folder.path(), &[&["policy", "diff"], arguments].concat());
        assert_eq!((out.as_str(), code), ("", 2), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}
