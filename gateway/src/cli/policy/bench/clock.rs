//! Measuring: how long one of many equal runs takes.

use std::time::{Duration, Instant};

/// The least that is timed at once, so that the clock itself does not count.
const SAMPLE: Duration = Duration::from_micros(200);

/// The fewest samples, however long they take.
const FEWEST: usize = 3;

/// The most samples.
const MOST: usize = 1000;

/// The share of its time that a measurement first runs without being timed.
const WARM_UP: u32 = 5;

/// Nanoseconds of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Figures {
    /// The figures of a part, where a run has that many.
    #[expect(clippy::cast_precision_loss, reason = "no run has so many parts that it matters")]
    pub(super) fn per(self, parts: usize) -> Self {
        let parts = parts.max(1) as f64;
        Self { median: self.median / parts, least: self.least / parts, most: self.most / parts }
    }

    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or_default();
        Self { median: at(samples.len() / 2), least: at(0), most: at(samples.len().saturating_sub(1)) }
    }
}

/// Something that can be run so many times, and says how long that took.
pub(super) type Runs<'r> = &'r mut dyn FnMut(usize) -> Duration;

/// Measures runs for about so long.
pub(super) fn measure(slice: Duration, runs: Runs<'_>) -> Figures {
    let [figures] = together(slice, [runs]);
    figures
}

/// Measures several in turns, so that what slows the machine down slows all of them down.
pub(super) fn together<const N: usize>(slice: Duration, mut all: [Runs<'_>; N]) -> [Figures; N] {
    let began = Instant::now();
    let warm_up = slice / WARM_UP;
    let share = u32::try_from(N.max(1)).unwrap_or(u32::MAX);
    let batches = all.each_mut().map(|runs| warm(warm_up / share, runs));
    let mut samples = [(); N].map(|()| Vec::new());
    while samples.first().is_some_and(|samples: &Vec<f64>| {
        samples.len() < FEWEST || samples.len() < MOST && began.elapsed() < slice
    }) {
        for ((runs, batch), samples) in all.iter_mut().zip(batches).zip(&mut samples) {
            samples.push(nanos(runs(batch), batch));
        }
    }
    samples.map(Figures::of)
}

/// Runs without counting, and says how many runs make up a sample.
fn warm(time: Duration, runs: Runs<'_>) -> usize {
    let began = Instant::now();
    let mut batch = 1;
    loop {
        let took = runs(batch);
        let is_long = took >= SAMPLE;
        if is_long && began.elapsed() >= time || began.elapsed() >= time.max(SAMPLE) * 4 {
            return batch;
        }
        if !is_long {
            batch *= 2;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sample is far shorter than 2^53 nanoseconds")]
fn nanos(took: Duration, runs: usize) -> f64 {
    took.as_nanos() as f64 / runs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_measured_by_what_it_says_it_took() {
        let mut count = 0;
        let mut runs = |times: usize| {
            count += times;
            Duration::from_micros(3) * u32::try_from(times).unwrap()
        };
        let figures = measure(Duration::ZERO, &mut runs);
        assert_eq!((figures.median, figures.least, figures.most), (3000.0, 3000.0, 3000.0));
        assert_eq!(figures.per(3).median, 1000.0);
        assert!(count > FEWEST);
    }

    #[test]
    fn the_median_is_the_middle() {
        let figures = Figures::of(vec![9.0, 1.0, 2.0]);
        assert_eq!((figures.median, figures.least, figures.most), (2.0, 1.0, 9.0));
    }
}
