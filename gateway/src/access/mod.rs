//! Who may come in: addresses, keys, how often, and which web pages may read the answer.

mod address;
mod bodies;
mod cors;
mod crowd;
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
use hyper::{Method, Response, StatusCode};
use ipnet::IpNet;
use serde_json::Value;

use crate::body::ReplyBody;
use crate::clock::Clock;
use crate::commons::Commons;
use crate::wire::{Endpoint, Fault};
use bodies::Bodies;
pub(crate) use bodies::{Full, Room};
use crowd::Crowd;
pub(crate) use crowd::Place;
pub(crate) use keys::CHOOSING;
use rates::Rates;
pub(crate) use rates::{Known, Reservation};
use whose::place;

/// What is asked of clients.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<Arc<ClientKey>>,
    rates: Rates,
    /// Requests under way, by the name of their key.
    asking: Crowd<String>,
    /// Connections, by where they come from.
    connected: Crowd<IpAddr>,
    /// What the bodies of requests take.
    bodies: Bodies,
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
            asking: before.map(|before| before.asking.clone()).unwrap_or_default(),
            connected: before.map(|before| before.connected.clone()).unwrap_or_default(),
            bodies: before.map(|before| before.bodies.clone()).unwrap_or_default(),
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

    /// Counts a connection from that address, or says that there are as many as there may be. Nothing is counted of an address
    /// that may have any number: proxies that are trusted speak for many.
    pub(crate) fn connects(&self, peer: IpAddr) -> Result<Option<Place<IpAddr>>, TooMany> {
        match self.sizes.connections_per_ip {
            0 => Ok(None),
            _ if address::is_in(peer, &self.trusted_proxies) => Ok(None),
            most => self.connected.enter(&place(peer.to_canonical()), most).map(Some).ok_or(TooMany),
        }
    }

    /// What a body that begins to arrive takes of what all may take.
    pub(crate) fn room(&self) -> Room {
        let most = usize::try_from(self.sizes.bodies_mb).unwrap_or(usize::MAX);
        self.bodies.begin(most.saturating_mul(1024 * 1024))
    }

    /// Counts a request of that caller as under way, where its key says how many may be at once.
    pub(crate) fn begins(&self, caller: &Caller) -> Result<Option<Place<String>>, Fault> {
        let Some((key, most)) = caller.key.as_ref().and_then(|key| Some((key, key.max_concurrency?))) else {
            return Ok(None);
        };
        self.asking.enter(&key.name.value, most).map(Some).ok_or_else(|| too_many(most))
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

/// As many connections come from an address as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// What somebody is told whose key has as many requests under way as it may.
fn too_many(most: u32) -> Fault {
    let message = format!("{most} requests with this API key are under way, and no more may be at once");
    let fault =
        Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "key_concurrency_limit", message);
    Fault { is_own: true, ..fault }.retry_after(Some("1"))
}
