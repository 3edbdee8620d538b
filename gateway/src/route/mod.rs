//! Where a request goes: the targets, whose turn it is, and who is next when one fails.

mod attempts;
mod breaker;
mod failure;
mod fields;
mod latency;
mod lease;
mod opening;
mod own;
mod patience;
mod probe;
mod retry;
mod slots;
mod split;
mod strategy;
mod target;
mod upstream;
mod vitals;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use engine::input::Request;
use engine::verdict::{Decision, Verdict};
use grammar::config::{self, Fallback, Providers};
use hyper::StatusCode;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use attempts::Attempts;
pub(crate) use breaker::Position;
pub(crate) use failure::Failure;
pub(crate) use lease::{Lease, Went};
pub(crate) use opening::Opened;
pub(crate) use patience::deadline;
pub use target::Target;
pub(crate) use target::read_key;
pub(crate) use upstream::{Call, Greeting, Reached, Upstream, returned_headers};
pub(crate) use wish::Wish;

use crate::clock::Clock;
use crate::error::Error;
use crate::surroundings::Offer;
use crate::wire::Fault;
use attempts::{Term, Trip};
use breaker::{Refusal, whole_seconds};
use slots::{Load, Slots};
use split::Split;
use strategy::{Turn, rotated};

/// When a client may come back for targets of which nobody knows when they will be there.
const BACK_IN: Duration = Duration::from_secs(8);

/// All targets and the order in which they are asked.
#[derive(Debug)]
pub struct Router {
    targets: Vec<Arc<Target>>,
    turn: Turn,
    split: Option<Split>,
    fallback: Fallback,
    slots: Option<Arc<Slots>>,
    clock: Clock,
}

impl Router {
    /// Makes the targets of a configuration ready; `upstream` replaces their addresses.
    pub fn new(providers: &Providers, upstream: Option<&str>, clock: Clock) -> Result<Self, Error> {
        Self::after(providers, upstream, clock, None)
    }

