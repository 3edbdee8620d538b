//! Whom a limit counts as one.

use std::net::{IpAddr, Ipv6Addr};

use crate::ids;

/// Those whose requests, or tokens, are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose<'a> {
    /// All of them.
    Everybody,
    /// Those with a key of that name.
    Key(Option<&'a str>),
    /// A user under a key. Users are told apart by what clients say of them, so those of different keys are different.
    User(Option<&'a str>, Option<&'a str>),
    /// Those at one place.
    Place(Option<IpAddr>),
}

impl Whose<'_> {
    /// Those at that address. Whoever has an IPv6 address has a network of them.
    pub(super) fn at(ip: Option<IpAddr>) -> Self {
        Self::Place(ip.map(place))
    }

    /// Them as a name that says nothing about them, and is the same everywhere.
    pub(super) fn digest(self) -> String {
        match self {
            Whose::Everybody => ids::digest([]),
            Whose::Key(name) => ids::digest([name]),
            Whose::User(key, user) => ids::digest([key, user]),
            Whose::Place(ip) => ids::digest([ip.map(|ip| ip.to_string()).as_deref()]),
        }
    }
}

/// The place that an address is at: itself, or its network of IPv6.
pub(super) fn place(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_place() {
        let at = |ip: &str| Whose::at(Some(ip.parse().unwrap()));
        assert_eq!(at("2001:db8:1:1::1"), at("2001:db8:1:1:ffff::"));
        assert_ne!(at("2001:db8:1:1::1"), at("2001:db8:1:2::1"));
        assert_ne!(at("10.0.0.1").digest(), at("10.0.0.2").digest());
    }

    #[test]
    fn a_digest_tells_apart_what_is_joined_otherwise() {
        let user = |key, user| Whose::User(key, user).digest();
        assert_ne!(user(Some("a"), Some("bc")), user(Some("ab"), Some("c")));
        assert_ne!(user(None, Some("a")), user(Some("a"), None));
        assert_ne!(Whose::Key(None).digest(), Whose::Key(Some("")).digest());
    }
}
