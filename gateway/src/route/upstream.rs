//! The way to the providers: a request built from scratch, and an answer that is checked before it is believed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use grammar::config::TargetTls;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, USER_AGENT,
};
use hyper::http::response::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::distrusted;
use super::opening::Opened;
use super::probe::Probe;
use super::{Failure, Lease, Target, opening};
use crate::access::CHOOSING;
use crate::error::Error;
use crate::transport::{self, CONNECT, Transport, Via, cause};
use crate::wire::Endpoint;

/// Most bytes of a whole answer.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Most bytes that are read of an error.
const MAX_ERROR: usize = 64 * 1024;
/// Most bytes that are read of the answer to a probe.
const MAX_PROBED: usize = 1024 * 1024;
/// Longest wait for the words of an error.
const ERROR_WAIT: Duration = Duration::from_secs(5);

/// Headers of a client that any provider gets to see.
const FORWARDED: [&str; 2] = ["x-session-affinity", "x-multi-turn-session-id"];
/// Those that only Fireworks understands.
const TO_FIREWORKS: [&str; 1] = ["x-prompt-cache-isolation-key"];
/// One request to a provider.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    /// Where it goes.
    pub(crate) endpoint: Endpoint,
    /// The body.
    pub(crate) body: Bytes,
    /// The client's headers.
    pub(crate) headers: &'c HeaderMap,
    /// What names the trace that it is part of.
    pub(crate) trace: HeaderMap,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Reached {
    /// All of it.
    Whole(Bytes),
    /// A stream that has begun.
    Stream(Opened),
}

/// What a target says to a request for its models.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    /// The status.
    pub(crate) status: u16,
    /// What time it says it is.
    pub(crate) date: Option<String>,
}

/// Connections to all providers.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Transport,
}

impl Upstream {
    /// Connections in the usual way.
    pub(crate) fn new() -> Result<Self, Error> {
        Self::with(None, None)
    }

    /// Connections that are secured in that way, and go that way.
    pub(super) fn with(secured: Option<&TargetTls>, via: Option<&Via>) -> Result<Self, Error> {
        Ok(Self { client: transport::connect(secured, via)? })
    }

    /// The connections to a target: its own, where it has some.
    fn to<'t>(&'t self, target: &'t Target) -> &'t Transport {
        target.own().map_or(&self.client, |own| &own.upstream.client)
    }

    /// Asks a target: for a stream, which is given as soon as it says something, or for a whole answer.
    pub(crate) async fn ask(
        &self,
        lease: &mut Lease,
        call: &Call<'_>,
        stream: bool,
    ) -> Result<(Parts, Reached), Failure> {
        let target = Arc::clone(lease.target());
        let expected = if stream { "text/event-stream" } else { "application/json" };
        let until = lease.until();
        let (parts, body) = self.head(&target, call, until).await?.into_parts();
        expect_type(&target, &parts.headers, expected)?;
        if stream {
            return Ok((parts, Reached::Stream(opening::open(lease, body).await?)));
        }
        lease.begin();
        Ok((parts, Reached::Whole(whole(&target, body, until).await?)))
    }

    /// Asks a target whether it is well; says what it found when it is not.
    pub(super) async fn probe(&self, target: &Target, probe: &Probe) -> Result<(), String> {
        let limit = Duration::from_secs(probe.settings.timeout_seconds.into());
        let answer = self.look(target, &probe.address, limit).await?;
        let status = answer.status();
        // What is read to its end leaves the connection for the next probe.
        drop(timeout(ERROR_WAIT, Limited::new(answer.into_body(), MAX_PROBED).collect()).await);
        if status.is_success() { Ok(()) } else { Err(format!("answered {}", status.as_u16())) }
    }

    /// Asks a target for its models, to see whether it is there; says what is in the way when it is not.
    pub(crate) async fn greet(&self, target: &Target) -> Result<Greeting, String> {
        let answer = self.look(target, target.models(), CONNECT).await?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        Ok(Greeting { status: answer.status().as_u16(), date })
    }

