//! What a request may need of a budget, before anybody knows what it takes.

use engine::Claim;
use engine::claim::Refusal;
use engine::input::Request;
use grammar::budget::{Meter, Window};
use grammar::config::Pricing;
use serde_json::Value;

use super::Price;
use crate::surroundings::Offer;
use crate::wire::Endpoint;

/// What a request may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Need {
    /// Most tokens of the prompt: a token is a byte at least.
    most_prompt: u64,
    /// An estimate of them.
    prompt: u64,
    /// Most tokens of one answer, if the request says.
    answer: Option<u64>,
    /// How many answers it asks for.
    answers: u64,
    /// Of the targets that it may go to, the highest price of each kind.
    price: Option<Price>,
}

/// The targets that a request for that model may go to and whose price is known, by their places in the list.
pub(crate) fn priced<'a>(
    offers: impl Iterator<Item = Offer<'a>>,
    model: &str,
    left: Option<&[usize]>,
) -> Vec<(usize, Pricing)> {
    let mut found = Vec::new();
    for (at, offer) in offers.enumerate() {
        let is_open = left.is_none_or(|left| left.contains(&at));
        if offer.id == model {
            // The client has chosen it, and it goes nowhere else.
            return offer.pricing.filter(|_| is_open).map(|pricing| (at, pricing)).into_iter().collect();
        }
        found.extend(offer.pricing.filter(|_| is_open).map(|pricing| (at, pricing)));
    }
    found
}

/// The first claim that is not met, when so much of the rules' budgets is spent already. For dry runs, in which nothing is
/// reserved.
pub(crate) fn missed<'c>(
    claims: &'c [Claim],
    need: &Need,
    spent: &[(String, f64)],
) -> Option<(&'c Claim, Refusal)> {
    claims.iter().find_map(|claim| {
        let spent = spent.iter().find(|(rule, _)| rule == claim.rule()).map_or(0.0, |(_, amount)| *amount);
        let each = match claim.meter {
            Meter::Cost => 1e9,
            Meter::Tokens => 1.0,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from a float saturates"
        )]
        let taken = (spent * each).round() as u64;
        claim.check(taken, need.amount(claim)).err().map(|refusal| (claim, refusal))
    })
}

impl Need {
    /// What a request of that size may take at targets of those prices.
    pub(crate) fn of(
        endpoint: Endpoint,
        document: &Value,
        size: usize,
        request: &Request<'_>,
        prices: impl Iterator<Item = Pricing>,
    ) -> Self {
        let count = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
        Self {
            most_prompt: endpoint.most_tokens(document, size),
            prompt: count(request.prompt_tokens).saturating_add(endpoint.tokens_beside_texts(document)),
            answer: request.max_tokens.map(count),
            answers: endpoint.answers(document),
            price: prices.map(|pricing| Price::of(&pricing)).reduce(Price::dearest),
        }
    }

    /// How much a claim takes; nothing where that hangs on a price that is not known.
    ///
    /// What must not be overspent is the most that the request can cost. A limit of each request by itself, and tokens, go
    /// by the estimate: they keep a measure, and hardly any request comes near its most.
    pub(crate) fn amount(&self, claim: &Claim) -> Option<u64> {
        let answer = self.answer.unwrap_or(claim.assuming).saturating_mul(self.answers);
        match (claim.meter, claim.window) {
            (Meter::Tokens, _) => Some(self.prompt.saturating_add(answer)),
            (Meter::Cost, Window::Request) => Some(self.price?.most(self.prompt, answer).nanos()),
            (Meter::Cost, Window::Minute | Window::Hour | Window::Day | Window::Month) => {
                Some(self.price?.most(self.most_prompt, answer).nanos())
            }
        }
    }
}
