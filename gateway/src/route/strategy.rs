//! In which order targets are asked: as listed, by turns, at random, or the fastest, cheapest or least busy first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grammar::config::Strategy;

use super::{Target, Wish};

/// Weights that are no round numbers become shares of a thousand: finer differences are not worth a longer round.
const GRAIN: f64 = 1000.0;
/// Largest share that a weight is taken for as it is.
const MOST: f64 = 1e9;

/// Puts the targets of a request in order.
#[derive(Debug)]
pub(super) enum Turn {
    /// As listed.
    InOrder,
    /// By turns of equal or weighted shares.
    Rounds(Rounds),
    /// Any order.
    Random,
    /// The one first whose first byte comes soonest.
    Fastest,
    /// The one first on which the request costs least.
    Cheapest,
    /// The one first that has the fewest requests in flight; by turns among equals.
    LeastBusy(Rounds),
}

impl Turn {
    /// A strategy over all targets.
    pub(super) fn new(strategy: Strategy, targets: &[Arc<Target>]) -> Self {
        let equal = || Rounds::new(targets.iter().map(|target| (target, 1.0)));
        match strategy {
            Strategy::Single | Strategy::Fallback => Turn::InOrder,
            Strategy::RoundRobin => Turn::Rounds(equal()),
            Strategy::WeightedRoundRobin => {
                Turn::Rounds(Rounds::new(targets.iter().map(|target| (target, target.weight))))
            }
            Strategy::Random => Turn::Random,
            Strategy::LowestLatency => Turn::Fastest,
            Strategy::LeastCost => Turn::Cheapest,
            Strategy::LeastBusy => Turn::LeastBusy(equal()),
        }
    }

    /// Those targets in the order in which they are asked.
    pub(super) fn order(&self, able: &[&Arc<Target>], wish: &Wish, now: Duration) -> Vec<Arc<Target>> {
        let mut order: Vec<_> = able.iter().copied().cloned().collect();
        let mut sort =
            |key: &dyn Fn(&Target) -> f64| order.sort_by(|one, other| key(one).total_cmp(&key(other)));
        match self {
            Turn::InOrder => {}
            Turn::Rounds(rounds) => return rounds.order(able),
            Turn::Random => fastrand::shuffle(&mut order),
            Turn::Fastest => sort(&|target| target.vitals().latency(now)),
            Turn::Cheapest => sort(&|target| wish.cost(target.pricing.as_ref())),
            Turn::LeastBusy(rounds) => {
                order = rounds.order(able);
                order.sort_by_key(|target| target.vitals().in_flight());
            }
        }
        order
    }
}

/// Those targets from that position on, then those before it.
pub(super) fn rotated(able: &[&Arc<Target>], first: usize) -> Vec<Arc<Target>> {
    able.iter().cycle().skip(first).take(able.len()).copied().cloned().collect()
}

/// Smooth weighted turns: each target as often as its share says, spread as evenly as can be. Targets that cannot be
/// asked leave their turns to the others, by the others' shares.
#[derive(Debug)]
pub(super) struct Rounds {
    shares: Vec<(Arc<Target>, i64)>,
    credit: Mutex<Vec<i64>>,
}

impl Rounds {
    fn new<'t>(weights: impl Iterator<Item = (&'t Arc<Target>, f64)>) -> Self {
        let (targets, weights): (Vec<_>, Vec<_>) = weights.unzip();
        let shares: Vec<_> = targets.into_iter().cloned().zip(shares(&weights)).collect();
        Self { credit: Mutex::new(vec![0; shares.len()]), shares }
    }

    /// The one whose turn it is, then those that follow in the list; those without a share at the very end.
    fn order(&self, able: &[&Arc<Target>]) -> Vec<Arc<Target>> {
        let share_of = |target: &Arc<Target>| {
            let known = self.shares.iter().find(|(known, _)| Arc::ptr_eq(known, target));
            known.map_or(0, |(_, share)| *share)
        };
        let (in_turn, spare): (Vec<_>, Vec<_>) =
            able.iter().copied().partition(|target| share_of(target) > 0);
        let first = self.next(&in_turn);
        let first = in_turn.iter().position(|target| first.is_some_and(|first| Arc::ptr_eq(first, target)));
        let mut order = rotated(&in_turn, first.unwrap_or(0));
        order.extend(spare.into_iter().cloned());
        order
    }

    /// Takes a turn: everyone who may gets its share as credit, and whoever has most pays for all.
    fn next(&self, able: &[&Arc<Target>]) -> Option<&Arc<Target>> {
        let mut credit = self.credit.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total = 0;
        let mut best: Option<(&mut i64, &Arc<Target>)> = None;
        for (credit, (target, share)) in credit.iter_mut().zip(&self.shares) {
            if !able.iter().any(|able| Arc::ptr_eq(able, target)) {
                continue;
            }
            *credit += share;
            total += share;
            if best.as_ref().is_none_or(|(most, _)| *credit > **most) {
                best = Some((credit, target));
            }
        }
        let (credit, target) = best?;
        *credit -= total;
        Some(target)
    }
}

/// Weights as whole shares, as small as they can be: exactly in their ratio when they have at most three decimals, and
/// else rounded to shares of a thousand, of which a weight above zero keeps at least one. When all are zero all are equal.
fn shares(weights: &[f64]) -> Vec<i64> {
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    if heaviest <= 0.0 {
        return vec![1; weights.len()];
    }
    let exact = [1.0, 10.0, 100.0, GRAIN].into_iter().find(|scale| {
        let is_whole = |weight: &f64| {
            let scaled = weight * scale;
            (scaled - scaled.round()).abs() < 1e-6 && (scaled.round() >= 1.0 || *weight <= 0.0)
        };
        heaviest * scale <= MOST && weights.iter().all(is_whole)
    });
    let scale = exact.unwrap_or(GRAIN / heaviest);
    #[expect(clippy::cast_possible_truncation, reason = "a share is between 0 and MOST")]
    let share = |weight: &f64| (weight * scale).round().max(f64::from(*weight > 0.0)) as i64;
    let all: Vec<i64> = weights.iter().map(share).collect();
    let divisor = all.iter().copied().fold(0, gcd).max(1);
    all.into_iter().map(|share| share / divisor).collect()
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
