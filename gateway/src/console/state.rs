//! How things stand: what is in force, targets, queues, the audit log.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::admin;
use crate::gateway::Gateway;
use crate::live::Live;

/// All of it, as `/health` and `/keeptrusts/config` tell it, and what only the console asks for.
pub(super) fn told(live: &Live) -> Value {
    let gateway = live.now();
    let now = gateway.router.now();
    let targets = gateway.router.targets().iter().map(|target| {
        let pricing = target.pricing.map(
            |price| json!({"prompt": price.prompt, "completion": price.completion, "cached": price.cached}),
        );
        (target.id.clone(), json!({"why_not": target.why_not(now), "pricing": pricing}))
    });
    json!({
        "now": Timestamp::now().to_string(),
        "health": admin::health(live),
        "config": admin::config(live),
        "chain": chain(&gateway),
        "targets": targets.collect::<Map<_, _>>(),
        "in_flight": gateway.metrics.in_flight(),
        "draining": gateway.draining.load(Ordering::Relaxed),
        "audit": {
            "sound": gateway.audit.is_sound(),
            "outstanding": gateway.audit.outstanding(),
            "places": gateway.audit.places(),
        },
    })
}

/// The policies in order, each with where its rules stand.
fn chain(gateway: &Gateway) -> Vec<Value> {
    let (program, sources) = (&gateway.pack.program, &gateway.pack.sources);
    let policies = program.policies().iter().map(|policy| {
        let own = || program.written_rules().filter(|(name, _, _)| *name == &*policy.name);
        json!({
            "name": &*policy.name,
            "version": policy.version.as_deref(),
            "rules": own().map(|(_, rule, _)| rule).collect::<Vec<_>>(),
            "file": own().next().map(|(_, _, span)| sources.place(span).file),
        })
    });
    policies.collect()
}
