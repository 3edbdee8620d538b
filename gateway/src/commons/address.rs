//! Where it is, and whom to trust there.

use grammar::config::{RedisState, RedisUrl, TargetTls};
use redis::{Client, ClientTlsConfig, IntoConnectionInfo as _, TlsCertificates};

use crate::error::Error;
use crate::route::read_key;
use crate::tls;

/// A client of that address, which has connected to nothing yet.
pub(super) fn client(written: &RedisState) -> Result<Client, Error> {
    let url = match &written.url {
        RedisUrl::Plain(url) => url.value.clone(),
        RedisUrl::Key(key) => read_key(key)
            .map_err(|reason| Error::new(format!("the address of redis, `state.redis.url`: {reason}")))?
            .into_address(),
    };
    let wrong = |what: &str| {
        Error::new(format!(
            "the address of redis, `state.redis.url`, {what}; write it like `rediss://:PASSWORD@redis.internal:6379/0`"
        ))
    };
    if url.contains('#') {
        return Err(wrong("has a `#`, which would switch off that certificates are checked"));
    }
    let info = url.as_str().into_connection_info().map_err(|_| wrong("is not an address of redis"))?;
    let is_secured = ["rediss://", "valkeys://"].iter().any(|scheme| url.starts_with(scheme));
    let client = match (&written.tls, is_secured) {
        (_, true) => Client::build_with_tls(info, certificates(written.tls.as_ref())?),
        (None, false) => Client::open(info),
        (Some(_), false) => return Err(wrong("has no TLS, and `state.redis.tls` is of no use to it")),
    };
    client.map_err(|_| wrong("is not an address of redis"))
}

/// What `tls` names. The client library reads it for itself, but says little of what is wrong with it: so it is read here
/// as that of a target is.
fn certificates(tls: Option<&TargetTls>) -> Result<TlsCertificates, Error> {
    tls::client(tls)?;
    let read = |path: &str| {
        std::fs::read(path).map_err(|e| Error::file("read the TLS file", std::path::Path::new(path), &e))
    };
    let root_cert = tls.and_then(|tls| tls.ca.as_ref()).map(|path| read(&path.value)).transpose()?;
    let shown = tls.and_then(|tls| tls.identity.as_ref());
    let client_tls = shown
        .map(|shown| {
            let (client_cert, client_key) = (read(&shown.cert.value)?, read(&shown.key.value)?);
            Ok::<_, Error>(ClientTlsConfig { client_cert, client_key })
        })
        .transpose()?;
    Ok(TlsCertificates { client_tls, root_cert })
}
