//! A key that cannot be shown: no `Debug`, no `Display`, no way out but the header it is for.

use hyper::header::HeaderValue;

/// A provider's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Takes a key as it was configured; white space around it is dropped. Nothing for an empty one.
    pub fn new(written: &str) -> Option<Self> {
        let key = written.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    /// The `authorization` header, or nothing when the key cannot stand in a header.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The text without the key: providers quote it in their errors.
    pub(crate) fn scrub(&self, text: String) -> String {
        if text.contains(&self.0) { text.replace(&self.0, "***") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nowhere() {
        let secret = Secret::new(" fw_canary \n").unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.bearer().unwrap()), "*** Sensitive");
        assert_eq!(secret.scrub("bad key fw_canary".into()), "bad key ***");
        assert!(Secret::new(" \n").is_none());
    }
}
