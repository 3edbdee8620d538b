//! The house rules that no compiler checks: who may import whom, and what every file and every code must have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longest file, in lines that are neither blank nor comments.
const LONGEST: usize = 400;

/// A folder or file, and what its code must not name.
const WALLS: [(&str, &[&str]); 17] = [
    (
        "grammar/src",
        &[
            "engine::",
            "gateway::",
            "tokio::",
            "hyper::",
            "rhai::",
            "std::fs",
            "std::env",
            "std::net::Tcp",
            "std::net::Udp",
            "std::thread",
        ],
    ),
    (
        "engine/src",
        &[
            "gateway::",
            "tokio::",
            "hyper::",
            "std::fs",
            "std::env",
            "std::net::Tcp",
            "std::net::Udp",
            "std::thread",
            "Instant::now",
        ],
    ),
    ("grammar/src/yaml", &["crate::config", "crate::parse", "crate::ast", "crate::case"]),
    ("grammar/src/parse", &["crate::config", "crate::yaml", "crate::case"]),
    (
        "engine/src/matcher",
        &["crate::compile", "crate::program", "crate::run", "crate::schema", "crate::script"],
    ),
    ("engine/src/program", &["crate::compile", "crate::run", "crate::lint"]),
    ("engine/src/compile", &["crate::run", "crate::lint"]),
    ("engine/src/run", &["crate::compile", "crate::lint"]),
    ("engine/src/lint", &["crate::run"]),
    ("engine/src/compare", &["crate::compile", "crate::run", "crate::lint"]),
    (
        "gateway/src/wire",
        &[
            "crate::server",
            "crate::route",
            "crate::audit",
            "crate::exchange",
            "crate::body",
            "crate::packs",
            "crate::cli",
        ],
    ),
    ("gateway/src/route", &["crate::server", "crate::audit", "crate::exchange", "crate::body", "crate::cli"]),
    ("gateway/src/audit", &["crate::server", "crate::exchange", "crate::body", "crate::cli"]),
    (
        "gateway/src/access",
        &["crate::server", "crate::route", "crate::audit", "crate::exchange", "crate::packs", "crate::cli"],
    ),
    ("gateway/src/server", &["crate::cli"]),
    ("gateway/src/console", &["crate::cli", "crate::exchange", "crate::route"]),
    (
        "gateway/src/rehearsal",
        &["crate::server", "crate::route", "crate::audit", "crate::exchange", "crate::console", "crate::cli"],
    ),
];

/// What each crate may depend on, of ours and of what must stay outside.
const CRATES: [(&str, &[&str]); 3] = [
    (
        "grammar",
        &["kt-engine", "kt-gateway", "engine", "gateway", "tokio", "hyper", "tracing", "rhai", "clap"],
    ),
    ("engine", &["kt-gateway", "gateway", "tokio", "hyper", "tracing", "clap"]),
    ("gateway", &["kt-tests", "tests"]),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every Rust file under a folder, by its path from the root.
fn files(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "no Rust file under {folder}");
    found.sort();
    found
}

fn all_files() -> Vec<PathBuf> {
    ["grammar", "engine", "gateway", "tests"].into_iter().flat_map(files).collect()
}

/// The lines of code of a file, with their numbers: no comments, no blanks, no tests at its end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).zip(1..).map(|(line, number)| (number, line));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
}

/// Whether a file holds nothing but unit tests.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// Code without its unit tests, which may open what the code may not.
fn shipped(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before)
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_imports_over_a_wall() {
    let mut over = Vec::new();
    for (room, forbidden) in WALLS {
        for path in files(room).iter().filter(|path| !is_test(path)) {
            for (number, line) in code(shipped(&read(path))) {
                let named = forbidden.iter().filter(|name| names(line, name));
                over.extend(named.map(|name| format!("{}:{number} names `{name}`", path.display())));
            }
        }
    }
    assert_none("imports over a wall", &over);
}

/// Whether a line of code names a path, not as the end of a longer word.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != ':')
    })
}

#[test]
fn crates_depend_in_one_direction() {
    for (name, forbidden) in CRATES {
        let manifest = read(format!("{name}/Cargo.toml"));
        let dependencies = manifest.split_once("[dependencies]").map_or("", |(_, rest)| rest);
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let named = dependencies.lines().filter_map(|line| line.split(['.', '=', ' ']).next());
        let found: Vec<String> = named.filter(|name| forbidden.contains(name)).map(str::to_owned).collect();
        assert_none(&format!("`{name}` must not depend on"), &found);
    }
}

#[test]
fn every_file_opens_with_a_sentence_on_what_it_is_for() {
    let silent = all_files().into_iter().filter(|path| !read(path).starts_with("//! "));
    assert_none("files without `//!`", &silent.map(|path| path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long_to_read_at_once() {
    let lengths = all_files().into_iter().map(|path| (code(&read(&path)).count(), path));
    let long = lengths.filter(|(length, _)| *length > LONGEST);
    let long: Vec<String> =
        long.map(|(length, path)| format!("{}: {length} lines", path.display())).collect();
    assert_none(&format!("files of more than {LONGEST} lines of code"), &long);
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let words = ["todo!", "unimplemented!", "dbg!", "FIXME"];
    let mut left = Vec::new();
    for path in all_files().iter().filter(|path| !path.starts_with("tests/architecture")) {
        for (number, line) in read(path).lines().zip(1..).map(|(line, number)| (number, line)) {
            if words.iter().any(|word| line.contains(word)) {
                left.push(format!("{}:{number}", path.display()));
            }
        }
    }
    assert_none("left to do", &left);
}

#[test]
fn every_diagnostic_code_has_its_place_in_the_book() {
    let page = read("book/src/errors.md");
    let missing = grammar::codes::ALL.iter().filter(|code| !page.contains(code.id));
    let missing: Vec<String> = missing.map(|code| format!("{} {}", code.id, code.title)).collect();
    assert_none("codes that book/src/errors.md does not list", &missing);
}

#[test]
fn no_diagnostic_code_stands_twice() {
    let ids: BTreeSet<&str> = grammar::codes::ALL.iter().map(|code| code.id).collect();
    assert_eq!(ids.len(), grammar::codes::ALL.len());
    for code in grammar::codes::ALL {
        assert!(code.id.len() == 4 && code.id.starts_with(['E', 'W']) && !code.title.is_empty(), "{code:?}");
    }
}
