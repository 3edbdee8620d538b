//! Where a request goes: the targets, whose turn it is, and who is next when one fails.

mod failure;
mod strategy;
mod target;
mod upstream;

use std::sync::Arc;

use engine::verdict::{Decision, Verdict};
use grammar::config::{Fallback, Providers, Strategy};
use hyper::StatusCode;

pub(crate) use failure::Failure;
pub use target::Target;
pub(crate) use target::read_key;
pub(crate) use upstream::{Call, Reached, Upstream, returned_headers};

use crate::error::Error;
use crate::surroundings::Offer;
use crate::wire::Fault;
use strategy::Turn;

/// All targets and the order in which they are asked.
#[derive(Debug)]
pub struct Router {
    targets: Vec<Arc<Target>>,
    /// Those among which turns go round.
    rotation: Vec<Arc<Target>>,
    /// Those that are asked when nothing else is left.
    spare: Vec<Arc<Target>>,
    turn: Turn,
    fallback: Fallback,
}

impl Router {
    /// Makes the targets of a configuration ready; `upstream` replaces their addresses.
    pub fn new(providers: &Providers, upstream: Option<&str>) -> Result<Self, Error> {
        let prepared =
            providers.targets.iter().map(|written| Target::prepare(written, upstream).map(Arc::new));
        let targets = prepared.collect::<Result<Vec<_>, _>>()?;
        let able = targets.iter().filter(|target| target.unavailable().is_none()).cloned();
        let weighted = providers.strategy() == Strategy::WeightedRoundRobin;
        let (mut rotation, mut spare): (Vec<_>, Vec<_>) =
            able.partition(|target| !weighted || target.weight > 0.0);
        if rotation.is_empty() {
            std::mem::swap(&mut rotation, &mut spare);
        }
        let weights: Vec<f64> = rotation.iter().map(|target| target.weight).collect();
        let turn = Turn::new(providers.strategy(), &weights)?;
        Ok(Self { targets, rotation, spare, turn, fallback: providers.fallback.clone() })
    }

    /// All targets, in the order of the configuration.
    pub fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// What rules may ask of each target.
    pub(crate) fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.targets.iter().map(|target| Offer {
            id: &target.id,
            provider: &target.provider,
            model: target.model.as_deref(),
            data_policy: target.data_policy,
            pricing: target.pricing,
        })
    }

    /// The targets to ask for a model, in order, of those that rules have left. A model that is a target's id pins the
    /// request to it.
    pub(crate) fn plan(&self, model: &str, left: Option<&[usize]>) -> Result<Vec<Arc<Target>>, Fault> {
        let open = |wanted: &Arc<Target>| {
            let at = self.targets.iter().position(|target| Arc::ptr_eq(target, wanted));
            left.is_none_or(|left| at.is_some_and(|at| left.contains(&at)))
        };
        if let Some(pinned) = self.targets.iter().find(|target| target.id == model) {
            if !open(pinned) {
                return Err(closed(pinned));
            }
            return match pinned.unavailable() {
                Some(_) => Err(none_available(std::slice::from_ref(pinned))),
                None => Ok(vec![Arc::clone(pinned)]),
            };
        }
        if self.rotation.is_empty() {
            return Err(none_available(&self.targets));
        }
        let in_turn = self.rotation.iter().cycle().skip(self.turn.first()).take(self.rotation.len());
        let most = usize::try_from(self.fallback.max_attempts).unwrap_or(usize::MAX).saturating_add(1);
        let plan: Vec<_> =
            in_turn.chain(&self.spare).filter(|target| open(target)).take(most).cloned().collect();
        if plan.is_empty() {
            let unable: Vec<_> = self.targets.iter().filter(|target| open(target)).cloned().collect();
            return Err(none_available(&unable));
        }
        Ok(plan)
    }

    /// Whether a failure sends a request on to the next target.
    pub(crate) fn goes_on_after(&self, failure: &Failure) -> bool {
        failure.trigger.is_some_and(|trigger| self.fallback.triggers.contains(&trigger))
    }
}

/// A client pinned its request to a target that rules keep it from.
fn closed(pinned: &Target) -> Fault {
    Fault::input_blocked(Decision {
        verdict: Verdict::Block,
        reason_code: Some("routing.no_target".into()),
        message: Some(format!("the policies keep this request from target `{}`", pinned.id)),
        ..Decision::default()
    })
}

