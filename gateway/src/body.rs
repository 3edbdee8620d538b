//! The body of a reply: a stream passes through its session frame by frame, owned here alone, without lock or task.

use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::audit::{Ledger, Outcome, Receipt};
use crate::route::{Lease, Target, Went};
use crate::server::stall;
use crate::telemetry::Phase;
use crate::wire::sse::{Decoder, Next};
use crate::wire::{Assembler, Ending, Fault};

/// How long a client hears nothing before it is told that the stream lives. Also bounds how late a client that
/// silently went away is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The code of a stream that the gateway itself has ended.
const STOPPING: &str = "gateway_stopping";

/// The code of a stream that was not over in its time.
const TOO_LONG: &str = "stream_too_long";

/// Most bytes of a whole answer in one frame: HTTP/2 keeps a frame in memory until the client takes it.
const SLICE: usize = 64 * 1024;

/// A comment, which every SDK passes over.
const COMMENT: &[u8] = b": ka\n";

/// What a reply carries.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// All of it, which is handed out in slices.
    Whole(Bytes),
    /// A guarded stream.
    Stream(Box<GuardedBody<Incoming>>),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        stall::asked();
        let frame = match self.get_mut() {
            ReplyBody::Whole(rest) if rest.is_empty() => Poll::Ready(None),
            ReplyBody::Whole(rest) => {
                let slice = rest.split_to(rest.len().min(SLICE));
                Poll::Ready(Some(Ok(Frame::data(slice))))
            }
            ReplyBody::Stream(body) => Pin::new(body.as_mut()).poll_frame(cx),
        };
        if matches!(frame, Poll::Ready(Some(_))) {
            stall::handed();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Whole(rest) => rest.is_empty(),
            ReplyBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            ReplyBody::Whole(rest) => hyper::body::SizeHint::with_exact(rest.len() as u64),
            ReplyBody::Stream(_) => hyper::body::SizeHint::default(),
        }
    }
}

/// How long the end of a stream is waited for after its last word. A connection that is read to the end of an answer
/// carries the next one.
const PARTING: Duration = Duration::from_secs(1);

/// A provider's stream on its way to the client. Dropping it before its last word closes the provider's connection, which
/// ends the bill.
pub(crate) struct GuardedBody<B> {
    upstream: Option<B>,
    decoder: Decoder,
    assembler: Assembler,
    ledger: Ledger,
    /// Once the stream has ended: what its last frames wait for.
    receipt: Option<Receipt>,
    target: Arc<Target>,
    lease: Option<Lease>,
    out: BytesMut,
    last_event: Instant,
    last_sent: Instant,
    /// When all of it must be over.
    ends: Instant,
    deadline: Pin<Box<Sleep>>,
    keep_alive: Pin<Box<Sleep>>,
    over: Over,
}

/// Reads what is left of a stream that has said everything: a word more than its end, and its connection is closed.
async fn part<B: Body<Data = Bytes> + Unpin>(mut rest: B) {
    let ending = async {
        while let Some(Ok(frame)) = rest.frame().await {
            if frame.data_ref().is_some_and(|bytes| !bytes.is_empty()) {
                return;
            }
        }
    };
    timeout(PARTING, ending).await.ok();
}

