//! Where what is in force comes from: files, and what the command line says over them.

use std::path::PathBuf;
use std::sync::Arc;

use grammar::budget::Meter;
use grammar::config::{self, Config, KeyRef, Providers, RedisUrl};
use rustls::ServerConfig;
use serde_json::Value;

use super::told::Refused;
use crate::access::Access;
use crate::clock::Clock;
use crate::commons::Commons;
use crate::error::Error;
use crate::gateway::Gateway;
use crate::packs::{self, Loaded, Pack};
use crate::route::{Router, read_key};
use crate::secret::Secret;
use crate::tls;

/// Shortest token of an operator: below, it could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Everything that stays as it is from start to end.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The layers of the configuration.
    pub(crate) files: Vec<PathBuf>,
    /// The providers that take the place of the configuration's.
    pub(crate) providers: Option<Providers>,
    /// An address that replaces those of all targets.
    pub(crate) upstream: Option<String>,
    /// How many requests may be under way, in place of what the configuration says.
    pub(crate) max_concurrency: Option<u32>,
    /// What the router tells the time by.
    pub(crate) clock: Clock,
}

/// What was read and is ready to take over.
pub(crate) struct Fresh {
    pub(crate) pack: Arc<Pack>,
    pub(crate) access: Access,
    pub(crate) router: Router,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) admin_token: Option<Secret>,
    pub(crate) warnings: Vec<Value>,
}

impl Source {
    /// The router of a configuration, in place of the one that runs.
    fn router(&self, config: &Config, before: Option<&Router>) -> Result<Router, Error> {
        let mut providers = self.providers.as_ref().unwrap_or(&config.providers).clone();
        providers.max_concurrency = self.max_concurrency.or(config.providers.max_concurrency);
        let router = Router::after(&providers, self.upstream.as_deref(), self.clock.clone(), before)?;
        warn_of(&router);
        Ok(router)
    }

    /// Reads and compiles the files; says too which files that were.
    pub(super) fn read(&self, before: &Gateway) -> (Vec<PathBuf>, Result<Fresh, Refused>) {
        if self.files.is_empty() {
            let sentence = "there is no configuration file to read: the gateway was started without one";
            return (Vec::new(), Err(Refused::because(sentence)));
        }
        match packs::apart(|| packs::load(&self.files)) {
            Ok(loaded) => (files_read(&loaded, before), self.made(loaded, before)),
            Err(sentence) => (files_of(&before.pack), Err(Refused::because(sentence))),
        }
    }

    fn made(&self, loaded: Loaded, before: &Gateway) -> Result<Fresh, Refused> {
        let Loaded { pack, diagnostics, sources, .. } = loaded;
        let Some(pack) = pack else { return Err(Refused::of(&diagnostics, &sources)) };
        let fresh = self.fresh(pack, before.commons.as_ref(), Some(before));
        let fresh = fresh.map_err(|error| Refused::because(error.to_string()))?;
        let warnings = diagnostics.iter().map(|found| packs::as_json(found, &sources)).collect();
        Ok(Fresh { warnings, ..fresh })
    }

    /// Everything that follows from a pack, in place of what runs.
    pub(crate) fn fresh(
        &self,
        pack: Arc<Pack>,
        commons: Option<&Arc<Commons>>,
        before: Option<&Gateway>,
    ) -> Result<Fresh, Error> {
        let access =
            Access::new(&pack.config.access, &self.clock, commons, before.map(|before| &before.access));
        let router = self.router(&pack.config, before.map(|before| &before.router))?;
        let tls = pack.config.tls.as_ref().map(tls::server).transpose()?;
        let admin_token = admin_token(&pack.config)?;
        warn_unpriced(&pack, &router);
        Ok(Fresh { pack, access, router, tls, admin_token, warnings: Vec::new() })
    }
}

/// The token that operators bring, where one is asked for.
fn admin_token(config: &Config) -> Result<Option<Secret>, Error> {
    let token = config.admin.token.as_ref().map(read_key).transpose();
    let token =
        token.map_err(|reason| Error::new(format!("`admin.token_ref` leads to no token: {reason}")))?;
    match token {
        Some(token) if token.len() < SHORTEST_TOKEN => Err(Error::new(format!(
            "the operator's token has less than {SHORTEST_TOKEN} bytes; make one with `openssl rand -hex 32`"
        ))),
        token => Ok(token),
    }
}

/// Says what loading could not know; what it knew is among the configuration's own warnings.
fn warn_of(router: &Router) {
    for target in router.targets() {
        if let Some(reason) = target.unavailable() {
            tracing::warn!(target_id = target.id, "the target is left out: {reason}");
        }
    }
}

/// Says which targets a budget of money keeps requests from: without a price nobody knows what they cost.
fn warn_unpriced(pack: &Pack, router: &Router) {
    let keys = pack.config.access.keys.iter().filter_map(|key| key.budget);
    let mut meters = pack.program.meters().into_iter().chain(keys.flat_map(|budget| budget.meters()));
    if !meters.any(|meter| meter == Meter::Cost) {
        return;
    }
    for target in router.targets().iter().filter(|target| target.pricing.is_none()) {
        let next = "requests that a budget counts in money never go there; give it its `pricing`";
        tracing::warn!(target_id = target.id, next, "the target has no price");
    }
}

/// The files that a pack depends on: its texts, and the files that it names.
pub(super) fn files_of(pack: &Pack) -> Vec<PathBuf> {
    pack.files.iter().cloned().chain(named(&pack.config)).collect()
}

/// The same of what was loaded. When that is not in force, also those of what is: a file that was taken away may come
/// back.
fn files_read(loaded: &Loaded, before: &Gateway) -> Vec<PathBuf> {
    let known = if loaded.pack.is_none() { files_of(&before.pack) } else { Vec::new() };
    let named = loaded.config.iter().flat_map(|config| {
        let place = |at| PathBuf::from(loaded.sources.place(at).file);
        let keys = config.access.keys.iter().flat_map(|key| &key.policies);
        let rules = config.policies.chain.iter().chain(keys).filter(|entry| entry.value.ends_with(".ktr"));
        let rules = rules.map(|entry| packs::beside(&place(entry.span), &entry.value));
        rules.chain(named(config)).collect::<Vec<_>>()
    });
    packs::files(&loaded.sources).into_iter().chain(named).chain(known).collect()
}

/// The files that a configuration names for their contents.
fn named(config: &Config) -> Vec<PathBuf> {
    let redis = config.state.redis.iter().filter_map(|redis| match &redis.url {
        RedisUrl::Key(key) => Some(key),
        RedisUrl::Plain(_) => None,
    });
    let targets = || config.providers.targets.iter();
    let proxies = targets().map(|target| &target.proxy).chain([&config.providers.proxy]).flatten();
    let keys = targets()
        .filter_map(|target| target.key.as_ref())
        .chain(proxies.filter_map(|proxy| proxy.key.as_ref()))
        .chain(&config.admin.token)
        .chain(redis);
    let file = |key: &KeyRef| match key {
        KeyRef::Env(_) => None,
        KeyRef::File(path) => Some(PathBuf::from(&path.value)),
    };
    let tls = config.tls.iter().flat_map(config::ServerTls::files);
    let own = targets().filter_map(|target| target.tls.as_ref()).flat_map(config::TargetTls::files);
    let shared =
        config.state.redis.iter().filter_map(|redis| redis.tls.as_ref()).flat_map(config::TargetTls::files);
    let tls = tls.chain(own).chain(shared).map(PathBuf::from);
    keys.filter_map(file).chain(tls).collect()
}
