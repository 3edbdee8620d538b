//! The audit log of a state folder, as somebody sees it who was not there.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

/// What `kt audit verify` says of a state folder, and its exit code.
pub fn verify(state: &Path) -> (Value, i32) {
    let output = crate::kt().args(["audit", "verify", "--json", "--state-dir"]).arg(state).output();
    let output = output.expect("`kt` starts");
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {told}"));
    (report, output.status.code().expect("`kt` exits by itself"))
}

/// The names of all requests on record, and how many torn lines were set aside.
pub fn recorded(state: &Path) -> (HashMap<String, usize>, usize) {
    let (mut names, mut torn) = (HashMap::new(), 0);
    for file in std::fs::read_dir(state.join("audit")).unwrap() {
        let path = file.unwrap().path();
        torn += usize::from(path.extension().is_some_and(|extension| extension == "torn"));
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let name = line.split_once("\"request_id\":\"").and_then(|(_, rest)| rest.split_once('"'));
            if let Some((name, _)) = name {
                *names.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    (names, torn)
}
