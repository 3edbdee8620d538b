//! The console: a page on the operator's address, and what it asks for. It can change nothing in the gateway.

mod course;
mod decisions;
mod guard;
mod offsets;
mod page;
mod play;
mod query;
mod rules;
mod state;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::aside::away;
use crate::body::ReplyBody;
use crate::live::Live;
use crate::server::intake;
use crate::wire::Fault;
use crate::{ids, reply};
pub(crate) use guard::{Place, check_operator};
pub(crate) use play::Playground;
use query::Query;

/// Where the console is.
pub(crate) const AT: &str = "/console";

/// Headers of everything under [`AT`]: nothing from elsewhere, nothing inline, in no frame of anybody.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types lit-html",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Whether a path is the console's.
pub(crate) fn has(path: &str) -> bool {
    path.strip_prefix(AT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request to a path of the console.
pub(crate) async fn answer(
    live: &Arc<Live>,
    place: Place,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let (head, body) = request.into_parts();
    let answered = match guard::check(live, place, &head) {
        Ok(()) => route(live, &head, body).await,
        Err(fault) => {
            intake::discard(body, &head.headers).await;
            Err(fault)
        }
    };
    let mut reply = answered.unwrap_or_else(|fault| reply::fault(&fault, &ids::fresh("req")));
    for (name, value) in HEADERS {
        reply::set(&mut reply, HeaderName::from_static(name), value);
    }
    if !reply.headers().contains_key(CACHE_CONTROL) {
        reply::set(&mut reply, CACHE_CONTROL, "no-store");
    }
    reply::to(&head.method, reply)
}

async fn route(live: &Arc<Live>, head: &Parts, body: Incoming) -> Result<Response<ReplyBody>, Fault> {
    let path = head.uri.path().strip_prefix(AT).unwrap_or_default();
    if path == "/api/play" {
        return match head.method {
            Method::POST => play::answer(live, &head.headers, body).await,
            _ => Err(Fault::method("POST")),
        };
    }
    intake::discard(body, &head.headers).await;
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        return Err(Fault::method("GET, HEAD"));
    }
    let query = || Query::parse(head.uri.query().unwrap_or_default());
    // Thousands of decisions are written out: traffic does not wait for that.
    away(|| {
        let told = match path {
            "/api/state" => state::told(live),
            "/api/decisions" => decisions::told(&live.now(), &query()?)?,
            "/api/decision" => decisions::one(&live.now(), &query()?)?,
            "/api/course" => course::told(&live.now(), &query()?)?,
            "/api/rule" => rules::told(&live.now(), &query()?)?,
            "/api/policies" => rules::all(&live.now()),
            _ => return page::file(path).ok_or_else(nothing),
        };
        Ok(reply::json(StatusCode::OK, &told))
    })
}

fn nothing() -> Fault {
    let message = "there is nothing at this path; the console is at `/console`";
    Fault::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
}
