//! Connections to others, over plain TCP or TLS, in HTTP/1.1 or HTTP/2 as the other side has it.

mod way;

use std::time::Duration;

use bytes::Bytes;
use grammar::config::TargetTls;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::error::Error;
use crate::tls;
pub(crate) use way::Via;
use way::Way;

/// Longest wait for a connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: shorter than what providers' load balancers allow.
const POOL_IDLE: Duration = Duration::from_secs(55);
/// How often a connection of HTTP/2 with requests under way is tried, and how long the other side has to say that it is
/// there: many requests would wait for one that is dead.
const PING: Duration = Duration::from_secs(20);
/// See [`PING`].
const PONG: Duration = Duration::from_secs(10);

/// Most bytes that are read of a connection at once, and most that a head may have: a stream that comes faster than its
/// client takes it would otherwise fill 400 KiB.
const READ: usize = 12 * 1024;

/// Most bytes of a stream of HTTP/2 that the other side may send before they are asked for.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same of a whole connection: as much as 256 streams may, so that those whose clients take nothing leave room for the
/// others.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// A pool of connections.
pub(crate) type Transport = Client<HttpsConnector<Way>, Full<Bytes>>;

/// Connections that are secured in that way, or else in the usual one, and go through that proxy.
pub(crate) fn connect(secured: Option<&TargetTls>, via: Option<&Via>) -> Result<Transport, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client(secured)?)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(Way::new(http, via));
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE);
    builder.http1_max_buf_size(READ);
    builder.http2_initial_stream_window_size(STREAM_WINDOW);
    builder.http2_initial_connection_window_size(CONNECTION_WINDOW);
    builder.http2_keep_alive_interval(PING).http2_keep_alive_timeout(PONG);
    Ok(builder.build(https))
}

/// What caused an error in the end. What stands around it only says which library was at work.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}

/// An error and what caused it: the outermost alone says nothing.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        said.push_str(": ");
        said.push_str(&inner.to_string());
        cause = inner.source();
    }
    said
}