    /// The same in place of a router that runs: what is known of targets that have not changed stays known.
    pub(crate) fn after(
        providers: &Providers,
        upstream: Option<&str>,
        clock: Clock,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let prepare = |written: &config::Target| {
            let retry = written.retry.as_ref().or(providers.retry.as_ref()).cloned();
            let circuit_breaker = written.circuit_breaker.or(providers.circuit_breaker);
            let proxy = written.proxy.as_ref().or(providers.proxy.as_ref()).cloned();
            let written = config::Target { retry, circuit_breaker, proxy, ..written.clone() };
            let target = Target::prepare(&written, upstream)?;
            let same = before.and_then(|before| before.targets.iter().find(|old| old.id == target.id));
            Ok(Arc::new(match same {
                Some(same) => target.after(same),
                None => target,
            }))
        };
        let targets = providers.targets.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            turn: Turn::new(providers.strategy(), &targets),
            split: providers.ab_test.as_ref().and_then(Split::of),
            fallback: providers.fallback.clone(),
            slots: providers
                .max_concurrency
                .map(|most| Slots::after(most, before.and_then(|old| old.slots.as_ref()))),
            targets,
            clock,
        })
    }

    /// All targets, in the order of the configuration.
    pub fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// Probes the targets for as long as the tasks are kept.
    pub(crate) fn watch(&self, upstream: &Upstream) -> JoinSet<()> {
        let probed = self.targets.iter().filter(|target| target.unavailable().is_none());
        probed.map(|target| probe::watch(Arc::clone(target), upstream.clone())).collect()
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

    /// What a request wants of the router.
    pub(crate) fn wish(&self, request: &Request<'_>, left: Option<Vec<usize>>) -> Wish {
        Wish { left, ..Wish::of(request, self.split.as_ref()) }
    }

    /// How full the gateway is, where that is limited.
    pub(crate) fn load(&self) -> Option<Load> {
        self.slots.as_ref().map(|slots| slots.load())
    }

    /// The attempts at a request, whose client waits until `deadline`. They begin when the request has a slot.
    pub(crate) async fn attempts<'r>(
        &'r self,
        wish: &Wish,
        request_id: &'r str,
        stream: bool,
        deadline: Option<Instant>,
    ) -> Result<Attempts<'r>, Fault> {
        let slot = match &self.slots {
            Some(slots) => Some(slots.take(deadline).await?),
            None => None,
        };
        let trip = Trip { request_id, stream, deadline, slot };
        Ok(Attempts::new(self, self.plan(wish)?, trip))
    }

    /// A hold on a target that is about to be asked.
    fn lease(&self, term: Term) -> Result<Lease, Refusal> {
        Lease::new(term, self.clock.clone())
    }

    /// What time it is for the targets.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The targets to ask, in order, of those that rules have left. A model that is a target's id pins the request to it.
    fn plan(&self, wish: &Wish) -> Result<Vec<Arc<Target>>, Fault> {
        let open: Vec<&Arc<Target>> = self
            .targets
            .iter()
            .enumerate()
            .filter_map(|(at, target)| {
                wish.left.as_ref().is_none_or(|left| left.contains(&at)).then_some(target)
            })
            .collect();
        if let Some(pinned) = self.targets.iter().find(|target| target.id == wish.model) {
            return self.pinned(pinned, &open);
        }
        let now = self.clock.now();
        let able: Vec<_> = open.iter().copied().filter(|target| target.refusal(now).is_none()).collect();
        if able.is_empty() {
            return Err(none_available(&refusals(open, now)));
        }
        let first = self.split.as_ref().and_then(|split| split.pick(wish.sticky.as_deref(), &able));
        let mut plan = match first {
            Some(first) => rotated(&able, first),
            None => self.turn.order(&able, wish, now),
        };
        plan.truncate(usize::try_from(self.fallback.max_attempts).unwrap_or(usize::MAX).saturating_add(1));
        Ok(plan)
    }

    fn pinned(&self, pinned: &Arc<Target>, open: &[&Arc<Target>]) -> Result<Vec<Arc<Target>>, Fault> {
        if !open.iter().any(|open| Arc::ptr_eq(open, pinned)) {
            return Err(closed(pinned));
        }
        match pinned.refusal(self.clock.now()) {
            Some(refusal) => Err(none_available(&[(Arc::clone(pinned), refusal)])),
            None => Ok(vec![Arc::clone(pinned)]),
        }
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

/// Why each of those targets is not to be asked.
fn refusals<'t>(targets: impl IntoIterator<Item = &'t Arc<Target>>, now: Duration) -> Vec<Refused> {
    let refused = |target: &Arc<Target>| Some((Arc::clone(target), target.refusal(now)?));
    targets.into_iter().filter_map(refused).collect()
}

/// A target and why it is not to be asked.
type Refused = (Arc<Target>, Refusal);

