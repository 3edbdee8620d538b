//! What the router looks at in a request.

use engine::input::Request;
use grammar::config::Pricing;

use super::split::Split;

/// What a request wants, as far as it matters for where it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// The model, or the id of a target.
    pub(crate) model: String,
    /// An estimate of the tokens that it sends.
    pub(super) prompt_tokens: i64,
    /// Most tokens that it wants back.
    pub(super) max_tokens: Option<i64>,
    /// What keeps it with its variant.
    pub(super) sticky: Option<String>,
    /// Positions of the targets that rules have left, where they say anything of them.
    pub(super) left: Option<Vec<usize>>,
}

impl Wish {
    pub(super) fn of(request: &Request<'_>, split: Option<&Split>) -> Self {
        Self {
            model: request.model.to_owned(),
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            sticky: split.and_then(|split| split.key(request)),
            left: None,
        }
    }

    /// An estimate of what it costs at that price, for comparing prices: an answer without a limit counts as long as its
    /// prompt. A price that is not known is the highest.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no request has so many tokens that the price would round"
    )]
    pub(super) fn cost(&self, price: Option<&Pricing>) -> f64 {
        let answer = self.max_tokens.unwrap_or(self.prompt_tokens);
        let cost =
            |price: &Pricing| self.prompt_tokens as f64 * price.prompt + answer as f64 * price.completion;
        price.map_or(f64::INFINITY, cost)
    }
}
