//! What is unsafe or cannot work in how a gateway is started, each with what to do: it runs all the same. The gateway tells
//! it at its start, and `kt doctor` before.

use std::fmt;
use std::net::SocketAddr;

use grammar::config::{Config, is_loopback};

use crate::gateway::Gateway;
use crate::route::Target;

/// Something that its operator should know; written out, it is a sentence.
#[derive(Debug)]
pub(crate) struct Caution {
    /// What it is about.
    pub(crate) subject: String,
    /// What is the matter with it.
    pub(crate) message: &'static str,
    /// What to do.
    pub(crate) help: &'static str,
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.subject, self.message, self.help)
    }
}

/// How it was started.
pub(crate) struct Start<'s> {
    /// Where clients come.
    pub(crate) public: &'s [SocketAddr],
    /// Where the operator comes.
    pub(crate) admin: Option<SocketAddr>,
    /// What `--upstream` says.
    pub(crate) upstream: Option<&'s str>,
}

/// All there is to say of a gateway.
pub(crate) fn of(gateway: &Gateway, start: &Start<'_>) -> Vec<Caution> {
    let targets = gateway.router.targets();
    let mut found = Vec::new();
    found.extend(targets.is_empty().then(|| Caution {
        subject: "there is no target,".to_owned(),
        message: "so no request can be answered",
        help: "name one under `providers.targets`",
    }));
    found.extend(open(&gateway.pack.config, start.public, start.admin));
    let told = start.upstream.filter(|_| targets.iter().any(|target| is_told_a_key(target)));
    found.extend(told.map(|upstream| Caution {
        subject: format!("`--upstream {upstream}`"),
        message: "sends the targets' keys unencrypted to another machine",
        help: "write `https://`, or an address of loopback",
    }));
    found
}

/// Addresses at which others than programs of this machine are let in unasked.
pub(crate) fn open(config: &Config, public: &[SocketAddr], admin: Option<SocketAddr>) -> Vec<Caution> {
    let access = &config.access;
    let asks_who = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    let lets_in = access.keys.is_empty() && access.ip_allowlist.is_none() && !asks_who;
    let is_far = |address: &&SocketAddr| !address.ip().is_loopback();
    let public = public.iter().filter(is_far).filter(|_| lets_in).map(|address| Caution {
        subject: address.to_string(),
        message: "is not loopback and there is no `auth`: whoever reaches it uses the providers' keys",
        help: "list clients under `auth.keys` (`kt key new` makes one), or listen on 127.0.0.1",
    });
    let admin = admin.iter().filter(is_far).filter(|_| config.admin.token.is_none()).map(|address| Caution {
        subject: format!("the operator's address {address}"),
        message: "is not loopback, and there is no `admin.token_ref`: whoever reaches it reads the configuration and makes it be read anew, and the console is off",
        help: "set `admin.token_ref`, or leave `--admin-listen` at 127.0.0.1",
    });
    public.chain(admin).collect()
}

/// Whether a key goes there that others on the way can read.
fn is_told_a_key(target: &Target) -> bool {
    let host = target.host().unwrap_or_default().trim_matches(['[', ']']);
    target.secret().is_some() && !target.address().starts_with("https:") && !is_loopback(host)
}
