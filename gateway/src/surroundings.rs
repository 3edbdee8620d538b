//! What stands around a request and is not in its body: when, whence and by whose key it came, where it could go, what it
//! would cost.

use std::net::IpAddr;

use engine::input::{Request, Target, estimated_tokens};
use grammar::config::{DataPolicy, Pricing};

/// When a request came, from where, and by whose key.
#[derive(Clone, Debug)]
pub struct Surroundings<'k> {
    /// Seconds since 1970, in UTC.
    pub now: i64,
    /// The client's address; unknown in dry runs.
    pub client_ip: Option<IpAddr>,
    /// The name of its key, where a dry run says one.
    pub key_name: Option<&'k str>,
    /// What is spent already of the budgets of rules, in dry runs: dollars, or tokens.
    pub spent: Vec<(String, f64)>,
}

/// What a target's configuration says that rules may ask for.
pub(crate) struct Offer<'a> {
    pub(crate) id: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) model: Option<&'a str>,
    pub(crate) data_policy: DataPolicy,
    pub(crate) pricing: Option<Pricing>,
}

impl<'a> Surroundings<'a> {
    /// A request that comes at this moment.
    pub fn now(client_ip: Option<IpAddr>) -> Self {
        Self { now: jiff::Timestamp::now().as_second(), client_ip, key_name: None, spent: Vec::new() }
    }

    /// Tells the request of it, and of the targets.
    pub(crate) fn tell(&self, request: &mut Request<'a>, offers: impl Iterator<Item = Offer<'a>>) {
        request.now = self.now;
        request.client_ip = self.client_ip;
        request.key_name = self.key_name.or(request.key_name);
        let bytes = request.texts.iter().map(|text| text.value.len()).sum();
        request.prompt_tokens = estimated_tokens(bytes);
        let answered = request.max_tokens.unwrap_or_default();
        for offer in offers {
            if let Some(price) = offer.pricing {
                let cost = cost(&price, request.prompt_tokens, answered);
                request.cost_usd = Some(request.cost_usd.map_or(cost, |dearest| dearest.max(cost)));
            }
            request.targets.push(Target {
                id: offer.id,
                provider: offer.provider,
                model: offer.model,
                zero_data_retention: offer.data_policy.zero_data_retention,
                training_opt_out: offer.data_policy.training_opt_out,
                retention_days: offer.data_policy.retention_days.map(i64::from),
            });
        }
    }
}

/// What so many tokens cost, in US dollars.
#[expect(clippy::cast_precision_loss, reason = "no request has so many tokens that the price would round")]
fn cost(price: &Pricing, prompt: i64, completion: i64) -> f64 {
    (prompt as f64 * price.prompt + completion as f64 * price.completion) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_target_sets_the_estimate_and_an_unknown_price_is_none() {
        let offer = |prompt| Offer {
            id: "a",
            provider: "p",
            model: None,
            data_policy: DataPolicy::default(),
            pricing: Some(Pricing { prompt, completion: 10.0, cached: None }),
        };
        let mut request = Request { max_tokens: Some(1000), ..Request::default() };
        Surroundings { now: 7, ..Surroundings::now(None) }
            .tell(&mut request, [offer(1.0), offer(2.0)].into_iter());
        assert_eq!((request.now, request.cost_usd, request.targets.len()), (7, Some(0.01), 2));
        let mut request = Request::default();
        let free = Offer { pricing: None, ..offer(1.0) };
        Surroundings::now(None).tell(&mut request, std::iter::once(free));
        assert_eq!(request.cost_usd, None);
    }
}
