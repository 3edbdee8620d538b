//! `kt init`: what each template writes is sound, and passes the tests that it brings.

use std::path::Path;

use serde_json::Value;

use super::{folder, kt};

/// The names of the templates, as the help lists them.
fn templates() -> Vec<String> {
    let (help, _, _) = kt(Path::new("."), &["init", "-h"]);
    let (_, named) = help.split_once("--template").unwrap_or_else(|| panic!("{help}"));
    let (_, named) = named.split_once("[possible values: ").unwrap_or_else(|| panic!("{help}"));
    let named = named.split(']').next().unwrap_or_default();
    named.split(',').map(|name| name.trim().to_owned()).collect()
}

fn json(told: &str) -> Value {
    serde_json::from_str(told).unwrap_or_else(|e| panic!("{e}: {told}"))
}

#[test]
fn every_template_is_a_pack_without_warnings_that_passes_its_tests() {
    let names = templates();
    assert_eq!(names, ["starter", "agent", "dlp", "spend"]);
    for name in names {
        let folder = folder(&[]);
        let (told, _, code) = kt(folder.path(), &["init", "--template", &name, "--dir", "pack"]);
        assert!(code == 0 && told.contains("wrote pack/policy-config.yaml"), "{name}: {told}");
        let pack = folder.path().join("pack");
        let (told, _, code) = kt(&pack, &["policy", "lint", "--file", "policy-config.yaml", "--json"]);
        assert_eq!((code, &json(&told)["warnings"]), (0, &Value::Array(Vec::new())), "{name}: {told}");
        assert_eq!(json(&told)["pack"]["name"], *name, "{told}");
        let (told, err, code) = kt(&pack, &["policy", "test", "--json"]);
        let count = json(&told)["results"].as_array().map_or(0, Vec::len);
        assert!(code == 0 && count >= 4, "{name}: {count} tests\n{told}\n{err}");
        let rules = std::fs::read_dir(pack.join("rules")).expect("a folder of rules");
        for rules in rules {
            let path = rules.expect("a rule file").path().display().to_string();
            for check in [["policy", "fmt", "--check", &path], ["policy", "lint", "--file", &path]] {
                let (told, err, code) = kt(&pack, &check);
                assert!(code == 0 && !told.contains("warning"), "{name}: {told}{err}");
            }
        }
    }
}

#[test]
fn a_template_that_does_not_exist_is_told_with_those_that_do() {
    let folder = folder(&[]);
    let (_, told, code) = kt(folder.path(), &["init", "--template", "agnet"]);
    assert!(
        code == 2 && told.contains("'agnet'") && told.contains("similar value exists: 'agent'"),
        "{told}"
    );
    assert!(told.contains("starter") && told.contains("spend"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn nothing_is_written_over() {
    let folder = folder(&[("tests/cases.yaml", "mine")]);
    let (_, told, code) = kt(folder.path(), &["init", "--template", "spend"]);
    assert!(code == 2 && told.contains("has tests/cases.yaml already, and nothing was written"), "{told}");
    let mine = std::fs::read_to_string(folder.path().join("tests/cases.yaml")).expect("a file");
    assert!(mine == "mine" && !folder.path().join("policy-config.yaml").exists());
}
