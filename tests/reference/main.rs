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
    fn random_policies_mean_the_same_to_both(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        Trial::draw(&bytes).check();
    }
}

#[test]
fn the_cases_are_worth_their_time() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 200..400);
    let mut seen = BTreeSet::new();
    let mut edited = 0;
    for _ in 0..300 {
        let bytes = strategy.new_tree(&mut runner).expect("bytes").current();
        let trial = Trial::draw(&bytes);
        seen.insert(trial.wanted.request);
        seen.extend(trial.wanted.answer.iter().copied());
        edited += usize::from(!trial.wanted.edits.is_empty() || trial.wanted.redacted.len() > 1);
    }
    assert_eq!(seen.len(), 5, "every verdict is reached: {seen:?}");
    assert!(edited > 60, "{edited} of 300 redact something");
}