/// Ready when the gateway leaves and nothing may go on.
type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<B> GuardedBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Guards a stream of the leased target; its record is closed when the stream ends or is dropped.
    pub(crate) fn new(
        upstream: B,
        assembler: Assembler,
        mut ledger: Ledger,
        lease: Lease,
        over: Over,
    ) -> Self {
        let target = Arc::clone(lease.target());
        let now = Instant::now();
        ledger.begin();
        ledger.judging(Phase::Response);
        Self {
            upstream: Some(upstream),
            decoder: Decoder::default(),
            assembler: assembler.hiding(target.secret().cloned()),
            ledger,
            receipt: None,
            out: BytesMut::new(),
            last_event: now,
            last_sent: now,
            ends: now + target.max_stream,
            deadline: Box::pin(sleep(target.stream_timeout.min(target.max_stream))),
            keep_alive: Box::pin(sleep(KEEP_ALIVE)),
            over,
            target,
            lease: Some(lease),
        }
    }

    /// With what was read of the stream already, up to that moment.
    pub(crate) fn after(mut self, first: &[u8], last_event: Instant) -> Self {
        self.take(first);
        self.last_event = last_event;
        let until = self.silent_until().min(self.ends);
        self.deadline.as_mut().reset(until);
        self
    }

    /// Takes bytes of the provider.
    fn take(&mut self, bytes: &[u8]) {
        let Self { decoder, assembler, out, last_event, .. } = self;
        // What comes of it is about as long; a buffer that grows by doubling could be twice that, and waits for the client.
        out.reserve(bytes.len() + bytes.len() / 8);
        let mut ending = None;
        let taken = decoder.push(bytes, |event| {
            *last_event = Instant::now();
            ending = assembler.event(event, out);
            if ending.is_some() { Next::Stop } else { Next::More }
        });
        if let Err(too_long) = taken {
            return self.fail("event_too_long", &too_long);
        }
        self.close(ending);
    }

    /// The provider has closed its stream.
    fn upstream_over(&mut self) {
        self.upstream = None;
        let Self { decoder, assembler, out, .. } = self;
        let mut ending = None;
        let finished = decoder.finish(|event| {
            ending = assembler.last_event(event, out);
            Next::Stop
        });
        if let Err(too_long) = finished {
            return self.fail("event_too_long", &too_long);
        }
        let ending = ending.unwrap_or_else(|| self.assembler.end(&mut self.out));
        self.close(Some(ending));
    }

    fn fail(&mut self, code: &'static str, cause: &dyn Display) {
        let message = self.target.scrub(format!("the stream of target `{}` failed: {cause}", self.target.id));
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, code, message);
        let ending = self.assembler.fail(fault, &mut self.out);
        self.close(Some(ending));
    }

    /// Lets go of the provider, at once unless it has said everything, and closes the record, when there is an ending.
    fn close(&mut self, ending: Option<Ending>) {
        let Some(ending) = ending else { return };
        let rest = self.upstream.take().filter(|_| matches!(ending, Ending::Complete));
        if let Some(mut rest) = rest {
            // The end of a stream mostly comes with its last event; else it is waited for aside.
            if Pin::new(&mut rest).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending() {
                tokio::spawn(part(rest));
            }
        }
        self.settle(matches!(ending, Ending::Complete));
        self.let_go(&ending);
        self.receipt = Some(match ending {
            Ending::Complete => self.ledger.close(Outcome::Complete),
            Ending::Blocked(decision) => {
                self.ledger.failed(&Fault::output_blocked(*decision).code);
                self.ledger.close(Outcome::Blocked)
            }
            Ending::Failed(fault) => {
                self.ledger.failed(&fault.code);
                self.ledger.close(Outcome::Failed)
            }
        });
    }

    /// After the end, until the record is written: its frames may not leave before, or an error leaves in their place.
    fn recorded(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(receipt) = &mut self.receipt else { return Poll::Ready(()) };
        let written = std::task::ready!(Pin::new(receipt).poll(cx));
        self.receipt = None;
        if written.is_err() {
            self.out.clear();
            self.assembler.fail(Fault::audit_unavailable(), &mut self.out);
        }
        Poll::Ready(())
    }

    /// Tells how the target did, which is all that it is held for.
    fn let_go(&mut self, ending: &Ending) {
        let Some(mut lease) = self.lease.take() else { return };
        match ending {
            Ending::Complete | Ending::Blocked(_) => lease.end(Went::Well, ""),
            Ending::Failed(fault) if fault.code == STOPPING => lease.end(Went::Unsaid, ""),
            Ending::Failed(fault) => {
                let cause = format!("failed in its stream with `{}`", fault.code);
                self.ledger.answer_failed(&fault.code, &cause);
                // A client that reads slowly makes a stream long, too: it must not be able to take a target from others.
                let went = if fault.code == TOO_LONG { Went::Unsaid } else { Went::Badly };
                lease.end(went, &cause);
            }
        }
    }

    /// When the provider has been silent for too long.
    fn silent_until(&self) -> Instant {
        self.last_event + self.target.stream_timeout
    }

    /// While the provider is silent: gives up after the target's patience, and keeps the client's line alive.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.deadline.as_mut().poll(cx).is_ready() {
            let (now, silent_until) = (Instant::now(), self.silent_until());
            if silent_until <= now {
                let seconds = self.target.stream_timeout.as_secs();
                self.fail("stream_timeout", &format_args!("no event for {seconds} s"));
                return Poll::Ready(());
            }
            if self.ends <= now {
                return Poll::Ready(()); // which is looked at before every read
            }
            self.deadline.as_mut().reset(silent_until.min(self.ends));
        }
        while self.keep_alive.as_mut().poll(cx).is_ready() {
            let until = self.last_sent + KEEP_ALIVE;
            if until <= Instant::now() {
                self.out.put_slice(COMMENT);
                self.keep_alive.as_mut().reset(Instant::now() + KEEP_ALIVE);
                return Poll::Ready(());
            }
            self.keep_alive.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Display,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            std::task::ready!(this.recorded(cx));
            if !this.out.is_empty() {
                this.last_sent = Instant::now();
                return Poll::Ready(Some(Ok(Frame::data(this.out.split().freeze()))));
            }
            let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
            if this.over.as_mut().poll(cx).is_ready() {
                this.fail(STOPPING, &"the gateway stops");
                continue;
            }
            if this.ends <= Instant::now() {
                let seconds = this.target.max_stream.as_secs();
                this.fail(TOO_LONG, &format_args!("it was not over after {seconds} s"));
                continue;
            }
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        this.take(&bytes);
                    }
                }
                Poll::Ready(Some(Err(error))) => this.fail("stream_broken", &error),
                Poll::Ready(None) => this.upstream_over(),
                Poll::Pending => std::task::ready!(this.wait(cx)),
            }
        }
    }
}

impl<B> GuardedBody<B> {
    /// Tells the ledger what came of the answer, which is all of it or not.
    fn settle(&mut self, whole: bool) {
        self.ledger.judged(self.assembler.report());
        self.ledger.held(self.assembler.held());
        self.ledger.used(self.assembler.usage(), self.assembler.heard(), whole);
    }
}

impl<B> std::fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedBody").field("target", &self.target.id).finish_non_exhaustive()
    }
}

impl<B> Drop for GuardedBody<B> {
    fn drop(&mut self) {
        if let Some(upstream) = self.upstream.take() {
            drop(upstream); // the provider is let go before its words are counted, which takes a while
            self.settle(false); // the ledger, dropped next, says that the client went away
        }
    }
}
