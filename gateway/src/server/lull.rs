//! How long a connection may wait for its next request: longer while it is idle than once a head has begun.
//!
//! The HTTP machinery counts both as one. So the bytes of a connection of HTTP/1.1 pass through here, where it is known whether a
//! request is under way, and whether a byte of the next has come. Who waited for too long finds the end of the connection.
//!
//! In HTTP/2 bytes come between requests that are none, so the requests alone are looked at, and a client is told before its
//! connection ends.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

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

    /// Ready when no request was under way for so long, from that moment on.
    pub(super) async fn quiet(&self, since: Instant, patience: Duration) {
        loop {
            if self.any() {
                sleep(patience).await; // one that ends meanwhile leaves its mark
                continue;
            }
            let until = self.ended().max(since) + patience;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
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
    /// Nothing for one of HTTP/2.
    lull: Option<Lull>,
}

/// What a client of HTTP/1.1 is waited for.
#[derive(Debug)]
struct Lull {
    under_way: UnderWay,
    stage: Stage,
    /// How many requests it has brought, when that was last looked at.
    brought: usize,
    head: Duration,
    idle: Duration,
    /// Until when this stage may last.
    until: Instant,
    /// Goes off then, or before.
    alarm: Pin<Box<Sleep>>,
}

impl<I> Patient<I> {
    /// A connection of HTTP/1.1 that has just come. Its first head is waited for as if it had begun: who connects has something
    /// to say.
    pub(super) fn new(io: I, under_way: UnderWay, times: &Times) -> Self {
        let until = Instant::now() + times.head;
        let alarm = Box::pin(sleep_until(until));
        let (stage, head, idle) = (Stage::Head, times.head, times.idle);
        Self { io, lull: Some(Lull { under_way, stage, brought: 0, head, idle, until, alarm }) }
    }

    /// One of HTTP/2, whose bytes say nothing.
    pub(super) fn endless(io: I) -> Self {
        Self { io, lull: None }
    }
}

impl Lull {
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
        let Self { io, lull } = self.get_mut();
        let Some(lull) = lull else { return Pin::new(io).poll_read(cx, buf) };
        lull.look();
        let read = Pin::new(io).poll_read(cx, buf);
        if read.is_pending() {
            ready!(lull.poll_over(cx));
            tracing::debug!("a client has sent no request for too long; its connection ends");
            return Poll::Ready(Ok(()));
        }
        if lull.stage == Stage::Next {
            (lull.stage, lull.until) = (Stage::Head, Instant::now() + lull.head);
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
