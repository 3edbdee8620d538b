//! Slips that people make, and what they are told.

use std::path::Path;

use super::{folder, kt};

/// All that it says, and its exit code.
fn told(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let (out, err, code) = kt(folder, arguments);
    (format!("{out}{err}"), code)
}

#[test]
fn a_file_without_an_end_is_read_up_to_the_limit() {
    let folder = folder(&[]);
    let (told, code) = told(folder.path(), &["policy", "lint", "--file", "/dev/zero"]);
    assert!(code == 2 && told.contains("longer than 1 MiB"), "{told}");
}

#[test]
fn a_policy_that_stands_twice_is_told_once() {
    let config = "pack: {name: p, version: 1.0.0}\npolicies: {chain: [pii-detector, pii-detector]}\n";
    let folder = folder(&[("policy-config.yaml", config)]);
    let (told, code) = told(folder.path(), &["policy", "lint", "--file", "policy-config.yaml"]);
    assert!(code == 2 && told.contains("`pii-detector` stands twice"), "{told}");
    assert_eq!(told.matches("error[").count(), 1, "{told}");
}

#[test]
fn a_pattern_that_is_too_large_is_told_in_words_of_ours() {
    let rules = "policy p\npattern wide = /(?:[a-z]{1,900}[0-9]{1,900}){1,90}x/\nrule r on request {\n  when text has wide\n  do block\n}\n";
    let folder = folder(&[("p.ktr", rules)]);
    let (told, code) = told(folder.path(), &["policy", "lint", "--file", "p.ktr"]);
    assert!(code == 2 && told.contains("too large") && !told.contains("NFA"), "{told}");
}

#[test]
fn a_variable_as_in_a_shell_is_told_with_what_to_write() {
    let config = "pack: {name: p, version: 1.0.0}\npolicies: {chain: []}\nproviders:\n  targets:\n    - {id: a, provider: openai, secret_key_ref: {env: ${OPENAI_API_KEY}}}\n";
    let folder = folder(&[("policy-config.yaml", config)]);
    let (told, code) = told(folder.path(), &["policy", "lint", "--file", "policy-config.yaml"]);
    assert!(code == 2 && told.contains("is not filled in") && told.contains("{env: NAME}"), "{told}");
}

#[test]
fn a_measurement_may_be_shorter_than_a_second() {
    let folder = folder(&[]);
    let short = ["audit", "bench", "--state-dir", "state", "--seconds", "0.1", "--clients", "1", "--json"];
    let (out, told, code) = kt(folder.path(), &short);
    assert_eq!((code, out.lines().count()), (0, 3), "{told}");
    let (_, told, code) = kt(folder.path(), &["audit", "bench", "--seconds", "0"]);
    assert!(code == 2 && told.contains("seconds are a number from 0.1"), "{told}");
}
