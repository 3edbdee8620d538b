//! Confidence intervals of shares.

/// The quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share with the interval that holds the true one in 95 of 100 data sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Share {
    /// `part` of `whole`; nothing of nothing. The interval is Wilson's (E. B. Wilson, Probable inference, the law of
    /// succession, and statistical inference, JASA 22, 1927, pp. 209-212).
    #[expect(clippy::cast_precision_loss, reason = "counts of lines are far below 2^53")]
    pub(super) fn of(part: u64, whole: u64) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let (n, p) = (whole as f64, part as f64 / whole as f64);
        let square = Z * Z;
        let middle = (p + square / (2.0 * n)) / (1.0 + square / n);
        let half = Z / (1.0 + square / n) * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
        Some(Self { value: p, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
    }

    /// F1 from a share `j` of what was found rightly among all that was found or should have been. F1 is `2j / (1 + j)`,
    /// which rises with `j`, so the ends of the interval go the same way.
    pub(super) fn f1(right: u64, wrong: u64, missed: u64) -> Option<Self> {
        let share = Self::of(right, right + wrong + missed)?;
        let f1 = |j: f64| 2.0 * j / (1.0 + j);
        Some(Self { value: f1(share.value), low: f1(share.low), high: f1(share.high) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_s_interval() {
        // Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611.
        let share = Share::of(81, 263).unwrap();
        assert!((share.low - 0.2553).abs() < 5e-5 && (share.high - 0.3662).abs() < 5e-5, "{share:?}");
        let none = Share::of(0, 20).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
        assert_eq!(Share::of(0, 0), None);
    }

    #[test]
    fn f1_of_counts() {
        let f1 = Share::f1(8, 2, 4).unwrap();
        let (precision, recall): (f64, f64) = (0.8, 8.0 / 12.0);
        assert!((f1.value - 2.0 * precision * recall / (precision + recall)).abs() < 1e-12);
        assert!(f1.low < f1.value && f1.value < f1.high);
    }
}
