//! A provider inside the gateway: it speaks Fireworks' dialect on a loopback port, so that policies can be seen at
//! work without a key or a network.

mod fields;
mod form;
mod script;
mod stream;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use grammar::config::{DataPolicy, Providers, Strategy, Target};
use grammar::span::{Span, Spanned};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use script::Turn;
use stream::Typing;

use crate::error::Error;
use crate::wire::{Endpoint, json};

/// The model that the demo pretends to be.
pub(crate) const MODEL: &str = "accounts/fireworks/models/kt-demo";

/// Most bytes of a request; the gateway has checked already.
const MAX_BODY: usize = 16 * 1024 * 1024;

type Reply = Response<BoxBody<Bytes, Infallible>>;

/// The embedded provider; it ends with this value.
#[derive(Debug)]
pub(crate) struct Demo {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Demo {
    /// Listens on a free loopback port.
    pub(crate) async fn start() -> Result<Self, Error> {
        let sorry =
            |e: std::io::Error| Error::new(format!("the demo provider cannot listen on loopback: {e}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(sorry)?;
        let address = listener.local_addr().map_err(sorry)?;
        Ok(Self { address, task: tokio::spawn(serve(listener)) })
    }

    /// The providers that the configuration would have named.
    pub(crate) fn providers(&self) -> Providers {
        let place = Span::default();
        let target = Target {
            id: Spanned::new("demo".to_owned(), place),
            provider: "demo".to_owned(),
            model: Some(MODEL.to_owned()),
            base_url: Spanned::new(format!("http://{}/inference/v1", self.address), place),
            key: None,
            allow_insecure: false,
            timeout_seconds: 60,
            stream_timeout_seconds: 60,
            max_stream_seconds: 3600,
            description: Some("the provider inside kt".to_owned()),
            weight: 1.0,
            pricing: None,
            health_probe: None,
            retry: None,
            circuit_breaker: None,
            drop_params: Vec::new(),
            data_policy: DataPolicy::default(),
            tls: None,
            proxy: None,
        };
        let strategy = Some(Spanned::new(Strategy::Single, place));
        Providers { strategy, targets: vec![target], ..Providers::default() }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>) -> Reply {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/inference/v1/models") => {
            let model = json!({"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"});
            reply(StatusCode::OK, &json!({"object": "list", "data": [model]}))
        }
        (&Method::POST, path) => {
            let page = path.strip_prefix("/inference/v1/").unwrap_or_default();
            match Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == page) {
                Some(endpoint) => speak(endpoint, request).await,
                None => refuse(StatusCode::NOT_FOUND, "Path not found"),
            }
        }
        _ => refuse(StatusCode::NOT_FOUND, "Path not found"),
    }
}

async fn speak(endpoint: Endpoint, request: Request<Incoming>) -> Reply {
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large");
    };
    let document = match json::parse(&body.to_bytes()) {
        Ok(document) => document,
        Err(flaw) => return refuse(StatusCode::BAD_REQUEST, &flaw.to_string()),
    };
    if let Some(field) = fields::unknown(endpoint, &document) {
        return refuse(StatusCode::BAD_REQUEST, &format!("Extra inputs are not permitted, field: '{field}'"));
    }
    let in_pieces = document.get("stream").and_then(Value::as_bool) == Some(true);
    match (endpoint, in_pieces) {
        (Endpoint::Chat, true) => stream(Typing::chat(&Turn::of_chat(&document))),
        (Endpoint::Chat, false) => reply(StatusCode::OK, &form::chat(&Turn::of_chat(&document))),
        (Endpoint::Completions, true) => stream(Typing::completion(&document)),
        (Endpoint::Completions, false) => reply(StatusCode::OK, &form::completion(&document)),
        (Endpoint::Embeddings, _) => reply(StatusCode::OK, &form::vectors(&document)),
        (Endpoint::Responses, true) => stream(Typing::response(&Turn::of_items(&document), &document)),
        (Endpoint::Responses, false) => {
            reply(StatusCode::OK, &form::response(&Turn::of_items(&document), &document, true))
        }
    }
}

fn stream(typing: Typing) -> Reply {
    let mut reply = Response::new(typing.boxed());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    reply
}

fn refuse(status: StatusCode, message: &str) -> Reply {
    let code = "invalid_request_error";
    reply(status, &json!({"error": {"object": "error", "type": code, "code": code, "message": message}}))
}

fn reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(json::line(body).into_owned())).boxed());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
