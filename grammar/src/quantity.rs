//! Quantities with a unit: durations such as `1h30m`, and money such as `$0.50`. Whole numbers inside, so that sums are exact.

/// The units of a duration, the longest first, each in milliseconds.
const UNITS: &[(&str, i64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Millionths of a dollar in a dollar.
const MICROS: i64 = 1_000_000;

/// The duration that a text such as `1h30m` or `250ms` says, in milliseconds. Units go from the longest to the
/// shortest, each at most once.
pub fn duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, later) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, length) = units.by_ref().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*length)?)?;
        rest = later;
    }
    (!text.is_empty()).then_some(total)
}

/// The duration as it is written: `90m` is `1h30m`.
pub fn duration_text(millis: i64) -> String {
    let mut rest = millis.unsigned_abs();
    let mut text = String::new();
    for (unit, length) in UNITS {
        let count = rest / length.unsigned_abs();
        rest %= length.unsigned_abs();
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    match (text.is_empty(), millis < 0) {
        (true, _) => "0s".to_owned(),
        (false, true) => format!("-{text}"),
        (false, false) => text,
    }
}

/// The money that a text such as `$0.50` says, in millionths of a US dollar; at most six digits after the point.
pub fn money(text: &str) -> Option<i64> {
    let number = text.strip_prefix('$')?.replace('_', "");
    let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) || number.ends_with('.') {
        return None;
    }
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(MICROS)?.checked_add(part)
}

/// The money as it is written, with at least two digits after the point.
pub fn money_text(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) =
        (micros.unsigned_abs() / MICROS.unsigned_abs(), micros.unsigned_abs() % MICROS.unsigned_abs());
    let part = format!("{part:06}");
    let (cents, finer) = part.split_at(2);
    format!("{sign}${whole}.{cents}{}", finer.trim_end_matches('0'))
}

/// Dollars as money, to the nearest millionth.
#[expect(clippy::cast_possible_truncation, reason = "casts from floats saturate, and no price is that high")]
pub fn dollars(amount: f64) -> i64 {
    (amount * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Some(millis), "{text}");
            assert_eq!(duration_text(millis), text);
        }
        assert_eq!(duration_text(duration("90m").unwrap()), "1h30m");
        for wrong in ["", "5", "m", "5x", "5m1h", "5m5m", "1.5h", "-5m", "99999999999999999999d", "5 m"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn money_reads_and_writes() {
        for (text, micros) in
            [("$0.50", 500_000), ("$12.00", 12_000_000), ("$0.000001", 1), ("$1.234", 1_234_000)]
        {
            assert_eq!(money(text), Some(micros), "{text}");
            assert_eq!(money_text(micros), text);
        }
        assert_eq!(money("$1_000"), Some(1_000 * MICROS));
        for wrong in ["", "$", "0.50", "$.5", "$1.", "$1.0000001", "$-1", "$99999999999999999", "$1.5.5"] {
            assert_eq!(money(wrong), None, "{wrong}");
        }
        assert_eq!(dollars(0.1 + 0.2), 300_000);
    }
}
