//! One request of a client, from its head to the last byte of the answer.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use engine::run::Session;
use engine::verdict::{Decision, Flow};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::audit::{Ledger, Outcome, Unwritten};
use crate::body::{GuardedBody, ReplyBody};
use crate::gateway::{FailMode, Gateway};
use crate::reply;
use crate::route::{Call, Reached, Target, returned_headers};
use crate::server::intake;
use crate::surroundings::Surroundings;
use crate::wire::{self, Assembler, Endpoint, Fault, json};

/// Bytes that take the policies about a millisecond.
const LONG: usize = 64 * 1024;

/// What a request says before its body.
pub(crate) struct Head<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client_ip: Option<IpAddr>,
}

/// Answers a request to that endpoint.
pub(crate) async fn answer(
    gateway: &Gateway,
    endpoint: Endpoint,
    head: &Head<'_>,
    body: Incoming,
    request_id: &str,
) -> Response<ReplyBody> {
    let seat = gateway.audit.seat();
    if seat.is_none() {
        tracing::error!(request_id, fail_mode = gateway.fail_mode.name(), "no audit record can be written");
        if gateway.fail_mode == FailMode::Block {
            intake::discard(body).await;
            return reply::fault(&Fault::audit_unavailable(), request_id);
        }
    }
    let ledger = Ledger::open(seat, &gateway.pack, request_id).at(endpoint);
    let mut exchange =
        Exchange { gateway, endpoint, headers: head.headers, client_ip: head.client_ip, request_id, ledger };
    let answered = tokio::select! {
        answered = exchange.answer(body) => answered,
        () = gateway.over() => Err(stopping()),
    };
    match answered {
        Ok(answer) => exchange.reply(answer).await,
        Err(fault) => refuse(exchange.ledger, &fault, request_id).await,
    }
}

/// Refuses a request by its head alone; that too is on record.
pub(crate) async fn turn_away(gateway: &Gateway, fault: &Fault, request_id: &str) -> Response<ReplyBody> {
    let ledger = Ledger::open(gateway.audit.seat(), &gateway.pack, request_id);
    refuse(ledger, fault, request_id).await
}

async fn refuse(mut ledger: Ledger, fault: &Fault, request_id: &str) -> Response<ReplyBody> {
    ledger.replied(fault.status);
    ledger.failed(&fault.code);
    let recorded = ledger.close(match fault.kind {
        "policy_violation" => Outcome::Blocked,
        "invalid_request_error" | "authentication_error" => Outcome::Refused,
        _ => Outcome::Failed,
    });
    match recorded.await {
        Ok(()) => reply::fault(fault, request_id),
        Err(Unwritten) => reply::fault(&Fault::audit_unavailable(), request_id),
    }
}

/// The gateway leaves before the answer is there.
fn stopping() -> Fault {
    let message = "the gateway stops, and the answer was not there in time";
    Fault::upstream(StatusCode::SERVICE_UNAVAILABLE, "gateway_stopping", message).retry_after(Some("5"))
}

/// A request under way.
struct Exchange<'g> {
    gateway: &'g Gateway,
    endpoint: Endpoint,
    headers: &'g HeaderMap,
    client_ip: Option<IpAddr>,
    request_id: &'g str,
    ledger: Ledger,
}

/// A request that passed its policies.
struct Judged {
    document: Value,
    session: Session,
    decision: Decision,
    stream: bool,
    model: String,
    /// The targets that the rules have left, where they say anything of them.
    targets: Option<Vec<usize>>,
}

/// An answer that may go to the client.
struct Answer {
    decision: Decision,
    target: Arc<Target>,
    upstream: Parts,
    carried: Carried,
}

enum Carried {
    Whole(Bytes),
    Stream(Incoming, Box<Assembler>),
}

