//! What a request takes of budgets: claims, which whoever keeps the counters meets or refuses.

use std::sync::Arc;

use grammar::budget::{Meter, Window};
use grammar::quantity::money_text;

use crate::input::Request;
use crate::verdict::Decision;

/// Tokens of an answer of whose length neither the request nor the rule says anything.
pub const ASSUMED: u64 = 4096;

/// The reason code when a budget counts money and there is no price.
pub const UNPRICED: &str = "budget.unknown_price";

/// A part of a budget that a request wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What is counted.
    pub meter: Meter,
    /// How much of it there is: thousandths of a millionth of a dollar, or tokens.
    pub limit: u64,
    /// For how long it must last.
    pub window: Window,
    /// Whose it is. Whoever has the same here shares a budget.
    pub whose: Vec<Option<Arc<str>>>,
    /// Tokens of an answer of whose length the request says nothing.
    pub assuming: u64,
    /// What is decided when it is refused; it names the policy and the rule.
    pub decision: Decision,
}

/// Why a claim is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It counts money, and the price is not known.
    Unpriced,
    /// It is larger than the whole budget.
    TooLarge(u64),
    /// Too little is left of the budget.
    UsedUp,
}

/// Dollars in thousandths of a millionth, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, and nothing costs less than nothing"
)]
fn nanos(usd: f64) -> u64 {
    // What is less than a millionth of that is the noise of such numbers.
    (usd * 1e9 - 1e-6).ceil() as u64
}

impl Claim {
    /// The policy whose rule makes it.
    pub fn policy(&self) -> &str {
        self.decision.policy.as_deref().unwrap_or_default()
    }

    /// The rule that makes it.
    pub fn rule(&self) -> &str {
        self.decision.rule.as_deref().unwrap_or_default()
    }

    /// What it takes when nobody knows more of the request than rules do, as in tests.
    pub fn estimate(&self, request: &Request<'_>) -> Option<u64> {
        match self.meter {
            Meter::Cost => request.cost_usd.map(nanos),
            Meter::Tokens => {
                let count = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
                let answer = request.max_tokens.map_or(self.assuming, count);
                Some(count(request.prompt_tokens).saturating_add(answer))
            }
        }
    }

    /// Whether an amount fits when so much is taken already. It is nothing where the price is not known.
    pub fn check(&self, taken: u64, amount: Option<u64>) -> Result<u64, Refusal> {
        let amount = amount.ok_or(Refusal::Unpriced)?;
        match taken.checked_add(amount) {
            Some(sum) if sum <= self.limit => Ok(amount),
            _ if amount > self.limit => Err(Refusal::TooLarge(amount)),
            _ => Err(Refusal::UsedUp),
        }
    }

    /// The decision when it is refused: with the rule's own message, or else a sentence on the budget.
    pub fn refused(&self, refusal: Refusal) -> Decision {
        let mut decision = self.decision.clone();
        if refusal == Refusal::Unpriced {
            decision.reason_code = Some(Arc::from(UNPRICED));
            decision.message = None;
        }
        decision.message = decision.message.or_else(|| Some(self.sentence(refusal)));
        decision
    }

    fn sentence(&self, refusal: Refusal) -> String {
        let budget = format!("the budget of {} per {}", self.amount(self.limit), self.window.name());
        match refusal {
            Refusal::Unpriced => format!(
                "{budget} counts what requests cost, and no price is known for this one: its target has no `pricing`"
            ),
            Refusal::TooLarge(amount) => {
                format!("this request may take up to {}, and {budget} is smaller", self.amount(amount))
            }
            Refusal::UsedUp => format!("{budget} is used up"),
        }
    }

    /// An amount in its unit.
    pub fn amount(&self, amount: u64) -> String {
        match self.meter {
            Meter::Tokens => format!("{amount} tokens"),
            Meter::Cost => money_text(i64::try_from(amount.div_ceil(1000)).unwrap_or(i64::MAX)),
        }
    }
}
