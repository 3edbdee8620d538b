//! The dashboard of Grafana: it asks for nothing that a gateway does not export.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};
use tests::{Gateway, Provider, Script, Setup, post};

const RULES: &str = r#"policy house
pattern secret = /SECRET[0-9]{1,3}/ label SECRET
script rank(name: string) -> int = """let n = 0; for i in 0..10 { n += 1; } n"""
rule hide on request, response { when text has secret do redact }
rule ranked on request { when rank(model) > 100 do block }"#;

/// Every text under a key, at any depth.
fn texts(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| texts(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

/// The figures of a gateway at which everything that is counted has happened.
fn figures(provider: &Provider) -> (Gateway, String) {
    let setup = Setup::new()
        .target("a", provider, "model: real, pricing: {prompt: 1, completion: 2}")
        .providers("max_concurrency: 7")
        .rules("house", RULES);
    let gateway = setup.here();
    assert_eq!(gateway.stream("hi").said(), "[SECRET] is out");
    let mut whole = tests::whole("SECRET1");
    whole["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    provider.now(Script::json(&whole));
    assert_eq!(gateway.ask("hi").said(), "[SECRET]");
    assert_eq!(post(gateway.admin, "/keeptrusts/config/reload", "", "").status, 200);
    let page = gateway.admin("/metrics").body;
    (gateway, page)
}

#[test]
fn every_figure_and_label_that_it_asks_for_is_exported() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/grafana/kt.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut asked = Vec::new();
    texts(&dashboard, "expr", &mut asked);
    texts(&dashboard, "definition", &mut asked);
    assert!(asked.len() > 20, "{asked:?}");
    let provider = Provider::always(Script::deltas(["SEC", "RET12 is out"]));
    let (_gateway, page) = figures(&provider);
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let name = Regex::new(r"\b(?:keeptrusts_llm|kt)_[a-z_]+\b").unwrap();
    let grouped = Regex::new(r"by \(([a-z_, ]+)\)").unwrap();
    let matched = Regex::new(r#"\b([a-z_]+)(?:=|!=|=~|!~)""#).unwrap();
    // What Prometheus itself adds.
    let known = BTreeSet::from(["job", "instance"]);
    for expression in &asked {
        let mut of_expression = Vec::new();
        for name in name.find_iter(expression).map(|found| found.as_str()) {
            let its: Vec<&str> =
                lines.iter().copied().filter(|line| line.split(['{', ' ']).next() == Some(name)).collect();
            assert!(!its.is_empty(), "`{name}` of `{expression}` is not exported");
            of_expression.extend(its);
        }
        let grouped =
            grouped.captures_iter(expression).flat_map(|found| found.extract::<1>().1[0].split(", "));
        let matched = matched.captures_iter(expression).map(|found| found.extract::<1>().1[0]);
        for label in grouped.chain(matched).filter(|label| !known.contains(label)) {
            let written = format!("{label}=\"");
            assert!(of_expression.iter().any(|line| line.contains(&written)), "`{label}` of `{expression}`");
        }
    }
}

#[test]
fn its_panels_have_places_of_their_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/grafana/kt.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        for cell in (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column))) {
            assert!(cells.insert(cell), "two panels at {cell:?}: {panel}");
        }
    }
}
