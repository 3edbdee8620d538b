//! From what a window comes to, to a probability: a table, so that no two machines differ in the last digit.

use super::{ONE, take};

/// The knots of the table: logits from -8 to 8, four to each one.
pub(super) const KNOTS: usize = 65;

/// The distance of two knots.
const STEP: i64 = ONE / 4;

/// A rising line through the knots. Before the first and after the last it is level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration([u16; KNOTS]);

impl Calibration {
    pub(super) fn read(rest: &mut &[u8]) -> Result<Self, String> {
        let mut knots = [0; KNOTS];
        let mut last = 0;
        for knot in &mut knots {
            *knot = u16::from_le_bytes(take(rest)?);
            if *knot < last {
                return Err("its probabilities fall where they should rise".into());
            }
            last = *knot;
        }
        Ok(Self(knots))
    }

    /// The probability of a logit: parts of 65536, so exact as a float.
    pub(super) fn probability(&self, logit: i64) -> f64 {
        let last = i64::try_from(KNOTS).unwrap_or(i64::MAX) - 1;
        let from_first = (logit + 8 * ONE).clamp(0, last * STEP);
        let (knot, beyond) = (from_first / STEP, from_first % STEP);
        let at = |knot: i64| {
            let knot = usize::try_from(knot.min(last)).unwrap_or_default();
            i64::from(self.0.get(knot).copied().unwrap_or_default())
        };
        let parts = at(knot) + (at(knot + 1) - at(knot)) * beyond / STEP;
        f64::from(u32::try_from(parts).unwrap_or_default()) / 65536.0
    }
}
