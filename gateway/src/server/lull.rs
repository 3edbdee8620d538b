//! How long a connection may wait for its next request: longer while it is idle than once a head has begun.
//!
//! The HTTP machinery counts both as one. So the connection's bytes pass through here, where it is known whether a request is
//! under way, and whether a byte of the next has come. Who waited for too long finds the end of the connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::Times;

/// Requests under way over one connection.
#[derive(Clone, Debug)]
pub(super) struct UnderWay(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// When the connection came.
    came: Instant,
    /// How many milliseconds after that the last one ended.
    ended: AtomicU64,
    now: AtomicUsize,
    /// All that have ever begun: a short one may be over before anybody has looked.
    ever: AtomicUsize,
}

/// One of them, until its answer has ended.
#[derive(Debug)]
pub(super) struct Request(UnderWay);

impl Default for UnderWay {
    fn default() -> Self {
        let (now, ever, ended) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Counts { came: Instant::now(), ended, now, ever }))
    }
}

impl UnderWay {
    /// One more.
    pub(super) fn begin(&self) -> Request {
        self.0.ever.fetch_add(1, Ordering::AcqRel);
        self.0.now.fetch_add(1, Ordering::AcqRel);
        Request(self.clone())
    }

    /// When the last one ended.
    fn ended(&self) -> Instant {
        self.0.came + Duration::from_millis(self.0.ended.load(Ordering::Acquire))
    }

    fn any(&self) -> bool {
        self.0.now.load(Ordering::Acquire) > 0
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let Counts { came, ended, now, .. } = &*self.0.0;
        ended.store(u64::try_from(came.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Release);
        now.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The end of a request.
    Request,
    /// The first byte of the next.
    Next,
    /// The end of a head.
    Head,
}

/// A connection whose client may wait for so long, and no longer.
#[derive(Debug)]
pub(super) struct Patient<I> {
    io: I,
    under_way: UnderWay,
    stage: Stage,
    /// How many requests it has brought, when that was last looked at.
    brought: usize,
    /// Whether what comes between requests is the head of one. In HTTP/2 it may be anything.
    has_heads: bool,
    head: Duration,
    idle: Duration,
    /// Until when this stage may last.
    until: Instant,
    /// Goes off then, or before.
    alarm: Pin<Box<Sleep>>,
}

impl<I> Patient<I> {
    /// A connection that has just come. Its first head is waited for as if it had begun: who connects has something to say.
    pub(super) fn new(io: I, under_way: UnderWay, times: &Times, has_heads: bool) -> Self {
        let (stage, patience) = if has_heads { (Stage::Head, times.head) } else { (Stage::Next, times.idle) };
        let until = Instant::now() + patience;
        let alarm = Box::pin(sleep_until(until));
        Self { io, under_way, stage, brought: 0, has_heads, head: times.head, idle: times.idle, until, alarm }
    }

    /// Notices when a request begins and ends.
    fn look(&mut self) {
        let brought = self.under_way.0.ever.load(Ordering::Acquire);
        let has_brought = std::mem::replace(&mut self.brought, brought) != brought;
        if self.under_way.any() {
            self.stage = Stage::Request;
        } else if has_brought || self.stage == Stage::Request {
            (self.stage, self.until) = (Stage::Next, self.under_way.ended() + self.idle);
        }
    }

    /// Nothing has come; ready when that is so for too long.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stage == Stage::Request {
            // Nobody asks again when the request has ended, unless something comes. So the alarm goes on, and never later than
            // that end would have it.
            while self.alarm.as_mut().poll(cx).is_ready() {
                self.alarm.as_mut().reset(Instant::now() + self.idle);
            }
            return Poll::Pending;
        }
        if self.alarm.deadline() > self.until {
            self.alarm.as_mut().reset(self.until);
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if self.until <= Instant::now() {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(self.until);
        }
        Poll::Pending
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.look();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if read.is_pending() {
            ready!(this.poll_over(cx));
            tracing::debug!("a client has sent no request for too long; its connection ends");
            return Poll::Ready(Ok(()));
        }
        if this.stage == Stage::Next && this.has_heads {
            (this.stage, this.until) = (Stage::Head, Instant::now() + this.head);
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
