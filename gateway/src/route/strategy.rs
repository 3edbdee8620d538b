//! Which target goes first: in order, by turns, by weighted turns, or at random. No locks: a turn is a counter.

use std::sync::atomic::{AtomicUsize, Ordering};

use grammar::config::Strategy;

use crate::error::Error;
use crate::ids;

/// Weights are shares of a thousand: finer differences are not worth a longer round.
const GRAIN: f64 = 1000.0;

/// Picks the target that goes first.
#[derive(Debug)]
pub(super) enum Turn {
    /// The first in the list.
    InOrder,
    /// The next of a round; the round is an order of positions that was made beforehand.
    Rounds { round: Vec<usize>, next: AtomicUsize },
    /// Any.
    Random { count: usize },
}

impl Turn {
    /// A strategy over targets with those weights.
    pub(super) fn new(strategy: Strategy, weights: &[f64]) -> Result<Self, Error> {
        let rounds = |round| Turn::Rounds { round, next: AtomicUsize::new(0) };
        match strategy {
            Strategy::Single | Strategy::Fallback => Ok(Turn::InOrder),
            Strategy::RoundRobin => Ok(rounds((0..weights.len()).collect())),
            Strategy::WeightedRoundRobin => Ok(rounds(smooth_round(&shares(weights)))),
            Strategy::Random => Ok(Turn::Random { count: weights.len() }),
            Strategy::LowestLatency => Err(not_yet("lowest_latency")),
            Strategy::LeastCost => Err(not_yet("least_cost")),
            Strategy::LeastBusy => Err(not_yet("least_busy")),
        }
    }

    /// Position of the target that goes first now.
    pub(super) fn first(&self) -> usize {
        match self {
            Turn::InOrder => 0,
            Turn::Rounds { round, next } => {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                turn.checked_rem(round.len()).and_then(|at| round.get(at)).copied().unwrap_or(0)
            }
            Turn::Random { count } => {
                let random = usize::try_from(ids::random() >> 1).unwrap_or(0);
                random.checked_rem(*count).unwrap_or(0)
            }
        }
    }
}

fn not_yet(strategy: &str) -> Error {
    Error::new(format!(
        "the strategy `{strategy}` is not available in this version; use `fallback`, `weighted_round_robin`, `round_robin` or `random`"
    ))
}

/// Weights as whole shares, as small as they can be. A weight above zero keeps at least one share.
fn shares(weights: &[f64]) -> Vec<u32> {
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    if heaviest <= 0.0 {
        return vec![1; weights.len()];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1000"
    )]
    let share = |weight: &f64| (weight / heaviest * GRAIN).round().max(f64::from(*weight > 0.0)) as u32;
    let all: Vec<u32> = weights.iter().map(share).collect();
    let divisor = all.iter().copied().fold(0, gcd).max(1);
    all.into_iter().map(|share| share / divisor).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// One round of smooth weighted turns: each target as often as its shares say, spread as evenly as can be.
fn smooth_round(shares: &[u32]) -> Vec<usize> {
    let total: i64 = shares.iter().copied().map(i64::from).sum();
    let mut credit = vec![0_i64; shares.len()];
    let turn = |_| {
        credit.iter_mut().zip(shares).for_each(|(credit, share)| *credit += i64::from(*share));
        let best = credit.iter().enumerate().max_by_key(|(at, credit)| (**credit, std::cmp::Reverse(*at)));
        let best = best.map_or(0, |(at, _)| at);
        if let Some(credit) = credit.get_mut(best) {
            *credit -= total;
        }
        best
    };
    (0..total).map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_turns_are_exact_and_smooth() {
        assert_eq!(smooth_round(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        let turn = Turn::new(Strategy::WeightedRoundRobin, &[0.7, 0.2, 0.1]).unwrap();
        let picks: Vec<usize> = (0..1000).map(|_| turn.first()).collect();
        let count = |target| picks.iter().filter(|pick| **pick == target).count();
        assert!((699..=701).contains(&count(0)) && (199..=201).contains(&count(1)));
        let turn = Turn::new(Strategy::WeightedRoundRobin, &[3.0, 1.0]).unwrap();
        assert_eq!((0..400).filter(|_| turn.first() == 0).count(), 300);
    }

    #[test]
    fn a_target_without_weight_gets_no_turn_unless_none_has_any() {
        let turn = Turn::new(Strategy::WeightedRoundRobin, &[1.0, 0.0]).unwrap();
        assert!((0..50).all(|_| turn.first() == 0));
        assert_eq!(shares(&[0.0, 0.0]), [1, 1]);
        assert_eq!(shares(&[1e9, 1e-9]), [1000, 1]);
    }

    #[test]
    fn turns_go_round() {
        let turn = Turn::new(Strategy::RoundRobin, &[1.0; 3]).unwrap();
        assert_eq!((0..4).map(|_| turn.first()).collect::<Vec<_>>(), [0, 1, 2, 0]);
    }

    #[test]
    fn random_reaches_every_target_and_nothing_panics_without_any() {
        let turn = Turn::new(Strategy::Random, &[1.0; 3]).unwrap();
        let seen: std::collections::HashSet<usize> = (0..200).map(|_| turn.first()).collect();
        assert_eq!(seen.len(), 3);
        assert_eq!(Turn::new(Strategy::Random, &[]).unwrap().first(), 0);
        assert_eq!(Turn::new(Strategy::WeightedRoundRobin, &[]).unwrap().first(), 0);
    }
}
