//! A target ready to use: where it is, what opens it, and whether it can be asked.

use std::sync::Arc;
use std::time::Duration;

use grammar::config::{self, DataPolicy, KeyRef, Pricing, Retry};
use hyper::Uri;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::breaker::{Position, Refusal};
use super::fields;
use super::own::Own;
use super::probe::Probe;
use super::vitals::Vitals;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::Endpoint;

/// A provider's model behind an address.
#[derive(Debug)]
pub struct Target {
    /// Unique name.
    pub id: String,
    /// Name of the provider.
    pub provider: String,
    /// The model sent upstream; the client's own when absent.
    pub model: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Share of traffic.
    pub weight: f64,
    /// USD per million tokens.
    pub pricing: Option<Pricing>,
    /// What the provider promises about what it is sent.
    pub data_policy: DataPolicy,
    /// Longest time for a whole answer.
    pub timeout: Duration,
    /// Longest wait for each event of a stream.
    pub stream_timeout: Duration,
    /// Longest time for the whole of a stream.
    pub max_stream: Duration,
    /// When it is asked again.
    pub retry: Retry,
    /// Fields that the operator leaves out of requests.
    drop_params: Vec<String>,
    /// The same, and what the provider does not take in a chat.
    dropped_of_chats: Vec<String>,
    endpoints: Endpoints,
    pub(super) probe: Option<Probe>,
    own: Option<Own>,
    key: Option<Secret>,
    unavailable: Option<String>,
    vitals: Arc<Vitals>,
}

impl Target {
    /// Makes a target ready. A key that is missing makes it unavailable, not the gateway; `upstream` replaces its
    /// address.
    pub fn prepare(written: &config::Target, upstream: Option<&str>) -> Result<Self, Error> {
        let base = upstream.unwrap_or(&written.base_url.value);
        let (key, unavailable) = match written.key.as_ref().map(read_key) {
            None => (None, None),
            Some(Ok(key)) => (Some(key), None),
            Some(Err(reason)) => (None, Some(reason)),
        };
        let place = match upstream {
            Some(_) => "`--upstream`".to_owned(),
            None => format!("the `base_url` of target `{}`", written.id.value),
        };
        let endpoints = Endpoints::below(base, &place)?;
        Ok(Self {
            id: written.id.value.clone(),
            provider: written.provider.clone(),
            model: written.model.clone(),
            description: written.description.clone(),
            weight: written.weight,
            pricing: written.pricing,
            data_policy: written.data_policy,
            timeout: Duration::from_secs(written.timeout_seconds),
            stream_timeout: Duration::from_secs(written.stream_timeout_seconds),
            max_stream: Duration::from_secs(written.max_stream_seconds),
            retry: written.retry.clone().unwrap_or_default(),
            drop_params: fields::unwanted(written),
            dropped_of_chats: fields::left_out_of_chats(written),
            own: own(written, &endpoints.models)?,
            endpoints,
            probe: probe(written, base)?,
            key,
            unavailable,
            vitals: Arc::new(Vitals::new(written.circuit_breaker.unwrap_or_default())),
        })
    }

    /// Why it cannot be asked, if so.
    pub fn unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// Why it is not to be asked now, if so.
    pub(super) fn refusal(&self, now: Duration) -> Option<Refusal> {
        let lasting = self.unavailable.clone().map(|why| Refusal { why, back_in: None });
        lasting.or_else(|| self.vitals.refusal(now))
    }

    /// The same for people.
    pub(crate) fn why_not(&self, now: Duration) -> Option<String> {
        self.refusal(now).map(|refusal| refusal.why)
    }

    /// Whether the last request got through to it, and neither its breaker nor its probes say otherwise.
    pub(crate) fn is_reachable(&self, now: Duration) -> bool {
        let is_open = self.vitals.position(now) == Position::Open;
        self.unavailable.is_none() && self.vitals.is_reached() && self.vitals.is_well() && !is_open
    }

    /// Where chat requests go.
    pub fn address(&self) -> String {
        self.endpoint(Endpoint::Chat).to_string()
    }

    /// The host that is asked.
    pub(crate) fn host(&self) -> Option<&str> {
        self.endpoints.chat.host()
    }

    /// Its port.
    pub(crate) fn port(&self) -> Option<u16> {
        let usual = if self.endpoints.chat.scheme_str() == Some("http") { 80 } else { 443 };
        Some(self.endpoints.chat.port_u16().unwrap_or(usual))
    }

    /// Where requests to an endpoint go.
    pub(super) fn endpoint(&self, endpoint: Endpoint) -> &Uri {
        match endpoint {
            Endpoint::Chat => &self.endpoints.chat,
            Endpoint::Completions => &self.endpoints.completions,
            Endpoint::Embeddings => &self.endpoints.embeddings,
            Endpoint::Responses => &self.endpoints.responses,
        }
    }

    /// Where it lists its models.
    pub(super) fn models(&self) -> &Uri {
        &self.endpoints.models
    }

