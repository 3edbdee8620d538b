//! kt beside other engines, on the same work in one run. Each must find what kt finds before it is timed.
//!
//! `cargo run --release --manifest-path tests/bench/peers/Cargo.toml`

mod patterns;
mod scalars;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// An engine that is ready: what it finds, by the number of the rule.
pub struct Peer {
    pub name: &'static str,
    pub judge: Box<dyn FnMut() -> Vec<usize>>,
}

impl Peer {
    pub fn new(name: &'static str, judge: impl FnMut() -> Vec<usize> + 'static) -> Self {
        Self { name, judge: Box::new(judge) }
    }
}

/// How often each is timed, in turn.
const ROUNDS: usize = 21;
/// How long each is timed at once.
const ROUND: Duration = Duration::from_millis(20);

/// Times all engines in turn, and prints the median of each beside that of the first.
pub fn compare(title: &str, mut peers: Vec<Peer>) {
    let found: Vec<Vec<usize>> = peers.iter_mut().map(|peer| (peer.judge)()).collect();
    for (peer, found_by_it) in peers.iter().zip(&found) {
        assert_eq!(found_by_it, &found[0], "{title}: {} finds other rules", peer.name);
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for (peer, times) in peers.iter_mut().zip(&mut times) {
            let (begun, mut runs) = (Instant::now(), 0_u32);
            while begun.elapsed() < ROUND {
                black_box((peer.judge)());
                runs += 1;
            }
            times.push(begun.elapsed().as_secs_f64() / f64::from(runs));
        }
    }
    println!("\n{title}; {} rules hold\n", found[0].len());
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let medians: Vec<f64> = times.iter_mut().map(median).collect();
    println!("| engine | microseconds | times kt |\n|---|--:|--:|");
    for (peer, time) in peers.iter().zip(&medians) {
        println!("| {} | {:.2} | {:.1} |", peer.name, time * 1e6, time / medians[0]);
    }
}

fn main() {
    compare("300 rules over plain values", scalars::peers(300));
    for (kind, text) in patterns::texts() {
        compare(&format!("100 patterns, 4 KiB of {kind}"), patterns::peers(&text));
    }
}
