//! One request of a client, from its head to the last byte of the answer.

use std::sync::Arc;

use bytes::Bytes;
use engine::Claim;
use engine::input::Request;
use engine::run::Session;
use engine::verdict::{Decision, Edit, Flow};
use grammar::budget::Meter;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::response;
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use crate::access::Caller;
use crate::aside::aside;
use crate::audit::{Ledger, Outcome, Seat, Unwritten};
use crate::body::{GuardedBody, ReplyBody};
use crate::gateway::{FailMode, Gateway};
use crate::reply;
use crate::route::{self, Call, Failure, Lease, Opened, Reached, Target, Went, Wish, returned_headers};
use crate::server::intake;
use crate::spend::{self, MOST_COUNTED, MOST_HEARD, Need, Prompt, Refused, claims_of_key, priced};
use crate::surroundings::Surroundings;
use crate::telemetry::Phase;
use crate::wire::{self, Assembler, Endpoint, Fault, json};

/// What a request says before its body.
pub(crate) struct Head<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) caller: Caller,
}

/// Opens the record of a request; nothing when it could not be written, and the request may not go on without.
pub(crate) fn enter(gateway: &Gateway, caller: &Caller, head: &Parts, request_id: &str) -> Option<Ledger> {
    let seat = gateway.audit.seat();
    if seat.is_none() {
        tracing::error!(request_id, fail_mode = gateway.fail_mode.name(), "no audit record can be written");
        if gateway.fail_mode == FailMode::Block {
            return None;
        }
    }
    Some(open(gateway, seat, caller, head, request_id))
}

/// Opens the record of a request that goes no further; it is written if it can be.
pub(crate) fn note(gateway: &Gateway, caller: &Caller, head: &Parts, request_id: &str) -> Ledger {
    open(gateway, gateway.audit.seat(), caller, head, request_id)
}

fn open(gateway: &Gateway, seat: Option<Seat>, caller: &Caller, head: &Parts, request_id: &str) -> Ledger {
    let traced = gateway.tracing.begin(&head.method, &head.headers);
    Ledger::open(seat, &gateway.pack, request_id).by(caller).counted(&gateway.metrics).traced(traced)
}

/// Answers a request to that endpoint.
pub(crate) async fn answer(
    gateway: &Gateway,
    endpoint: Endpoint,
    head: Head<'_>,
    body: Incoming,
    request_id: &str,
    ledger: Option<Ledger>,
) -> Response<ReplyBody> {
    let Some(ledger) = ledger else {
        intake::discard(body, head.headers).await;
        return reply::fault(&Fault::audit_unavailable(), request_id);
    };
    let deadline = route::deadline(head.headers, Instant::now());
    let Head { headers, caller } = head;
    let mut exchange = Exchange { gateway, endpoint, headers, caller, request_id, deadline, ledger };
    let answered = tokio::select! {
        answered = exchange.answer(body) => answered,
        () = gateway.over() => Err(stopping()),
    };
    match answered {
        Ok(answer) => exchange.reply(answer).await,
        Err(fault) => refuse(exchange.ledger, &fault, request_id).await,
    }
}

/// Refuses a request; that too is on record.
pub(crate) async fn refuse(mut ledger: Ledger, fault: &Fault, request_id: &str) -> Response<ReplyBody> {
    ledger.replied(fault.status);
    ledger.failed(&fault.code);
    let cost = ledger.cost();
    let recorded = ledger.close(match fault.kind {
        "policy_violation" => Outcome::Blocked,
        "invalid_request_error" | "authentication_error" | "permission_error" => Outcome::Refused,
        _ if fault.is_own => Outcome::Refused,
        _ => Outcome::Failed,
    });
    match recorded.await {
        Ok(()) => told(reply::fault(fault, request_id), cost),
        Err(Unwritten) => reply::fault(&Fault::audit_unavailable(), request_id),
    }
}

/// The reply with what the exchange cost, where that is known.
fn told(mut reply: Response<ReplyBody>, cost: Option<String>) -> Response<ReplyBody> {
    if let Some(cost) = cost {
        reply::set(&mut reply, HeaderName::from_static(reply::COST), &cost);
    }
    reply
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
    caller: Caller,
    request_id: &'g str,
    /// When the client gives up, if it says so.
    deadline: Option<Instant>,
    ledger: Ledger,
}

/// A request that passed its policies.
struct Judged {
    session: Session,
    decision: Decision,
    stream: bool,
    wish: Wish,
    /// What it takes of budgets.
    claims: Vec<Claim>,
    need: Need,
    now: i64,
}

/// An answer that may go to the client.
struct Answer {
    decision: Decision,
    lease: Lease,
    upstream: response::Parts,
    carried: Carried,
}

/// What a target has said, as far as it can be read. Of a whole answer also its size in bytes.
enum Answered {
    Whole(usize, wire::Answer),
    Stream(Opened),
}

enum Carried {
    Whole(Bytes),
    Stream(Opened, Box<Assembler>),
}

