//! Parts of a point in time.

use crate::value::Value;

/// A part of a point in time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// `monday` to `sunday`.
    Weekday,
    /// `2026-05-04`.
    Date,
    /// The time since midnight.
    Time,
}

/// The names of the days, Monday first.
pub const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Moment {
    /// The part of a point in time, given in seconds since 1970.
    pub fn of(self, seconds: i64) -> Value {
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let time = jiff::tz::TimeZone::UTC.to_datetime(time);
        match self {
            Moment::Hour => Value::Int(time.hour().into()),
            Moment::Minute => Value::Int(time.minute().into()),
            Moment::Weekday => {
                let day = usize::try_from(time.weekday().to_monday_zero_offset()).unwrap_or_default();
                Value::Str(WEEKDAYS.get(day).copied().unwrap_or_default().into())
            }
            Moment::Time => Value::Duration(seconds.rem_euclid(86_400) * 1000),
            Moment::Date => Value::Str(time.date().to_string().into()),
        }
    }
}
