//! What the machine has to give: room and rights for the audit log, file descriptors, and ports; and who may come in there.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::Path;

use grammar::config::Config;

use super::check::{Check, Standing};
use crate::cautions;
use crate::error::Error;
use crate::server::files::{self, Allowed};

/// Free bytes below which it is time to make room: two segments of the largest size.
const SCARCE: u64 = 8 << 30;
/// Free bytes below which the log cannot go on for long.
const TOO_FEW: u64 = 64 << 20;

/// Whether the audit log can be written, and for how long. Nothing is left behind.
pub(super) fn disk(state_dir: &Path) -> Check {
    let subject = state_dir.display().to_string();
    let mut there = state_dir;
    while !there.exists() {
        let Some(parent) = there.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
            there = Path::new(".");
            break;
        };
        there = parent;
    }
    if let Err(error) = tempfile::tempfile_in(there) {
        let message = format!("the audit log cannot be written: `{}`: {error}", there.display());
        let help = "give the user of the gateway the right to write there, or name another folder with `--state-dir`";
        return Check::new("disk", subject, Standing::Wanting, message, help);
    }
    let free = match rustix::fs::statvfs(there) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let message = format!("can be written; how much is free cannot be told: {error}");
            return Check::new("disk", subject, Standing::Doubtful, message, "look with `df`");
        }
    };
    let message = format!("can be written, {} MiB are free", free >> 20);
    let help = "make room: without it requests are refused, unless `--fail-mode allow`";
    match free {
        0..TOO_FEW => Check::new("disk", subject, Standing::Wanting, message, help),
        TOO_FEW..SCARCE => Check::new("disk", subject, Standing::Doubtful, message, help),
        SCARCE.. => Check::well("disk", subject, message),
    }
}

/// Whether an address can be listened on.
pub(super) fn port((flag, address): (&str, &String)) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::well("port", address, format!("is free for `{flag}`")),
        Err(error) => {
            let message = Error::listen(address, flag, &error).to_string();
            let (message, help) = message.split_once("; ").unwrap_or((&message, "choose another address"));
            Check::new("port", address, Standing::Wanting, message, help)
        }
    }
}

/// For how many clients there are file descriptors.
pub(super) fn files() -> Check {
    let allowed = Allowed::now();
    let (Allowed { soft, hard }, clients) = (allowed, allowed.clients());
    let [soft, hard] =
        [soft, hard].map(|limit| if limit == usize::MAX { "none".into() } else { limit.to_string() });
    let message = format!(
        "soft limit {soft}, hard limit {hard}, which the gateway asks for: enough for {clients} connections of clients"
    );
    match files::advice(clients) {
        Some(advice) => Check::new("files", "descriptors", Standing::Doubtful, message, advice),
        None => Check::well("files", "descriptors", message),
    }
}

/// Addresses at which everybody is let in. Sockets that a service manager opens are not known before.
pub(super) fn open(config: &Config, public: &[String], admin: &str) -> Vec<Check> {
    let of = |address: &str| -> Vec<SocketAddr> { address.to_socket_addrs().into_iter().flatten().collect() };
    let public: Vec<SocketAddr> = public.iter().flat_map(|address| of(address)).collect();
    let found = cautions::open(config, &public, of(admin).first().copied());
    let doubtful = |found: cautions::Caution| {
        Check::new("access", found.subject, Standing::Doubtful, found.message, found.help)
    };
    found.into_iter().map(doubtful).collect()
}
