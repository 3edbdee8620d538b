//! The official SDKs, several versions of each, against the real `kt` and a scripted provider: what applications see.

mod environment;
mod provider;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tests::{Provider, RULES, Seen, Setup};

/// Each version is a test of its own and a folder under `versions`, which pins it and all that it needs.
macro_rules! versions {
    ($($test:ident $folder:literal)*) => {
        const VERSIONS: &[&str] = &[$($folder),*];
        $(#[test] fn $test() { every_case_passes($folder); })*
    };
}

versions! {
    python_1_109_1 "python-1.109.1"
    python_2_30_0 "python-2.30.0"
    python_3_57_0 "python-3.57.0"
    node_4_104_0 "node-4.104.0"
    node_5_23_2 "node-5.23.2"
    node_6_49_0 "node-6.49.0"
}

/// How many requests of the cases hold `FORBIDDEN`.
const FORBIDDEN: usize = 12;

fn every_case_passes(version: &str) {
    let mut cases = environment::cases(version);
    let provider = Provider::always(provider::script());
    let run = Setup::over(&provider).rules("house", RULES).process();
    let ran = cases.env("KT_BASE_URL", format!("http://{}/v1", run.address)).output();
    let ran = ran.unwrap_or_else(|e| panic!("{version}: the cases do not start: {e}"));
    let told = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(ran.status.success(), "{version}: {told}\n{}", run.log());
    let all = names(version).len();
    let passed =
        if version.starts_with("python") { format!("Ran {all} tests") } else { format!("# pass {all}\n") };
    assert!(told.contains(&passed), "{version}: `{passed}` is not there: {told}");

    let holding = |word: &str| {
        provider.seen().iter().filter(|seen: &&Seen| seen.json().to_string().contains(word)).count()
    };
    assert_eq!(holding("FORBIDDEN"), 0, "{version}: a blocked request reached the provider");
    assert_eq!(holding("busy:once"), 2, "{version}: a rate limit is tried again once it is over");
    assert_eq!(holding("refuse"), 1, "{version}: a refused key is not tried again");
    let records = run.stop().records;
    let blocked = records.iter().filter(|record| record["error"] == "input_blocked").count();
    assert_eq!(blocked, FORBIDDEN, "{version}: a block is asked for once, and never tried again");
}

#[test]
fn both_languages_have_the_same_cases() {
    let (python, node) = (names("python"), names("node"));
    assert!(python.len() > 20, "{python:?}");
    assert_eq!(python, node);
}

#[test]
fn the_book_names_the_versions() {
    let page = std::fs::read_to_string(folder().join("../../book/src/sdks.md")).expect("a page on SDKs");
    for version in VERSIONS {
        let (language, number) = version.split_once('-').unwrap();
        let row = page.lines().find(|line| line.to_lowercase().starts_with(&format!("| {language}")));
        assert!(row.is_some_and(|row| row.contains(number)), "the book does not name {version}");
    }
    let folders = std::fs::read_dir(folder().join("versions")).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, VERSIONS.iter().map(|&name| name.to_owned()).collect());
}

/// The names of the cases in the file of a language, as words with `_` between them.
fn names(language: &str) -> BTreeSet<String> {
    let (file, begin, end) = if language.starts_with("python") {
        ("cases.py", "    def test_", "(")
    } else {
        ("cases.mjs", "  it(\"", "\"")
    };
    let text = std::fs::read_to_string(folder().join(file)).expect("a file of cases");
    let names = text.lines().filter_map(|line| line.strip_prefix(begin)?.split(end).next());
    names.map(|name| name.replace(|letter: char| !letter.is_alphanumeric(), "_")).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/sdk"))
}
