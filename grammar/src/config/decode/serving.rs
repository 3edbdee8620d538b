//! `admin:`, `reload:`, `tls:`, and the `tls:` of whatever the gateway connects to.

use super::key::key_ref;
use crate::codes::{BAD_CONFIG, MISSING};
use crate::config::{Admin, Identity, Reload, ServerTls, TargetTls};
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::join;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// What is asked of operators.
pub(super) fn admin(reader: &mut Reader, root: &Mapping) -> Admin {
    let block = root.get("admin").and_then(|field| field.mapping(reader, &["token_ref"]));
    let help = "say where it is: `token_ref: {env: NAME}`, or `{file: PATH}`";
    let token = block.and_then(|block| block.require(reader, "token_ref", help));
    Admin { token: token.and_then(|field| key_ref(reader, &field)) }
}

/// When changes of the files are taken up.
pub(super) fn reload(reader: &mut Reader, root: &Mapping) -> Reload {
    let usual = Reload::default();
    let block = root.get("reload").and_then(|field| field.mapping(reader, &["watch", "interval_ms"]));
    let Some(block) = block else { return usual };
    let watch = block.get("watch").and_then(|field| field.flag(reader));
    let interval = block.get("interval_ms").and_then(|field| field.whole(reader, 50..=3_600_000));
    Reload {
        watch: watch.map_or(usual.watch, |flag| flag.value),
        interval_ms: interval.unwrap_or(usual.interval_ms),
    }
}

/// What the gateway shows to its clients.
pub(super) fn server_tls(reader: &mut Reader, root: &Mapping) -> Option<ServerTls> {
    let field = root.get("tls")?;
    let block = field.mapping(reader, &["cert", "key", "client_ca"])?;
    let pem = "the path of a PEM file";
    let cert = block.require(reader, "cert", pem).and_then(|field| field.text(reader));
    let key = block.require(reader, "key", pem).and_then(|field| path_of_key(reader, &field));
    let client_ca = block.get("client_ca").and_then(|field| field.text(reader));
    Some(ServerTls { identity: Identity { cert: cert?, key: key? }, client_ca })
}

/// Whom the gateway trusts at that address, and what it shows there.
pub(super) fn target_tls(
    reader: &mut Reader,
    target: &Mapping,
    address: Option<&Spanned<String>>,
) -> Option<TargetTls> {
    let field = target.get("tls")?;
    let block = field.mapping(reader, &["ca", "cert", "key"])?;
    for (plain, secured) in [("http://", "https://"), ("redis://", "rediss://")] {
        if address.is_some_and(|address| address.value.starts_with(plain)) {
            let found = field.error(BAD_CONFIG, format!("`tls` has no use where the address is `{plain}`"));
            reader.report(found.help(format!("write the address with `{secured}`, or leave out `tls`")));
        }
    }
    let ca = block.get("ca").and_then(|field| field.text(reader));
    let cert = block.get("cert").and_then(|field| field.text(reader));
    let key = block.get("key").and_then(|field| path_of_key(reader, &field));
    let (has_cert, has_key) = (block.get("cert").is_some(), block.get("key").is_some());
    if has_cert != has_key {
        let missing = if has_cert { "key" } else { "cert" };
        let found = Diagnostic::error(MISSING, field.key, format!("`{missing}` is missing in `tls`"));
        let help = "a certificate and its key go together: `cert` and `key`, each the path of a PEM file";
        reader.report(found.help(help).path(join(&field.path, missing)));
    }
    let identity = cert.zip(key).map(|(cert, key)| Identity { cert, key });
    Some(TargetTls { ca, identity })
}

/// The path of a key's file; a key that stands here in its place is never shown.
fn path_of_key(reader: &mut Reader, field: &Field) -> Option<Spanned<String>> {
    let path = field.text(reader)?;
    if !path.value.contains("-----BEGIN") {
        return Some(path);
    }
    reader.hide(field.node.span);
    let message = "`key` says where the key is; the key itself must not stand in this file";
    let found = Diagnostic::error(BAD_CONFIG, field.key, message);
    reader.report(found.help("write the path of a PEM file").path(field.path.as_str()));
    None
}
