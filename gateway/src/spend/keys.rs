//! Budgets of keys, as claims like those of rules.

use std::sync::Arc;

use engine::Claim;
use engine::verdict::{Decision, Verdict};
use grammar::budget::{Meter, Window};
use grammar::config::ClientKey;

/// What stands for a policy where a key's own budget is not met.
const POLICY: &str = "auth.keys";

/// What a request with that key takes of the key's own budget.
pub(crate) fn claims(key: &ClientKey) -> Vec<Claim> {
    let Some(budget) = &key.budget else { return Vec::new() };
    let limits = [
        ("request", Meter::Cost, Window::Request, budget.max_request),
        ("daily", Meter::Cost, Window::Day, budget.max_daily),
        ("monthly", Meter::Cost, Window::Month, budget.max_monthly),
        ("tokens", Meter::Tokens, Window::Minute, budget.max_tokens_per_minute),
    ];
    let whose: Arc<str> = Arc::from(key.name.value.as_str());
    let claim = |(rule, meter, window, limit): (&str, Meter, Window, Option<u64>)| {
        let limit = limit?;
        let decision = Decision {
            verdict: Verdict::Block,
            policy: Some(Arc::from(POLICY)),
            rule: Some(Arc::from(rule)),
            reason_code: Some(Arc::from(format!("budget.{rule}"))),
            ..Decision::default()
        };
        let whose = match window {
            Window::Request => Vec::new(),
            Window::Minute | Window::Hour | Window::Day | Window::Month => vec![Some(Arc::clone(&whose))],
        };
        Some(Claim { meter, limit, window, whose, assuming: budget.answer_tokens, decision })
    };
    limits.into_iter().filter_map(claim).collect()
}
