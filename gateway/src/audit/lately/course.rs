//! Counts of the last hour, in slots of ten seconds: verdicts, what each policy came to, and how targets did.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::Record;

/// Seconds of one slot.
pub(crate) const STEP: i64 = 10;

/// How many slots there are: an hour.
const SPAN: usize = 360;

/// How many slots ahead a clock must have been to be taken for wrong.
const MISTAKEN: i64 = 6;

/// Most names of one kind in a slot; what comes after them is counted together.
const MOST_NAMES: usize = 128;

/// The name of what is counted together.
const OTHER: &str = "other";

/// How many bounds there are between latencies, each a quarter larger than the one before: from 1 ms to about 20 minutes.
const BOUNDS: usize = 64;

/// How many milliseconds the first bound is, and by how much each is larger than the one before.
const FIRST: f64 = 1.0;
/// See [`FIRST`].
const GROWTH: f64 = 1.25;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// The oldest first. Shared, so that whoever reads holds nobody up.
    slots: VecDeque<Arc<Slot>>,
}

/// What happened in [`STEP`] seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// When it began, in steps since 1970.
    pub(crate) number: i64,
    /// Requests by verdict.
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
    /// What policies came to, by name.
    pub(crate) policies: BTreeMap<String, OfPolicy>,
    /// In how many requests a rule found something or decided, by policy and rule.
    pub(crate) rules: BTreeMap<(String, String), u64>,
    /// How targets did, by id.
    pub(crate) targets: BTreeMap<String, OfTarget>,
}

/// What one policy came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfPolicy {
    pub(crate) results: BTreeMap<&'static str, u64>,
    pub(crate) micros: u64,
}

/// How one target did.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfTarget {
    /// Requests that went there last.
    pub(crate) requests: u64,
    /// Times that it was asked.
    pub(crate) attempts: u64,
    /// Times that it failed then, also when another target answered.
    pub(crate) failures: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// What it cost in USD, where that is known.
    pub(crate) cost_usd: f64,
    /// How many requests have no cost since no price is known.
    pub(crate) unpriced: u64,
    /// How long requests took, by bound.
    pub(crate) latencies: Latencies,
}

/// How many took up to each bound, and how many longer.
#[derive(Clone, Debug)]
pub(crate) struct Latencies([u32; BOUNDS]);

impl Default for Latencies {
    fn default() -> Self {
        Self([0; BOUNDS])
    }
}

impl Latencies {
    fn note(&mut self, milliseconds: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52 ms")]
        let milliseconds = milliseconds as f64;
        let mut bound = FIRST;
        for (at, count) in self.0.iter_mut().enumerate() {
            if milliseconds <= bound || at + 1 == BOUNDS {
                *count = count.saturating_add(1);
                return;
            }
            bound *= GROWTH;
        }
    }

    /// Adds another's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        for (own, count) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(count);
        }
    }

    /// The milliseconds that so many of a hundred did not exceed, up to a quarter too high.
    pub(crate) fn percentile(&self, percent: u64) -> Option<f64> {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut below = 0;
        let at = self.0.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        })?;
        i32::try_from(at).ok().map(|at| FIRST * GROWTH.powi(at))
    }
}

impl Course {
    /// Counts a record that was written at that second.
    pub(super) fn note(&mut self, record: &Record, second: i64) {
        let number = second.div_euclid(STEP);
        // A clock that was set back a little makes no new slots: what comes counts with the last one. Slots of a time that is
        // far off were a mistake.
        while self.slots.back().is_some_and(|last| last.number > number + MISTAKEN) {
            self.slots.pop_back();
        }
        if self.slots.back().is_none_or(|last| last.number < number) {
            self.slots.push_back(Arc::new(Slot { number, ..Slot::default() }));
        }
        while self.slots.len() > SPAN {
            self.slots.pop_front();
        }
        if let Some(slot) = self.slots.back_mut() {
            Arc::make_mut(slot).note(record);
        }
    }

    /// The slots from that number on.
    pub(crate) fn since(&self, number: i64) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|slot| &**slot).filter(move |slot| slot.number >= number)
    }
}

impl Slot {
    fn note(&mut self, record: &Record) {
        *self.verdicts.entry(record.verdict).or_default() += 1;
        for policy in &record.policies_evaluated {
            let of = named(&mut self.policies, &policy.name);
            *of.results.entry(policy.result).or_default() += 1;
            of.micros = of.micros.saturating_add(policy.latency_us);
        }
        let found = record.policies_evaluated.iter();
        let found = found.flat_map(|policy| policy.findings.iter().map(|found| (&policy.name, &found.rule)));
        let decided = record.policy.iter().zip(&record.rule);
        for (policy, rule) in found.chain(decided).collect::<BTreeSet<_>>() {
            if self.rules.len() < MOST_NAMES * 4 {
                *self.rules.entry((policy.clone(), rule.clone())).or_default() += 1;
            }
        }
        for attempt in &record.attempts {
            let of = named(&mut self.targets, &attempt.target);
            of.attempts += 1;
            of.failures += u64::from(attempt.failure.is_some());
        }
        let Some(target) = &record.target else { return };
        let of = named(&mut self.targets, target);
        of.requests += 1;
        of.input_tokens = of.input_tokens.saturating_add(record.input_tokens.unwrap_or_default());
        of.output_tokens = of.output_tokens.saturating_add(record.output_tokens.unwrap_or_default());
        of.cost_usd += record.cost_usd.unwrap_or_default();
        of.unpriced += u64::from(record.cost_usd.is_none());
        of.latencies.note(record.latency_ms);
    }
}

/// The entry of a name, or that of all others when there are enough.
fn named<'m, T: Default>(map: &'m mut BTreeMap<String, T>, name: &str) -> &'m mut T {
    let name = if map.contains_key(name) || map.len() < MOST_NAMES { name } else { OTHER };
    map.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_a_quarter_too_high() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        (1..=1000).for_each(|milliseconds| latencies.note(milliseconds));
        for (percent, exact) in [(50, 500.0), (95, 950.0), (100, 1000.0), (1, 10.0)] {
            let told = latencies.percentile(percent).unwrap();
            assert!((exact..=exact * 1.25).contains(&told), "p{percent}: {told}");
        }
        latencies.note(0);
        latencies.note(u64::MAX);
        assert!(latencies.percentile(100).unwrap() > 1e6);
    }

    #[test]
    fn names_have_an_end() {
        let mut map = BTreeMap::new();
        for number in 0..=MOST_NAMES * 2 {
            *named::<u64>(&mut map, &number.to_string()) += 1;
        }
        assert_eq!(map.len(), MOST_NAMES + 1);
        assert_eq!(map[OTHER], MOST_NAMES as u64 + 1);
    }
}
