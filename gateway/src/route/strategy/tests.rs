//! Turns that are exact, and orders that follow what is known of the targets.

use grammar::config::{Pricing, Strategy};
use proptest::prelude::{prop, prop_assert_eq, proptest};
use proptest::strategy::Strategy as _;

use super::*;
use crate::kit;

fn targets(weights: &[f64]) -> Vec<Arc<Target>> {
    let ready = |(at, weight): (usize, &f64)| {
        let mut written = kit::target(&at.to_string(), "http://127.0.0.1:9/v1");
        written.weight = *weight;
        Arc::new(Target::prepare(&written, None).unwrap())
    };
    weights.iter().enumerate().map(ready).collect()
}

/// The order of one request, as positions in the list.
fn order(turn: &Turn, able: &[&Arc<Target>], now: u64) -> Vec<usize> {
    let order = turn.order(able, &Wish::default(), Duration::from_secs(now));
    order.iter().map(|target| target.id.parse().unwrap()).collect()
}

fn firsts(turn: &Turn, able: &[Arc<Target>], count: usize) -> Vec<usize> {
    let able: Vec<_> = able.iter().collect();
    (0..count).map(|_| order(turn, &able, 0)[0]).collect()
}

fn count(picks: &[usize], target: usize) -> usize {
    picks.iter().filter(|pick| **pick == target).count()
}

#[test]
fn weighted_turns_are_smooth() {
    let all = targets(&[5.0, 1.0, 1.0]);
    assert_eq!(firsts(&Turn::new(Strategy::WeightedRoundRobin, &all), &all, 7), [0, 0, 1, 0, 2, 0, 0]);
}

proptest! {
    #[test]
    fn weighted_turns_are_exact_over_every_round(
        weights in prop::collection::vec(0_u32..20, 1..6).prop_filter("a weight", |all| all.iter().any(|w| *w > 0)),
        decimals in 0_i32..4,
        rounds in 1_usize..4,
    ) {
        let written: Vec<f64> = weights.iter().map(|weight| f64::from(*weight) / 10_f64.powi(decimals)).collect();
        let all = targets(&written);
        let length: u32 = weights.iter().sum();
        let length = usize::try_from(length).unwrap();
        let picks = firsts(&Turn::new(Strategy::WeightedRoundRobin, &all), &all, length * rounds);
        for round in picks.chunks(length) {
            for (target, weight) in weights.iter().enumerate() {
                prop_assert_eq!(count(round, target), usize::try_from(*weight).unwrap());
            }
        }
    }

    #[test]
    fn nobody_waits_longer_than_a_round(weights in prop::collection::vec(1_u32..10, 1..6)) {
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        let all = targets(&weights);
        let length: i64 = shares(&weights).iter().sum();
        let length = usize::try_from(length).unwrap();
        let picks = firsts(&Turn::new(Strategy::WeightedRoundRobin, &all), &all, 3 * length);
        for window in picks.windows(length) {
            (0..all.len()).for_each(|target| assert!(window.contains(&target), "{weights:?}: {picks:?}"));
        }
    }
}

#[test]
fn the_turns_of_a_target_that_is_out_go_to_the_others_by_their_shares() {
    let all = targets(&[5.0, 3.0, 2.0]);
    let turn = Turn::new(Strategy::WeightedRoundRobin, &all);
    let picks = firsts(&turn, &all[1..], 100);
    assert_eq!((count(&picks, 1), count(&picks, 2)), (60, 40));
    let picks = firsts(&turn, &all, 100);
    assert_eq!((count(&picks, 0), count(&picks, 1), count(&picks, 2)), (50, 30, 20), "and it comes back");
}

