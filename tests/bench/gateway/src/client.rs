//! One connection of a client, and what an exchange over it took.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::Result;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An answer in one piece.
    Whole,
    /// A stream.
    Stream,
}

/// Where requests go, and what they bring.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) port: u16,
    /// Of a gateway.
    pub(crate) port_of_operator: u16,
    pub(crate) headers: HeaderMap,
}

/// What one exchange took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Took {
    /// To the last byte.
    pub(crate) all: Duration,
    /// To the first word of a stream.
    pub(crate) first: Duration,
    /// From each event to the next.
    pub(crate) gaps: Vec<Duration>,
    /// Events.
    pub(crate) events: usize,
}

/// A connection that is kept.
pub(crate) struct Client {
    place: Place,
    sender: SendRequest<Full<Bytes>>,
}

impl Place {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, port_of_operator: 0, headers: HeaderMap::new() }
    }

    /// With a header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Result<Self> {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        Ok(self)
    }

    /// A request.
    pub(crate) fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(HOST, HeaderValue::from_str(&format!("127.0.0.1:{}", self.port))?);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }
}

/// A small chat.
pub(crate) fn chat(model: &str, kind: Kind) -> Bytes {
    let stream = match kind {
        Kind::Whole => "",
        Kind::Stream => r#","stream":true,"stream_options":{"include_usage":true}"#,
    };
    Bytes::from(format!(
        r#"{{"model":"{model}","messages":[{{"role":"system","content":"You answer in one sentence."}},{{"role":"user","content":"What is the capital of France, and which river does it lie on?"}}],"temperature":0.2,"max_tokens":64{stream}}}"#
    ))
}

impl Client {
    pub(crate) async fn connect(place: &Place) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", place.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { place: place.clone(), sender })
    }

    /// Sends a request; gives the reply as soon as its head is there.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let request = self.place.request(method, path, body)?;
        self.sender.ready().await?;
        Ok(timeout(PATIENCE, self.sender.send_request(request)).await??)
    }

    /// One exchange, to its end.
    pub(crate) async fn exchange(&mut self, kind: Kind, body: &Bytes) -> Result<Took> {
        let began = Instant::now();
        let reply = self.send(Method::POST, "/v1/chat/completions", body.clone()).await?;
        let status = reply.status();
        if status != StatusCode::OK {
            let body = reply.into_body().collect().await?.to_bytes();
            return Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        let took = timeout(PATIENCE, read(began, reply.into_body())).await??;
        match kind {
            Kind::Stream if took.events < 2 => Err("a stream without events".into()),
            Kind::Whole | Kind::Stream => Ok(took),
        }
    }
}

async fn read(began: Instant, mut body: Incoming) -> Result<Took> {
    let (mut took, mut last, mut before) = (Took::default(), None::<Instant>, 0);
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        let now = Instant::now();
        let events = ends(&bytes, &mut before);
        if events > 0 {
            took.gaps.extend(last.map(|last| now - last));
            last = Some(now);
        }
        if took.first.is_zero() && says_something(&bytes) {
            took.first = now - began;
        }
        took.events += events;
    }
    took.all = began.elapsed();
    Ok(took)
}

/// Whether a chunk has text in it.
fn says_something(bytes: &[u8]) -> bool {
    const TEXT: &[u8] = br#""content":""#;
    bytes.windows(TEXT.len() + 1).any(|window| window.starts_with(TEXT) && !window.ends_with(b"\""))
}

/// How many events end in those bytes: each at an empty line.
fn ends(bytes: &[u8], before: &mut u8) -> usize {
    let mut ends = 0;
    for byte in bytes {
        ends += usize::from(*byte == b'\n' && *before == b'\n');
        *before = *byte;
    }
    ends
}
