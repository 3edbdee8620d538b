//! Whether a client may come in: its key against the digests of the configuration, in constant time.

use grammar::config::ClientKey;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};

use crate::wire::Fault;

/// Lets everybody in when no keys are configured, else whoever brings one of them.
pub(super) fn check(keys: &[ClientKey], headers: &HeaderMap) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    let brought = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let brought = brought.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let digest = hex(&Sha256::digest(brought.as_bytes()));
    let known = keys.iter().fold(false, |known, key| known | equal(key.sha256.as_bytes(), digest.as_bytes()));
    if known { Ok(()) } else { Err(unknown()) }
}

/// A missing, a wrong and a withdrawn key are told alike.
fn unknown() -> Fault {
    let message = "the API key is missing or not known to this gateway";
    Fault::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key", message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks at every byte, wherever the first difference is.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (x, y)| differences | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn enters(authorization: Option<&str>) -> bool {
        let sha256 = hex(&Sha256::digest(b"kt_1"));
        let keys = [ClientKey { name: kit::spanned("a".into()), sha256 }];
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        check(&keys, &headers).is_ok()
    }

    #[test]
    fn only_a_known_key_enters() {
        assert!(enters(Some("Bearer kt_1")));
        assert!(
            !enters(Some("Bearer kt_2"))
                && !enters(Some("kt_1"))
                && !enters(Some("Bearer "))
                && !enters(None)
        );
    }

    #[test]
    fn without_keys_everybody_enters() {
        assert!(check(&[], &HeaderMap::new()).is_ok());
    }
}
