//! Waits for a stream to say its first word: until then nothing has gone to the client, and another target may be asked.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::{Failure, Lease, Target};
use crate::transport::cause;
use crate::wire::Fault;
use crate::wire::opening::{Opening, broken_off};
use crate::wire::sse::{Decoder, Next};

/// How long a stream that has begun may say nothing before the client is given its head all the same: from then on
/// comments keep the client's line alive.
const PATIENCE: Duration = Duration::from_secs(15);
/// Most bytes that are kept of a stream that says nothing.
const MOST: usize = 64 * 1024;

/// A stream as far as it was read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What was read.
    pub(crate) first: Bytes,
    /// What comes after it.
    pub(crate) rest: Incoming,
    /// When its last event came, or its head.
    pub(crate) last_event: Instant,
}

/// Reads a stream until it says something, or has been silent for so long that the client must be told of it.
pub(super) async fn open(lease: &mut Lease, mut rest: Incoming) -> Result<Opened, Failure> {
    let mut beginning = Beginning::new(lease);
    while beginning.is_silent() {
        match timeout_at(beginning.next(), rest.frame()).await {
            Ok(Some(Ok(frame))) => beginning.take(&frame.into_data().unwrap_or_default())?,
            Ok(Some(Err(error))) => return Err(Failure::broken(lease.target(), &cause(&error))),
            Ok(None) => beginning.finish(),
            Err(_) if Instant::now() < beginning.until => break,
            Err(_) => return Err(Failure::timeout(lease.target()).after_a_head()),
        }
    }
    match beginning.says {
        Opening::Failed(fault) => return Err(Failure::in_stream(*fault)),
        Opening::Begun => lease.begin(),
        Opening::Silent => lease.commit(),
    }
    Ok(Opened { first: beginning.first.freeze(), rest, last_event: beginning.last_event })
}

/// The first bytes of a stream, and how long they may take.
struct Beginning {
    target: Arc<Target>,
    first: BytesMut,
    decoder: Decoder,
    says: Opening,
    last_event: Instant,
    /// When the time of the target or of the client is used up.
    until: Instant,
    /// When the client is given the head.
    commit: Instant,
    /// When the client has no more time.
    deadline: Option<Instant>,
}

impl Beginning {
    fn new(lease: &Lease) -> Self {
        let (now, deadline) = (Instant::now(), lease.deadline());
        // A client that waits for a head for less than that still gets one.
        let in_time = deadline.map(|deadline| now + deadline.saturating_duration_since(now) / 2);
        Self {
            target: Arc::clone(lease.target()),
            first: BytesMut::new(),
            decoder: Decoder::default(),
            says: Opening::Silent,
            last_event: now,
            until: lease.until(),
            commit: in_time.into_iter().fold(now + PATIENCE, Instant::min),
            deadline,
        }
    }

    fn is_silent(&self) -> bool {
        matches!(self.says, Opening::Silent) && self.first.len() < MOST
    }

    /// When the next bytes must be there.
    fn next(&self) -> Instant {
        self.until.min(self.commit)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.first.extend_from_slice(bytes);
        let (says, secret) = (&mut self.says, self.target.secret());
        let mut has_event = false;
        let fed = self.decoder.push(bytes, |event| {
            has_event = true;
            *says = Opening::of(event, secret);
            if let Opening::Silent = says { Next::More } else { Next::Stop }
        });
        if has_event {
            self.last_event = Instant::now();
            let until = self.last_event + self.target.stream_timeout;
            self.until = self.deadline.into_iter().fold(until, Instant::min);
        }
        fed.map(drop).map_err(|error| Failure::unusable(&self.target, "event_too_long", &error.to_string()))
    }

    /// The provider has closed its stream: a last event that only lacks its end still counts.
    fn finish(&mut self) {
        let (says, secret) = (&mut self.says, self.target.secret());
        let finished = self.decoder.finish(|event| {
            *says = Opening::of(event, secret);
            Next::Stop
        });
        let is_torn = |fault: &Fault| fault.code == "unreadable_answer";
        match says {
            Opening::Begun if finished.is_ok() => {}
            Opening::Failed(fault) if !is_torn(fault) => {}
            Opening::Silent | Opening::Begun | Opening::Failed(_) => {
                *says = Opening::Failed(Box::new(broken_off()));
            }
        }
    }
}
