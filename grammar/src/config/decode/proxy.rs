//! `proxy:`, of all providers or of one target.

use std::net::IpAddr;

use ipnet::IpNet;

use super::address;
use super::key::key_ref;
use crate::codes::BAD_VALUE;
use crate::config::Proxy;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::reader::Reader;

/// Whom connections go through.
pub(super) fn read(reader: &mut Reader, field: &Field) -> Option<Proxy> {
    let block = field.mapping(reader, &["url", "secret_key_ref", "no_proxy"])?;
    let url = block.require(reader, "url", "write `http://host:port`");
    let url = url.and_then(|field| field.text(reader).map(|url| (field, url)));
    let key = block.get("secret_key_ref").and_then(|field| key_ref(reader, &field));
    let listed = block.get("no_proxy").and_then(|field| field.list(reader)).unwrap_or_default();
    let no_proxy = listed.iter().filter_map(|field| host(reader, field)).collect();
    let (field, url) = url?;
    if let Some((message, help)) = mistake(&url.value) {
        reader.hide(field.node.span); // it may hold a password
        reader.report(Diagnostic::error(BAD_VALUE, field.key, message).help(help).path(field.path.as_str()));
        return None;
    }
    Some(Proxy { url, key, no_proxy })
}

/// What is wrong with the address of a proxy, and what to write.
fn mistake(url: &str) -> Option<(&'static str, &'static str)> {
    let plain = "write `http://host:port`";
    if url.contains('@') {
        let help =
            "name where `user:password` is found in `secret_key_ref`, as `{env: NAME}` or `{file: PATH}`";
        return Some(("the address of a proxy must not hold a user or password", help));
    }
    let Some(authority) = url.strip_prefix("http://") else {
        let help =
            "write `http://host:port`; what goes through it is encrypted from the gateway to the provider";
        return Some(("the address of a proxy must start with `http://`", help));
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    address::host(authority).is_none().then_some(("this address has no valid host and port", plain))
}

/// A host that is spoken to without the proxy.
fn host(reader: &mut Reader, field: &Field) -> Option<Spanned<String>> {
    let written = field.text(reader)?;
    let name = written.value.as_str();
    let is_host = address::host(name.strip_prefix('.').unwrap_or(name)).is_some() && !name.contains(':');
    let is_address = name.parse::<IpAddr>().is_ok() || name.parse::<IpNet>().is_ok();
    if is_host || is_address {
        return Some(written);
    }
    let found = field.error(BAD_VALUE, format!("`{name}` is no host"));
    reader.report(
        found.help("write a name such as `example.com`, an address, or a network such as `10.0.0.0/8`"),
    );
    None
}
