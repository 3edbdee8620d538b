//! `kt policy lint` as a command: what ships passes it without a word, and what it says reaches whoever asks.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

fn lint(file: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = tests::kt();
    let Output { status, stdout, stderr } =
        command.args(["policy", "lint", "--file"]).arg(file).args(more).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn as_json(file: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let (status, out, err) = lint(file, &[&["--json"], more].concat());
    (status, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}")))
}

/// Every rule file and configuration under a folder.
fn shipped(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            shipped(&path, found);
        } else if name.ends_with(".ktr") || name == "policy-config.yaml" || name == "quickstart.yaml" {
            found.push(path);
        }
    }
}

#[test]
fn what_ships_passes_without_a_warning() {
    let mut files = Vec::new();
    shipped(&super::root(), &mut files);
    assert!(files.len() >= 11, "{files:?}");
    for file in files {
        let (status, out, err) = lint(&file, &["--deny-warnings"]);
        assert_eq!(status, Some(0), "{}\n{out}{err}", file.display());
        assert_eq!(as_json(&file, &[]).1["warnings"], json!([]), "{}", file.display());
    }
}

#[test]
fn warnings_are_in_the_object_and_can_be_denied() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.ktr");
    let rules = "policy house\nrule a on request {\n  when model == \"a\" and model == \"b\"\n  do flag\n}\n\
                 test \"one\" { model \"c\" user \"x\" expect allow }\n";
    std::fs::write(&file, rules).unwrap();
    let (status, told) = as_json(&file, &[]);
    assert_eq!((status, &told["valid"]), (Some(0), &json!(true)));
    let warning = &told["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["line"], &warning["column"]),
        (&json!("W008"), &json!(3), &json!(25))
    );
    assert!(warning["message"].as_str().unwrap().ends_with("so rule `a` never does"), "{warning}");
    assert!(warning["suggestion"].as_str().unwrap().contains("`or`"), "{warning}");
    assert_eq!(told["warnings"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(as_json(&file, &["--deny-warnings"]), (Some(2), told));
    let (status, out, err) = lint(&file, &["--deny-warnings"]);
    assert!(status == Some(2) && out.contains("is valid") && err.contains("warning[W008]"), "{out}{err}");
    std::fs::write(&file, rules.replace("rule a", "/// kt:allow W008 it is shown in a lesson\nrule a"))
        .unwrap();
    assert_eq!(as_json(&file, &["--deny-warnings"]).0, Some(0));
    std::fs::write(&file, rules.replace("rule a", "/// kt:allow W008\nrule a")).unwrap();
    assert_eq!(as_json(&file, &["--deny-warnings"]).0, Some(2), "without a reason it does not count");
}

#[test]
fn what_a_configuration_gives_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy-config.yaml");
    let config = r#"pack: {name: p, version: 1.0.0}
policies: {chain: [pii-detector]}
policy:
  pii-detector:
    detect_patterns:
      - '.*@[^ourcompany.com$]'
      - 'EMP-\d{6}'
    redaction:
      custom_markers: {EMIAL: "<mail>", PHONE: "<phone>"}
  safety-filter: {mode: strict}
"#;
    std::fs::write(&file, config).unwrap();
    let (status, told) = as_json(&file, &[]);
    assert_eq!(status, Some(0), "{told}");
    let warnings: Vec<_> = told["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["code"].as_str().unwrap(), warning["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(warnings, [("W011", 6), ("W013", 6), ("W012", 9), ("W001", 10)], "{told}");
    assert_eq!(told["warnings"][2]["suggestion"], "did you mean `EMAIL`?");
    std::fs::write(&file, config.replace("'EMP-\\d{6}'", "'(?:EMP)?'")).unwrap();
    let (status, told) = as_json(&file, &[]);
    assert_eq!((status, &told["errors"][0]["code"]), (Some(2), &json!("E013")), "{told}");
    assert_eq!(
        (&told["errors"][0]["line"], &told["errors"][0]["path"]),
        (&json!(7), &json!("policy.pii-detector.detect_patterns"))
    );
}

#[test]
fn settings_belong_to_the_policy_that_a_file_declares_and_not_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy-config.yaml");
    let rules = "policy acme\nversion \"1.0.0\"\nparam most: int = 1\n\
                 rule r on request { when (max_tokens ?? 0) > most do block }\n";
    std::fs::write(folder.path().join("house.ktr"), rules).unwrap();
    let unused = |rest: &str| -> Vec<String> {
        std::fs::write(&file, format!("pack: {{name: p, version: 1.0.0}}\n{rest}")).unwrap();
        let (status, told) = as_json(&file, &[]);
        assert_eq!(status, Some(0), "{told}");
        let warnings = told["warnings"].as_array().unwrap().iter();
        let unused = warnings.filter(|warning| warning["code"] == "W001");
        unused.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect()
    };
    let settings =
        |of: &str| unused(&format!("policies: {{chain: [./house.ktr]}}\npolicy: {{{of}: {{most: 5}}}}\n"));
    assert_eq!(settings("acme"), Vec::<String>::new());
    assert_eq!(settings("house"), ["`house` is not in the chain, so its settings are unused"]);
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let of_key = |policy: &str| {
        unused(&format!(
            "policies: {{chain: []}}\npolicy: {{pii-detector: {{}}}}\n\
             auth: {{keys: [{{name: a, sha256: {digest}, policies: [{policy}]}}]}}\n"
        ))
    };
    assert_eq!(of_key("pii-detector"), Vec::<String>::new(), "policies that keys add count too");
    assert_eq!(of_key("dlp-filter").len(), 1);
}

#[test]
fn a_policy_that_judges_all_requests_cannot_be_added_for_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy-config.yaml");
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let config = format!(
        "pack: {{name: p, version: 1.0.0}}\npolicies: {{chain: [pii-detector]}}\n\
         auth: {{keys: [{{name: a, sha256: {digest}, policies: [pii-detector, no-such]}}]}}\n"
    );
    std::fs::write(&file, config).unwrap();
    let (status, told) = as_json(&file, &[]);
    let told: Vec<_> =
        told["errors"].as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap()).collect();
    assert_eq!(status, Some(2));
    assert_eq!(
        told,
        ["the policy `pii-detector` judges all requests already", "there is no policy `no-such`"]
    );
}
