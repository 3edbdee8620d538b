//! A collector of OTLP over HTTP: what goes there is protobuf, and what it answers says whether to send it again.

use std::time::Duration;

use bytes::Bytes;
use grammar::config;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use tokio::time::timeout;

use crate::error::Error;
use crate::route::read_key;
use crate::secret::Secret;
use crate::transport::{self, Transport, cause};

/// Most bytes that are read of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Longest wait that a collector can ask for.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Where OTLP goes.
#[derive(Debug)]
pub(crate) struct Collector {
    transport: Transport,
    address: Uri,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    patience: Duration,
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In our words.
    pub(crate) cause: String,
    /// Whether the same batch may be taken later: the collector has no room, or is not there.
    pub(crate) is_passing: bool,
    /// Whether the batch is too large.
    pub(crate) is_size: bool,
    /// How long the collector wants to be left alone.
    pub(crate) rest: Option<Duration>,
}

impl Collector {
    /// Makes the way to a collector ready; `path` is that of what is sent. Secrets are read now.
    pub(crate) fn new(written: &config::Collector, path: &str) -> Result<Self, Error> {
        let endpoint = written.endpoint.value.as_str();
        let address =
            if endpoint.ends_with(path) { endpoint.to_owned() } else { format!("{endpoint}{path}") };
        let address = address.parse().map_err(|_| Error::new(format!("`{endpoint}` is not an address")))?;
        let (mut headers, mut secrets) = (HeaderMap::new(), Vec::new());
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("kt/", env!("CARGO_PKG_VERSION"))));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        for header in &written.headers {
            let value = match &header.value {
                config::HeaderValue::Plain(text) => HeaderValue::from_str(text).ok(),
                config::HeaderValue::Secret(key) => {
                    let secret = read_key(key).map_err(|reason| {
                        Error::new(format!("the header `{}` has no value: {reason}", header.name))
                    })?;
                    let value = secret.header();
                    secrets.push(secret);
                    value
                }
            };
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok();
            let Some((name, value)) = name.zip(value) else {
                return Err(Error::new(format!("`{}` cannot be a header", header.name)));
            };
            headers.insert(name, value);
        }
        let patience = Duration::from_secs(written.timeout_seconds.into());
        Ok(Self {
            transport: transport::connect(written.tls.as_ref(), None)?,
            address,
            headers,
            secrets,
            patience,
        })
    }

    /// Sends a message; gives what the collector says to it.
    pub(crate) async fn post(&self, message: Vec<u8>) -> Result<Bytes, Refusal> {
        let mut request = Request::new(Full::new(Bytes::from(message)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.address.clone();
        request.headers_mut().extend(self.headers.clone());
        let asked = timeout(self.patience, async {
            let answer = self.transport.request(request).await.map_err(|error| cause(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            Ok::<_, String>((head, body.map(http_body_util::Collected::to_bytes).unwrap_or_default()))
        });
        let (head, body) = match asked.await {
            Err(_) => return Err(self.refusal("did not answer in time".to_owned())),
            Ok(Err(cause)) => return Err(self.refusal(format!("cannot be reached: {cause}"))),
            Ok(Ok(answer)) => answer,
        };
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        let rest = head.headers.get(RETRY_AFTER).and_then(|rest| rest.to_str().ok()?.trim().parse().ok());
        Err(Refusal {
            // These may be sent again, and no others: OTLP, "Failures".
            is_passing: matches!(head.status.as_u16(), 429 | 502 | 503 | 504),
            is_size: head.status == StatusCode::PAYLOAD_TOO_LARGE,
            rest: rest.map(|seconds| Duration::from_secs(seconds).min(LONGEST_REST)),
            ..self.refusal(format!("answered {}", head.status.as_u16()))
        })
    }

    fn refusal(&self, cause: String) -> Refusal {
        let cause = self.secrets.iter().fold(cause, |cause, secret| secret.scrub(cause));
        Refusal { cause, is_passing: true, is_size: false, rest: None }
    }
}
