//! The engine against the reference: random policies, requests, answers and cuts, judged by both.

mod lint;

use std::collections::BTreeSet;

use proptest::prelude::*;
use tests::reference::Trial;

/// How many cases are drawn; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_policies_mean_the_same_to_both(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        Trial::draw(&bytes).check();
    }
}

#[test]
fn the_cases_are_worth_their_time() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 300..600);
    let mut seen = BTreeSet::new();
    let (mut edited, mut quoted) = (0, 0);
    for _ in 0..600 {
        let bytes = strategy.new_tree(&mut runner).expect("bytes").current();
        let trial = Trial::draw(&bytes);
        seen.insert(trial.wanted.request);
        seen.extend(trial.wanted.answer.iter().copied());
        let markers: Vec<&String> = trial.wanted.markers().collect();
        edited += usize::from(!markers.is_empty());
        quoted += usize::from(markers.iter().any(|marker| marker.starts_with('"')));
    }
    assert_eq!(seen.len(), 5, "every verdict is reached: {seen:?}");
    assert!(edited > 100, "{edited} of 600 redact something");
    assert!(quoted > 5, "{quoted} of 600 redact a number or a word of JSON text");
}