#[test]
fn a_target_without_weight_comes_last_unless_none_has_any() {
    let all = targets(&[1.0, 0.0, 1.0]);
    let turn = Turn::new(Strategy::WeightedRoundRobin, &all);
    let able: Vec<_> = all.iter().collect();
    assert_eq!([order(&turn, &able, 0), order(&turn, &able, 0)], [[0, 2, 1], [2, 0, 1]]);
    assert_eq!(order(&turn, &[&all[1]], 0), [1]);
    assert_eq!((shares(&[0.0, 0.0]), shares(&[1e9, 1e-9])), (vec![1, 1], vec![1000, 1]));
    assert_eq!((shares(&[0.7, 0.2, 0.1]), shares(&[0.125, 0.5])), (vec![7, 2, 1], vec![1, 4]));
}

#[test]
fn turns_go_round_and_the_others_follow() {
    let all = targets(&[1.0; 3]);
    let turn = Turn::new(Strategy::RoundRobin, &all);
    let able: Vec<_> = all.iter().collect();
    let orders: Vec<_> = (0..4).map(|_| order(&turn, &able, 0)).collect();
    assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
}

#[test]
fn random_reaches_every_target_and_nothing_breaks_without_any() {
    let all = targets(&[1.0; 3]);
    let picks = firsts(&Turn::new(Strategy::Random, &all), &all, 300);
    assert!((0..3).all(|target| count(&picks, target) > 50), "{picks:?}");
    for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::LeastBusy, Strategy::LowestLatency] {
        assert_eq!(order(&Turn::new(strategy, &[]), &[], 0), [0; 0]);
    }
}

#[test]
fn the_fastest_goes_first_and_what_is_not_known_is_tried() {
    let all = targets(&[1.0; 3]);
    let (turn, able): (_, Vec<_>) = (Turn::new(Strategy::LowestLatency, &all), all.iter().collect());
    let measure = |target: usize, milliseconds| {
        all[target].vitals().measured(Duration::from_millis(milliseconds), Duration::ZERO);
    };
    measure(0, 300);
    measure(1, 100);
    assert_eq!(order(&turn, &able, 0), [2, 1, 0], "the third was never asked");
    measure(2, 200);
    assert_eq!(order(&turn, &able, 0), [1, 2, 0]);
    (0..20).for_each(|_| measure(1, 900));
    assert_eq!(order(&turn, &able, 0), [2, 0, 1]);
    all[2].vitals().measured(Duration::from_millis(250), Duration::from_secs(120));
    assert_eq!(order(&turn, &able, 120), [0, 1, 2], "what was measured long ago is believed less");
}

#[test]
fn the_cheapest_for_this_request_goes_first_and_an_unknown_price_last() {
    let prices = [None, Some((10.0, 1.0)), Some((1.0, 10.0))];
    let mut all = targets(&[1.0; 3]);
    for (target, price) in all.iter_mut().zip(prices) {
        let target = Arc::get_mut(target).unwrap();
        target.pricing = price.map(|(prompt, completion)| Pricing { prompt, completion, cached: None });
    }
    let turn = Turn::new(Strategy::LeastCost, &all);
    let first = |prompt_tokens, max_tokens| {
        let wish = Wish { prompt_tokens, max_tokens, ..Wish::default() };
        let order = turn.order(&all.iter().collect::<Vec<_>>(), &wish, Duration::ZERO);
        assert_eq!(order[2].id, "0");
        order[0].id.clone()
    };
    assert_eq!(first(100, Some(1000)), "1", "a short prompt and a long answer");
    assert_eq!(first(1000, Some(100)), "2", "a long prompt and a short answer");
}

#[test]
fn the_least_busy_goes_first_and_equals_take_turns() {
    let all = targets(&[1.0; 3]);
    let (turn, able): (_, Vec<_>) = (Turn::new(Strategy::LeastBusy, &all), all.iter().collect());
    let firsts: Vec<_> = (0..3).map(|_| order(&turn, &able, 0)[0]).collect();
    assert_eq!(firsts, [0, 1, 2]);
    all[0].vitals().begin();
    all[0].vitals().begin();
    all[1].vitals().begin();
    assert!((0..4).all(|_| order(&turn, &able, 0) == [2, 1, 0]));
    all[0].vitals().end();
    all[0].vitals().end();
    all[2].vitals().begin();
    assert!((0..4).all(|_| order(&turn, &able, 0)[0] == 0));
}