impl Exchange<'_> {
    async fn answer(&mut self, body: Incoming) -> Result<Answer, Fault> {
        match self.gateway.access.begins(&self.caller) {
            Ok(place) => self.ledger.under_way(place),
            Err(fault) => {
                intake::discard(body, self.headers).await;
                return Err(fault);
            }
        }
        let Gateway { access, times, .. } = self.gateway;
        let mut room = access.room();
        let bytes = intake::read(body, self.headers, access.sizes.body_kb, &mut room, times).await?;
        let prompt = Prompt::new(self.endpoint, &bytes);
        let kept = prompt.kept();
        self.ledger.prompt(prompt);
        let parse = || json::parse(&bytes).map_err(|flaw| Fault::invalid(None, flaw.to_string()));
        let mut document = aside(bytes.len(), parse)?;
        let (mut judged, edits) = self.judged(&document, bytes.len()).await?;
        self.endpoint.redact(&mut document, &edits)?;
        self.reserve(&mut judged).await?;
        let (mut lease, upstream, answered) = self.ask(&document, &mut judged).await?;
        let target = Arc::clone(lease.target());
        let (decision, carried) = match answered {
            Answered::Whole(size, answer) => {
                aside(size, || self.whole(&document, &mut judged, &target, answer))
                    .inspect_err(|fault| self.blame(&mut lease, fault))?
            }
            Answered::Stream(opened) => {
                let asked = self.endpoint.asked(&document, target.dropped(self.endpoint));
                let Judged { mut session, decision, .. } = judged;
                session.listen(MOST_HEARD);
                let (strict, request_id) = (self.gateway.pack.guards(), self.request_id.to_owned());
                let assembler = Assembler::new(self.endpoint, session, strict, request_id, asked);
                room.keep(kept);
                self.ledger.takes(room);
                (decision, Carried::Stream(opened, Box::new(assembler)))
            }
        };
        Ok(Answer { decision, lease, upstream, carried })
    }

    /// Decodes the request, counts it, and lets the policies decide; gives the replacements that they ask for, too.
    async fn judged(&mut self, document: &Value, size: usize) -> Result<(Judged, Vec<Edit>), Fault> {
        let (gateway, endpoint, headers) = (self.gateway, self.endpoint, self.headers);
        let caller = self.caller.clone();
        let mut request = aside(size, || endpoint.decode(document, readable(headers)))?;
        gateway.access.bounds(endpoint, document)?;
        request.key_name = caller.key_name();
        request.key_labels = caller.labels();
        Surroundings::now(caller.ip).tell(&mut request, gateway.router.offers());
        self.ledger.asked(&request);
        self.ledger.reserved(gateway.access.asks(&caller, &request, headers).await?);
        aside(size, || self.judge(document, size, &request))
    }

    fn judge(
        &mut self,
        document: &Value,
        size: usize,
        request: &Request<'_>,
    ) -> Result<(Judged, Vec<Edit>), Fault> {
        let mut session = self.gateway.pack.session();
        if self.gateway.pack.program.reads_requests()
            && let Some(fault) = self.endpoint.unreadable(document)
        {
            return Err(fault);
        }
        self.ledger.judging(Phase::Request);
        let mut step = session.request(request);
        self.ledger.judged(session.report());
        if step.decision.verdict.stops() {
            return Err(Fault::input_blocked(step.decision));
        }
        let mut claims = std::mem::take(&mut step.claims);
        claims.extend(self.caller.key.iter().flat_map(|key| claims_of_key(key)));
        let (need, now) = (self.need(document, size, request, &claims, &mut step.targets), request.now);
        let (stream, wish) = (request.stream, self.gateway.router.wish(request, step.targets));
        Ok((Judged { session, decision: step.decision, stream, wish, claims, need, now }, step.edits))
    }

    /// What the request may take. Where a claim counts money, it may only go where a price is known.
    fn need(
        &self,
        document: &Value,
        size: usize,
        request: &Request<'_>,
        claims: &[Claim],
        left: &mut Option<Vec<usize>>,
    ) -> Need {
        if claims.is_empty() {
            return Need::default();
        }
        let prices = priced(self.gateway.router.offers(), request.model, left.as_deref());
        if claims.iter().any(|claim| claim.meter == Meter::Cost) {
            *left = Some(prices.iter().map(|(at, _)| *at).collect());
        }
        let prices = prices.into_iter().map(|(_, pricing)| pricing);
        Need::of(self.endpoint, document, size, request, prices)
    }

    /// Reserves what the request may take of its budgets.
    async fn reserve(&mut self, judged: &mut Judged) -> Result<(), Fault> {
        let Judged { claims, need, now, session, .. } = judged;
        match self.gateway.spend.reserve(claims, need, *now).await {
            Ok(reservation) => self.ledger.budgets(reservation),
            Err(Refused::Unavailable) => return Err(spend::unavailable()),
            Err(Refused::Claim(index, refusal, back_in)) => {
                let Some(claim) = claims.get(index) else { return Err(spend::unavailable()) };
                let decision = session.refuse(claim, refusal).clone();
                self.ledger.judged(session.report());
                return Err(spend::exceeded(decision, back_in));
            }
        }
        Ok(())
    }

    /// A whole answer: the policies see all of it before the client sees any.
    fn whole(
        &mut self,
        document: &Value,
        judged: &mut Judged,
        target: &Target,
        mut answer: wire::Answer,
    ) -> Result<(Decision, Carried), Fault> {
        let Judged { session, .. } = judged;
        let asked = self.endpoint.asked(document, target.dropped(self.endpoint));
        let usage = answer.usage();
        if usage.is_none_or(|usage| usage.output.is_none()) {
            session.listen(MOST_COUNTED);
        }
        self.ledger.judging(Phase::Response);
        let flow = answer.guard(session, self.gateway.pack.guards(), &asked);
        self.ledger.used(usage, session.heard(), true);
        self.ledger.judged(session.report());
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
    async fn ask(
        &mut self,
        document: &Value,
        judged: &mut Judged,
    ) -> Result<(Lease, response::Parts, Answered), Fault> {
        let gateway = self.gateway;
        let (id, stream, deadline) = (self.request_id, judged.stream, self.deadline);
        let mut attempts = gateway.router.attempts(&judged.wish, id, stream, deadline).await?;
        while let Some(mut lease) = attempts.next().await {
            let target = Arc::clone(lease.target());
            self.ledger.sent(&target, &judged.wish.model);
            let model = target.model.as_ref().unwrap_or(&judged.wish.model);
            let body = self.endpoint.sent(document, model, target.dropped(self.endpoint));
            let mut trace = HeaderMap::new();
            self.ledger.pass_on(&mut trace);
            let call = Call { endpoint: self.endpoint, body: body.into(), headers: self.headers, trace };
            let reached = gateway.upstream.ask(&mut lease, &call, stream).await;
            match reached.and_then(|(parts, reached)| Ok((parts, self.read(&target, reached)?))) {
                Ok((parts, answered)) => return Ok((lease, parts, answered)),
                Err(failure) => {
                    self.ledger.attempt_failed(failure.code(), &failure.cause, failure.paid);
                    attempts.failed(lease, failure);
                }
            }
        }
        Err(attempts.fault())
    }

    /// Reads a whole answer; one that cannot be read is the target's failure as any other.
    fn read(&self, target: &Target, reached: Reached) -> Result<Answered, Failure> {
        let bytes = match reached {
            Reached::Whole(bytes) => bytes,
            Reached::Stream(opened) => return Ok(Answered::Stream(opened)),
        };
        let parsed = aside(bytes.len(), || wire::Answer::parse(self.endpoint, &bytes));
        let answer = parsed.map_err(Failure::in_answer)?;
        match answer.fault(target.secret()) {
            Some(fault) => Err(Failure::in_answer(fault)),
            None => Ok(Answered::Whole(bytes.len(), answer)),
        }
    }

    /// A whole answer does not go to the client; what a provider cannot be blamed for does not count against it.
    fn blame(&mut self, lease: &mut Lease, fault: &Fault) {
        if fault.kind != "upstream_error" {
            return lease.end(Went::Well, "");
        }
        let cause = format!("answered with `{}`", fault.code);
        lease.end(Went::Badly, &cause);
        self.ledger.answer_failed(&fault.code, &cause);
    }

    /// Builds the reply. A whole answer closes the record now; a stream takes it along.
    async fn reply(mut self, mut answer: Answer) -> Response<ReplyBody> {
        self.ledger.replied(StatusCode::OK);
        let target = Arc::clone(answer.lease.target());
        let mut reply = match answer.carried {
            Carried::Whole(bytes) => {
                answer.lease.end(Went::Well, "");
                let cost = self.ledger.cost();
                if self.ledger.close(Outcome::Complete).await.is_err() {
                    return reply::fault(&Fault::audit_unavailable(), self.request_id);
                }
                told(reply::bytes(StatusCode::OK, bytes), cost)
            }
            Carried::Stream(opened, assembler) => {
                let over = Box::pin(self.gateway.over());
                let body = GuardedBody::new(opened.rest, *assembler, self.ledger, answer.lease, over)
                    .after(&opened.first, opened.last_event);
                let mut reply = Response::new(ReplyBody::Stream(Box::new(body)));
                let headers = reply.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                reply
            }
        };
        for (name, value) in returned_headers(&answer.upstream.headers) {
            let value = value.to_str().unwrap_or_default();
            reply::set(&mut reply, name.clone(), &target.scrub(value.to_owned()));
        }
        reply::decided(&mut reply, &answer.decision);
        reply::set(&mut reply, HeaderName::from_static(reply::TARGET), &target.id);
        reply
    }
}

/// The client's headers for the engine, credentials left out.
fn readable(headers: &HeaderMap) -> Vec<(&str, &str)> {
    const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"];
    let named = headers.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    named.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}