impl Exchange<'_> {
    async fn answer(&mut self, body: Incoming) -> Result<Answer, Fault> {
        let bytes = intake::read(body).await?;
        let mut judged = aside(bytes.len(), || self.judge(&bytes))?;
        let (target, upstream, reached) = self.ask(&mut judged).await?;
        let (decision, carried) = match reached {
            Reached::Whole(bytes) => aside(bytes.len(), || self.whole(&mut judged, &target, &bytes))?,
            Reached::Stream(body) => {
                let asked = self.endpoint.asked(&judged.document, &target.drop_params);
                let Judged { session, decision, .. } = judged;
                let (strict, request_id) = (self.gateway.pack.guards(), self.request_id.to_owned());
                let assembler = Assembler::new(self.endpoint, session, strict, request_id, asked);
                (decision, Carried::Stream(body, Box::new(assembler)))
            }
        };
        Ok(Answer { decision, target, upstream, carried })
    }

    /// Decodes the request, lets the policies decide, and makes the replacements that they ask for.
    fn judge(&mut self, bytes: &[u8]) -> Result<Judged, Fault> {
        let mut document = json::parse(bytes).map_err(|flaw| Fault::invalid(None, flaw.to_string()))?;
        let mut session = self.gateway.pack.session();
        let mut request = self.endpoint.decode(&document, readable(self.headers))?;
        Surroundings::now(self.client_ip).tell(&mut request, self.gateway.router.offers());
        self.ledger.asked(&request);
        if self.gateway.pack.program.reads_requests()
            && let Some(fault) = self.endpoint.unreadable(&document)
        {
            return Err(fault);
        }
        let step = session.request(&request);
        self.ledger.judged(&session.report());
        if step.decision.verdict.stops() {
            return Err(Fault::input_blocked(step.decision));
        }
        let (stream, model) = (request.stream, request.model.to_owned());
        self.endpoint.redact(&mut document, &step.edits)?;
        Ok(Judged { document, session, decision: step.decision, stream, model, targets: step.targets })
    }

    /// A whole answer: the policies see all of it before the client sees any.
    fn whole(
        &mut self,
        judged: &mut Judged,
        target: &Target,
        bytes: &Bytes,
    ) -> Result<(Decision, Carried), Fault> {
        let Judged { document, session, .. } = judged;
        let mut answer = wire::Answer::parse(self.endpoint, bytes)?;
        if let Some(fault) = answer.fault(target.secret()) {
            return Err(fault);
        }
        self.ledger.used(answer.usage());
        let asked = self.endpoint.asked(document, &target.drop_params);
        let flow = answer.guard(session, self.gateway.pack.guards(), &asked);
        self.ledger.judged(&session.report());
        match flow? {
            Flow::Stopped => Err(Fault::output_blocked(session.decision().clone())),
            Flow::Open => {
                if let Some(secret) = target.secret() {
                    answer.scrub(secret);
                }
                Ok((session.decision().clone(), Carried::Whole(answer.to_bytes())))
            }
        }
    }

    /// Asks one target after the other until one answers or a failure is nobody else's to mend.
    async fn ask(&mut self, judged: &mut Judged) -> Result<(Arc<Target>, Parts, Reached), Fault> {
        let gateway = self.gateway;
        let mut last = None;
        for target in gateway.router.plan(&judged.model, judged.targets.as_deref())? {
            self.ledger.sent(&target, &judged.model);
            let model = target.model.as_ref().unwrap_or(&judged.model);
            let body = self.endpoint.sent(&judged.document, model, &target.drop_params);
            let call = Call { endpoint: self.endpoint, body: body.into(), headers: self.headers.clone() };
            match gateway.upstream.ask(&target, &call, judged.stream).await {
                Ok((parts, reached)) => return Ok((target, parts, reached)),
                Err(failure) => {
                    let (id, cause) = (self.request_id, failure.cause.as_str());
                    tracing::warn!(request_id = id, target_id = target.id, cause, "a target failed");
                    let goes_on = gateway.router.goes_on_after(&failure);
                    last = Some(*failure.fault);
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| Fault::unreadable("no target was asked")))
    }

    /// Builds the reply. A whole answer closes the record now; a stream takes it along.
    async fn reply(mut self, answer: Answer) -> Response<ReplyBody> {
        self.ledger.replied(StatusCode::OK);
        let mut reply = match answer.carried {
            Carried::Whole(bytes) => {
                if self.ledger.close(Outcome::Complete).await.is_err() {
                    return reply::fault(&Fault::audit_unavailable(), self.request_id);
                }
                reply::bytes(StatusCode::OK, bytes)
            }
            Carried::Stream(upstream, assembler) => {
                let target = Arc::clone(&answer.target);
                let over = Box::pin(self.gateway.over());
                let body = GuardedBody::new(upstream, *assembler, self.ledger, target, over);
                let mut reply = Response::new(ReplyBody::Stream(Box::new(body)));
                let headers = reply.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                reply
            }
        };
        for (name, value) in returned_headers(&answer.upstream.headers) {
            let value = value.to_str().unwrap_or_default();
            reply::set(&mut reply, name.clone(), &answer.target.scrub(value.to_owned()));
        }
        reply::decided(&mut reply, &answer.decision);
        reply::set(&mut reply, HeaderName::from_static(reply::TARGET), &answer.target.id);
        reply
    }
}

/// Does work on that many bytes; a long one lets other requests have the thread's queue meanwhile.
fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let has_helpers = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if bytes > LONG && has_helpers { tokio::task::block_in_place(work) } else { work() }
}

/// The client's headers for the engine, credentials left out.
fn readable(headers: &HeaderMap) -> Vec<(&str, &str)> {
    const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"];
    let named = headers.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    named.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}
