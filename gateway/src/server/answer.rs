//! Which part of the gateway answers: an endpoint, the models, or a sentence on what is wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::accept::Peer;
use super::panics::caught;
use super::{intake, limits};
use crate::access::{Caller, Known};
use crate::body::ReplyBody;
use crate::gateway::Gateway;
use crate::live::Live;
use crate::wire::{Endpoint, Fault};
use crate::{exchange, ids, reply};

/// Answers a request of a client. Its record is open when this returns, before anybody waits for anything: a client
/// that goes away at once is on record too.
pub(super) fn public(
    live: &Arc<Live>,
    request: Request<Incoming>,
) -> impl Future<Output = Response<ReplyBody>> + Send + use<> {
    let gateway = live.now();
    gateway.served.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let request_id = request_id(&head);
    let mut caller = caller(&gateway, &head);
    let mut known = Known::Nothing;
    let route = route(&gateway, &head, &mut caller, &mut known);
    let ledger = match &route {
        Ok(Route::Endpoint(endpoint)) => {
            exchange::enter(&gateway, &caller, &head, &request_id).map(|ledger| ledger.at(*endpoint))
        }
        Err(_) => Some(exchange::note(&gateway, &caller, &head, &request_id)),
        Ok(Route::Models | Route::Options(_)) => None,
    };
    async move {
        // A large future: it is moved once, and not again by everybody who wraps it.
        let answering = Box::pin(async {
            // A limit that is reached is told before what else is wrong.
            let route = gateway.access.count(&caller, known).await.and(route);
            match route {
                Ok(Route::Endpoint(endpoint)) => {
                    let head = exchange::Head { headers: &head.headers, caller };
                    exchange::answer(&gateway, endpoint, head, body, &request_id, ledger).await
                }
                other => {
                    intake::discard(body, &head.headers).await;
                    match other {
                        Ok(Route::Options(methods)) => options(methods),
                        Ok(_) => reply::json(StatusCode::OK, &models(&gateway, &caller)),
                        Err(fault) => {
                            let note = || exchange::note(&gateway, &caller, &head, &request_id);
                            exchange::refuse(ledger.unwrap_or_else(note), &fault, &request_id).await
                        }
                    }
                }
            }
        });
        let mut reply = caught(&request_id, answering).await;
        reply::set(&mut reply, HeaderName::from_static(reply::REQUEST_ID), &request_id);
        gateway.access.share(&head.method, &head.headers, &mut reply);
        reply::to(&head.method, reply)
    }
}

/// Who asks, before anything was checked.
fn caller(gateway: &Gateway, head: &Parts) -> Caller {
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    Caller { ip: gateway.access.client_ip(peer, &head.headers), key: None }
}

/// The client's name for its request when it is well-formed, else a new one.
fn request_id(head: &Parts) -> String {
    let sent = head.headers.get(reply::REQUEST_ID).and_then(|value| value.to_str().ok());
    sent.filter(|id| ids::is_well_formed(id)).map_or_else(|| ids::fresh("req"), str::to_owned)
}

enum Route {
    Endpoint(Endpoint),
    Models,
    Options(&'static str),
}

/// Where a request leads; on the way the caller becomes known by its key. What browsers ask on their own does not count.
fn route(gateway: &Gateway, head: &Parts, caller: &mut Caller, known: &mut Known) -> Result<Route, Fault> {
    gateway.access.admits(caller.ip)?;
    if head.method != Method::OPTIONS {
        *known = Known::Place;
    }
    limits::check(head, gateway.access.sizes.headers)?;
    let path = head.uri.path();
    let page = path.strip_prefix("/v1").unwrap_or(path).strip_prefix('/').unwrap_or_default();
    let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == page);
    let (route, method, methods) = match endpoint {
        Some(endpoint) => (Route::Endpoint(endpoint), Method::POST, "POST, OPTIONS"),
        None if page == "models" => (Route::Models, Method::GET, "GET, HEAD, OPTIONS"),
        None => return Err(not_found()),
    };
    if head.method == Method::OPTIONS {
        return Ok(Route::Options(methods));
    }
    caller.key = gateway.access.key(&head.headers)?;
    *known = Known::Client;
    let is_read = method == Method::GET && head.method == Method::HEAD;
    if head.method != method && !is_read {
        return Err(Fault::method(methods));
    }
    if method == Method::POST {
        limits::check_type(&head.headers)?;
    }
    Ok(route)
}

fn not_found() -> Fault {
    let message = "there is nothing at this path; the API is at `/v1/chat/completions`, `/v1/completions`, \
         `/v1/embeddings`, `/v1/responses` and `/v1/models`";
    Fault::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
}

fn options(methods: &str) -> Response<ReplyBody> {
    let mut reply = reply::bytes(StatusCode::NO_CONTENT, Vec::new());
    reply::set(&mut reply, ALLOW, methods);
    reply
}

/// The targets by id and by model, each name once, in the shape of OpenAI's list; only what the caller may ask for.
fn models(gateway: &Gateway, caller: &Caller) -> Value {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for target in gateway.router.targets() {
        for name in std::iter::once(&target.id).chain(&target.model) {
            if caller.may_ask_for(name) && !names.iter().any(|(known, _)| known == name) {
                names.push((name, &target.provider));
            }
        }
    }
    let entry =
        |(id, owner): &(&str, &str)| json!({"id": id, "object": "model", "created": 0, "owned_by": owner});
    json!({"object": "list", "data": names.iter().map(entry).collect::<Vec<_>>()})
}