    /// The fields that are left out of requests to an endpoint.
    pub(crate) fn dropped(&self, endpoint: Endpoint) -> &[String] {
        match endpoint {
            Endpoint::Chat => &self.dropped_of_chats,
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Responses => &self.drop_params,
        }
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// The text without this target's key.
    pub(crate) fn scrub(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.scrub(text),
            None => text,
        }
    }

    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.key.as_ref().and_then(Secret::bearer)
    }

    /// Whether it is probed.
    pub(crate) fn is_probed(&self) -> bool {
        self.probe.is_some()
    }

    /// The same target with what is known of the one before it, if nothing has changed that this depends on: where
    /// requests go, with which key, to which model, and what is made of how they end.
    pub(super) fn after(self, before: &Self) -> Self {
        let is_same = self.id == before.id
            && self.endpoints == before.endpoints
            && self.key == before.key
            && self.model == before.model
            && self.probe == before.probe
            && self.is_reached_like(before)
            && self.vitals.breaker_settings() == before.vitals.breaker_settings();
        if is_same {
            Self { vitals: Arc::clone(&before.vitals), own: before.own.clone(), ..self }
        } else {
            self
        }
    }

    fn is_reached_like(&self, before: &Self) -> bool {
        match (&self.own, &before.own) {
            (Some(now), Some(before)) => now.is_like(before),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Connections of its own, where it has some.
    pub(super) fn own(&self) -> Option<&Own> {
        self.own.as_ref()
    }

    /// What is known of it while the gateway runs.
    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

fn own(written: &config::Target, models: &Uri) -> Result<Option<Own>, Error> {
    Own::of(written, models).map_err(|error| Error::new(format!("target `{}`: {error}", written.id.value)))
}

fn probe(written: &config::Target, base: &str) -> Result<Option<Probe>, Error> {
    let Some(settings) = written.health_probe.clone().filter(|settings| settings.enabled) else {
        return Ok(None);
    };
    let place = format!("the address of the `health_probe` of target `{}`", written.id.value);
    let address = address(base, settings.path.trim_start_matches('/'), &place)?;
    Ok(Some(Probe { settings, address }))
}

/// Reads a key from where the configuration says it is; the error is the rest of a sentence.
pub(crate) fn read_key(key: &KeyRef) -> Result<Secret, String> {
    let (written, place) = match key {
        KeyRef::Env(name) => {
            let value = std::env::var(&name.value).map_err(|_| format!("`{}` is not set", name.value))?;
            (Zeroizing::new(value), format!("`{}`", name.value))
        }
        KeyRef::File(path) => {
            let value = std::fs::read_to_string(&path.value)
                .map_err(|e| format!("the key file `{}` cannot be read: {e}", path.value))?;
            (Zeroizing::new(value), format!("the key file `{}`", path.value))
        }
    };
    let secret = Secret::new(&written).ok_or_else(|| format!("{place} is empty"))?;
    secret.bearer().map(|_| secret).ok_or_else(|| format!("{place} holds characters that no key has"))
}

/// The addresses below that of a target, made once.
#[derive(Debug, PartialEq, Eq)]
struct Endpoints {
    chat: Uri,
    completions: Uri,
    embeddings: Uri,
    responses: Uri,
    models: Uri,
}

impl Endpoints {
    fn below(base: &str, place: &str) -> Result<Self, Error> {
        let of = |endpoint: Endpoint| address(base, endpoint.path(), place);
        Ok(Self {
            chat: of(Endpoint::Chat)?,
            completions: of(Endpoint::Completions)?,
            embeddings: of(Endpoint::Embeddings)?,
            responses: of(Endpoint::Responses)?,
            models: address(base, "models", place)?,
        })
    }
}

fn address(base: &str, path: &str, place: &str) -> Result<Uri, Error> {
    let base = base.trim_end_matches('/');
    let wrong = |what: &str| {
        Error::new(format!("{place} {what}; write it like `https://api.fireworks.ai/inference/v1`"))
    };
    let uri: Uri = format!("{base}/{path}").parse().map_err(|_| wrong("is not an address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("must start with `https://` or `http://`"));
    }
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return Err(wrong("must name a host, and no user or password"));
    }
    if uri.query().is_some() {
        return Err(wrong("must have no `?` part"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    #[test]
    fn the_address_is_made_once() {
        let target = Target::prepare(&kit::target("a", "https://h.example/v1/"), None).unwrap();
        assert_eq!(target.address(), "https://h.example/v1/chat/completions");
        let target =
            Target::prepare(&kit::target("a", "https://h.example/v1"), Some("http://127.0.0.1:9")).unwrap();
        assert_eq!(target.address(), "http://127.0.0.1:9/chat/completions");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_told() {
        for base in ["ftp://h/v1", "/v1", "https://u:p@h/v1", "https://h/v1?x=1", "not an address"] {
            let error = Target::prepare(&kit::target("a", base), None).unwrap_err();
            assert!(error.to_string().contains("target `a`"), "{base}");
        }
    }

    #[test]
    fn a_missing_key_makes_the_target_unavailable() {
        let mut written = kit::target("a", "https://h/v1");
        written.key = Some(KeyRef::Env(kit::spanned("KT_NO_SUCH_KEY".into())));
        let target = Target::prepare(&written, None).unwrap();
        assert_eq!(target.unavailable(), Some("`KT_NO_SUCH_KEY` is not set"));
        assert!(!target.is_reachable(Duration::ZERO));
    }

    #[test]
    fn a_key_from_a_file_shows_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "fw_canary\n").unwrap();
        let mut written = kit::target("a", "https://h/v1");
        written.key = Some(KeyRef::File(kit::spanned(path.display().to_string())));
        let target = Target::prepare(&written, None).unwrap();
        assert_eq!(target.authorization().unwrap(), "Bearer fw_canary");
        assert!(!format!("{target:?}").contains("canary"));
    }
}
