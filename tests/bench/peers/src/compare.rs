//! Engines that take turns on the same work, and the table of what each needs for it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What an engine finds in its work, by the number of the rule.
type Judge<Work> = Box<dyn FnMut(&Work) -> Vec<usize>>;

/// An engine that is ready.
pub struct Peer<Work: ?Sized> {
    name: &'static str,
    compiled: Duration,
    judge: Judge<Work>,
}

impl<Work: ?Sized + 'static> Peer<Work> {
    /// Compiles its rules, which is timed, and keeps them with what judges by them.
    pub fn new<Rules: 'static>(
        name: &'static str,
        compile: impl FnOnce() -> Rules,
        mut judge: impl FnMut(&mut Rules, &Work) -> Vec<usize> + 'static,
    ) -> Self {
        let begun = processor();
        let mut rules = compile();
        let compiled = processor() - begun;
        Self { name, compiled, judge: Box::new(move |work| judge(&mut rules, work)) }
    }
}

/// How often each is timed, in turn.
const ROUNDS: usize = 21;
/// How long each is timed at once.
const ROUND: Duration = Duration::from_millis(20);

/// Times all engines on each work, and prints a table: a row for each of them, beside the first.
pub fn compare<Work: ?Sized>(title: &str, mut peers: Vec<Peer<Work>>, works: &[(&str, Box<Work>)]) {
    let mut hold = None;
    for (kind, work) in works {
        for peer in &mut peers {
            let found = (peer.judge)(work);
            let expected = hold.get_or_insert_with(|| found.clone());
            assert_eq!(&found, expected, "{title}, {kind}: {} finds other rules", peer.name);
        }
    }
    println!("\nMicroseconds of the processor, and in parentheses how many times kt's:\n");
    print!("| {title}, {} hold |", hold.map_or(0, |hold| hold.len()));
    works.iter().for_each(|(kind, _)| print!(" {kind} |"));
    println!(" compiled once |\n|---|{}--:|", "--:|".repeat(works.len()));
    let medians: Vec<Vec<f64>> = works.iter().map(|(_, work)| medians(&mut peers, work)).collect();
    for (i, peer) in peers.iter().enumerate() {
        print!("| {} |", peer.name);
        medians.iter().for_each(|times| print!(" {:.2} ({:.1}) |", times[i] * 1e6, times[i] / times[0]));
        println!(" {:.1} ms |", peer.compiled.as_secs_f64() * 1e3);
    }
}

/// What this thread has had of the processor. So it does not count how long others had it.
fn processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("a time since the start of the thread")
}

/// The median of the seconds that each engine takes for a work.
fn medians<Work: ?Sized>(peers: &mut [Peer<Work>], work: &Work) -> Vec<f64> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for (peer, times) in peers.iter_mut().zip(&mut times) {
            let (begun, spent, mut runs) = (Instant::now(), processor(), 0_u32);
            while begun.elapsed() < ROUND {
                black_box((peer.judge)(black_box(work)));
                runs += 1;
            }
            times.push((processor() - spent).as_secs_f64() / f64::from(runs));
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    times.iter_mut().map(median).collect()
}
