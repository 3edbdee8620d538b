//! A short run of every fuzz target: over the files of the suite and the shipped policies, and over mutations of them.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tests::fuzz::TARGETS;

/// Texts to start from.
fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    for folder in [
        "suite/diagnostics",
        "suite/evaluation",
        "suite/program",
        "suite/tree",
        "../policies",
        "../policies/std",
    ] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let is_rules = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ktr");
        seeds.extend(paths.into_iter().filter(is_rules).map(|path| std::fs::read(path).unwrap()));
    }
    assert!(seeds.len() > 20, "{} seeds", seeds.len());
    seeds
}

/// One change to a text, at places given as fractions of its length.
#[derive(Clone, Debug)]
enum Change {
    /// Leaves a part out.
    Cut(f64, usize),
    /// Says a part again somewhere else.
    Copy(f64, usize, f64),
    /// Writes a sign or a word somewhere.
    Write(f64, &'static str),
}

const WRITTEN: &[&str] = &[
    "\"", "/", "(", ")", "{", "}", "[", "]", "\\", "\n", " not ", " and ", "rule ", "pattern ", " in ", "0",
    "-", "é", "\u{200B}", "*", "{1,9}", "\\b", "if ", "\"\"\"", "///", "??", "..",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0.0..1.0, 1_usize..40).prop_map(|(at, length)| Change::Cut(at, length)),
        (0.0..1.0, 1_usize..80, 0.0..1.0).prop_map(|(from, length, to)| Change::Copy(from, length, to)),
        (0.0..1.0, prop::sample::select(WRITTEN)).prop_map(|(at, word)| Change::Write(at, word)),
    ]
}

/// A place in the text: as far in as the fraction says, at a character's edge.
fn place(text: &str, fraction: f64) -> usize {
    let mut at = (text.len() as f64 * fraction) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn apply(text: &mut String, change: &Change) {
    let part = |text: &str, at: usize, length: usize| {
        let end = (at..=text.len()).filter(|end| text.is_char_boundary(*end)).take(length + 1).last();
        at..end.unwrap_or(at)
    };
    match change {
        Change::Cut(at, length) => {
            let range = part(text, place(text, *at), *length);
            text.replace_range(range, "");
        }
        Change::Copy(from, length, to) => {
            let copied = text[part(text, place(text, *from), *length)].to_owned();
            text.insert_str(place(text, *to), &copied);
        }
        Change::Write(at, word) => text.insert_str(place(text, *at), word),
    }
}

#[test]
fn every_target_has_its_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let packages = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(packages.contains(&format!("name = \"{name}\"\npath = \"{path}\"\n")), "no package {name}");
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        assert!(text.contains(&format!("tests::fuzz::{name}(bytes)")), "{text}");
    }
    assert_eq!(std::fs::read_dir(root.join("fuzz_targets")).unwrap().count(), TARGETS.len());
}

#[test]
fn no_seed_breaks_a_target() {
    for seed in seeds() {
        for (_, target) in TARGETS {
            target(&seed);
        }
    }
}

fn mutations(target: fn(&[u8]), cases: u32) {
    // The largest files cost the most and teach the least here.
    let seeds: Vec<Vec<u8>> = seeds().into_iter().filter(|seed| seed.len() < 8_000).collect();
    let strategy = (prop::sample::select(seeds), prop::collection::vec(change(), 1..4));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&strategy, |(seed, changes)| {
        let mut text = String::from_utf8(seed).unwrap();
        changes.iter().for_each(|change| apply(&mut text, change));
        target(text.as_bytes());
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

#[test]
fn mutations_parse_or_are_told_why() {
    mutations(tests::fuzz::parse, 2_000);
}

#[test]
fn mutations_that_parse_are_laid_out_once_and_for_all() {
    mutations(tests::fuzz::format, 1_000);
}

#[test]
fn mutations_compile_or_are_told_why() {
    mutations(tests::fuzz::compile, 400);
}

#[test]
fn mutations_that_compile_judge_alike_however_cut() {
    mutations(tests::fuzz::evaluate, 400);
}

#[test]
fn whatever_a_provider_says_leaves_in_whole_frames() {
    let config = Config { cases: 60_000, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&prop::collection::vec(any::<u8>(), 1..60), |bytes| {
        tests::fuzz::assemble(&bytes);
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}
