//! Money as whole numbers, so that sums of it are exact.

use std::fmt;

/// Decimal places of a dollar that are counted.
const PLACES: u32 = 12;

/// An amount of US dollars that is not negative, in millionths of a millionth. What one token costs is a whole number of
/// them at every price of up to six decimal places per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u64);

impl Money {
    /// So many millionths of a millionth; what is more than can be counted is the most that can, about 18 million dollars.
    pub fn of_picos(picos: u128) -> Self {
        Self(u64::try_from(picos).unwrap_or(u64::MAX))
    }

    /// The amount in millionths of a millionth of a dollar.
    pub fn picos(self) -> u64 {
        self.0
    }

    /// The amount in thousandths of a millionth of a dollar, rounded up.
    pub fn nanos(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// The amount in US dollars, as near as such a number comes.
    #[expect(clippy::cast_precision_loss, reason = "amounts of up to 9,000 dollars are exact")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// Reads a number of dollars as JSON writes it. What is smaller than can be counted is rounded up; there is none for what
    /// is negative or too large.
    pub fn read(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit());
        if !is_number || digits.len() > 36 {
            return None;
        }
        let number: u128 = format!("{whole}{part}").parse().ok()?;
        let places = i32::try_from(PLACES)
            .ok()?
            .checked_add(exponent)?
            .checked_sub(i32::try_from(part.len()).ok()?)?;
        let scale = 10_u128.checked_pow(places.unsigned_abs());
        let picos = match scale {
            _ if number == 0 => 0,
            Some(scale) if places < 0 => number.div_ceil(scale),
            None if places < 0 => 1,
            scale => number.checked_mul(scale?)?,
        };
        u64::try_from(picos).ok().map(Self)
    }
}

/// As a decimal number of dollars.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(PLACES);
        let part = format!("{:012}", self.0 % scale);
        write!(f, "{}", self.0 / scale)?;
        match part.trim_end_matches('0') {
            "" => Ok(()),
            part => write!(f, ".{part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly() {
        let read = |text: &str| Money::read(text).map(Money::picos);
        assert_eq!(read("0.00014"), Some(140_000_000));
        assert_eq!(
            (read("1.4E-5"), read("12"), read("1e+2")),
            (Some(14_000_000), Some(12_000_000_000_000), Some(100_000_000_000_000))
        );
        assert_eq!(
            (read("0"), read("0.0"), read("1e-13"), read("2e-90"), read("0e40")),
            (Some(0), Some(0), Some(1), Some(1), Some(0))
        );
        for wrong in ["", "-1", "1e99", "nan", ".5", "1.2.3", "18446745", "0x1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_shown_as_dollars() {
        let shown = |picos| Money::of_picos(picos).to_string();
        assert_eq!(
            (shown(0), shown(1), shown(2_500_000)),
            ("0".into(), "0.000000000001".into(), "0.0000025".into())
        );
        assert_eq!(
            (shown(3_000_000_000_000), shown(u128::MAX)),
            ("3".into(), "18446744.073709551615".into())
        );
        assert_eq!(Money::of_picos(145_000).usd().to_string(), "0.000000145");
        assert_eq!((Money::of_picos(1).nanos(), Money::of_picos(2000).nanos()), (1, 2));
    }
}
