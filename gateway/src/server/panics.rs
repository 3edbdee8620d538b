//! A defect of the gateway ends the request that met it, and no other; and tells nobody's words on the way.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use hyper::{Response, StatusCode};

use crate::body::ReplyBody;
use crate::reply;
use crate::wire::Fault;

/// The reply, or an error where making it has broken down. What the request had taken is given back by then, and its record
/// is on its way.
pub(super) async fn caught(
    request_id: &str,
    answering: impl Future<Output = Response<ReplyBody>>,
) -> Response<ReplyBody> {
    let mut answering = pin!(answering);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(reply::fault(&broken(), request_id)),
    })
    .await
}

fn broken() -> Fault {
    let message = "the gateway has a defect that this request has met; the process log says where";
    Fault {
        close: true,
        ..Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal_error", message)
    }
}

/// From now on a panic is told by its place alone: its message may quote the text that it broke down over.
pub(super) fn tell_where() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a defect of the gateway; please report it with this place");
    }));
}
