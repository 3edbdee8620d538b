//! The operator's side: is it alive, is it ready, what is in force. On an address of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use grammar::config::{RateLimit, RateLimits};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use crate::body::ReplyBody;
use crate::console::{self, Place};
use crate::gateway::Gateway;
use crate::live::{Live, Told, Trigger};
use crate::route::Target;
use crate::sinks::{Figures, Sink};
use crate::wire::Fault;
use crate::{ids, metrics, reply};

/// Where a reload is asked for.
const RELOAD: &str = "/keeptrusts/config/reload";

/// Answers a request of the operator.
pub(crate) fn answer(
    live: &Arc<Live>,
    place: Place,
    request: Request<Incoming>,
) -> impl Future<Output = Response<ReplyBody>> + Send + use<> {
    let live = Arc::clone(live);
    async move {
        if console::has(request.uri().path()) {
            return console::answer(&live, place, request).await;
        }
        let method = request.method().clone();
        // To HEAD goes what GET would get, without its body.
        let asked = if method == Method::HEAD { &Method::GET } else { &method };
        let allowed = || console::check_operator(live.now().admin_token.as_ref(), place, request.headers());
        let reply = match (asked, request.uri().path()) {
            (&Method::GET, "/health") => reply::json(StatusCode::OK, &health(&live)),
            (&Method::GET, "/livez") => reply::json(StatusCode::OK, &json!({"status": "alive"})),
            (&Method::GET, "/readyz") => ready(&live.now()),
            (&Method::GET, "/metrics") => reply::text(metrics::CONTENT_TYPE, metrics::page(&live.now())),
            (&Method::GET, "/keeptrusts/config") => match allowed() {
                Ok(()) => reply::json(StatusCode::OK, &config(&live)),
                Err(fault) => reply::fault(&fault, &ids::fresh("req")),
            },
            (&Method::POST, RELOAD) => match allowed() {
                Ok(()) => reload(&live).await,
                Err(fault) => reply::fault(&fault, &ids::fresh("req")),
            },
            (&Method::GET, RELOAD) => reply::fault(&Fault::method("POST"), &ids::fresh("req")),
            (&Method::GET, _) => nothing(),
            _ => reply::fault(&Fault::method("GET, HEAD"), &ids::fresh("req")),
        };
        reply::to(&method, reply)
    }
}

/// Reads the configuration anew; what was read is in the reply, or why it is refused.
async fn reload(live: &Arc<Live>) -> Response<ReplyBody> {
    match live.reload(Trigger::Request).await {
        Ok(told) if told.is_taken() => reply::json(StatusCode::OK, &told.as_json()),
        Ok(told) => reply::json(StatusCode::UNPROCESSABLE_ENTITY, &told.as_json()),
        Err(error) => {
            let reason = error.to_string();
            reply::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({"status": "refused", "reason": reason}))
        }
    }
}

fn nothing() -> Response<ReplyBody> {
    let message = "there is nothing at this path; try `/health`, `/livez`, `/readyz`, `/metrics`, `/keeptrusts/config` or `/console`";
    refuse(StatusCode::NOT_FOUND, "not_found", message)
}

fn refuse(status: StatusCode, code: &'static str, message: &str) -> Response<ReplyBody> {
    reply::fault(&Fault::new(status, "invalid_request_error", code, message), &ids::fresh("req"))
}

fn ready(gateway: &Gateway) -> Response<ReplyBody> {
    let reason = if gateway.draining.load(Ordering::Relaxed) {
        "draining"
    } else if !gateway.audit.is_sound() {
        "the audit log cannot be written"
    } else if !gateway.router.targets().iter().any(|target| target.unavailable().is_none()) {
        "no target is available"
    } else {
        return reply::json(StatusCode::OK, &json!({"status": "ready"}));
    };
    reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "reason": reason}))
}

/// How it is, as far as one word and a few figures tell.
pub(crate) fn health(live: &Live) -> Value {
    let (gateway, last) = (live.now(), live.last());
    let is_refused = last.as_ref().is_some_and(|last| !last.is_taken());
    let (targets, now) = (gateway.router.targets(), gateway.router.now());
    let has_no_state = gateway.commons.as_ref().is_some_and(|commons| commons.standing.failing().is_some());
    let reachable = targets.iter().filter(|target| target.is_reachable(now)).count();
    let status = match reachable {
        0 => "unhealthy",
        n if n < targets.len() || !gateway.audit.is_sound() || is_refused || has_no_state => "degraded",
        _ => "healthy",
    };
    let state = |reachable| if reachable { "reachable" } else { "unreachable" };
    let providers: Map<String, Value> =
        targets.iter().map(|target| (target.id.clone(), state(target.is_reachable(now)).into())).collect();
    json!({
        "status": status,
        "uptime_seconds": gateway.began.elapsed().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "providers": providers,
        "targets": targets.iter().map(|target| (target.id.clone(), vitals(target, now))).collect::<Map<_, _>>(),
        "concurrency": gateway.router.load().map(|load| {
            json!({"limit": load.limit, "in_flight": load.in_flight, "waiting": load.waiting})
        }),
        "policies_loaded": gateway.pack.policies().len(),
        "policies_enabled": gateway.pack.config.pack.enabled.value,
        "config": {
            "hash": gateway.pack.hash(),
            "version": gateway.pack.config.pack.version.value,
            "last_reload": last.as_ref().map(Told::as_json),
        },
        "audit": {"sound": gateway.audit.is_sound(), "sinks": sinks(&gateway)},
        "state": counted_in(&gateway),
        "requests_processed": gateway.served.load(Ordering::Relaxed),
    })
}

