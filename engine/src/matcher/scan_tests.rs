//! What is gated finds what is not gated finds.

use std::ops::Range;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::cover::Cover;
use super::needs::Need;
use super::scan::{Pattern, Scanner, Tier};
use super::{Blueprint, Detector, Search, View, atoms, regex, validator, words};

/// Patterns whose atoms lie in all kinds of places, and what texts that nearly match them are made of.
const POOL: &[(&str, &str)] = &[
    (r"\bAKIA[0-9A-Z]{4}\b", ""),
    (r"\bignore (?:all |any )?(?:previous|prior) rules\b", "i"),
    (r"[\w.]{1,8}@\w{1,8}\.\w{2,3}", "i"),
    (r"[\w.]+@\w+\.\w{2,3}", "i"),
    (r"\b\d{4}[ -]?\d{4}\b", ""),
    (r"(?:password|kasse)\s*=\s*\S+", "i"),
    (r"\d{2,3} kb$", "i"),
    (r"^x.{0,4}secret", "i"),
    (r"a.*secret|secret.{2,5}b", "s"),
    (r"(?:ab|cd)+secret?", "i"),
    (r"\w{3}", ""),
    (r"(?<value>\d{2})-kasse", "i"),
    (r"игн.{0,3}руй", "i"),
    (r"[ab]{2}x|x[ab]{3}", ""),
    (r"se(?:cret){2}|kb{3}", "i"),
    (r"\b(?:how to|ab)\b.{0,40}\bsecret\b", "is"),
    (r"\bor\b.*\bpassword\b|\bkasse\b", "i"),
    (r"\b(?:kasse|password\s+|secret)[ a-z]{0,30}\b\d{2}\b", "i"),
    (r"(?:\b(?:how to|ab)\b.{0,30}|(?:^|[.@\n]|\bprior)\s{0,2})(?:secret|kasse|password)", "i"),
    (r"a{1,2}b{1,3}x", "i"),
    (r"(?:^|\n)[ ]{0,2}(?:x|ab)(?:\s+\w+)?.*secret", "i"),
    (r"\b[0-9]{2}(?:=[0-9]|@x)", ""),
    (r"\bprior [-.\/\d:]{2,6}", "i"),
    (r"\bkasse[:-]\d", "i"),
    (r"[A-Z]\w*-kasse", ""),
];

const PARTS: &[&str] = &[
    "AKIA",
    "akia",
    "0",
    "12",
    "1234",
    "ignore ",
    "all ",
    "previous",
    "prior",
    " rules",
    "a",
    "b",
    "x",
    "ab",
    "@",
    ".",
    "com",
    "password",
    "KASSE",
    "KASSE:",
    "-kasse",
    "prior 12",
    "kaſſe",
    "\u{212A}asse",
    "=",
    " ",
    "\n",
    "kb",
    "secret",
    "secre",
    "SECRETcret",
    "-",
    "игн",
    "ИГНО",
    "руй",
    "é",
    "cd",
    "explosve",
    "explosive",
    "pipe  bomb",
    "bbb",
    "how to ",
    " or",
];

type Sought = (Detector, Option<Cover>);

fn detector(source: &str, flags: &str, checks: &[&str]) -> Sought {
    let hir = regex::compile(source, flags, View::Raw).unwrap();
    let blueprint = Blueprint {
        name: "p".into(),
        label: "P".into(),
        view: View::Raw,
        source,
        flags,
        validators: checks.iter().filter_map(|name| validator::find(name)).collect(),
        inner: Vec::new(),
        near: Vec::new(),
        capture: None,
        words: None,
        hir: &hir,
        streams: false,
        twin: None,
        search: Search::Gated,
    };
    (Detector::new(blueprint).unwrap(), atoms::cover(&hir))
}

/// The pool, with checks and word lists, built once.
static POOLED: LazyLock<Vec<Sought>> = LazyLock::new(|| {
    let mut patterns: Vec<_> = POOL.iter().map(|(source, flags)| detector(source, flags, &[])).collect();
    patterns.push(detector(r"\b\d{4}[ -]?\d{4}\b", "", &["mixed_digits"]));
    for edits in 0..=2 {
        patterns.push(detector(&words::source(["explosive", "pipe bomb"], edits), "i", &[]));
    }
    patterns
});

