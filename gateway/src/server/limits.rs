//! What a client may send: sizes, times and framing, each with its reason.

use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};

use crate::wire::Fault;

/// How long clients may take. What is usual holds for every gateway; tests bring shorter times.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Longest wait for a whole head from its first byte on, and for the first one from the connection on.
    pub head: Duration,
    /// How long a connection is kept between two requests: each costs a slot.
    pub idle: Duration,
    /// How long a client of HTTP/2 that was told to go may take to do so.
    pub parting: Duration,
    /// Longest silence within a body.
    pub body_idle: Duration,
    /// How long a body may take whatever its size. After that it must have brought `BODY_MIN_RATE` for each second.
    pub body_grace: Duration,
    /// Longest time in which a client takes nothing of what is there for it: no byte of its connection, and of HTTP/2 no
    /// frame of a stream.
    pub write_idle: Duration,
    /// How many bytes a second a client takes at least, in the long run, of what waits for it; `write_idle` is how far it may
    /// fall behind.
    pub write_rate: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            parting: Duration::from_secs(10),
            body_idle: Duration::from_secs(15),
            body_grace: Duration::from_secs(30),
            write_idle: Duration::from_secs(60),
            write_rate: 1024,
        }
    }
}

/// How many bytes a second a body must bring in the long run.
pub(super) const BODY_MIN_RATE: u64 = 1024;
/// How long the rest of a body that is too large is still taken.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// Longest silence while it is.
pub(super) const LINGER_IDLE: Duration = Duration::from_millis(100);
/// Most requests at once over a connection of HTTP/2.
pub(super) const MAX_STREAMS: u32 = 100;
/// Most bytes for a client that the system keeps before it can send them.
pub(super) const UNSENT: u32 = 64 * 1024;
/// Most bytes of a reply that wait for a client of HTTP/2 to take them.
pub(super) const SEND_BUFFER: usize = 64 * 1024;
/// How many streams of HTTP/2 a client may have taken back before the gateway has looked at them; more end the connection.
pub(super) const MAX_RESETS: usize = 20;
/// How many streams the gateway itself ends for a client's mistakes before it ends the connection.
pub(super) const MAX_MISTAKES: usize = 64;
/// How often a connection of HTTP/2 is tried, and how long the client has to say that it is there.
pub(super) const PING: Duration = Duration::from_secs(20);
/// See [`PING`].
pub(super) const PONG: Duration = Duration::from_secs(10);
/// Most connections at once, over all addresses; more wait in the kernel's queue.
pub(super) const MAX_CONNECTIONS: usize = 10_000;
/// How long requests in flight may take after the gateway was told to stop.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How long those that are still there then have to tell their clients.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// Refuses heads that two servers could understand in two ways, and bodies that cannot be judged.
pub(super) fn check(head: &Parts, most_headers: u32) -> Result<(), Fault> {
    const METHODS: [Method; 5] = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::DELETE];
    if !METHODS.contains(&head.method) {
        let message = "the method must be one of GET, HEAD, POST, OPTIONS and DELETE";
        let fault = Fault::refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        return Err(Fault { allow: Some("GET, HEAD, POST, OPTIONS, DELETE"), ..fault });
    }
    match head.version {
        Version::HTTP_2 => check_place_h2(head, most_headers)?,
        _ => check_place(head)?,
    }
    let mut encodings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if encodings.next().is_some_and(|value| value != "chunked") || encodings.next().is_some() {
        return Err(bad_request("the only `transfer-encoding` understood is `chunked`"));
    }
    check_content(&head.headers)
}

/// HTTP/1: where a request goes is said by its path and its only `host`.
fn check_place(head: &Parts) -> Result<(), Fault> {
    if head.uri.scheme().is_some() || head.uri.authority().is_some() || !head.uri.path().starts_with('/') {
        return Err(bad_request("the request line must name a path such as `/v1/chat/completions`"));
    }
    if head.headers.get_all(HOST).iter().count() != 1 {
        return Err(bad_request("the request must have exactly one `host` header"));
    }
    Ok(())
}

