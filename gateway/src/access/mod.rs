//! Who may come in: addresses, keys, how often, and which web pages may read the answer.

mod address;
mod cors;
mod keys;
mod limiter;
mod rates;
mod shared;
mod table;
mod whose;

use std::net::IpAddr;
use std::sync::Arc;

use engine::input::Request;
use grammar::config::{self, ClientKey, Cors, SizeLimits};
use hyper::header::HeaderMap;
use hyper::{Method, Response};
use ipnet::IpNet;
use serde_json::Value;

use crate::body::ReplyBody;
use crate::clock::Clock;
use crate::commons::Commons;
use crate::wire::{Endpoint, Fault};
pub(crate) use keys::CHOOSING;
use rates::Rates;
pub(crate) use rates::{Known, Reservation};

/// What is asked of clients.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<Arc<ClientKey>>,
    rates: Rates,
    cors: Option<Cors>,
    allowlist: Option<Vec<IpNet>>,
    trusted_proxies: Vec<IpNet>,
    pub(crate) sizes: SizeLimits,
    /// The only hosts that addresses of media may lead to, if there is such a list.
    media_hosts: Option<Vec<String>>,
}

/// Who asks, as far as the head of a request tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) key: Option<Arc<ClientKey>>,
}

impl Caller {
    /// The name of the key.
    pub(crate) fn key_name(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.name.value.as_str())
    }

    /// What the key is marked with.
    pub(crate) fn labels(&self) -> Vec<(&str, &str)> {
        let labels = self.key.iter().flat_map(|key| &key.labels);
        labels.map(|(name, value)| (name.value.as_str(), value.as_str())).collect()
    }

    /// Whether a model may be told of.
    pub(crate) fn may_ask_for(&self, model: &str) -> bool {
        self.key.as_ref().is_none_or(|key| keys::is_allowed(key, model))
    }
}

impl Access {
    /// In place of what was asked before, if there was something: what counts against a limit that is the same goes on
    /// to count.
    pub(crate) fn new(
        config: &config::Access,
        clock: &Clock,
        commons: Option<&Arc<Commons>>,
        before: Option<&Self>,
    ) -> Self {
        Self {
            keys: config.keys.iter().cloned().map(Arc::new).collect(),
            rates: Rates::new(&config.rate_limits, clock, commons, before.map(|before| &before.rates)),
            cors: config.cors.clone(),
            allowlist: config.ip_allowlist.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            sizes: config.size_limits,
            media_hosts: config.media_hosts.clone(),
        }
    }

    /// The client's address: the one that connected, or the one that trusted proxies speak for.
    pub(crate) fn client_ip(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        Some(address::behind(peer?, headers, &self.trusted_proxies))
    }

    /// Whether somebody from that address may come in at all.
    pub(crate) fn admits(&self, ip: Option<IpAddr>) -> Result<(), Fault> {
        match &self.allowlist {
            Some(networks) if !ip.is_some_and(|ip| address::is_in(ip, networks)) => {
                Err(address::not_allowed())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whose key a request brings; none where no keys are configured.
    pub(crate) fn key(&self, headers: &HeaderMap) -> Result<Option<Arc<ClientKey>>, Fault> {
        keys::check(&self.keys, headers)
    }

    /// Counts a request of which so much is known.
    pub(crate) async fn count(&self, caller: &Caller, known: Known) -> Result<(), Fault> {
        self.rates.come(caller, known).await
    }

    /// Whether a request asks for no more answers than it may, and sends its provider nowhere that it may not.
    pub(crate) fn bounds(&self, endpoint: Endpoint, document: &Value) -> Result<(), Fault> {
        endpoint.check_answers(document, self.sizes.choices)?;
        endpoint.check_addresses(document, self.media_hosts.as_deref())
    }

    /// Whether the caller may ask for that, and what is reserved for it.
    pub(crate) async fn asks(
        &self,
        caller: &Caller,
        request: &Request<'_>,
        headers: &HeaderMap,
    ) -> Result<Option<Reservation>, Fault> {
        if let Some(key) = &caller.key {
            keys::check_models(key, request.model, headers)?;
        }
        self.rates.ask(caller, request).await
    }

    /// Tells a browser what its page may read of the reply.
    pub(crate) fn share(&self, method: &Method, headers: &HeaderMap, reply: &mut Response<ReplyBody>) {
        if let Some(cors) = &self.cors {
            cors::share(cors, method, headers, reply);
        }
    }

    /// The names of the keys.
    pub(crate) fn key_names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.name.value.as_str())
    }
}