/// Nobody can be asked. The process log names each with its reason, which may tell of files and addresses that are not for
/// clients; they read when the soonest comes back.
fn none_available(refused: &[Refused]) -> Fault {
    let reasons: Vec<_> =
        refused.iter().map(|(target, refusal)| format!("`{}`: {}", target.id, refusal.why)).collect();
    let message = match reasons.as_slice() {
        [] => "no target is configured",
        reasons => {
            tracing::warn!(reasons = reasons.join("; "), "no target is available");
            "no target is available; the operator's log says why"
        }
    };
    let soonest = refused.iter().filter_map(|(_, refusal)| refusal.back_in).min();
    let retry_after = whole_seconds(soonest.unwrap_or(BACK_IN)).max(1).to_string();
    Fault::upstream(StatusCode::SERVICE_UNAVAILABLE, "no_target_available", message)
        .retry_after(Some(&retry_after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use grammar::config::{AbTest, KeyRef, StickyBy, Strategy, Variant};

    fn providers(strategy: Strategy, ids: &[&str]) -> Providers {
        let targets = ids.iter().map(|id| kit::target(id, "http://127.0.0.1:9/v1")).collect();
        Providers { strategy: Some(kit::spanned(strategy)), targets, ..Providers::default() }
    }

    fn router(providers: &Providers) -> Router {
        Router::new(providers, None, Clock::default()).unwrap()
    }

    fn wish(model: &str) -> Wish {
        Wish { model: model.to_owned(), ..Wish::default() }
    }

    fn ids(plan: Result<Vec<Arc<Target>>, Fault>) -> Vec<String> {
        plan.unwrap().iter().map(|target| target.id.clone()).collect()
    }

    fn plan(router: &Router, model: &str) -> Vec<String> {
        ids(router.plan(&wish(model)))
    }

    #[test]
    fn a_model_that_is_a_target_pins_it() {
        let router = router(&providers(Strategy::Fallback, &["a", "b"]));
        assert_eq!(plan(&router, "b"), ["b"]);
        assert_eq!(plan(&router, "gpt"), ["a", "b"]);
    }

    #[test]
    fn rules_narrow_the_plan_and_bind_a_pin() {
        let router = router(&providers(Strategy::Fallback, &["a", "b", "c"]));
        let narrowed =
            |model, left: &[usize]| router.plan(&Wish { left: Some(left.to_vec()), ..wish(model) });
        assert_eq!(ids(narrowed("m", &[1, 2])), ["b", "c"]);
        assert_eq!(ids(narrowed("b", &[1])), ["b"]);
        let fault = narrowed("a", &[1, 2]).unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.kind), (409, "policy_violation"));
    }

    #[test]
    fn weighted_turns_go_round_among_those_that_can_be_asked() {
        let mut providers = providers(Strategy::WeightedRoundRobin, &["off", "a", "b", "spare"]);
        providers.targets[0].key = Some(KeyRef::Env(kit::spanned("KT_NO_SUCH_KEY".into())));
        providers.targets[3].weight = 0.0;
        let router = router(&providers);
        let plans: Vec<Vec<String>> = (0..100).map(|_| plan(&router, "m")).collect();
        let first = |id: &str| plans.iter().filter(|plan| plan[0] == id).count();
        assert_eq!((first("a"), first("b")), (50, 50), "the share of the one that is off goes to both");
        assert!(plans.iter().all(|plan| plan.len() == 3 && plan[2] == "spare"));
    }

    #[test]
    fn a_split_says_who_goes_first_and_the_list_who_follows() {
        let mut providers = providers(Strategy::RoundRobin, &["a", "b", "c"]);
        let variant = |id: &str| Variant { provider_id: kit::spanned(id.into()), weight: 1.0 };
        let variants = vec![variant("a"), variant("c")];
        providers.ab_test = Some(AbTest { enabled: true, sticky_by: StickyBy::UserId, variants });
        let split = router(&providers);
        let of = |user: &str, left| {
            let request = Request { user_id: Some(user), model: "m", ..Request::default() };
            ids(split.plan(&split.wish(&request, left)))
        };
        let users: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let plans: Vec<_> = users.iter().map(|user| of(user, None)).collect();
        assert!(plans.contains(&vec!["a".into(), "b".into(), "c".into()]), "{plans:?}");
        assert!(plans.contains(&vec!["c".into(), "a".into(), "b".into()]), "{plans:?}");
        assert!(users.iter().zip(&plans).all(|(user, plan)| of(user, None) == *plan), "users stay");
        assert!(users.iter().all(|user| of(user, Some(vec![1])) == ["b"]), "a split is no way around rules");
        providers.ab_test.as_mut().unwrap().enabled = false;
        assert_eq!(plan(&router(&providers), "m"), ["a", "b", "c"]);
    }

    #[test]
    fn no_more_targets_are_asked_than_allowed() {
        let mut providers = providers(Strategy::Fallback, &["a", "b", "c"]);
        providers.fallback.max_attempts = 1;
        assert_eq!(plan(&router(&providers), "m"), ["a", "b"]);
    }

    #[test]
    fn when_none_can_be_asked_the_client_reads_no_reasons() {
        let mut providers = providers(Strategy::Fallback, &["a"]);
        providers.targets[0].key = Some(KeyRef::Env(kit::spanned("KT_NO_SUCH_KEY".into())));
        let fault = router(&providers).plan(&wish("m")).unwrap_err();
        assert_eq!(fault.status.as_u16(), 503);
        assert_eq!(&*fault.message, "no target is available; the operator's log says why");
        assert!(fault.retry_after.is_some());
    }
}
