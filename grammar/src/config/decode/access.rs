//! `auth`, `cors`, `ip_allowlist`, `trusted_proxies`, `size_limits` and `media`.

use ipnet::IpNet;

use super::state::key_budget;
use super::{rates, unique};
use crate::codes::{BAD_VALUE, DUPLICATE};
use crate::config::{Access, ClientKey, Cors, Origins, SizeLimits};
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// What is asked of clients.
pub(super) fn read(reader: &mut Reader, root: &Mapping) -> Access {
    let allowed =
        root.get("ip_allowlist").filter(|field| filled(reader, field, "nobody could come in").is_some());
    Access {
        keys: root.get("auth").and_then(|field| keys(reader, &field)).unwrap_or_default(),
        rate_limits: root
            .get("rate_limits")
            .and_then(|field| rates::read(reader, &field))
            .unwrap_or_default(),
        cors: root.get("cors").and_then(|field| cors(reader, &field)),
        ip_allowlist: allowed.and_then(|field| networks(reader, &field)),
        trusted_proxies: root
            .get("trusted_proxies")
            .and_then(|field| networks(reader, &field))
            .unwrap_or_default(),
        size_limits: root.get("size_limits").map(|field| sizes(reader, &field)).unwrap_or_default(),
        media_hosts: root.get("media").and_then(|field| media_hosts(reader, &field)),
    }
}

fn keys(reader: &mut Reader, field: &Field) -> Option<Vec<ClientKey>> {
    let block = field.mapping(reader, &["keys"])?;
    let items = block.require(reader, "keys", "list them as `{name, sha256}`")?;
    let items = filled(reader, &items, "nobody could come in")?;
    let keys: Vec<_> = items.iter().filter_map(|item| client_key(reader, item)).collect();
    unique(reader, items.iter().filter_map(|item| item.child("name")), "client key");
    for (index, key) in keys.iter().enumerate() {
        let same = |other: &&ClientKey| other.sha256 == key.sha256;
        if let Some(first) = keys.iter().take(index).find(same) {
            let found = Diagnostic::error(DUPLICATE, key.name.span, "two clients have the same key");
            let found = found.label("this one").related(first.name.span, "and this one");
            reader.report(found.help("give each its own: `kt key new`").path("auth.keys"));
        }
    }
    Some(keys)
}

fn client_key(reader: &mut Reader, field: &Field) -> Option<ClientKey> {
    const KEYS: [&str; 7] =
        ["name", "sha256", "allowed_models", "budget", "labels", "max_concurrency", "policies"];
    let block = field.mapping(reader, &KEYS)?;
    let name = block.require(reader, "name", "name who uses the key").and_then(|f| f.text(reader));
    let models = block.get("allowed_models").map(|field| models(reader, &field));
    let budget = block.get("budget").and_then(|field| key_budget(reader, &field));
    let most = block.get("max_concurrency").and_then(|field| field.whole(reader, 1..=100_000));
    let labels = block.get("labels").map(|field| labels(reader, &field)).unwrap_or_default();
    let policies = block.get("policies").map(|field| policies(reader, &field)).unwrap_or_default();
    let help = "make a key and its line with `kt key new`, or write the SHA-256 of one: `printf %s \"$KEY\" | sha256sum`";
    let digest = block.require(reader, "sha256", help)?;
    let Some(sha256) = bytes(&digest.as_written(reader)?.value) else {
        reader.hide(digest.node.span);
        reader.report(digest.error(BAD_VALUE, "`sha256` must be 64 hexadecimal digits").help(help));
        return None;
    };
    let allowed_models = match models {
        Some(models) => Some(models?),
        None => None,
    };
    Some(ClientKey { name: name?, sha256, allowed_models, budget, max_concurrency: most, labels, policies })
}

/// What a key is marked with. Rules read a label by its name, so that must be one that they can write.
fn labels(reader: &mut Reader, field: &Field) -> Vec<(Spanned<String>, String)> {
    let Some(block) = field.open(reader) else { return Vec::new() };
    let mut found = Vec::new();
    for (value, name) in block.fields() {
        let is_name = name.value.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name {
            let message = format!("`{}` is no name of a label", name.value);
            let help = "write it in lower case, with digits and `_` after the first letter, as in `tier`";
            reader.report(
                Diagnostic::error(BAD_VALUE, name.span, message).help(help).path(value.path.as_str()),
            );
        }
        if let Some(text) = value.as_written(reader) {
            found.push((name.clone(), text.value));
        }
    }
    found
}

/// Policies that judge requests with a key besides the chain.
fn policies(reader: &mut Reader, field: &Field) -> Vec<Spanned<String>> {
    let items = field.list(reader).unwrap_or_default();
    let named = items.iter().filter_map(|item| item.text(reader)).collect();
    unique(reader, items.iter().cloned(), "policy");
    named
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (index, byte) in digest.iter_mut().enumerate().filter(|_| is_hex) {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    is_hex.then_some(digest)
}

fn models(reader: &mut Reader, field: &Field) -> Option<Vec<String>> {
    let items = filled(reader, field, "no model could be asked for with this key")?;
    all(items.iter().map(|item| Some(item.text(reader)?.value)))
}

/// All of them, when none has a mistake; each is looked at, so that every mistake is told.
fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    read.collect::<Vec<_>>().into_iter().collect()
}

