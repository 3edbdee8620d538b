//! Rules that stand in the configuration: checked, tested and run like those of a file, with places in the YAML.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use tests::kt;

/// Status, standard output and standard error of a command.
fn run(args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = kt()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kt starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("kt reads");
    let done = child.wait_with_output().expect("kt ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
}

fn write(config: &Path, bound: &str) {
    let rules = format!(
        "  param most: int = 10\n\n  rule dear on request {{\n    when (max_tokens ?? 0) > {bound}\n    do block\n  }}\n  \
         test \"é\" {{ user \"x\" expect allow }}\n"
    );
    let head = "pack: {name: p, version: 1.0.0}\npolicies: {chain: []}\nrules: |\n";
    std::fs::write(config, format!("{head}{rules}policy:\n  rules: {{most: 5}}\n")).expect("a file");
}

#[test]
fn rules_in_the_configuration_are_checked_tested_and_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("policy-config.yaml");
    let path = config.to_str().expect("a plain path");
    write(&config, "mots");
    let (status, out, err) = run(&["policy", "lint", "--file", path], "");
    assert_eq!(status, 2, "{out}{err}");
    assert!(err.contains(":7:30") && err.contains("did you mean `most`?"), "{err}");
    write(&config, "most");
    let (status, out, err) = run(&["policy", "lint", "--file", path], "");
    assert!(status == 0 && out.contains("Chain: rules"), "{out}{err}");
    let pack = folder.path().to_str().expect("a plain path");
    let (status, out, err) = run(&["policy", "test", "--pack-dir", pack], "");
    assert!(status == 0 && out.contains("✓ é"), "{out}{err}");
    let line = r#"{"messages":[{"role":"user","content":"x"}],"max_tokens":6}"#;
    let (_, out, err) = run(&["policy", "eval", "--policy-config", path], line);
    assert!(out.contains(r#""verdict":"block""#) && out.contains(r#""policy":"rules""#), "{out}{err}");
}
