//! How things stand at this moment: targets, the audit log, scripts, and what is in force.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::labels;
use crate::gateway::Gateway;
use crate::route::Position;

/// A registry of its own, made for one page.
pub(super) fn registry(gateway: &Gateway) -> Registry {
    let mut registry = Registry::with_prefix("kt");
    let config = &gateway.pack.config.pack;
    let build = labels::Build {
        version: env!("CARGO_PKG_VERSION"),
        pack: config.name.value.clone(),
        pack_version: config.version.value.clone(),
        config_hash: gateway.pack.hash().to_owned(),
    };
    registry.register("build", "What is running", Info::new(build));
    gauge(&mut registry, "uptime_seconds", "Since the start", gateway.began.elapsed().as_secs());
    targets(&mut registry, gateway);
    audit(&mut registry, gateway);
    sinks(&mut registry, gateway);
    state(&mut registry, gateway);
    spans(&mut registry, gateway);
    scripts(&mut registry, gateway);
    let lost = Counter::<u64>::default();
    lost.inc_by(crate::log::lost());
    registry.register("log_lines_lost", "Lines of the process log that nobody has", lost);
    registry
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: impl TryInto<i64>) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value.try_into().unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

fn targets(registry: &mut Registry, gateway: &Gateway) {
    let (now, router) = (gateway.router.now(), &gateway.router);
    let breakers = Family::<labels::Breaker, Gauge>::default();
    let [reachable, busy] = [(); 2].map(|()| Family::<labels::Target, Gauge>::default());
    for target in router.targets() {
        let of = labels::Target { target: target.id.clone() };
        reachable.get_or_create(&of).set(i64::from(target.is_reachable(now)));
        busy.get_or_create(&of).set(i64::try_from(target.vitals().in_flight()).unwrap_or(i64::MAX));
        let position = target.vitals().position(now);
        for state in [Position::Closed, Position::Open, Position::HalfOpen] {
            let of = labels::Breaker { target: target.id.clone(), state: state.name() };
            breakers.get_or_create(&of).set(i64::from(state == position));
        }
    }
    registry.register("target_reachable", "Whether a target would be asked", reachable);
    registry.register("target_in_flight", "Requests that a target has not answered", busy);
    registry.register("breaker_state", "1 for the state that a target's circuit breaker is in", breakers);
    if let Some(load) = router.load() {
        gauge(
            registry,
            "upstream_in_flight",
            "Requests that count towards `max_concurrency`",
            load.in_flight,
        );
        gauge(registry, "upstream_waiting", "Requests that wait for `max_concurrency`", load.waiting);
    }
}

fn audit(registry: &mut Registry, gateway: &Gateway) {
    gauge(registry, "audit_outstanding", "Requests whose record is not written", gateway.audit.outstanding());
    gauge(registry, "audit_sound", "Whether records can be written", i64::from(gateway.audit.is_sound()));
}

fn sinks(registry: &mut Registry, gateway: &Gateway) {
    if gateway.sinks.iter().next().is_none() {
        return;
    }
    let reach = *gateway.audit.reach().borrow();
    let [backlog, failing] = [(); 2].map(|()| Family::<labels::Sink, Gauge>::default());
    let behind = Family::<labels::Sink, Gauge<f64, AtomicU64>>::default();
    let [sent, failures, rejected] = [(); 3].map(|()| Family::<labels::Sink, Counter>::default());
    for sink in gateway.sinks.iter() {
        let (of, figures) = (labels::Sink { sink: sink.id().to_owned() }, sink.figures(reach));
        backlog.get_or_create(&of).set(i64::try_from(figures.backlog).unwrap_or(i64::MAX));
        behind.get_or_create(&of).set(figures.behind);
        failing.get_or_create(&of).set(i64::from(figures.failing.is_some()));
        sent.get_or_create(&of).inc_by(figures.sent);
        failures.get_or_create(&of).inc_by(figures.failures);
        rejected.get_or_create(&of).inc_by(figures.rejected);
    }
    registry.register("audit_sink_backlog_records", "Records of the log that a sink does not have", backlog);
    registry.register("audit_sink_backlog_seconds", "How long ago the oldest of them came", behind);
    registry.register("audit_sink_failing", "Whether the last try to send records to a sink failed", failing);
    registry.register("audit_sink_records", "Records that a sink took", sent);
    registry.register("audit_sink_failures", "Tries to send records to a sink that failed", failures);
    registry.register("audit_sink_rejected", "Records that a sink rejected for good", rejected);
}

fn state(registry: &mut Registry, gateway: &Gateway) {
    let Some(commons) = &gateway.commons else { return };
    let is_there = commons.standing.failing().is_none();
    gauge(registry, "state_reachable", "Whether the Redis that gateways share answers", i64::from(is_there));
    let failures = Counter::<u64>::default();
    failures.inc_by(commons.standing.failures());
    registry.register("state_failures", "Times that the Redis that gateways share did not answer", failures);
}

fn spans(registry: &mut Registry, gateway: &Gateway) {
    if !gateway.tracing.is_on() {
        return;
    }
    let counts = gateway.tracing.counts();
    let exported = Counter::<u64>::default();
    exported.inc_by(counts.sent.load(Ordering::Relaxed));
    let dropped = Family::<labels::Drop, Counter>::default();
    for (reason, count) in [("queue_full", &counts.overflown), ("refused", &counts.refused)] {
        dropped.get_or_create(&labels::Drop { reason }).inc_by(count.load(Ordering::Relaxed));
    }
    registry.register("spans_exported", "Spans that the collector took", exported);
    registry.register("spans_dropped", "Spans that nobody has", dropped);
}

fn scripts(registry: &mut Registry, gateway: &Gateway) {
    let mut costs: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (script, calls, operations) in gateway.pack.program.script_costs() {
        let cost = costs.entry(script).or_default();
        *cost = (cost.0 + calls, cost.1 + operations);
    }
    let [calls, operations] = [(); 2].map(|()| Family::<labels::Script, Counter>::default());
    for (script, (called, took)) in costs {
        let of = labels::Script { script: script.to_owned() };
        calls.get_or_create(&of).inc_by(called);
        operations.get_or_create(&of).inc_by(took);
    }
    registry.register("script_calls", "Calls of scripts", calls);
    registry.register("script_operations", "Operations that calls of scripts took", operations);
}
