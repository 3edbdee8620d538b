//! Counts of one set, and what they come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::interval::Share;
use super::spans::SpanCounts;

/// What was caught of what should be, and of what should not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Confusion {
    pub(super) right: u64,
    pub(super) missed: u64,
    pub(super) wrong: u64,
    pub(super) passed: u64,
}

impl Confusion {
    pub(super) fn add(&mut self, should: bool, caught: bool) {
        let count = match (should, caught) {
            (true, true) => &mut self.right,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.wrong,
            (false, false) => &mut self.passed,
        };
        *count += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.right += other.right;
        self.missed += other.missed;
        self.wrong += other.wrong;
        self.passed += other.passed;
    }

    pub(super) fn lines(&self) -> u64 {
        self.right + self.missed + self.wrong + self.passed
    }

    pub(super) fn precision(&self) -> Option<Share> {
        Share::of(self.right, self.right + self.wrong)
    }

    pub(super) fn recall(&self) -> Option<Share> {
        Share::of(self.right, self.right + self.missed)
    }

    /// The share of what should pass that was caught.
    pub(super) fn false_positives(&self) -> Option<Share> {
        Share::of(self.wrong, self.wrong + self.passed)
    }

    /// F1; nothing where nothing should be caught.
    pub(super) fn f1(&self) -> Option<Share> {
        if self.right + self.missed == 0 {
            return None;
        }
        Share::f1(self.right, self.wrong, self.missed)
    }
}

/// Scores in steps of a hundredth: how many lines that should be caught have one, and how many that should not.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores(BTreeMap<u16, (u64, u64)>);

/// The steps of a score from 0 to 1.
const STEPS: u16 = 100;

impl Scores {
    pub(super) fn add(&mut self, should: bool, score: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a number from 0 to 100"
        )]
        let step = (score.clamp(0.0, 1.0) * f64::from(STEPS) + 1e-9).floor() as u16;
        let (positive, negative) = self.0.entry(step).or_default();
        *(if should { positive } else { negative }) += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (step, (positive, negative)) in &other.0 {
            let sum = self.0.entry(*step).or_default();
            *sum = (sum.0 + positive, sum.1 + negative);
        }
    }

    /// What each threshold would come to, from the lowest to the highest: a line is caught when its score is not below.
    pub(super) fn curve(&self) -> Vec<(f64, Confusion)> {
        let all = self.0.values().fold((0, 0), |all, step| (all.0 + step.0, all.1 + step.1));
        let mut below = (0, 0);
        let at = |step: u16| {
            let counts = Confusion {
                right: all.0 - below.0,
                missed: below.0,
                wrong: all.1 - below.1,
                passed: below.1,
            };
            let here = self.0.get(&step).copied().unwrap_or_default();
            below = (below.0 + here.0, below.1 + here.1);
            (f64::from(step) / f64::from(STEPS), counts)
        };
        (0..=STEPS).map(at).collect()
    }
}

/// A rule with its policy.
pub(super) type Rule = (Arc<str>, Arc<str>);

/// What a rule had to do with a set.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleCounts {
    pub(super) confusion: Confusion,
    /// Present when its condition compares a score.
    pub(super) scores: Option<Scores>,
}

/// One set.
#[derive(Clone, Debug, Default)]
pub(super) struct SetCounts {
    /// Lines labelled 0 or 1: whether any verdict but `allow` came.
    pub(super) lines: Confusion,
    /// Lines with spans.
    pub(super) spans: SpanCounts,
    /// By rule, for lines labelled 0 or 1.
    pub(super) rules: BTreeMap<Rule, RuleCounts>,
    /// Lines that could not be judged.
    pub(super) errors: u64,
    /// The first of them, and why.
    pub(super) first_error: Option<String>,
}

impl SetCounts {
    pub(super) fn merge(&mut self, other: &Self) {
        self.lines.merge(&other.lines);
        self.spans.merge(&other.spans);
        for (rule, counts) in &other.rules {
            let sum = self.rules.entry(rule.clone()).or_default();
            sum.confusion.merge(&counts.confusion);
            if let Some(scores) = &counts.scores {
                sum.scores.get_or_insert_default().merge(scores);
            }
        }
        self.errors += other.errors;
        if self.first_error.is_none() {
            self.first_error.clone_from(&other.first_error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_counts_what_is_not_below() {
        let mut scores = Scores::default();
        for (should, score) in [(true, 0.85), (true, 0.3), (false, 0.29), (false, 0.0), (true, 1.0)] {
            scores.add(should, score);
        }
        let curve = scores.curve();
        let at = |threshold: f64| curve.iter().find(|(t, _)| (t - threshold).abs() < 1e-9).unwrap().1;
        assert_eq!(at(0.0), Confusion { right: 3, missed: 0, wrong: 2, passed: 0 });
        assert_eq!(at(0.3), Confusion { right: 3, missed: 0, wrong: 0, passed: 2 });
        assert_eq!(at(0.85), Confusion { right: 2, missed: 1, wrong: 0, passed: 2 });
        assert_eq!(at(0.86), Confusion { right: 1, missed: 2, wrong: 0, passed: 2 });
        assert_eq!(curve.len(), 101);
    }
}
