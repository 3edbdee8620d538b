//! The body of an answer, which brings its connection along where that is its own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::http::uri::Authority;

use super::lines::{Idle, Line};

/// What is read of an answer. Dropped before its end, it closes what it came over, or gives up its stream.
pub(crate) struct Received {
    body: Incoming,
    over: Option<Box<Over>>,
    has_ended: bool,
}

/// The connection that a body comes over, when it is driven by whoever reads the body.
struct Over {
    line: Line,
    to: Authority,
    idle: Arc<Idle>,
}

impl Received {
    /// Over a connection that takes care of itself.
    pub(super) fn shared(body: Incoming) -> Self {
        Self { body, over: None, has_ended: false }
    }

    /// Over one that goes back to the others when the body is read to its end.
    pub(super) fn over(body: Incoming, line: Line, to: Authority, idle: Arc<Idle>) -> Self {
        Self { body, over: Some(Box::new(Over { line, to, idle })), has_ended: false }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.has_ended |= matches!(frame, Poll::Ready(None));
        frame
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        if this.over.is_none() {
            return this.poll_body(cx);
        }
        // What comes is handed over while the connection is driven, and so in no other moment.
        let quiet = &mut Context::from_waker(Waker::noop());
        let frame = this.poll_body(quiet);
        if frame.is_ready() {
            return frame;
        }
        if let Some(over) = &mut this.over {
            over.line.drive(cx);
        }
        this.poll_body(quiet)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.is_end_stream()
            && let Some(over) = self.over.take()
        {
            let Over { line, to, idle } = *over;
            idle.put(to, line);
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("body", &self.body).finish_non_exhaustive()
    }
}
