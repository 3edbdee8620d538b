//! A short run of every fuzz target: over files of the suite, the book and the shipped policies, over mutations of them, and over
//! bytes. It is the same run each time; `tests/fuzz/run` is another each time.

mod seeds;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::fuzz::TARGETS;

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
    for (name, target) in TARGETS {
        for seed in seeds::of(name) {
            target(&seed);
        }
    }
}

/// With `KT_TESTS_SEEDS`, what a fuzzer may start from: a folder for each target.
#[test]
fn seeds_are_written_where_a_fuzzer_wants_them() {
    let Some(folder) = std::env::var_os("KT_TESTS_SEEDS") else { return };
    for (name, _) in TARGETS {
        let folder = Path::new(&folder).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds::of(name).into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}

/// A run that is the same each time.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn mutations(name: &str, cases: u32) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("a target").1;
    // The largest files cost the most and teach the least here.
    let seeds: Vec<String> = seeds::of(name)
        .into_iter()
        .filter(|seed| seed.len() < 8_000)
        .filter_map(|seed| String::from_utf8(seed).ok())
        .collect();
    let strategy = (prop::sample::select(seeds), prop::collection::vec(change(), 1..4));
    let run = runner(cases).run(&strategy, |(mut text, changes)| {
        changes.iter().for_each(|change| apply(&mut text, change));
        target(text.as_bytes());
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

fn bytes(target: fn(&[u8]), longest: usize, cases: u32) {
    let run = runner(cases).run(&prop::collection::vec(any::<u8>(), 1..longest), |bytes| {
        target(&bytes);
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

#[test]
fn mutations_parse_or_are_told_why() {
    mutations("parse", 2_000);
}

#[test]
fn mutations_that_parse_are_laid_out_once_and_for_all() {
    mutations("format", 1_000);
}

#[test]
fn mutations_compile_or_are_told_why() {
    mutations("compile", 400);
}

#[test]
fn mutations_that_compile_judge_alike_however_cut() {
    mutations("evaluate", 400);
}

#[test]
fn whatever_a_provider_says_leaves_in_whole_frames() {
    bytes(tests::fuzz::assemble, 60, 60_000);
}

#[test]
fn mutations_are_configurations_or_are_told_why() {
    mutations("config", 2_000);
}

#[test]
fn documents_have_one_meaning_and_are_rewritten_where_they_were_read() {
    mutations("document", 2_000);
}

#[test]
fn the_same_bytes_are_the_same_events() {
    bytes(tests::fuzz::framing, 80, 4_000);
}

#[test]
fn chunks_leave_as_the_whole_text_would() {
    bytes(tests::fuzz::chunks, 60, 40_000);
}

#[test]
fn a_damaged_log_is_taken_up_or_refused_with_a_reason() {
    bytes(tests::fuzz::recovery, 30, 400);
}
