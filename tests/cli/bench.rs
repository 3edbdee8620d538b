//! `kt policy bench`: what it says it has measured. Times are whatever this machine makes of them.

use serde_json::{Value, json};

use crate::{folder, kt};

const HOUSE: &str = r#"policy house

pattern order = /\bORD-\d{6}\b/

/// Documentation that must go with its rule.
rule orders on request, response { when text has order do redact }

rule dear on request { when (max_tokens ?? 0) > 9 do flag }

/// At the end of the file.
rule bad on response { when text has "forbidden" do block }
"#;

const CONFIG: &str = "pack: {name: p, version: 1.0.0}\npolicies: {chain: [pii-detector, ./house.ktr]}\n\
    providers: {targets: []}\n";

const LINES: &str = "{\"id\": 1, \"text\": \"ORD-123456\", \"label\": \"x\"}\n\
    {\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"response\": \"see ORD-12345 forbidden things\"}\n";

fn measured(arguments: &[&str]) -> Value {
    let folder = folder(&[("house.ktr", HOUSE), ("policy-config.yaml", CONFIG), ("lines.jsonl", LINES)]);
    let (out, err, code) = kt(folder.path(), &[&["policy", "bench", "--json"], arguments].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON object")
}

/// The figures have been taken, and are in order.
fn check(figures: &Value) {
    let number = |name: &str| figures[name].as_f64().expect("a number");
    let (least, median, most) = (number("min"), number("median"), number("max"));
    assert!(0.0 < least && least <= median && median <= most, "{figures}");
}

#[test]
fn a_chain_is_measured_by_texts_and_by_rules() {
    let told = measured(&["--policy-config", "policy-config.yaml", "--seconds", "3"]);
    check(&told["compile"]["ns"]);
    let requests = told["requests"].as_array().expect("a list");
    let titles: Vec<&str> = requests.iter().filter_map(|row| row["text"].as_str()).collect();
    assert_eq!(titles.len(), 13, "{titles:?}");
    for kind in ["prose", "code", "json", "multilingual"] {
        assert_eq!(titles.iter().filter(|title| **title == kind).count(), 3);
    }
    requests.iter().for_each(|row| check(&row["ns_per_request"]));
    assert!(requests.iter().all(|row| row["stopped_by"].is_null()), "{requests:?}");
    let streams = told["streams"].as_array().expect("a list");
    assert_eq!(streams.len(), 4);
    streams.iter().for_each(|row| check(&row["ns_per_piece"]));
    let rules = told["rules"].as_array().expect("a list");
    let named: Vec<&str> = rules.iter().filter_map(|row| row["rule"].as_str()).collect();
    let unmeasured = told["unmeasured"].as_array().map_or(0, Vec::len);
    assert_eq!(named.len() + unmeasured, 4);
    // A machine that is busy with other things may leave no time for single rules.
    assert!(named.first().is_none_or(|dearest| *dearest == "pii-detector.personal_data"), "{named:?}");
}

#[test]
fn a_rule_has_a_part_in_the_phases_in_which_it_runs() {
    let told = measured(&["--file", "house.ktr", "--seconds", "1"]);
    let rule = |name: &str| {
        let mut rules = told["rules"].as_array().into_iter().flatten();
        rules.find(|row| row["rule"] == name).unwrap_or_else(|| panic!("no `{name}` in {told}"))
    };
    let (dear, bad) = (rule("house.dear"), rule("house.bad"));
    assert!(dear["ns_per_request"].is_number() && dear["ns_per_piece"].is_null());
    assert!(bad["ns_per_request"].is_null() && bad["ns_per_piece"].is_number());
    let floor = &told["no_rule"];
    assert!(floor["ns_per_request"].as_f64() > Some(0.0) && floor["ns_per_piece"].as_f64() > Some(0.0));
    let searched = rule("house.orders")["ns_per_piece"].as_f64();
    assert!(searched > Some(0.0), "looking at each character costs something: {told}");
}

#[test]
fn texts_may_be_a_persons_own() {
    let told = measured(&["--file", "house.ktr", "--input", "lines.jsonl", "--seconds", "0.2"]);
    let (request, stream) = (&told["requests"][0], &told["streams"][0]);
    check(&request["ns_per_request"]);
    assert_eq!((request["requests"].as_u64(), request["bytes"].as_u64()), (Some(2), Some(12)));
    assert_eq!((stream["bytes"].as_u64(), stream["pieces"].as_u64()), (Some(30), Some(8)));
    assert!(stream["held_bytes"].as_u64() >= Some(9) && stream["held_by"].is_string(), "{stream}");
    assert_eq!(stream["stopped_by"], "bad");
}

#[test]
fn one_choice_may_be_stopped_while_another_waits() {
    let choice =
        |index: u8, text: &str| json!({"index": index, "message": {"role": "assistant", "content": text}});
    let response = json!({"choices": [choice(0, "forbidden, all of it"), choice(1, "see ORD-123456")]});
    let line = json!({"text": "hi", "response": response}).to_string();
    let folder = folder(&[("house.ktr", HOUSE), ("lines.jsonl", line.as_str())]);
    let arguments = ["--file", "house.ktr", "--input", "lines.jsonl", "--seconds", "0.1"];
    let (out, err, code) = kt(folder.path(), &[&["policy", "bench", "--json"], &arguments[..]].concat());
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    let stream = &told["streams"][0];
    assert_eq!((stream["stopped_by"].as_str(), stream["held_by"].as_str()), (Some("bad"), Some("order")));
    assert_eq!(stream["held_bytes"], 10, "{stream}");
}

#[test]
fn the_table_names_the_build_and_what_was_stopped() {
    let rules = format!("{HOUSE}rule every on request {{ when true do block }}\n");
    let folder = folder(&[("house.ktr", rules.as_str())]);
    let (out, err, code) = kt(folder.path(), &["policy", "bench", "--file", "house.ktr", "--seconds", "0.1"]);
    assert_eq!(code, 0, "{err}");
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    assert!(
        out.starts_with("kt ")
            && out.lines().next().is_some_and(|line| line.ends_with(&format!("{build} build")))
    );
    for part in ["compile", "request", "  prose", "64 KiB", "answer, by pieces of 4 bytes"] {
        assert!(out.lines().any(|line| line.contains(part)), "no `{part}` in {out}");
    }
    assert_eq!(err.contains("this is a debug build"), cfg!(debug_assertions), "{err}");
    assert!(err.contains("request `prose` is stopped by `every`"), "{err}");
}

#[test]
fn what_cannot_be_measured_is_told() {
    let folder = folder(&[
        ("house.ktr", "policy house\nrule a on nothing {}\n"),
        ("empty.jsonl", "\n"),
        ("ok.ktr", HOUSE),
    ]);
    let run = |arguments: &[&str]| {
        let (_, err, code) = kt(folder.path(), &[&["policy", "bench"], arguments].concat());
        assert_eq!(code, 2, "{err}");
        err
    };
    assert!(run(&["--file", "house.ktr"]).contains("E001"));
    assert!(run(&["--file", "none.ktr"]).contains("there is no file"));
    assert!(run(&[]).contains("policy-config.yaml"));
    assert!(run(&["--file", "ok.ktr", "--input", "empty.jsonl"]).contains("has no lines to judge"));
    assert!(run(&["--file", "ok.ktr", "--seconds", "0"]).contains("from 0.1 to 600"));
}