/// The items of a list that must not be empty.
fn filled<'n>(reader: &mut Reader, field: &Field<'n>, else_what: &str) -> Option<Vec<Field<'n>>> {
    let items = field.list(reader)?;
    if items.is_empty() {
        let found = field.error(BAD_VALUE, format!("{} is empty: {else_what}", field.name()));
        reader.report(found.help("list something, or leave it out if everything is allowed"));
        return None;
    }
    Some(items)
}

fn networks(reader: &mut Reader, field: &Field) -> Option<Vec<IpNet>> {
    let items = field.list(reader)?;
    all(items.iter().map(|item| network(reader, item)))
}

/// A network, or one address.
fn network(reader: &mut Reader, field: &Field) -> Option<IpNet> {
    let written = field.text(reader)?.value;
    let network =
        written.parse().ok().or_else(|| written.parse().ok().map(|address: std::net::IpAddr| address.into()));
    if network.is_none() {
        let found = field.error(BAD_VALUE, format!("`{written}` is no address and no network"));
        reader.report(found.help("write `10.0.0.0/8`, `2001:db8::/32` or one address"));
    }
    network
}

fn cors(reader: &mut Reader, field: &Field) -> Option<Cors> {
    let block = field.mapping(reader, &["allowed_origins", "max_age_seconds"])?;
    let help = "list them, such as `[https://app.example.com]`";
    let age = block.get("max_age_seconds").and_then(|field| field.whole(reader, 0..=86_400));
    let origins = block.require(reader, "allowed_origins", help)?;
    let items = filled(reader, &origins, "no page could read an answer")?;
    let origins = all(items.iter().map(|item| origin(reader, item)));
    let allowed_origins = match origins? {
        origins if origins.iter().any(|origin| origin == "*") => Origins::Any,
        origins => Origins::Listed(origins),
    };
    Some(Cors { allowed_origins, max_age_seconds: age.unwrap_or(600) })
}

/// An origin as browsers send it: scheme, host and port, and nothing after it.
fn origin(reader: &mut Reader, field: &Field) -> Option<String> {
    let written = field.text(reader)?.value.to_lowercase();
    let host = written.strip_prefix("https://").or_else(|| written.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@*,".contains(&b))
    };
    if written == "*" || host.is_some_and(is_host) {
        return Some(written);
    }
    let found = field.error(BAD_VALUE, format!("`{written}` is no origin"));
    reader.report(
        found.help("write `https://host` or `https://host:port` without a path, or `\"*\"` for every page"),
    );
    None
}

fn media_hosts(reader: &mut Reader, field: &Field) -> Option<Vec<String>> {
    let block = field.mapping(reader, &["hosts"])?;
    let items = block.require(reader, "hosts", "list them, such as `[cdn.example.com]`")?;
    let items = items.list(reader)?;
    all(items.iter().map(|item| host(reader, item)))
}

/// The name of a host, or an address.
fn host(reader: &mut Reader, field: &Field) -> Option<String> {
    let written = field.text(reader)?.value.to_lowercase();
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if !written.is_empty() && !written.starts_with('.') && written.bytes().all(is_host) {
        return Some(written);
    }
    let found = field.error(BAD_VALUE, format!("`{written}` is no host"));
    reader
        .report(found.help(
            "write a name such as `cdn.example.com`, which stands for all below it too, or an address",
        ));
    None
}

fn sizes(reader: &mut Reader, field: &Field) -> SizeLimits {
    let default = SizeLimits::default();
    const KEYS: [&str; 6] = ["body_kb", "bodies_mb", "head_kb", "headers", "choices", "connections_per_ip"];
    let Some(block) = field.mapping(reader, &KEYS) else { return default };
    let mut number = |name, range, default| {
        block.get(name).and_then(|field: Field| field.whole(reader, range)).unwrap_or(default)
    };
    let sizes = SizeLimits {
        body_kb: number("body_kb", 1..=102_400, default.body_kb),
        bodies_mb: number("bodies_mb", 1..=1_048_576, default.bodies_mb),
        head_kb: number("head_kb", 8..=1024, default.head_kb),
        headers: number("headers", 10..=1000, default.headers),
        choices: number("choices", 1..=128, default.choices),
        connections_per_ip: number("connections_per_ip", 0..=10_000, default.connections_per_ip),
    };
    if sizes.bodies_mb.saturating_mul(1024) < sizes.body_kb {
        let place = block.get("bodies_mb").or_else(|| block.get("body_kb"));
        let message = "`bodies_mb` has no room for one body of `body_kb`";
        let found = place.as_ref().unwrap_or(field).error(BAD_VALUE, message);
        reader.report(found.help("make `bodies_mb` larger, or `body_kb` smaller; a MiB is 1024 KiB"));
    }
    sizes
}
