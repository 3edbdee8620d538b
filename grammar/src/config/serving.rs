//! How the gateway itself is served, and how it speaks to providers: TLS, a proxy, the operator's address, and taking up
//! changes of the files.

use super::KeyRef;
use crate::span::Spanned;

/// `admin:`.
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// Where the token is that the operator's address asks for.
    pub token: Option<KeyRef>,
}

/// `reload:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Whether the gateway looks for changes of the files by itself.
    pub watch: bool,
    /// Time between two looks, in milliseconds.
    pub interval_ms: u32,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: false, interval_ms: 1000 }
    }
}

/// `tls:`, for the gateway's clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// What the gateway shows.
    pub identity: Identity,
    /// The file of the authorities of clients; when there is one, a client must show a certificate of theirs.
    pub client_ca: Option<Spanned<String>>,
}

/// `providers.targets[].tls:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetTls {
    /// The file of the only authorities that are trusted, in place of the usual ones.
    pub ca: Option<Spanned<String>>,
    /// What the gateway shows to the provider.
    pub identity: Option<Identity>,
}

/// `providers.proxy:`: whom the gateway asks for connections to providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Where it is, as `http://host:port`.
    pub url: Spanned<String>,
    /// Where `user:password` for it comes from.
    pub key: Option<KeyRef>,
    /// Hosts that are spoken to without it: names, with all below them; addresses; networks.
    pub no_proxy: Vec<Spanned<String>>,
}

/// A certificate, and the key that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file of the certificate, with those between it and its authority.
    pub cert: Spanned<String>,
    /// The file of its key.
    pub key: Spanned<String>,
}

impl ServerTls {
    /// All files that it names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.identity.files().chain(self.client_ca.iter().map(|path| path.value.as_str()))
    }
}

impl TargetTls {
    /// All files that it names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let identity = self.identity.iter().flat_map(Identity::files);
        self.ca.iter().map(|path| path.value.as_str()).chain(identity)
    }
}

impl Identity {
    fn files(&self) -> impl Iterator<Item = &str> {
        [&self.cert, &self.key].into_iter().map(|path| path.value.as_str())
    }
}
