//! The breaker's transitions as a table, on a clock that the table winds.

use super::*;

/// What happens at a second of the table.
enum Event {
    /// A request asks to be let through; whether it is. Those that are get numbers from 0 on.
    Ask(bool),
    /// The request of that number has its first byte.
    Begun(usize),
    /// The request of that number is over.
    End(usize, Went),
}

use Event::{Ask, Begun, End};
use Position::{Closed, HalfOpen, Open};
use Went::{Badly, Unsaid, Well};

/// Plays a table on a breaker that opens after 3 failures for 30 seconds.
fn play(half_open_probes: u32, table: &[(u64, Event, Position)]) {
    let mut breaker = Breaker::new(CircuitBreaker {
        enabled: true,
        failure_threshold: 3,
        cooldown_seconds: 30,
        half_open_probes,
    });
    let mut passes = Vec::new();
    for (row, (second, event, expected)) in table.iter().enumerate() {
        let now = Duration::from_secs(*second);
        match event {
            Ask(may) => {
                let refused = breaker.refusal(now);
                let admitted = breaker.admit(now);
                assert_eq!(admitted.is_ok(), *may, "row {row}");
                assert_eq!(
                    admitted.as_ref().err(),
                    refused.as_ref(),
                    "row {row}: what is told before is done"
                );
                passes.extend(admitted.ok().map(Some));
            }
            Begun(number) => passes[*number] = passes[*number].and_then(|pass| breaker.begun(pass)),
            End(number, went) => {
                if let Some(pass) = passes[*number].take() {
                    breaker.end(pass, *went, "answered 500", now);
                }
            }
        }
        assert_eq!(breaker.position(now), *expected, "row {row}");
    }
}

/// Three failures in a row, the last at second 2.
fn opened() -> Vec<(u64, Event, Position)> {
    (0..3)
        .flat_map(|n| {
            [(n as u64, Ask(true), Closed), (n as u64, End(n, Badly), if n == 2 { Open } else { Closed })]
        })
        .collect()
}

fn after_opening(half_open_probes: u32, rest: impl IntoIterator<Item = (u64, Event, Position)>) {
    let mut table = opened();
    table.extend(rest);
    play(half_open_probes, &table);
}

#[test]
fn failures_in_a_row_open_it_and_nothing_gets_through_until_its_time_is_over() {
    after_opening(1, [(2, Ask(false), Open), (31, Ask(false), Open), (32, Ask(true), HalfOpen)]);
}

#[test]
fn a_success_begins_the_count_anew_and_what_says_nothing_does_not() {
    play(
        1,
        &[
            (0, Ask(true), Closed),
            (0, End(0, Badly), Closed),
            (0, Ask(true), Closed),
            (0, End(1, Badly), Closed),
            (0, Ask(true), Closed),
            (0, End(2, Well), Closed),
            (0, Ask(true), Closed),
            (0, End(3, Badly), Closed),
            (0, Ask(true), Closed),
            (0, End(4, Unsaid), Closed),
            (0, Ask(true), Closed),
            (0, End(5, Badly), Closed),
            (0, Ask(true), Closed),
            (0, End(6, Badly), Open),
        ],
    );
}

#[test]
fn one_request_tries_it_and_others_wait_for_what_it_finds() {
    after_opening(1, [(32, Ask(true), HalfOpen), (32, Ask(false), HalfOpen), (33, End(3, Well), Closed)]);
    after_opening(
        1,
        [
            (32, Ask(true), HalfOpen),
            (33, End(3, Badly), Open),
            (62, Ask(false), Open),
            (63, Ask(true), HalfOpen),
        ],
    );
}

#[test]
fn all_that_try_it_must_succeed() {
    after_opening(
        2,
        [
            (32, Ask(true), HalfOpen),
            (32, Ask(true), HalfOpen),
            (32, Ask(false), HalfOpen),
            (33, End(3, Well), HalfOpen),
            (33, Ask(false), HalfOpen),
            (34, End(4, Well), Closed),
        ],
    );
    after_opening(
        2,
        [
            (32, Ask(true), HalfOpen),
            (33, End(3, Well), HalfOpen),
            (34, Ask(true), HalfOpen),
            (34, End(4, Badly), Open),
        ],
    );
}

#[test]
fn a_try_that_says_nothing_leaves_its_place_to_another() {
    after_opening(
        1,
        [
            (32, Ask(true), HalfOpen),
            (33, End(3, Unsaid), HalfOpen),
            (33, Ask(true), HalfOpen),
            (34, End(4, Well), Closed),
        ],
    );
}

#[test]
fn what_began_before_a_change_says_nothing_after_it() {
    play(
        1,
        &[
            (0, Ask(true), Closed),
            (0, Ask(true), Closed),
            (0, Ask(true), Closed),
            (0, Ask(true), Closed),
            (0, Ask(true), Closed),
            (1, End(0, Badly), Closed),
            (1, End(1, Badly), Closed),
            (1, End(2, Badly), Open),
            (2, End(3, Well), Open),
            (31, Ask(true), HalfOpen),
            (32, End(4, Badly), HalfOpen),
            (33, End(5, Well), Closed),
        ],
    );
}

#[test]
fn a_stream_that_has_begun_closes_it_and_may_still_count_as_a_failure() {
    let three_more = (4..7)
        .flat_map(|n| [(34, Ask(true), Closed), (34, End(n, Badly), if n == 5 { Open } else { Closed })]);
    after_opening(
        1,
        [(32, Ask(true), HalfOpen), (33, Begun(3), Closed), (34, End(3, Badly), Closed)]
            .into_iter()
            .chain(three_more.take(4)),
    );
}

#[test]
fn a_breaker_that_is_off_never_opens() {
    let mut breaker = Breaker::new(CircuitBreaker { enabled: false, ..CircuitBreaker::default() });
    for _ in 0..20 {
        let pass = breaker.admit(Duration::ZERO).unwrap();
        breaker.end(pass, Badly, "", Duration::ZERO);
    }
    assert_eq!(breaker.position(Duration::ZERO), Closed);
}

#[test]
fn a_refusal_says_why_and_for_how_long() {
    let mut breaker = Breaker::new(CircuitBreaker { failure_threshold: 1, ..CircuitBreaker::default() });
    let pass = breaker.admit(Duration::ZERO).unwrap();
    breaker.end(pass, Badly, "answered 503", Duration::ZERO);
    let refusal = breaker.refusal(Duration::from_millis(6_500)).unwrap();
    assert_eq!(refusal.why, "its circuit breaker is open for another 24 s; the last failure: answered 503");
    assert_eq!(refusal.back_in, Some(Duration::from_millis(23_500)));
}
