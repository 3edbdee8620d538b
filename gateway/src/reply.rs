//! Replies: JSON with the headers that every reply has.

use bytes::Bytes;
use engine::verdict::Decision;
use hyper::body::Body;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};
use serde_json::Value;

use crate::body::ReplyBody;
use crate::wire::{Fault, json};

/// The header that names a request.
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// The header that names the target.
pub(crate) const TARGET: &str = "x-kt-target";
/// The header that says what the exchange cost.
pub(crate) const COST: &str = "x-kt-cost";
/// The header that says what was decided on the request.
pub(crate) const POLICY: &str = "x-kt-policy";

/// A reply of JSON.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<ReplyBody> {
    bytes(status, json::line(body).into_owned())
}

/// A reply of text.
pub(crate) fn text(content_type: &'static str, body: String) -> Response<ReplyBody> {
    let mut reply = bytes(StatusCode::OK, body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A reply of JSON that is serialized already.
pub(crate) fn bytes(status: StatusCode, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::Whole(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// A failure as a reply.
pub(crate) fn fault(fault: &Fault, request_id: &str) -> Response<ReplyBody> {
    let mut reply = json(fault.status, &fault.envelope(request_id));
    if let Some(retry_after) = &fault.retry_after {
        set(&mut reply, RETRY_AFTER, retry_after);
    }
    if let Some(retry) = fault.should_retry {
        set(&mut reply, HeaderName::from_static("x-should-retry"), if retry { "true" } else { "false" });
    }
    if let Some(decision) = &fault.decision {
        decided(&mut reply, decision);
    }
    if fault.status == StatusCode::UNAUTHORIZED {
        set(&mut reply, WWW_AUTHENTICATE, "Bearer");
    }
    if let Some(allow) = fault.allow {
        set(&mut reply, ALLOW, allow);
    }
    if fault.close {
        set(&mut reply, CONNECTION, "close");
    }
    reply
}

/// The reply to a request with that method: to HEAD it is what GET would get, without its body.
pub(crate) fn to(method: &Method, mut reply: Response<ReplyBody>) -> Response<ReplyBody> {
    if method == Method::HEAD
        && let Some(length) = reply.body().size_hint().exact()
    {
        set(&mut reply, CONTENT_LENGTH, &length.to_string());
        *reply.body_mut() = ReplyBody::Whole(Bytes::new());
    }
    reply
}

/// Adds what was decided.
pub(crate) fn decided(reply: &mut Response<ReplyBody>, decision: &Decision) {
    let verdict = decision.verdict.name();
    let value = match &decision.policy {
        Some(policy) => format!("{verdict}; {policy}"),
        None => verdict.to_owned(),
    };
    set(reply, HeaderName::from_static(POLICY), &value);
}

/// Sets a header, unless the value cannot stand in one.
pub(crate) fn set(reply: &mut Response<ReplyBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
