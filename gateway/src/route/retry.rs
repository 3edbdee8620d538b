//! When the same target is asked again: how long that waits, and how much of the traffic it may be.

use std::time::Duration;

use grammar::config::Retry;
use hyper::header::{HeaderMap, HeaderName, RETRY_AFTER};
use jiff::Timestamp;

/// Time over which requests and retries are counted.
const WINDOW: u64 = 10;
/// One retry for so many requests.
const REQUESTS_PER_RETRY: u32 = 5;
/// Retries that are free in each window, so that quiet gateways retry too.
const FREE: u32 = 10;

/// How long to wait before the target is asked again after so many tries: a random part of a time that doubles, but no
/// shorter than the target asked for. Nothing when it was tried often enough, or wants a longer rest than is allowed.
pub(super) fn wait(retry: &Retry, tries: u32, asked_for: Option<Duration>, random: f64) -> Option<Duration> {
    let most = Duration::from_millis(retry.max_backoff_ms.into());
    let asked_for = asked_for.unwrap_or_default();
    if tries >= retry.max_attempts || asked_for > most {
        return None;
    }
    let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
    let ceiling = Duration::from_millis(retry.backoff_ms.into()).saturating_mul(doubled).min(most);
    Some(ceiling.mul_f64(random).max(asked_for))
}

/// When a provider wants to be asked again: `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(super) fn asked_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let milliseconds = value(HeaderName::from_static("retry-after-ms")).and_then(number);
    let seconds = || {
        let text = value(RETRY_AFTER)?;
        number(text).or_else(|| {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Some(date.duration_since(now).as_secs_f64().max(0.0))
        })
    };
    let seconds = milliseconds.map(|milliseconds| milliseconds / 1e3).or_else(seconds)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Keeps retries to a fifth of a target's traffic: what fails because it is overloaded must not be asked twice as much.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    seconds: [Second; WINDOW as usize],
}

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    requests: u32,
    retries: u32,
}

impl Budget {
    /// A request goes to the target for the first time.
    pub(super) fn request(&mut self, now: Duration) {
        if let Some(second) = self.second(now) {
            second.requests = second.requests.saturating_add(1);
        }
    }

    /// Whether a retry may be made, which then counts.
    pub(super) fn retry(&mut self, now: Duration) -> bool {
        let oldest = now.as_secs().saturating_sub(WINDOW - 1);
        let recent = || self.seconds.iter().filter(|second| second.number >= oldest);
        let requests: u32 = recent().map(|second| second.requests).sum();
        let retries: u32 = recent().map(|second| second.retries).sum();
        let may = retries < FREE.saturating_add(requests / REQUESTS_PER_RETRY);
        if may && let Some(second) = self.second(now) {
            second.retries = second.retries.saturating_add(1);
        }
        may
    }

    /// The count of this second, begun anew when the last one in its place is over.
    fn second(&mut self, now: Duration) -> Option<&mut Second> {
        let number = now.as_secs();
        let second = self.seconds.get_mut(usize::try_from(number % WINDOW).ok()?)?;
        if second.number != number {
            *second = Second { number, ..Second::default() };
        }
        Some(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOMS: [f64; 4] = [0.0, 0.25, 0.5, 0.999];

    fn milliseconds(wait: Option<Duration>) -> Option<u128> {
        wait.map(|wait| wait.as_millis())
    }

    #[test]
    fn waits_are_random_parts_of_a_time_that_doubles_up_to_a_bound() {
        let retry = Retry { max_attempts: 10, backoff_ms: 100, max_backoff_ms: 500, ..Retry::default() };
        let ceilings: Vec<_> = (1..6).map(|tries| milliseconds(wait(&retry, tries, None, 1.0))).collect();
        assert_eq!(ceilings, [100, 200, 400, 500, 500].map(Some));
        let waits = RANDOMS.map(|random| milliseconds(wait(&retry, 2, None, random)));
        assert_eq!(waits, [0, 50, 100, 199].map(Some));
        assert_eq!(milliseconds(wait(&retry, 9, None, 1.0)), Some(500));
        assert_eq!(wait(&retry, 10, None, 0.0), None, "no more attempts than allowed");
    }

    #[test]
    fn a_target_is_left_alone_as_long_as_it_asks_or_not_asked_again() {
        let retry = Retry { max_attempts: 2, backoff_ms: 100, max_backoff_ms: 500, ..Retry::default() };
        let after = |asked: u64, random| wait(&retry, 1, Some(Duration::from_millis(asked)), random);
        assert_eq!(milliseconds(after(40, 0.9)), Some(90));
        assert_eq!(milliseconds(after(500, 0.9)), Some(500));
        assert_eq!(after(501, 0.9), None);
    }

    #[test]
    fn the_time_that_a_provider_asks_for_is_read_in_each_of_its_forms() {
        let now: Timestamp = "2026-05-04T10:00:00Z".parse().unwrap();
        let read = |headers: &[(&'static str, &str)]| {
            let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            milliseconds(asked_for(&pairs.collect::<HeaderMap>(), now))
        };
        assert_eq!(read(&[("retry-after", "7")]), Some(7000));
        assert_eq!(read(&[("retry-after", "0.5")]), Some(500));
        assert_eq!(read(&[("retry-after", "7"), ("retry-after-ms", "120")]), Some(120));
        assert_eq!(read(&[("retry-after", "Mon, 04 May 2026 10:00:30 GMT")]), Some(30_000));
        assert_eq!(read(&[("retry-after", "Mon, 04 May 2026 09:00:00 GMT")]), Some(0));
        for odd in ["", "soon", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(read(&[("retry-after", odd)]), None, "{odd}");
        }
    }

    #[test]
    fn retries_are_a_fifth_of_the_traffic_and_a_few_are_free() {
        let mut budget = Budget::default();
        let second = Duration::from_secs;
        let granted = |budget: &mut Budget, now| (0..1000).filter(|_| budget.retry(second(now))).count();
        assert_eq!(granted(&mut budget, 0), 10, "without traffic");
        (0..100).for_each(|_| budget.request(second(3)));
        assert_eq!(granted(&mut budget, 3), 20);
        assert_eq!(granted(&mut budget, 9), 0, "the window is not over");
        assert_eq!(granted(&mut budget, 10), 10, "the free ones of the first second are");
        assert_eq!(granted(&mut budget, 13), 0, "traffic and its retries leave together");
        assert_eq!(granted(&mut budget, 500), 10);
    }
}
