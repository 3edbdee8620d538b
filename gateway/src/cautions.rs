//! What is unsafe or cannot work in how a gateway was started, each with what to do: it runs all the same.

use std::net::SocketAddr;

use grammar::config::is_loopback;

use crate::gateway::Gateway;
use crate::route::Target;

/// How it was started.
pub(crate) struct Start<'s> {
    /// Where clients come.
    pub(crate) public: &'s [SocketAddr],
    /// Where the operator comes.
    pub(crate) admin: Option<SocketAddr>,
    /// What `--upstream` says.
    pub(crate) upstream: Option<&'s str>,
}

/// A sentence for each.
pub(crate) fn of(gateway: &Gateway, start: &Start<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if gateway.router.targets().is_empty() {
        found.push(
            "there is no target, so no request can be answered; name one under `providers.targets`"
                .to_owned(),
        );
    }
    let access = &gateway.pack.config.access;
    let asks_who = gateway.pack.config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    if access.keys.is_empty() && access.ip_allowlist.is_none() && !asks_who {
        found.extend(start.public.iter().filter(|address| !address.ip().is_loopback()).map(|address| {
            format!(
                "{address} is not loopback and there is no `auth`: whoever reaches it uses the providers' keys; list clients under `auth.keys` (`kt key new` makes one), or listen on 127.0.0.1"
            )
        }));
    }
    let admin = start.admin.filter(|address| !address.ip().is_loopback() && gateway.admin_token.is_none());
    found.extend(admin.map(|address| {
        format!(
            "the operator's address {address} is not loopback, and there is no `admin.token_ref`: whoever reaches it reads the configuration and makes it be read anew, and the console is off; set `admin.token_ref`, or leave `--admin-listen` at 127.0.0.1"
        )
    }));
    if let Some(upstream) = start.upstream {
        let told = gateway.router.targets().iter().any(|target| is_told_a_key(target));
        found.extend(told.then(|| {
            format!("`--upstream {upstream}` sends the targets' keys unencrypted to another machine; write `https://`, or an address of loopback")
        }));
    }
    found
}

/// Whether a key goes there that others on the way can read.
fn is_told_a_key(target: &Target) -> bool {
    let host = target.host().unwrap_or_default().trim_matches(['[', ']']);
    target.secret().is_some() && !target.address().starts_with("https:") && !is_loopback(host)
}
