//! The formatter: one layout, nothing lost, and no second opinion about its own work.

use std::path::{Path, PathBuf};

use grammar::{SourceId, TokenKind, fmt::format, tokens};
use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::{snapshot, suite};

fn formatted(name: &str, text: &str) -> String {
    format(SourceId::default(), text).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}\n{text}"))
}

/// The comments of a text, sorted.
fn comments(text: &str) -> Vec<String> {
    let all = tokens(text).unwrap().into_iter();
    let kept = all.filter(|token| matches!(token.kind, TokenKind::Comment | TokenKind::Doc));
    let mut found: Vec<String> = kept.map(|token| token.text.to_owned()).collect();
    found.sort();
    found
}

fn tree(text: &str) -> String {
    let (file, mistakes) = grammar::parse(SourceId::default(), text);
    assert_eq!(mistakes, [], "{text}");
    grammar::print::print(&file)
}

fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let (mut found, mut folders) = (Vec::new(), vec![root]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ktr") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every rule file of the suite that parses, and the small ones that ship.
fn texts() -> Vec<String> {
    let areas = ["fmt", "tree", "program", "evaluation", "diagnostics"];
    let paths = areas.into_iter().flat_map(suite).chain(shipped());
    let texts = paths.map(|path| std::fs::read_to_string(path).unwrap());
    let good = texts.filter(|text| grammar::parse(SourceId::default(), text).1.is_empty());
    good.filter(|text| text.len() < 16_000).collect()
}

#[test]
fn layouts() {
    for path in suite("fmt") {
        let text = std::fs::read_to_string(&path).unwrap();
        snapshot(&path, &formatted(&path.display().to_string(), &text));
    }
}

#[test]
fn what_ships_is_laid_out_in_the_one_way() {
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        assert!(formatted(&name, &text) == text, "{name}: run `kt policy fmt policies`");
    }
}

#[test]
fn the_examples_of_the_book_are_laid_out_in_the_one_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(page) = std::fs::read_to_string(&path) else { continue };
        for block in page.split("\n```").filter_map(|block| block.strip_prefix("ktr")) {
            let (_, text) = block.split_once('\n').unwrap();
            let text = format!("{text}\n");
            if let Ok(result) = format(SourceId::default(), &text) {
                assert_eq!(result, text, "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 30, "only {count} examples");
}

#[test]
fn a_file_with_mistakes_is_refused() {
    let refusal = format(SourceId::default(), "policy p\nrule {\n").unwrap_err();
    assert!(matches!(refusal, grammar::fmt::Refusal::Mistakes(found) if !found.is_empty()));
}

/// The same tokens with other gaps: spaces, line breaks, blank lines, comments.
fn spoilt(text: &str, choices: &[u8]) -> String {
    let mut result = String::new();
    let mut ends_line = false;
    for (at, token) in tokens(text).unwrap().iter().enumerate() {
        let choice = choices[at % choices.len()];
        let gap = match choice % 16 {
            _ if token.tight => String::new(),
            0 => "\n\n\n".into(),
            1 | 2 => "\n  ".into(),
            3 => format!(" // note {at}\n"),
            4 => format!("\n// note {at}\n\n"),
            _ => " ".into(),
        };
        if ends_line && !gap.starts_with('\n') {
            result.push('\n');
        }
        result.push_str(&gap);
        result.push_str(token.text);
        ends_line = matches!(token.kind, TokenKind::Comment | TokenKind::Doc);
    }
    result.push('\n');
    result
}

fn check(text: &str) {
    let once = formatted("once", text);
    assert_eq!(formatted("twice", &once), once, "of\n{text}");
    assert_eq!(comments(&once), comments(text));
    assert_eq!(tree(&once), tree(text));
    assert!(!once.contains(" \n") || once.contains("\"\"\""), "space at the end of a line:\n{once}");
    assert!(!once.contains("\n\n\n") || once.contains("\"\"\""), "two blank lines:\n{once}");
}

#[test]
fn every_file_keeps_its_words_and_is_settled() {
    let texts = texts();
    assert!(texts.len() > 20, "only {} files", texts.len());
    texts.iter().for_each(|text| check(text));
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn so_does_every_file_however_it_was_laid_out(
        which in any::<proptest::sample::Index>(),
        choices in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        thread_local!(static TEXTS: Vec<String> = texts());
        let text = TEXTS.with(|texts| spoilt(which.get::<String>(texts), &choices));
        check(&text);
        prop_assert_eq!(tokens(&text).is_some(), true);
    }
}
