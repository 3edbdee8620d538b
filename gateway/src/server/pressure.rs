//! What a client of HTTP/1.1 has still to take: a body is asked for more only while little of it waits.
//!
//! The HTTP machinery takes of a body as much as a head may have before it looks whether its client takes any. So the body
//! counts what it hands out, and the socket what leaves. What surrounds a body on its way leaves too, so the count may be too
//! low by that, and never too high: nobody waits for bytes that are gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::lull::Request;
use crate::body::ReplyBody;

/// From so many bytes on that wait for its client, a body is asked for no more.
const MUCH: usize = 8 * 1024;

/// What waits for one client.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    waiting: AtomicUsize,
    /// Whoever is to be told that less waits.
    held: Mutex<Option<Waker>>,
}

impl Pressure {
    fn handed(&self, bytes: usize) {
        self.waiting.fetch_add(bytes, Ordering::AcqRel);
    }

    /// So many bytes have left.
    pub(super) fn left(&self, bytes: usize) {
        let lessened = self
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| Some(waiting.saturating_sub(bytes)));
        if lessened.is_ok_and(|waiting| waiting >= MUCH)
            && let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            held.wake();
        }
    }

    /// Ready while little waits.
    fn poll_low(&self, cx: &Context<'_>) -> Poll<()> {
        if self.waiting.load(Ordering::Acquire) < MUCH {
            return Poll::Ready(());
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // It may have left just before.
        if self.waiting.load(Ordering::Acquire) < MUCH { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A body that waits for its client.
#[derive(Debug)]
pub(super) struct Paced {
    body: ReplyBody,
    /// Absent in HTTP/2, where each stream is asked for more when its client has taken what there was.
    pressure: Option<Arc<Pressure>>,
    /// The request that it answers.
    _request: Request,
}

impl Paced {
    pub(super) fn new(body: ReplyBody, pressure: Option<Arc<Pressure>>, request: Request) -> Self {
        Self { body, pressure, _request: request }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { body, pressure, .. } = self.get_mut();
        if let Some(pressure) = pressure {
            ready!(pressure.poll_low(cx));
        }
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if let (Some(pressure), Some(Ok(frame))) = (pressure, &frame) {
            pressure.handed(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::lull::UnderWay;

    #[test]
    fn a_body_waits_until_less_than_much_waits_for_its_client() {
        let pressure = Arc::new(Pressure::default());
        let body = ReplyBody::Whole(Bytes::from(vec![b'x'; 3 * 64 * 1024]));
        let mut paced = Paced::new(body, Some(Arc::clone(&pressure)), UnderWay::default().begin());
        let mut cx = Context::from_waker(Waker::noop());
        let mut length = || match Pin::new(&mut paced).poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => frame.data_ref().map(Bytes::len),
            _ => None,
        };
        let first = length().expect("a frame while nothing waits");
        assert_eq!(length(), None);
        pressure.left(first - MUCH);
        assert_eq!(length(), None, "as much as that is too much");
        pressure.left(1);
        assert!(length().is_some());
        // A head leaves too, and is in nobody's count.
        pressure.left(usize::MAX);
        assert!(length().is_some());
    }
}