fn none_available(unable: &[Arc<Target>]) -> Fault {
    let reasons = unable
        .iter()
        .map(|target| format!("`{}`: {}", target.id, target.unavailable().unwrap_or("not in the rotation")));
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let message = if reasons.is_empty() {
        "no target is configured".to_owned()
    } else {
        format!("no target is available: {reasons}")
    };
    Fault::upstream(StatusCode::SERVICE_UNAVAILABLE, "no_target_available", message).retry_after(Some("8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use grammar::config::{KeyRef, Strategy};

    fn providers(strategy: Strategy, ids: &[&str]) -> Providers {
        let targets = ids.iter().map(|id| kit::target(id, "http://127.0.0.1:9/v1")).collect();
        Providers { strategy: Some(kit::spanned(strategy)), targets, ..Providers::default() }
    }

    fn plan(router: &Router, model: &str) -> Vec<String> {
        router.plan(model, None).unwrap().iter().map(|target| target.id.clone()).collect()
    }

    #[test]
    fn a_model_that_is_a_target_pins_it() {
        let router = Router::new(&providers(Strategy::Fallback, &["a", "b"]), None).unwrap();
        assert_eq!(plan(&router, "b"), ["b"]);
        assert_eq!(plan(&router, "gpt"), ["a", "b"]);
    }

    #[test]
    fn rules_narrow_the_plan_and_bind_a_pin() {
        let router = Router::new(&providers(Strategy::Fallback, &["a", "b", "c"]), None).unwrap();
        let ids = |model, left| {
            let plan: Result<Vec<Arc<Target>>, Fault> = router.plan(model, Some(left));
            plan.map(|plan| plan.iter().map(|target| target.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(ids("m", &[1, 2]).unwrap(), ["b", "c"]);
        assert_eq!(ids("b", &[1]).unwrap(), ["b"]);
        let fault = ids("a", &[1, 2]).unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.kind), (409, "policy_violation"));
    }

    #[test]
    fn the_turn_moves_and_the_others_follow() {
        let router = Router::new(&providers(Strategy::RoundRobin, &["a", "b", "c"]), None).unwrap();
        assert_eq!(plan(&router, "m"), ["a", "b", "c"]);
        assert_eq!(plan(&router, "m"), ["b", "c", "a"]);
    }

    #[test]
    fn weighted_turns_go_round_among_those_that_can_be_asked() {
        let mut providers = providers(Strategy::WeightedRoundRobin, &["off", "a", "b", "spare"]);
        providers.targets[0].key = Some(KeyRef::Env(kit::spanned("KT_NO_SUCH_KEY".into())));
        providers.targets[3].weight = 0.0;
        let router = Router::new(&providers, None).unwrap();
        let plans: Vec<Vec<String>> = (0..100).map(|_| plan(&router, "m")).collect();
        let first = |id: &str| plans.iter().filter(|plan| plan[0] == id).count();
        assert_eq!((first("a"), first("b")), (50, 50), "the share of the one that is off goes to both");
        assert!(plans.iter().all(|plan| plan.len() == 3 && plan[2] == "spare"));
        providers.targets.truncate(1);
        providers.targets.push(kit::target("none", "http://127.0.0.1:9/v1"));
        providers.targets[1].weight = 0.0;
        assert_eq!(plan(&Router::new(&providers, None).unwrap(), "m"), ["none"]);
    }

    #[test]
    fn no_more_targets_are_asked_than_allowed() {
        let mut providers = providers(Strategy::Fallback, &["a", "b", "c"]);
        providers.fallback.max_attempts = 1;
        assert_eq!(plan(&Router::new(&providers, None).unwrap(), "m"), ["a", "b"]);
    }

    #[test]
    fn when_none_can_be_asked_each_is_named_with_its_reason() {
        let mut providers = providers(Strategy::Fallback, &["a"]);
        providers.targets[0].key = Some(KeyRef::Env(kit::spanned("KT_NO_SUCH_KEY".into())));
        let fault = Router::new(&providers, None).unwrap().plan("m", None).unwrap_err();
        assert_eq!(fault.status.as_u16(), 503);
        assert_eq!(fault.message, "no target is available: `a`: `KT_NO_SUCH_KEY` is not set");
        assert!(fault.retry_after.is_some());
    }
}