/// HTTP/2: by its path and its authority, which a `host` may only say again.
fn check_place_h2(head: &Parts, most_headers: u32) -> Result<(), Fault> {
    if head.headers.len() > usize::try_from(most_headers).unwrap_or(usize::MAX) {
        let message = format!("the request has more than {most_headers} headers");
        return Err(Fault::refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "bad_request", message));
    }
    let authority = head.uri.authority().map(hyper::http::uri::Authority::as_str);
    let hosts: Vec<&HeaderValue> = head.headers.get_all(HOST).iter().collect();
    let is_clear = match (authority, hosts.as_slice()) {
        (Some(_), []) | (None, [_]) => true,
        (Some(authority), [host]) => *host == authority,
        (_, _) => false,
    };
    if !is_clear || !head.uri.path().starts_with('/') {
        return Err(bad_request(
            "the request must name one authority, and a path such as `/v1/chat/completions`",
        ));
    }
    Ok(())
}

fn check_content(headers: &HeaderMap) -> Result<(), Fault> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| value != "identity") {
        return Err(unsupported("the body must not be compressed; leave out `content-encoding`"));
    }
    if headers.get_all(CONTENT_TYPE).iter().any(|value| !is_json(value)) {
        return Err(unsupported("the body must be JSON, with `content-type: application/json`"));
    }
    Ok(())
}

/// A body whose type is not told may be sent by a web page that the user never meant to trust.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Fault> {
    match headers.get(CONTENT_TYPE) {
        Some(_) => Ok(()),
        None => Err(unsupported("the body must be JSON; say so with `content-type: application/json`")),
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn bad_request(message: &str) -> Fault {
    Fault::refused(StatusCode::BAD_REQUEST, "bad_request", message)
}

fn unsupported(message: &str) -> Fault {
    Fault::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn status(request: hyper::http::request::Builder) -> u16 {
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, 100).map_or_else(|fault| fault.status.as_u16(), |()| 200)
    }

    fn post() -> hyper::http::request::Builder {
        Request::post("/v1/chat/completions").header("host", "x")
    }

    #[test]
    fn plain_requests_pass() {
        assert_eq!(status(post().header("content-type", "Application/JSON; charset=utf-8")), 200);
        assert_eq!(
            status(post().header("content-encoding", "identity").header("transfer-encoding", "chunked")),
            200
        );
    }

    #[test]
    fn ambiguous_heads_are_refused() {
        assert_eq!(status(Request::post("/x")), 400);
        assert_eq!(status(post().header("host", "y")), 400);
        assert_eq!(status(Request::post("http://h/x").header("host", "x")), 400);
        assert_eq!(status(Request::options("*").header("host", "x")), 400);
        assert_eq!(status(post().header("transfer-encoding", "gzip, chunked")), 400);
        assert_eq!(status(Request::put("/x").header("host", "x")), 405);
        assert_eq!(status(post().header("content-encoding", "gzip")), 415);
        assert_eq!(status(post().header("content-type", "text/plain")), 415);
    }

    #[test]
    fn in_http_2_the_authority_says_where_a_request_goes() {
        let post = |uri: &str| Request::post(uri).version(Version::HTTP_2);
        assert_eq!(status(post("https://a/x")), 200);
        assert_eq!(status(post("https://a/x").header("host", "a")), 200);
        assert_eq!(status(post("/x").header("host", "a")), 200);
        assert_eq!(status(post("https://a/x").header("host", "b")), 400);
        assert_eq!(status(post("https://a/x").header("host", "a").header("host", "a")), 400);
        assert_eq!(status(post("/x")), 400);
        let many = (0..101).fold(post("https://a/x"), |request, n| request.header("x", n));
        assert_eq!(status(many), 431);
    }
}
