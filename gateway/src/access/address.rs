//! Where a client is: the address that connected, or what trusted proxies say of it.

use std::net::{IpAddr, SocketAddr};

use hyper::StatusCode;
use hyper::header::HeaderMap;
use ipnet::IpNet;

use crate::wire::Fault;

/// The client's address. `x-forwarded-for` is read from its end, and each entry is believed only when a trusted proxy
/// has written it: what stands before it may be the client's own invention.
pub(super) fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter();
    let entries: Vec<&str> = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).collect();
    let mut address = peer.to_canonical();
    for entry in entries.iter().rev() {
        if !is_in(address, trusted) {
            break;
        }
        let Some(said) = parse(entry.trim()) else { break };
        address = said;
    }
    address
}

/// Whether an address lies in one of those networks.
pub(super) fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// An address, with or without a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let with_port = || entry.parse().ok().map(|address: SocketAddr| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// What somebody is told whose address is not on the list.
pub(super) fn not_allowed() -> Fault {
    let message = "this gateway is not open to your address";
    Fault::new(StatusCode::FORBIDDEN, "permission_error", "ip_not_allowed", message).should_retry(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        assert_eq!(client("9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("::ffff:10.0.0.1", &["1.1.1.1:4711"]), "1.1.1.1");
        assert_eq!(client("2001:db8::1", &["[fe80::1]"]), "fe80::1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_invents_is_not_reached() {
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"]), "10.0.0.2");
    }
}
