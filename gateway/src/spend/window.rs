//! The parts of the calendar for which budgets last, in UTC.

use grammar::budget::Window;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A part of the calendar, in seconds since 1970: from its start to where the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// The part of the calendar that a moment is in.
pub(super) fn around(window: Window, now: i64) -> Span {
    let even = |length: i64| {
        let start = now - now.rem_euclid(length);
        Span { start, end: start.saturating_add(length) }
    };
    match window {
        Window::Request => Span { start: now, end: now },
        Window::Minute => even(60),
        Window::Hour => even(3600),
        Window::Day => even(86_400),
        Window::Month => month(now).unwrap_or_else(|| even(31 * 86_400)),
    }
}

fn month(now: i64) -> Option<Span> {
    let today = Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC).date();
    let first = today.first_of_month();
    let next = first.checked_add(1.month()).ok()?;
    let second = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    Some(Span { start: second(first)?, end: second(next)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_as_long_as_they_are() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let now = at("2028-02-29T23:59:59Z");
        let span = |window| around(window, now);
        assert_eq!(
            span(Window::Month),
            Span { start: at("2028-02-01T00:00:00Z"), end: at("2028-03-01T00:00:00Z") }
        );
        assert_eq!(
            span(Window::Day),
            Span { start: at("2028-02-29T00:00:00Z"), end: at("2028-03-01T00:00:00Z") }
        );
        assert_eq!(
            span(Window::Hour),
            Span { start: at("2028-02-29T23:00:00Z"), end: at("2028-03-01T00:00:00Z") }
        );
        assert_eq!(
            span(Window::Minute),
            Span { start: at("2028-02-29T23:59:00Z"), end: at("2028-03-01T00:00:00Z") }
        );
        let december = around(Window::Month, at("2026-12-31T12:00:00Z"));
        assert_eq!(december.end, at("2027-01-01T00:00:00Z"));
    }
}
