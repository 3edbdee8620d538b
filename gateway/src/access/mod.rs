//! Who may come in: addresses, keys, how often, and which web pages may read the answer.

mod address;
mod cors;
mod keys;
mod rates;
mod table;

use std::net::IpAddr;
use std::sync::Arc;

use engine::input::Request;
use grammar::config::{self, ClientKey, Cors, SizeLimits};
use hyper::header::HeaderMap;
use hyper::{Method, Response};
use ipnet::IpNet;

use crate::body::ReplyBody;
use crate::clock::Clock;
use crate::wire::Fault;
pub(crate) use keys::CHOOSING;
use rates::Rates;
pub(crate) use rates::{Reservation, is_own_limit};

/// What is asked of clients.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<Arc<ClientKey>>,
    rates: Rates,
    cors: Option<Cors>,
    allowlist: Option<Vec<IpNet>>,
    trusted_proxies: Vec<IpNet>,
    pub(crate) sizes: SizeLimits,
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

    /// Whether a model may be told of.
    pub(crate) fn may_ask_for(&self, model: &str) -> bool {
        self.key.as_ref().is_none_or(|key| keys::is_allowed(key, model))
    }
}

impl Access {
    /// In place of what was asked before, if there was something: what counts against a limit that is the same goes on
    /// to count.
    pub(crate) fn new(config: &config::Access, clock: &Clock, before: Option<&Self>) -> Self {
        Self {
            keys: config.keys.iter().cloned().map(Arc::new).collect(),
            rates: Rates::new(&config.rate_limits, clock, before.map(|before| &before.rates)),
            cors: config.cors.clone(),
            allowlist: config.ip_allowlist.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            sizes: config.size_limits,
        }
    }

    /// The client's address: the one that connected, or the one that trusted proxies speak for.
    pub(crate) fn client_ip(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        Some(address::behind(peer?, headers, &self.trusted_proxies))
    }

    /// Whether somebody from that address may come in at all, and so often. Whatever they ask counts, but for what
    /// browsers ask on their own.
    pub(crate) fn admits(&self, ip: Option<IpAddr>, method: &Method) -> Result<(), Fault> {
        match &self.allowlist {
            Some(networks) if !ip.is_some_and(|ip| address::is_in(ip, networks)) => {
                Err(address::not_allowed())
            }
            Some(_) | None if *method == Method::OPTIONS => Ok(()),
            Some(_) | None => self.rates.from(ip),
        }
    }

    /// Whose key a request brings; none where no keys are configured.
    pub(crate) fn key(&self, headers: &HeaderMap) -> Result<Option<Arc<ClientKey>>, Fault> {
        keys::check(&self.keys, headers)
    }

    /// Counts a request of somebody who was let in.
    pub(crate) fn count(&self, caller: &Caller) -> Result<(), Fault> {
        self.rates.with(caller)
    }

    /// Whether the caller may ask for that, and what is reserved for it.
    pub(crate) fn asks(
        &self,
        caller: &Caller,
        request: &Request<'_>,
        headers: &HeaderMap,
    ) -> Result<Option<Reservation>, Fault> {
        if let Some(key) = &caller.key {
            keys::check_models(key, request.model, headers)?;
        }
        self.rates.asks(caller, request)
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