fn pattern((detector, cover): &Sought) -> Pattern {
    let meaning = detector.meaning();
    let need = meaning.as_ref().and_then(Need::of);
    let head = meaning.and_then(|hir| atoms::cover_and_heads(&hir)).and_then(|(_, head)| head);
    Pattern { cover: cover.clone(), head, probe: detector.probe.clone(), need }
}

fn agree(patterns: &[Sought], texts: &[String]) {
    let scanner = Scanner::new(patterns.iter().map(pattern).collect());
    for text in texts {
        let scan = scanner.scan(text);
        for (index, (detector, cover)) in patterns.iter().enumerate() {
            let (mut plain, mut gated): (Vec<Range<usize>>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
            detector.find_all(text, |range| plain.push(range));
            scanner.find_all((index, detector), text, &scan, &mut |range| gated.push(range));
            assert!(gated.is_empty() || scanner.may_match(index, &scan));
            assert_eq!(gated, plain, "{} {cover:?} in {text:?}", detector.source);
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(PARTS);
    // Some are so long that they are walked over in parts.
    let parts = prop_oneof![9 => 0..40_usize, 1 => 200..600_usize];
    parts
        .prop_flat_map(move |count| prop::collection::vec(part.clone(), count))
        .prop_map(|parts| parts.concat())
}

/// Small expressions over few letters.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "a",
            "b",
            "se",
            "cret",
            "[ab]",
            "[^a]",
            ".",
            r"\d",
            r"\w",
            r"\b",
            "^",
            "$",
            " ",
            "kb",
            "@",
            "é",
            "-",
            "[-:]",
            "[-./0-9:]",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner, prop::sample::select(&["?", "*", "+", "{2}", "{1,3}", "+?", "{0,2}?"][..]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn gated_is_ungated(texts in prop::collection::vec(text(), 1..8)) {
        agree(&POOLED, &texts);
    }

    #[test]
    fn whatever_the_expressions(
        sources in prop::collection::vec((expression(), any::<bool>()), 1..8),
        texts in prop::collection::vec(text(), 1..8),
    ) {
        let flags = |any_case| if any_case { "i" } else { "" };
        let usable = |source: &str| {
            regex::compile(source, "i", View::Raw).is_ok_and(|hir| hir.properties().minimum_len() > Some(0))
        };
        let sources = sources.iter().filter(|(source, _)| usable(source));
        let patterns: Vec<_> =
            sources.map(|(source, any_case)| detector(source, flags(*any_case), &[])).collect();
        agree(&patterns, &texts);
    }
}

#[test]
fn atoms_are_seen_wherever_a_long_text_is_taken_apart() {
    const LENGTH: usize = 150_000;
    let sought = [detector(r"\bsecret \d", "", &[])];
    // Both ends of stretches and of the parts that are walked over side by side.
    for place in (0..LENGTH).step_by(1 << 14).chain([0, LENGTH - 10]) {
        let texts: Vec<String> = (0..10_usize)
            .map(|early| {
                let mut text = " ".repeat(LENGTH);
                let at = place.saturating_sub(early);
                text.replace_range(at..at + 8, "secret 7");
                text
            })
            .collect();
        agree(&sought, &texts);
    }
}

#[test]
fn each_pattern_has_its_tier() {
    let tier = |source: &str| Scanner::new(vec![pattern(&detector(source, "i", &[]))]).tier(0);
    assert_eq!(tier(r"\bsecret\b|\bother\b"), Tier::Literal);
    assert_eq!(tier(r"\bsecret \d+"), Tier::Gated);
    assert_eq!(tier(r"\w{3}"), Tier::Always);
}

#[test]
fn a_spam_of_atoms_makes_one_window() {
    let sought = detector("secret.{0,100}end", "", &[]);
    let scanner = Scanner::new(vec![pattern(&sought)]);
    let text = format!("{}x{}secret end", "secret".repeat(1000), " ".repeat(500));
    let scan = scanner.scan(&text);
    assert_eq!(scanner.windows(0, &scan, sought.0.longest), Some(2));
}
