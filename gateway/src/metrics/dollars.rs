//! A counter of money that loses nothing in its sums.

use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Atomic;

use crate::money::Money;

/// Dollars, counted in whole numbers and shown as a decimal one.
#[derive(Debug, Default)]
pub(super) struct Dollars(Mutex<u128>);

impl Dollars {
    /// Adds an amount.
    pub(super) fn add(&self, amount: Money) {
        let mut picos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *picos = picos.saturating_add(amount.picos().into());
    }

    #[expect(clippy::cast_precision_loss, reason = "the last digits of large sums do not show")]
    fn shown(&self) -> f64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) as f64 / 1e12
    }
}

impl Atomic<f64> for Dollars {
    fn inc(&self) -> f64 {
        self.inc_by(1.0)
    }

    fn inc_by(&self, dollars: f64) -> f64 {
        let before = self.shown();
        self.add(Money::read(&dollars.to_string()).unwrap_or_default());
        before
    }

    fn get(&self) -> f64 {
        self.shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_small_amounts_are_their_sum() {
        let counted = Dollars::default();
        (0..1_000_000).for_each(|_| counted.add(Money::of_picos(100_000)));
        assert_eq!(counted.get().to_string(), "0.1");
        assert_eq!((counted.inc(), counted.inc_by(0.9)), (0.1, 1.1));
        assert_eq!(counted.get().to_string(), "2");
    }
}
