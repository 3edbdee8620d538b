//! Whether a client may come in: its key against the digests of the configuration, in constant time.

use std::sync::Arc;

use engine::matcher::glob;
use grammar::config::ClientKey;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::wire::Fault;

/// Headers by which a client of Fireworks chooses a model past the body, at targets that have none of their own.
pub(crate) const CHOOSING: [&str; 2] = ["fireworks-model", "fireworks-deployment"];

/// Lets everybody in when no keys are configured, else whoever brings one of them. All keys are compared whole,
/// whichever fits.
pub(super) fn check(keys: &[Arc<ClientKey>], headers: &HeaderMap) -> Result<Option<Arc<ClientKey>>, Fault> {
    if keys.is_empty() {
        return Ok(None);
    }
    let digest = Sha256::digest(brought(headers).unwrap_or_default().as_bytes());
    let mut place = u64::MAX;
    for (index, key) in (0..).zip(keys) {
        place.conditional_assign(&index, key.sha256.ct_eq(digest.as_slice()));
    }
    let known = usize::try_from(place).ok().and_then(|place| keys.get(place));
    known.map(|key| Some(Arc::clone(key))).ok_or_else(unknown)
}

/// The key that a client brings, when it brings one.
fn brought(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, key) = values.next()?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

/// A missing, a wrong and a withdrawn key are told alike.
fn unknown() -> Fault {
    let message = "the API key is missing or not known to this gateway; send it as `authorization: Bearer …`";
    Fault::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key", message)
        .should_retry(false)
}

/// Refuses models that are not for this key, however they are asked for.
pub(super) fn check_models(key: &ClientKey, model: &str, headers: &HeaderMap) -> Result<(), Fault> {
    if !is_allowed(key, model) {
        return Err(not_allowed("model", "this model"));
    }
    for name in CHOOSING {
        let mut values = headers.get_all(name).iter();
        if values.any(|value| !value.to_str().is_ok_and(|model| is_allowed(key, model))) {
            return Err(not_allowed(name, &format!("what the header `{name}` asks for")));
        }
    }
    Ok(())
}

/// Whether a model is for this key.
pub(super) fn is_allowed(key: &ClientKey, model: &str) -> bool {
    let globs = key.allowed_models.as_deref();
    globs.is_none_or(|globs| globs.iter().any(|allowed| glob::fits(allowed, model)))
}

fn not_allowed(param: &str, what: &str) -> Fault {
    let message = format!("{what} is not allowed for this API key");
    let fault = Fault::new(StatusCode::FORBIDDEN, "permission_error", "model_not_allowed", message);
    Fault { param: Some(param.into()), ..fault.should_retry(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn client(name: &str, key: &str) -> ClientKey {
        let sha256 = Sha256::digest(key.as_bytes()).into();
        ClientKey {
            name: kit::spanned(name.into()),
            sha256,
            allowed_models: None,
            budget: None,
            max_concurrency: None,
            labels: Vec::new(),
            policies: Vec::new(),
        }
    }

    fn who(authorization: &[&str]) -> Option<String> {
        let keys = [client("a", "kt_1"), client("b", "kt_2"), client("c", "kt_3")].map(Arc::new);
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        check(&keys, &headers).ok().map(|key| key.unwrap().name.value.clone())
    }

    #[test]
    fn a_known_key_enters_under_its_name() {
        assert_eq!(who(&["Bearer kt_1"]).as_deref(), Some("a"));
        assert_eq!(who(&["bearer  kt_2"]).as_deref(), Some("b"));
        assert_eq!(who(&["Bearer kt_3"]).as_deref(), Some("c"));
    }

    #[test]
    fn nobody_else_enters() {
        for wrong in [&[][..], &["Bearer kt_4"], &["kt_1"], &["Bearer "], &["Basic kt_1"]] {
            assert_eq!(who(wrong), None, "{wrong:?}");
        }
        assert_eq!(who(&["Bearer kt_1", "Bearer kt_1"]), None, "two headers");
        assert!(check(&[], &HeaderMap::new()).unwrap().is_none(), "without keys everybody enters");
    }

    #[test]
    fn digests_are_not_shown() {
        assert_eq!(format!("{:?}", client("a", "kt_1")), r#"ClientKey { name: "a", .. }"#);
    }
}
