//! What came of many rounds: the median of the rounds, of what each round's exchanges came to.

use std::time::Duration;

use crate::drive::Measured;

/// What is told of one process under one load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Exchanges in a second.
    pub(crate) rate: f64,
    /// Microseconds of the processor for each exchange.
    pub(crate) cpu: f64,
    /// Microseconds of the processor for each event.
    pub(crate) cpu_of_event: f64,
    /// Microseconds of a whole exchange.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Microseconds to the first word of a stream.
    pub(crate) first50: f64,
    pub(crate) first99: f64,
    /// Microseconds from an event to the next.
    pub(crate) gap50: f64,
    pub(crate) gap99: f64,
    pub(crate) failed: f64,
}

impl Figures {
    fn of(round: &Measured) -> Self {
        let count = round.took.len() as f64;
        let events: usize = round.took.iter().map(|took| took.events).sum();
        let cpu = micros(round.cpu);
        let all: Vec<Duration> = round.took.iter().map(|took| took.all).collect();
        let first: Vec<Duration> = round.took.iter().map(|took| took.first).collect();
        let gaps: Vec<Duration> = round.took.iter().flat_map(|took| took.gaps.iter().copied()).collect();
        Self {
            rate: count / round.time.as_secs_f64(),
            cpu: if count > 0.0 { cpu / count } else { 0.0 },
            cpu_of_event: if events > 0 { cpu / events as f64 } else { 0.0 },
            p50: at(all.clone(), 0.5),
            p99: at(all, 0.99),
            first50: at(first.clone(), 0.5),
            first99: at(first, 0.99),
            gap50: at(gaps.clone(), 0.5),
            gap99: at(gaps, 0.99),
            failed: round.failed as f64,
        }
    }

    /// The median of each figure over the rounds.
    pub(crate) fn median(rounds: &[Measured]) -> Self {
        let rounds: Vec<Self> = rounds.iter().map(Self::of).collect();
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Self {
            rate: middle(|of| of.rate),
            cpu: middle(|of| of.cpu),
            cpu_of_event: middle(|of| of.cpu_of_event),
            p50: middle(|of| of.p50),
            p99: middle(|of| of.p99),
            first50: middle(|of| of.first50),
            first99: middle(|of| of.first99),
            gap50: middle(|of| of.gap50),
            gap99: middle(|of| of.gap99),
            failed: rounds.iter().map(|of| of.failed).sum(),
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Microseconds below which that share lies.
fn at(mut times: Vec<Duration>, share: f64) -> f64 {
    times.sort_unstable();
    let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(place).copied().map_or(0.0, micros)
}
