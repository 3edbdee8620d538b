//! The console over real sockets: who may look, what is told and what never is, and drafts that are tried within limits.

mod guard;
mod playground;
mod told;

use std::net::SocketAddr;

use serde_json::Value;
use tests::{Gateway, Reply, send};

/// Rules that block a bird.
const DRAFT: &str = "policy draft\npattern bird = /blue\\p{L}+/ label BIRD\nrule stop on request, response { when text has bird do block code \"draft.code\" }\n";

fn ask(address: SocketAddr, host: &str, path: &str, headers: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n"))
}

fn look(gateway: &Gateway, path: &str) -> Reply {
    ask(gateway.admin, "localhost", path, "")
}

fn told(gateway: &Gateway, path: &str) -> Value {
    let reply = look(gateway, &format!("/console/api/{path}"));
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.json()
}

fn play_raw(address: SocketAddr, headers: &str, body: &str) -> Reply {
    let length = body.len();
    send(
        address,
        format!(
            "POST /console/api/play HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn play(gateway: &Gateway, draft: &Value) -> Reply {
    play_raw(gateway.admin, "content-type: application/json\r\n", &draft.to_string())
}
