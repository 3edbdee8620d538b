//! Cross-origin requests: what a web page of another origin may send and read.

use grammar::config::{Cors, Origins};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Response};

use crate::body::ReplyBody;
use crate::reply;

/// Headers of replies that pages may read.
const EXPOSED: &str = "x-request-id, x-kt-target, x-kt-policy, x-kt-cost, x-should-retry, retry-after";

/// Adds what the browser must know. A page of an origin that is not listed gets nothing, so its browser keeps the
/// reply from it.
pub(super) fn share(cors: &Cors, method: &Method, headers: &HeaderMap, reply: &mut Response<ReplyBody>) {
    reply::set(reply, VARY, "origin");
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| allowed(cors, origin)) else { return };
    reply.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if *method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return reply::set(reply, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    reply::set(reply, ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
    reply::set(reply, ACCESS_CONTROL_MAX_AGE, &cors.max_age_seconds.to_string());
    // The origin decides; SDKs send many headers of their own, and the gateway forwards only what it knows.
    if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        reply.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
}

fn allowed(cors: &Cors, origin: &HeaderValue) -> Option<HeaderValue> {
    match &cors.allowed_origins {
        Origins::Any => Some(HeaderValue::from_static("*")),
        Origins::Listed(origins) => {
            let sent = origin.to_str().ok()?;
            origins.iter().any(|listed| listed.eq_ignore_ascii_case(sent)).then(|| origin.clone())
        }
    }
}
