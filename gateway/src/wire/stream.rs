//! An answer in pieces: each event of the provider goes in, and the frames that may leave come out.

use std::fmt;

use bytes::BytesMut;
use engine::run::Session;
use engine::verdict::{Decision, Report};
use hyper::StatusCode;
use serde_json::Value;

use super::sse::Next;
use super::{Asked, Endpoint, Fault, Usage, choices, json as strict_json, responses, upstream_error};
use crate::secret::Secret;

/// How a stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The provider has said everything.
    Complete,
    /// A rule stopped the answer.
    Blocked(Box<Decision>),
    /// The provider failed, or its answer could not be judged.
    Failed(Box<Fault>),
}

/// Why nothing more of an answer may be passed on.
#[derive(Debug)]
pub(super) enum Halt {
    /// A rule stopped it.
    Stopped,
    /// It failed.
    Failed(Fault),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Failed(fault)
    }
}

/// What every answer is judged by, and what is known of it in all forms.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) session: Session,
    /// Whether there are policies: shapes in which text could hide are then refused, and second copies of the text are
    /// taken away.
    pub(super) strict: bool,
    pub(super) secret: Option<Secret>,
    usage: Option<Usage>,
}

impl Judge {
    /// Reads an event strictly; one that tells of a failure is a fault. The gateway's own key is cut out of it; says whether
    /// there was one.
    pub(super) fn parse(&self, payload: &[u8]) -> Result<(Value, bool), Fault> {
        let mut event = strict_json::parse(payload)
            .map_err(|flaw| Fault::unreadable(format!("an event of the provider cannot be read: {flaw}")))?;
        self.check(&event)?;
        let secret = self.secret.as_ref().filter(|secret| secret.may_stand_in(payload));
        let cut = secret.is_some_and(|secret| secret.scrub_document(&mut event));
        Ok((event, cut))
    }

    /// The fault of a document that tells of a failure.
    pub(super) fn check(&self, document: &Value) -> Result<(), Fault> {
        upstream_error(document, self.secret.as_ref()).map_or(Ok(()), Err)
    }

    /// Notes the usage that a document tells, if it does.
    pub(super) fn note_usage(&mut self, document: &Value) {
        self.usage = Usage::of(document).or(self.usage);
    }
}

/// A way to write an answer in pieces.
pub(super) trait Dialect: fmt::Debug + Send {
    /// Takes the data of one event, and appends what may leave. Says whether it was the last one.
    fn event(&mut self, judge: &mut Judge, payload: &[u8], out: &mut BytesMut) -> Result<Next, Halt>;

    /// Whether the provider has said everything.
    fn is_complete(&self) -> bool;

    /// The provider has said everything: appends what has waited for that, and the end of the stream.
    fn complete(&mut self, judge: &mut Judge, out: &mut BytesMut) -> Result<(), Halt>;

    /// A rule has stopped the answer: appends what was let go before, and a word that this is not all.
    fn stop(&mut self, out: &mut BytesMut);

    /// Appends an error, and the end of the stream.
    fn fail(&mut self, envelope: Value, out: &mut BytesMut);
}

/// Feeds the session and puts frames together again from what it releases.
#[derive(Debug)]
pub struct Assembler {
    judge: Judge,
    request_id: String,
    dialect: Box<dyn Dialect>,
    /// The most that was held back after any event, in bytes.
    held: usize,
}

impl Assembler {
    /// Starts on an answer of that form. `strict` is for a program that has policies.
    pub fn new(endpoint: Endpoint, session: Session, strict: bool, request_id: String, asked: Asked) -> Self {
        let waits = session.buffers();
        let dialect: Box<dyn Dialect> = match endpoint {
            Endpoint::Chat | Endpoint::Embeddings => {
                Box::new(choices::Stream::new(choices::DELTA, &asked, waits))
            }
            Endpoint::Completions => Box::new(choices::Stream::new(choices::TEXT, &asked, waits)),
            Endpoint::Responses => Box::new(responses::Stream::new(asked.repeated, waits)),
        };
        Self { judge: Judge { session, strict, secret: None, usage: None }, request_id, dialect, held: 0 }
    }

    /// With a key that is cut out of whatever the provider says.
    #[must_use]
    pub fn hiding(mut self, secret: Option<Secret>) -> Self {
        self.judge.secret = secret;
        self
    }

    /// The last usage that the provider told.
    pub fn usage(&self) -> Option<Usage> {
        self.judge.usage
    }

    /// The beginning of what the provider has said, and the bytes of all of it.
    pub(crate) fn heard(&self) -> (&str, usize) {
        self.judge.session.heard()
    }

    /// The most of the answer that was held back at any moment, in bytes.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The session's account so far.
    pub fn report(&self) -> Report {
        self.judge.session.report()
    }

    /// Takes the data of one event; appends frames to `out`. After an ending nothing more may be fed or sent.
    pub fn event(&mut self, payload: &[u8], out: &mut BytesMut) -> Option<Ending> {
        if is_done(payload) {
            return Some(self.end(out));
        }
        let next = self.dialect.event(&mut self.judge, payload, out);
        self.held = self.held.max(self.judge.session.held());
        match next {
            Ok(Next::More) => None,
            Ok(Next::Stop) => Some(self.complete(out)),
            Err(halt) => Some(self.halt(halt, out)),
        }
    }

    /// Takes a last event that lacks its end: it counts when it can be read, else it is part of the break.
    pub fn last_event(&mut self, payload: &[u8], out: &mut BytesMut) -> Option<Ending> {
        let readable = is_done(payload) || strict_json::parse(payload).is_ok();
        if readable && !self.dialect.is_complete() { self.event(payload, out) } else { None }
    }

    /// The provider has nothing more to say. When that was not everything it is a failure, since SDKs take a short
    /// answer for a whole one; what was still held back is discarded.
    pub fn end(&mut self, out: &mut BytesMut) -> Ending {
        if self.dialect.is_complete() {
            return self.complete(out);
        }
        // A rule that has stopped one choice is what the client must hear of.
        if self.judge.session.decision().verdict.stops() {
            return self.halt(Halt::Stopped, out);
        }
        let message = "the provider's answer broke off before its end";
        self.fail(Fault::upstream(StatusCode::BAD_GATEWAY, "stream_truncated", message), out)
    }

    /// Ends the stream with an error.
    pub fn fail(&mut self, fault: Fault, out: &mut BytesMut) -> Ending {
        self.dialect.fail(fault.envelope(&self.request_id), out);
        Ending::Failed(Box::new(fault))
    }

    fn complete(&mut self, out: &mut BytesMut) -> Ending {
        match self.dialect.complete(&mut self.judge, out) {
            Ok(()) => Ending::Complete,
            Err(halt) => self.halt(halt, out),
        }
    }

    fn halt(&mut self, halt: Halt, out: &mut BytesMut) -> Ending {
        match halt {
            Halt::Failed(fault) => self.fail(fault, out),
            Halt::Stopped => {
                self.dialect.stop(out);
                let decision = self.judge.session.decision().clone();
                let fault = Fault::output_blocked(decision.clone());
                self.dialect.fail(fault.envelope(&self.request_id), out);
                Ending::Blocked(Box::new(decision))
            }
        }
    }
}

fn is_done(payload: &[u8]) -> bool {
    payload.trim_ascii() == b"[DONE]"
}
