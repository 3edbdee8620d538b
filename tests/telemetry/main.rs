//! What leaves the machine: spans, and audit records to collectors and databases that come and go.

mod logs;
mod postgres;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod through;
mod traces;

use serde_json::Value;
use tests::Gateway;

/// A figure of the operator's page; nothing when there is none.
fn figure(gateway: &Gateway, name: &str) -> Option<f64> {
    let page = gateway.admin("/metrics").body;
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// What the operator is told of a sink.
fn sink(gateway: &Gateway, id: &str) -> Value {
    gateway.admin("/health").json()["audit"]["sinks"][id].clone()
}

/// What the operator is told of a sink that has everything.
fn caught_up(gateway: &Gateway, id: &str) -> Option<Value> {
    let told = sink(gateway, id);
    (told["status"] == "current" && told["last_seq"].as_u64()? > 0).then_some(told)
}
