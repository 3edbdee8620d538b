//! How fast a target has been of late: a moving average of its times to the first byte, which is forgotten with time.

use std::time::Duration;

/// Share of a new measurement in the average.
const SHARE: f64 = 0.3;
/// After this long without a measurement half of it is forgotten, so that a target that was slow is tried again.
const HALF_LIFE: f64 = 30.0;
/// A failure counts as if the first byte had taken at least this long.
const FAILURE: Duration = Duration::from_secs(1);

/// The average of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Latency(Option<Average>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Average {
    seconds: f64,
    at: Duration,
}

impl Latency {
    /// A first byte came after that time.
    pub(super) fn measured(&mut self, took: Duration, now: Duration) {
        let new = took.as_secs_f64();
        let seconds = self.0.map_or(new, |old| old.seconds + SHARE * (new - old.seconds));
        self.0 = Some(Average { seconds, at: now });
    }

    /// No first byte came: as slow as it took, and slower than it was.
    pub(super) fn failed(&mut self, took: Duration, now: Duration) {
        let known = self.0.map_or(0.0, |average| average.seconds);
        let seconds = took.max(FAILURE).as_secs_f64().max(2.0 * known);
        self.0 = Some(Average { seconds, at: now });
    }

    /// The average, without what is forgotten; 0 for a target that was never measured, which so gets its turn.
    pub(super) fn expected(&self, now: Duration) -> f64 {
        let faded = |average: Average| {
            let silent = now.saturating_sub(average.at).as_secs_f64();
            average.seconds * (-silent / HALF_LIFE).exp2()
        };
        self.0.map_or(0.0, faded)
    }

    /// The average as it was last measured, for people.
    pub(super) fn milliseconds(&self) -> Option<u64> {
        let milliseconds = (self.0?.seconds * 1e3).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time, in milliseconds"
        )]
        Some(milliseconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_average_follows_what_is_measured() {
        let mut latency = Latency::default();
        assert_eq!((latency.expected(seconds(9)), latency.milliseconds()), (0.0, None));
        latency.measured(seconds(1), seconds(0));
        assert_eq!(latency.milliseconds(), Some(1000));
        latency.measured(seconds(2), seconds(0));
        assert_eq!(latency.milliseconds(), Some(1300));
        (0..40).for_each(|_| latency.measured(seconds(3), seconds(0)));
        assert_eq!(latency.milliseconds(), Some(3000));
    }

    #[test]
    fn what_was_slow_is_forgotten_by_halves() {
        let mut latency = Latency::default();
        latency.measured(seconds(8), seconds(100));
        assert_eq!(latency.expected(seconds(100)), 8.0);
        assert_eq!(latency.expected(seconds(130)), 4.0);
        assert_eq!(latency.expected(seconds(160)), 2.0);
    }

    #[test]
    fn failing_at_once_is_not_being_fast() {
        let mut latency = Latency::default();
        latency.failed(Duration::from_millis(2), seconds(0));
        assert_eq!(latency.milliseconds(), Some(1000));
        latency.failed(Duration::from_millis(2), seconds(0));
        assert_eq!(latency.milliseconds(), Some(2000));
    }
}
