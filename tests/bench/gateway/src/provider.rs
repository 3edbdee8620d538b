//! A provider that answers at once, and in the way that a request's `model` asks for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Result;

/// Pieces of text in a stream, beside its first chunk and its last ones.
pub(crate) const PIECES: usize = 14;
/// Time from one chunk of a stream to the next, after the first word.
pub(crate) const PACE: Duration = Duration::from_millis(20);
/// The same of the model that speaks quickly.
pub(crate) const QUICK_PACE: Duration = Duration::from_millis(2);
/// The model that answers in the usual pace.
pub(crate) const SMALL: &str = "small";
/// The model that speaks quickly.
pub(crate) const QUICK: &str = "quick";
/// The model whose streams are as long as this, and come as fast as they are taken.
pub(crate) const FLOOD: &str = "flood";
/// Bytes of text in a flood.
const FLOOD_BYTES: usize = 16 * 1024 * 1024;
/// The model whose streams end in a text that may become a match, and then stand still.
pub(crate) const HOLD: &str = "hold";
/// The model whose streams say nothing of what they took.
pub(crate) const UNTOLD: &str = "untold";

/// Words of an answer.
const WORDS: [&str; PIECES] = [
    "The",
    " capital",
    " of",
    " France",
    " is",
    " Paris,",
    " which",
    " lies",
    " on",
    " the",
    " river",
    " Seine",
    " in the north",
    ".",
];

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    model: String,
    #[serde(default)]
    stream: bool,
}

/// Listens on that port of loopback until the process ends.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}

async fn connection(stream: TcpStream) {
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    // Whoever goes away is gone.
    served.await.ok();
}

async fn answer(
    request: Request<Incoming>,
) -> std::result::Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    if request.method() == Method::GET {
        return Ok(json(
            r#"{"object":"list","data":[{"id":"small","object":"model","created":0,"owned_by":"load"},{"id":"quick","object":"model","created":0,"owned_by":"load"}]}"#,
        ));
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let asked = serde_json::from_slice(&body).unwrap_or(Asked { model: String::new(), stream: false });
    if !asked.stream {
        return Ok(json(&whole(&asked.model)));
    }
    let mut reply = Response::new(BoxBody::new(Chunks::of(&asked.model)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(reply)
}

fn json(text: &str) -> Response<BoxBody<Bytes, Infallible>> {
    let mut reply = Response::new(BoxBody::new(Full::new(Bytes::copy_from_slice(text.as_bytes()))));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

fn whole(model: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-load","object":"chat.completion","created":1760000000,"model":"{model}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":29,"completion_tokens":17,"total_tokens":46}}}}"#,
        WORDS.concat()
    )
}

fn chunk(model: &str, choices: &str, usage: &str) -> Bytes {
    Bytes::from(format!(
        "data: {{\"id\":\"chatcmpl-load\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"{model}\",\"choices\":[{choices}]{usage}}}\n\n"
    ))
}

fn delta(model: &str, text: &str) -> Bytes {
    chunk(model, &format!(r#"{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}"#), "")
}

/// Chunks that come at once: who speaks, and two words. Policies let a word go when they see that no match begins with it,
/// which the next one tells: how long that takes to come is not the gateway's doing.
const AT_ONCE: usize = 3;
/// Chunks that come with the last word: the finish, the usage, and the end.
const LAST: usize = 3;

/// A stream: chunks one after the other, in a pace where it has one.
struct Chunks {
    left: std::vec::IntoIter<Bytes>,
    sent: usize,
    pace: Duration,
    next: Pin<Box<Sleep>>,
    /// Whether it ends after its last chunk; else it stands still.
    ends: bool,
}

impl Chunks {
    fn of(model: &str) -> Self {
        let role =
            chunk(model, r#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#, "");
        let finish = chunk(model, r#"{"index":0,"delta":{},"finish_reason":"stop"}"#, "");
        let usage =
            chunk(model, "", r#","usage":{"prompt_tokens":29,"completion_tokens":17,"total_tokens":46}"#);
        let done = Bytes::from_static(b"data: [DONE]\n\n");
        let (texts, pace, ends): (Vec<Bytes>, _, _) = match model {
            FLOOD => {
                let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
                let piece = delta(model, &text);
                (vec![piece; FLOOD_BYTES / text.len()], Duration::ZERO, true)
            }
            HOLD => (held(model), Duration::ZERO, false),
            QUICK => (words(model), QUICK_PACE, true),
            _ => (words(model), PACE, true),
        };
        let told = if model == UNTOLD { vec![finish, done] } else { vec![finish, usage, done] };
        let end = if ends { told } else { Vec::new() };
        let left = [role].into_iter().chain(texts).chain(end).collect::<Vec<_>>().into_iter();
        Self { left, sent: 0, pace, next: Box::pin(sleep_until(Instant::now())), ends }
    }
}

fn words(model: &str) -> Vec<Bytes> {
    WORDS.iter().map(|word| delta(model, word)).collect()
}

/// Some words, and then a long one, which may turn out to be the name in an e-mail address.
fn held(model: &str) -> Vec<Bytes> {
    let name = std::iter::repeat_n(delta(model, "abcdefgh"), 6);
    words(model).into_iter().chain([delta(model, " ")]).chain(name).collect()
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let waits = !this.pace.is_zero() && this.sent >= AT_ONCE && this.left.len() > 0;
        if waits {
            ready!(this.next.as_mut().poll(cx));
        }
        match this.left.next() {
            Some(bytes) => {
                this.sent += 1;
                // What ends the stream comes with its last word.
                if this.left.len() > LAST {
                    this.next.as_mut().reset(Instant::now() + this.pace);
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            None if this.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
