//! Reads a request's body whole, before anything is sent anywhere, within its limits.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{EXPECT, HeaderMap};
use tokio::time::{Instant, timeout};

use super::limits::{BODY_MIN_RATE, LINGER, LINGER_IDLE, Times};
use crate::access::{Full, Room};
use crate::wire::Fault;

/// The whole body, of no more than so many KiB, and of no more than there is room for.
pub(crate) async fn read(
    mut body: Incoming,
    headers: &HeaderMap,
    most_kb: u32,
    room: &mut Room,
    times: &Times,
) -> Result<Bytes, Fault> {
    let most = usize::try_from(most_kb).unwrap_or(usize::MAX).saturating_mul(1024);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let is_possible = match announced > most {
        true => Err(too_large(most_kb)),
        false => room.has(announced).map_err(no_room),
    };
    if let Err(fault) = is_possible {
        discard(body, headers).await;
        return Err(fault);
    }
    let began = Instant::now();
    let mut whole = BytesMut::with_capacity(announced.min(64 * 1024));
    // A body whose length was announced is whole with its last byte; that it has ended is told later.
    while !body.is_end_stream()
        && let Some(frame) = timeout(times.body_idle, body.frame()).await.map_err(|_| too_slow())?
    {
        let frame = frame.map_err(|_| broken())?;
        let Ok(bytes) = frame.into_data() else { continue };
        let fits = match whole.len() + bytes.len() > most {
            true => Err(too_large(most_kb)),
            false => room.take(bytes.len()).map_err(no_room),
        };
        if let Err(fault) = fits {
            // What is there already makes room for others at once.
            drop(whole);
            room.keep(0);
            linger(body).await;
            return Err(fault);
        }
        whole.extend_from_slice(&bytes);
        let earned = (whole.len() as u64) / BODY_MIN_RATE;
        if began.elapsed() > times.body_grace + std::time::Duration::from_secs(earned) {
            return Err(too_slow());
        }
    }
    Ok(whole.freeze())
}

/// Lets go of a body that nobody has asked for yet. A client that waits to be asked for it, is not.
pub(crate) async fn discard(body: Incoming, headers: &HeaderMap) {
    let waits =
        headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !waits {
        linger(body).await;
    }
}

/// Takes what is on its way for a moment: a socket closed on unread bytes is reset, and the client would never
/// read why it was refused.
async fn linger(mut body: Incoming) {
    let until = Instant::now() + LINGER;
    while !body.is_end_stream()
        && Instant::now() < until
        && let Ok(Some(Ok(_))) = timeout(LINGER_IDLE, body.frame()).await
    {}
}

fn too_large(most_kb: u32) -> Fault {
    let message = match most_kb % 1024 {
        0 => format!("the body is larger than {} MiB", most_kb / 1024),
        _ => format!("the body is larger than {most_kb} KiB"),
    };
    Fault::refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// All bodies together are as much as they may be.
fn no_room(_: Full) -> Fault {
    let message = "the bodies of the requests that are under way take all the room that there is for them";
    let fault = Fault::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "no_room_for_body", message);
    Fault { close: true, is_own: true, ..fault }.retry_after(Some("1"))
}

fn too_slow() -> Fault {
    Fault::refused(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time")
}

fn broken() -> Fault {
    Fault::refused(StatusCode::BAD_REQUEST, "body_broken", "the body broke off before its end")
}
