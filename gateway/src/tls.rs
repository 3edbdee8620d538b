//! TLS: what the gateway shows to its clients, and whom it trusts among providers. Never below TLS 1.2.

use std::path::Path;
use std::sync::Arc;

use grammar::config::{Identity, ServerTls, TargetTls};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::error::Error;

/// HTTP/2 by its name in ALPN.
pub(crate) const H2: &[u8] = b"h2";

/// The side of the gateway that clients see: its certificate, and whom it lets in. The files are read now.
pub(crate) fn server(tls: &ServerTls) -> Result<Arc<ServerConfig>, Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(&path.value)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable(&error))?)
        }
    };
    let (chain, key) = identity(&tls.identity)?;
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| mismatch(&tls.identity, &error))?;
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The side that providers see. Without settings: Mozilla's roots, and no certificate.
pub(crate) fn client(tls: Option<&TargetTls>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    let roots = match tls.and_then(|tls| tls.ca.as_ref()) {
        Some(path) => authorities(&path.value)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let builder = builder.with_root_certificates(roots);
    match tls.and_then(|tls| tls.identity.as_ref()) {
        None => Ok(builder.with_no_client_auth()),
        Some(shown) => {
            let (chain, key) = identity(shown)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| mismatch(shown, &error))
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn authorities(path: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            Error::new(format!("`{path}` holds a certificate that cannot be an authority: {error}"))
        })?;
    }
    Ok(roots)
}

fn identity(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let path = identity.key.value.as_str();
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    let key = key.map_err(|_| {
        Error::new(format!(
            "`{path}` holds no private key; it must be PEM, as in `-----BEGIN PRIVATE KEY-----`"
        ))
    })?;
    Ok((certificates(&identity.cert.value)?, key))
}

/// The certificates of a file; at least one.
pub(crate) fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(Error::new(format!(
            "`{path}` holds no certificate; it must be PEM, as in `-----BEGIN CERTIFICATE-----`"
        ))),
    }
}

fn read(path: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(Path::new(path)).map_err(|error| {
        Error::new(format!(
            "the TLS file `{path}` cannot be read: {error}; check the path and its permissions"
        ))
    })
}

fn mismatch(identity: &Identity, error: &rustls::Error) -> Error {
    let (cert, key) = (&identity.cert.value, &identity.key.value);
    Error::new(format!("the certificate `{cert}` and the key `{key}` do not go together: {error}"))
}

fn unusable(error: &dyn std::error::Error) -> Error {
    Error::new(format!("cannot set up TLS: {error}"))
}