/// What is known of a target now.
fn vitals(target: &Target, now: Duration) -> Value {
    json!({
        "unavailable": target.unavailable(),
        "circuit_breaker": target.vitals().position(now).name(),
        "health_probe": target.is_probed().then(|| if target.vitals().is_well() { "healthy" } else { "unhealthy" }),
        "in_flight": target.vitals().in_flight(),
        "latency_ms": target.vitals().latency_ms(),
    })
}

/// Where budgets and limits are counted, and whether they can be.
fn counted_in(gateway: &Gateway) -> Value {
    let Some(commons) = &gateway.commons else { return json!({"store": "folder", "status": "reachable"}) };
    let failing = commons.standing.failing();
    json!({
        "store": "redis",
        "status": if failing.is_some() { "unreachable" } else { "reachable" },
        "on_error": commons.on_error.name(),
        "failing_since": failing.as_ref().map(|failing| failing.since.to_string()),
        "failure": failing.as_ref().map(|failing| failing.cause.as_str()),
    })
}

/// How the sinks of the audit log are doing. A sink that is behind does not make the gateway unwell: nothing is lost.
fn sinks(gateway: &Gateway) -> Map<String, Value> {
    let reach = *gateway.audit.reach().borrow();
    let told = |sink: &Sink| {
        let Figures { taken, backlog, behind, failing, .. } = sink.figures(reach);
        json!({
            "type": sink.kind(),
            "status": if failing.is_some() { "failing" } else if backlog > 0 { "behind" } else { "current" },
            "last_seq": taken,
            "backlog_records": backlog,
            "backlog_seconds": behind,
            "failing_since": failing.as_ref().map(|failing| failing.since.to_string()),
            "failure": failing.as_ref().map(|failing| failing.cause.as_str()),
        })
    };
    gateway.sinks.iter().map(|sink| (sink.id().to_owned(), told(sink))).collect()
}

/// What is in force; no keys.
pub(crate) fn config(live: &Live) -> Value {
    let (gateway, audit, telemetry) = (live.now(), live.audit(), live.telemetry());
    let config = &gateway.pack.config;
    let targets = gateway.router.targets().iter().map(|target| {
        json!({
            "id": target.id,
            "provider": target.provider,
            "model": target.model,
            "address": target.address(),
            "description": target.description,
            "weight": target.weight,
            "timeout_seconds": target.timeout.as_secs(),
            "stream_timeout_seconds": target.stream_timeout.as_secs(),
            "max_stream_seconds": target.max_stream.as_secs(),
            "unavailable": target.unavailable(),
        })
    });
    json!({
        "pack": {
            "name": config.pack.name.value,
            "version": config.pack.version.value,
            "enabled": config.pack.enabled.value,
            "description": config.pack.description,
        },
        "chain": gateway.pack.policies(),
        "hash": gateway.pack.hash(),
        "reload": {"watch": config.reload.watch, "interval_ms": config.reload.interval_ms},
        "fail_mode": gateway.fail_mode.name(),
        "audit": {
            "sync": audit.sync.name(),
            "interval_ms": audit.interval_ms,
            "segment_mb": audit.segment_mb,
            "retention_days": audit.retention_days,
            "checkpoint_signed": audit.key.is_some(),
            "sinks": audit.sinks.iter().map(|sink| json!({"id": sink.id.value, "type": sink.to.name()})).collect::<Vec<_>>(),
        },
        "telemetry": {
            "service_name": telemetry.service_name,
            "instance": telemetry.instance,
            "traces": telemetry.traces.as_ref().map(|traces| {
                json!({"endpoint": traces.collector.endpoint.value, "sampling_ratio": traces.sampling_ratio})
            }),
        },
        "access": access(&gateway),
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// What is asked of clients; of keys only the names.
fn access(gateway: &Gateway) -> Value {
    let access = &gateway.pack.config.access;
    let limit =
        |limit: RateLimit| json!({"amount": limit.amount, "per": limit.per.name(), "burst": limit.burst});
    let RateLimits { global, user, key, ip, token } = access.rate_limits;
    let networks = |networks: &[IpNet]| networks.iter().map(IpNet::to_string).collect::<Vec<_>>();
    json!({
        "keys": gateway.access.key_names().collect::<Vec<_>>(),
        "rate_limits": {
            "global_rate_limit": global.map(limit),
            "user_rate_limit": user.map(limit),
            "key_rate_limit": key.map(limit),
            "ip_rate_limit": ip.map(limit),
            "token_rate_limit": token.map(|(tokens, _)| limit(tokens)),
        },
        "ip_allowlist": access.ip_allowlist.as_deref().map(networks),
        "trusted_proxies": networks(&access.trusted_proxies),
    })
}
