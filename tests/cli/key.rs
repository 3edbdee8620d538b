//! `kt key new`: the key and the line that lets it in belong together, and each is new.

use std::path::Path;

use serde_json::Value;
use tests::{Provider, Script, Setup, question_of};

use crate::kt;

/// The key and the line of a run.
fn made(arguments: &[&str]) -> (String, String) {
    let (out, _, code) = kt(Path::new("/"), &[&["key", "new"], arguments].concat());
    assert_eq!(code, 0);
    let (key, line) = out.split_once('\n').expect("two lines");
    (key.to_owned(), line.trim_end().to_owned())
}

#[test]
fn a_new_key_enters_with_its_line_and_no_other_does() {
    let (key, line) = made(&["--name", "support-app"]);
    let (other, second) = made(&["--name", "true: it"]);
    assert!(key.starts_with("kt_") && key.len() == 46 && key != other, "{key} {other}");
    assert!(line.starts_with("- {name: support-app, sha256: ") && !line.contains(&key), "{line}");
    assert!(second.starts_with("- {name: \"true: it\", "), "{second}");
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).block(&format!("auth:\n  keys:\n  {line}")).here();
    let ask = |key: &str| {
        let headers = format!("authorization: Bearer {key}\r\n");
        gateway.post(&headers, question_of("hi", false).to_string()).status
    };
    assert_eq!((ask(&key), ask(&other)), (200, 401));
    assert_eq!(gateway.stop()[0]["key"], "support-app");
}

#[test]
fn programs_get_an_object() {
    let (out, err, code) = kt(Path::new("/"), &["key", "new", "--json"]);
    let made: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, err.as_str(), &made["name"]), (0, "", &Value::from("client")));
    assert!(made["key"].as_str().unwrap().starts_with("kt_") && made["sha256"].as_str().unwrap().len() == 64);
}

#[test]
fn a_name_that_no_log_can_show_is_refused() {
    for name in ["", " ", "a\u{1b}[2J"] {
        let (out, err, code) = kt(Path::new("/"), &["key", "new", "--name", name]);
        assert_eq!((out.as_str(), code), ("", 2), "{name:?}");
        assert!(err.contains("control characters"), "{err}");
    }
}
