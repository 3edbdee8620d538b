//! What tokens cost, without rounding.

use grammar::config::Pricing;

use crate::money::Money;
use crate::wire::Usage;

/// What one token costs, in millionths of a millionth of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    prompt: u64,
    cached: u64,
    completion: u64,
}

impl Price {
    /// The price as the configuration states it: in dollars per million tokens.
    pub(crate) fn of(pricing: &Pricing) -> Self {
        Self {
            prompt: each(pricing.prompt),
            cached: each(pricing.cached.unwrap_or(pricing.prompt)),
            completion: each(pricing.completion),
        }
    }

    /// What an exchange cost, where all that takes is known. Cached tokens are part of the prompt's.
    pub(crate) fn cost(&self, usage: &Usage) -> Option<Money> {
        let (input, output) = usage.input.zip(usage.output)?;
        let cached = usage.cached.unwrap_or_default().min(input);
        Some(sum([(input - cached, self.prompt), (cached, self.cached), (output, self.completion)]))
    }

    /// What so many tokens cost at most: none of them cached.
    pub(crate) fn most(&self, prompt: u64, answer: u64) -> Money {
        sum([(prompt, self.prompt.max(self.cached)), (0, 0), (answer, self.completion)])
    }

    /// Of each kind the higher price of two.
    pub(crate) fn dearest(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.max(other.prompt),
            cached: self.cached.max(other.cached),
            completion: self.completion.max(other.completion),
        }
    }
}

/// Dollars per million tokens are millionths of a dollar per token.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "prices are not negative, and a cast from a float saturates"
)]
fn each(per_million: f64) -> u64 {
    (per_million * 1e6).round() as u64
}

fn sum(parts: [(u64, u64); 3]) -> Money {
    Money::of_picos(parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_cost_what_the_price_says_of_them() {
        let price = |cached| Price::of(&Pricing { prompt: 2.0, completion: 10.0, cached });
        let usage =
            |input, cached| Usage { input: Some(input), cached, output: Some(100_000), ..Usage::default() };
        let cost = |cached_price, usage| price(cached_price).cost(&usage).map(|cost| cost.to_string());
        assert_eq!(cost(Some(0.5), usage(1_000_000, None)).as_deref(), Some("3"));
        assert_eq!(cost(Some(0.5), usage(1_000_000, Some(400_000))).as_deref(), Some("2.4"));
        assert_eq!(cost(None, usage(1_000_000, Some(400_000))).as_deref(), Some("3"));
        assert_eq!(
            cost(Some(0.5), usage(1_000_000, Some(9_000_000))).as_deref(),
            Some("1.5"),
            "no more than there are"
        );
        assert_eq!(cost(Some(0.5), Usage { input: Some(1), ..Usage::default() }), None);
    }

    #[test]
    fn small_prices_lose_nothing() {
        let price = Price::of(&Pricing { prompt: 0.0055, completion: 0.1, cached: None });
        let usage = Usage { input: Some(3), output: Some(1), ..Usage::default() };
        assert_eq!(price.cost(&usage).unwrap().to_string(), "0.0000001165");
    }
}
