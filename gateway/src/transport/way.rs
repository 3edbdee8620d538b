//! The way to a provider's machine: straight, or through a proxy that is asked for a connection and sees no more of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use grammar::config::Proxy;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::error::Error;
use crate::route::read_key;

/// Opens connections.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// To the machine itself.
    Straight(HttpConnector),
    /// By `CONNECT`.
    Tunnel(Tunnel<HttpConnector>),
}

/// A proxy that is ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    address: Uri,
    /// What it is shown; it shows nowhere else.
    credentials: Option<HeaderValue>,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Via {
    /// The proxy on the way to that address, if there is one.
    pub(crate) fn to(address: &Uri, proxy: Option<&Proxy>) -> Result<Option<Self>, Error> {
        let Some(proxy) = proxy else { return Ok(None) };
        let hosts: Vec<_> = proxy.no_proxy.iter().map(|host| host.value.as_str()).collect();
        let matcher = Matcher::builder().all(proxy.url.value.as_str()).no(hosts.join(",")).build();
        let Some(met) = matcher.intercept(address) else { return Ok(None) };
        let credentials = match &proxy.key {
            None => None,
            Some(key) => {
                let key =
                    read_key(key).map_err(|reason| Error::new(format!("the key of the proxy: {reason}")))?;
                key.basic()
            }
        };
        Ok(Some(Self { address: met.uri().clone(), credentials }))
    }
}

impl Way {
    pub(super) fn new(http: HttpConnector, via: Option<&Via>) -> Self {
        let Some(via) = via else { return Self::Straight(http) };
        let tunnel = Tunnel::new(via.address.clone(), http);
        Self::Tunnel(match &via.credentials {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        })
    }
}

impl Service<Uri> for Way {
    type Response = TokioIo<TcpStream>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failed>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        match self {
            Self::Straight(http) => http.poll_ready(cx).map_err(Failed::from),
            Self::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Failed::from),
        }
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        match self {
            Self::Straight(http) => {
                let connecting = http.call(host);
                Box::pin(async move { connecting.await.map_err(Failed::from) })
            }
            Self::Tunnel(tunnel) => {
                let connecting = tunnel.call(host);
                Box::pin(async move {
                    connecting.await.map_err(|error| Failed::from(format!("the proxy: {error}")))
                })
            }
        }
    }
}
