//! The files of `book/editors`: they parse, and know every word of the language.

use std::path::{Path, PathBuf};

use regex_automata::meta::Regex;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

const VSCODE: &str = "book/editors/vscode";

/// The words of the grammar: what its keyword rules and its closed sets of words say.
fn keywords() -> Vec<String> {
    let grammar = read("grammar/src/rule.pest");
    let rules = grammar.lines().filter(|line| line.starts_with("kw_") || line.contains("~ !name_char }"));
    let quoted = rules.flat_map(|line| line.split('"').skip(1).step_by(2));
    let words = quoted.filter(|word| word.chars().all(|c| c.is_ascii_lowercase()) && !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

#[test]
fn the_json_files_parse_and_name_files_that_are_there() {
    let package = json(&format!("{VSCODE}/package.json"));
    let contributes = &package["contributes"];
    let paths = [
        &package["main"],
        &contributes["languages"][0]["configuration"],
        &contributes["grammars"][0]["path"],
    ];
    for path in paths {
        let path = path.as_str().unwrap();
        assert!(root().join(VSCODE).join(path).is_file(), "{path}");
    }
    let configuration = json(&format!("{VSCODE}/language-configuration.json"));
    assert_eq!(configuration["comments"]["lineComment"], "//");
    let grammar = json(&format!("{VSCODE}/syntaxes/kt.tmLanguage.json"));
    assert_eq!(grammar["scopeName"], contributes["grammars"][0]["scopeName"]);
}

#[test]
fn the_colours_know_every_word_of_the_language() {
    let keywords = keywords();
    assert!(keywords.len() > 60, "{keywords:?}");
    let grammar = json(&format!("{VSCODE}/syntaxes/kt.tmLanguage.json"));
    let words = grammar["repository"]["word"]["patterns"].as_array().unwrap();
    let listed: Vec<&str> = words
        .iter()
        .filter_map(|pattern| pattern["match"].as_str()?.strip_prefix("(?<![.\\w])(?:")?.strip_suffix(")\\b"))
        .flat_map(|words| words.split('|'))
        .collect();
    let unknown: Vec<&String> = keywords.iter().filter(|word| !listed.contains(&word.as_str())).collect();
    assert!(unknown.is_empty(), "kt.tmLanguage.json does not colour {unknown:?}");
    let vim = read("book/editors/neovim/syntax/ktr.vim");
    let listed: Vec<&str> = vim
        .lines()
        .filter_map(|line| line.strip_prefix("syn keyword "))
        .flat_map(str::split_whitespace)
        .collect();
    let unknown: Vec<&String> = keywords.iter().filter(|word| !listed.contains(&word.as_str())).collect();
    assert!(unknown.is_empty(), "ktr.vim does not colour {unknown:?}");
}

/// Every `match`, `begin` and `end` below a value.
fn expressions<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if ["match", "begin", "end"].contains(&name.as_str()) => found.push(text),
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_expressions_of_the_colours_are_sound() {
    let grammar = json(&format!("{VSCODE}/syntaxes/kt.tmLanguage.json"));
    let mut found = Vec::new();
    expressions(&grammar, &mut found);
    assert!(found.len() > 15, "{found:?}");
    for text in found {
        // Looks around are Oniguruma's; what they hold must be sound all the same.
        let plain = ["(?<=", "(?<!", "(?!", "(?="]
            .iter()
            .fold(text.to_owned(), |text, look| text.replace(look, "(?:"));
        Regex::new(&plain).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}

#[test]
fn the_editors_start_the_server_that_there_is() {
    assert!(read(&format!("{VSCODE}/extension.js")).contains("args: [\"lsp\"]"));
    assert!(read("book/editors/neovim/lsp/kt.lua").contains("{ \"kt\", \"lsp\" }"));
    assert!(read("book/editors/helix/languages.toml").contains("args = [\"lsp\"]"));
}