    /// Asks a target for a page; says why there is none.
    async fn look(&self, target: &Target, page: &Uri, limit: Duration) -> Result<Response<Incoming>, String> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = page.clone();
        sign(request.headers_mut(), target);
        let answer = timeout(limit, self.to(target).request(request)).await;
        let answer = answer.map_err(|_| "did not answer in time".to_owned())?;
        answer.map_err(|error| {
            target.scrub(match distrust(&error) {
                Some(why) => distrusted(why),
                None => format!("cannot be reached: {}", cause(&error)),
            })
        })
    }

    async fn head(
        &self,
        target: &Target,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let request = build(target, call);
        let answer = timeout_at(deadline, self.to(target).request(request)).await;
        let answer = answer.map_err(|_| Failure::timeout(target))?;
        let response = answer.map_err(|error| match distrust(&error) {
            Some(why) => Failure::distrusted(target, why),
            None => Failure::connection(target, &cause(&error), !error.is_connect()),
        })?;
        target.vitals().note_reached(true);
        if let Some(encoding) = response.headers().get(CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err(Failure::unusable(target, "upstream_encoding", "sent a compressed answer, unasked"));
        }
        if response.status() != StatusCode::OK {
            return Err(refusal(target, response).await);
        }
        Ok(response)
    }
}

async fn whole(target: &Target, body: Incoming, deadline: Instant) -> Result<Bytes, Failure> {
    let read = timeout_at(deadline, Limited::new(body, MAX_ANSWER).collect()).await;
    match read.map_err(|_| Failure::timeout(target).after_a_head())? {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Failure::unusable(target, "answer_too_long", "sent an answer of more than 32 MiB"))
        }
        Err(error) => Err(Failure::broken_answer(target, &cause(error.as_ref()))),
    }
}

async fn refusal(target: &Target, response: Response<Incoming>) -> Failure {
    let (parts, body) = response.into_parts();
    let words = match timeout(ERROR_WAIT, Limited::new(body, MAX_ERROR).collect()).await {
        Ok(Ok(words)) => words.to_bytes(),
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    Failure::status(target, parts.status, &parts.headers, &words)
}

/// Nothing of the client's head is copied but what is listed; hyper adds `host` and `content-length`.
fn build(target: &Target, call: &Call<'_>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.endpoint(call.endpoint).clone();
    let headers = request.headers_mut();
    for name in forwarded(target) {
        if let Some(value) = call.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    for (name, value) in &call.trace {
        headers.insert(name, value.clone());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    sign(headers, target);
    request
}

/// What every request to a provider carries.
fn sign(headers: &mut HeaderMap, target: &Target) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("kt/", env!("CARGO_PKG_VERSION"))));
    if let Some(authorization) = target.authorization() {
        headers.insert(AUTHORIZATION, authorization);
    }
}

/// The headers of a client that a target gets to see.
fn forwarded(target: &Target) -> impl Iterator<Item = &'static str> {
    let fireworks = target.provider == "fireworks";
    let chooses = fireworks && target.model.is_none();
    let theirs = TO_FIREWORKS.into_iter().filter(move |_| fireworks);
    FORWARDED.into_iter().chain(theirs).chain(CHOOSING.into_iter().filter(move |_| chooses))
}

fn expect_type(target: &Target, headers: &HeaderMap, expected: &str) -> Result<(), Failure> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let what = format!("sent the content type `{essence}` in place of `{expected}`");
    Err(Failure::unusable(target, "upstream_content_type", &target.scrub(what)))
}

/// What TLS has against the other side, if that is what went wrong.
fn distrust<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // An error of input names the cause of what it wraps, and passes over what it wraps.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
    match wrapped {
        Some(wrapped) => distrust(wrapped),
        None => distrust(error.source()?),
    }
}

/// Headers of a provider's answer that a client gets to see.
pub(crate) fn returned_headers(upstream: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    upstream.iter().filter(|(name, value)| {
        let listed = name.as_str().starts_with("fireworks-") || name.as_str().starts_with("x-ratelimit-");
        (listed || *name == RETRY_AFTER) && value.to_str().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn sees(provider: &str, model: Option<&str>) -> Vec<&'static str> {
        let mut written = kit::target("a", "http://127.0.0.1:9/v1");
        (written.provider, written.model) = (provider.into(), model.map(str::to_owned));
        forwarded(&Target::prepare(&written, None).unwrap()).skip(FORWARDED.len()).collect()
    }

    #[test]
    fn headers_of_fireworks_reach_only_fireworks_and_choose_only_where_the_operator_did_not() {
        assert_eq!(sees("openai", None), [""; 0]);
        assert_eq!(sees("fireworks", Some("m")), TO_FIREWORKS);
        assert_eq!(sees("fireworks", None), [&TO_FIREWORKS[..], &CHOOSING].concat());
    }
}
