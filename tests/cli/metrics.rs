//! `kt policy eval --metrics`: how often a chain is right, over labelled data.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{folder, kt};

const CONFIG: &str =
    "pack: {name: p, version: 1.0.0}\npolicies: {chain: [./house.ktr]}\nproviders: {targets: []}\n";

const HOUSE: &str = r#"policy house

pattern mail = /[a-z]+@[a-z]+\.com/ label EMAIL
pattern phone = /\+\d{6,12}/ label PHONE

score danger = sum {
  0.5 if text has "alpha"
  0.4 if text has "beta"
} clamp 0.0..1.0

rule dangerous on request { when danger >= 0.8 do block }
rule named on request { when text has "bluebird" do flag }
rule personal on request, response { when text has (mail, phone) do redact }
rule told on request { when tool.text has "order" do flag }
"#;

const ATTACKS: &str = r#"{"text": "alpha beta", "label": 1}
{"text": "alpha", "label": 1}
{"text": "bluebird", "label": true}
{"text": "gamma", "label": 0}
{"text": "beta, bluebird", "label": 0, "source": "other"}
{"text": "nothing", "label": false, "source": "other"}
{"text": "no label", "source": "other"}
"#;

const PERSONAL: &str = r#"{"text": "Zoë: zoe@example.com, +15550100", "label": [{"start": 5, "end": 20, "type": "EMAIL_ADDRESS"}, {"start": 22, "end": 31, "type": "PHONE_NUMBER"}, {"start": 0, "end": 3, "type": "PERSON"}]}
{"text": "call +15550199 now", "label": [{"start": 5, "end": 18, "type": "PHONE"}]}
{"text": "x@example.com", "label": []}
"#;

fn pack() -> tempfile::TempDir {
    folder(&[
        ("policy-config.yaml", CONFIG),
        ("house.ktr", HOUSE),
        ("attacks.jsonl", ATTACKS),
        ("personal.jsonl", PERSONAL),
    ])
}

const BOTH: [&str; 6] = ["policy", "eval", "--metrics", "--input", "attacks.jsonl", "personal.jsonl"];

#[test]
fn tables_tell_how_often_it_is_right() {
    let folder = pack();
    let (out, err, code) = kt(folder.path(), &BOTH);
    assert_eq!(code, 1);
    assert_snapshot!(format!("{out}--- standard error\n{err}"));
}

#[test]
fn the_object_has_the_whole_curve() {
    let folder = pack();
    let mut arguments = BOTH.to_vec();
    arguments.push("--json");
    let (out, _, _) = kt(folder.path(), &arguments);
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    let attacks = &told["sets"]["attacks"];
    assert_eq!(attacks["verdict"]["true_positives"], 2);
    assert_eq!(attacks["verdict"]["false_negatives"], 1);
    assert_eq!(told["sets"]["other"]["verdict"]["false_positives"], 1);
    assert_eq!(told["all"]["errors"], 1);
    let curve = attacks["rules"]["house.dangerous"]["curve"].as_array().expect("a curve");
    assert_eq!(curve.len(), 101);
    let at =
        |threshold: f64| curve.iter().find(|point| point["threshold"] == json!(threshold)).expect("a point");
    assert_eq!((&at(0.5)["true_positives"], &at(0.51)["true_positives"]), (&json!(2), &json!(1)));
    let spans = &told["sets"]["personal"]["spans"];
    assert_eq!(
        (&spans["labels"]["EMAIL"]["exact"], &spans["labels"]["EMAIL"]["found"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (&spans["labels"]["PHONE"]["touched"], &spans["labels"]["PHONE"]["exact"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(spans["not_looked_for"], json!({"PERSON": 1}));
}

#[test]
fn the_page_asks_nothing_of_a_network() {
    let folder = pack();
    let mut arguments = BOTH.to_vec();
    arguments.extend(["--html", "report.html"]);
    kt(folder.path(), &arguments);
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("house.dangerous") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "src=", "href=", "url(", "<script", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_text_can_be_said_by_a_tool_or_the_model() {
    let folder = pack();
    let data = "{\"text\": \"an order\", \"label\": 1}\n{\"text\": \"mail ann@example.com\", \"label\": 1}\n";
    std::fs::write(folder.path().join("said.jsonl"), data).expect("a file");
    let caught = |speaker: &str| {
        let arguments = ["policy", "eval", "--metrics", "--json", "--input", "said.jsonl", "--as", speaker];
        let (out, err, _) = kt(folder.path(), &arguments);
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        told["all"]["verdict"]["true_positives"].as_u64()
    };
    assert_eq!((caught("user"), caught("tool"), caught("answer")), (Some(1), Some(2), Some(1)));
}

#[test]
fn several_inputs_are_for_metrics() {
    let folder = pack();
    let (_, err, code) = kt(folder.path(), &["policy", "eval", "--input", "attacks.jsonl", "personal.jsonl"]);
    assert!(code == 2 && err.contains("several are for `--metrics`"), "{code} {err}");
}
