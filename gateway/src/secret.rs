//! A key that cannot be shown: no `Debug`, no `Display`, no way out but the header or the signature it is for.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::HeaderValue;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Shortest key that is looked for in texts: a shorter one may be a word of its own, and real keys are longer.
const MIN_SCRUBBED: usize = 12;

/// A provider's key. Its bytes are overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Takes a key as it was configured; white space around it is dropped. Nothing for an empty one.
    pub fn new(written: &str) -> Option<Self> {
        let key = written.trim();
        (!key.is_empty()).then(|| Self(Zeroizing::new(key.to_owned())))
    }

    /// The `authorization` header, or nothing when the key cannot stand in a header.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", *self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The header that shows it to a proxy: it is `user:password` then.
    pub(crate) fn basic(&self) -> Option<HeaderValue> {
        let mut value =
            HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(self.0.as_bytes()))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// It as the whole of a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// It as the address of a database, with its user and password.
    pub(crate) fn database(&self) -> Option<tokio_postgres::Config> {
        self.0.parse().ok()
    }

    /// Whether that is the key, in constant time whatever it is.
    pub(crate) fn is(&self, brought: &str) -> bool {
        let [own, brought] = [self.0.as_str(), brought].map(|key| Sha256::digest(key.as_bytes()));
        own.as_slice().ct_eq(brought.as_slice()).into()
    }

    /// What it opens, for a client of its own.
    pub(crate) fn into_address(mut self) -> String {
        std::mem::take(&mut *self.0)
    }

    /// How long it is.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// HMAC-SHA-256 over those pieces, one after the other.
    pub(crate) fn mac<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
        self.over(pieces).map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default()
    }

    /// Whether this key made that signature, in constant time.
    pub(crate) fn confirms<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>, mac: &[u8; 32]) -> bool {
        self.over(pieces).is_some_and(|own| own.verify_slice(mac).is_ok())
    }

    fn over<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?; // takes keys of any length
        pieces.into_iter().for_each(|piece| mac.update(piece));
        Some(mac)
    }

    /// The text without the key: providers quote it in their errors.
    pub(crate) fn scrub(&self, text: String) -> String {
        if self.stands_in(&text) { text.replace(self.0.as_str(), "***") } else { text }
    }

    /// The same for bytes that nobody has read.
    pub(crate) fn scrub_bytes(&self, bytes: Bytes) -> Bytes {
        match std::str::from_utf8(&bytes) {
            Ok(text) if self.stands_in(text) => Bytes::from(self.scrub(text.to_owned())),
            Ok(_) | Err(_) => bytes,
        }
    }

    /// How many bytes at the end of a text are a beginning of the key, and not yet all of it.
    pub(crate) fn begun_in(&self, text: &str) -> usize {
        if self.0.len() < MIN_SCRUBBED {
            return 0;
        }
        let most = (self.0.len() - 1).min(text.len());
        let begins = |length: &usize| self.0.get(..*length).is_some_and(|begun| text.ends_with(begun));
        (1..=most).rev().find(begins).unwrap_or(0)
    }

    /// Whether a document that was written so may say the key: as it is, or with escapes.
    pub(crate) fn may_stand_in(&self, written: &[u8]) -> bool {
        let holds = |part: &[u8]| memchr::memmem::find(written, part).is_some();
        self.0.len() >= MIN_SCRUBBED && (holds(self.0.as_bytes()) || holds(b"\\u00"))
    }

    /// Whether the key stands in a text, and is long enough to be looked for.
    pub(crate) fn stands_in(&self, text: &str) -> bool {
        self.0.len() >= MIN_SCRUBBED && text.contains(self.0.as_str())
    }

    /// The same for every string of a document; its keys and its shape stay. Says whether there was something to cut out.
    pub(crate) fn scrub_document(&self, value: &mut Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::String(text) if self.stands_in(text) => {
                *text = self.scrub(std::mem::take(text));
                true
            }
            Value::String(_) => false,
            Value::Array(items) => items.iter_mut().fold(false, |cut, item| self.scrub_document(item) | cut),
            Value::Object(fields) => {
                fields.values_mut().fold(false, |cut, value| self.scrub_document(value) | cut)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nowhere() {
        let secret = Secret::new(" fw_canary_7Yq2 \n").unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.bearer().unwrap()), "*** Sensitive");
        assert_eq!(secret.scrub("bad key fw_canary_7Yq2".into()), "bad key ***");
        assert!(Secret::new(" \n").is_none());
    }

    #[test]
    fn a_key_is_overwritten_when_it_goes() {
        let is_wiped = |_: &dyn zeroize::ZeroizeOnDrop| true;
        assert!(is_wiped(&Secret::new("fw_canary_7Yq2").unwrap().0));
    }

    #[test]
    fn a_short_key_is_no_reason_to_change_words() {
        for key in ["x", "none", "content", "placeholder"] {
            let text = format!("the {key} of it");
            assert_eq!(Secret::new(key).unwrap().scrub(text.clone()), text);
        }
    }

    #[test]
    fn a_document_keeps_its_shape() {
        let mut document = serde_json::json!({"chat.completion": [{"a": "is chat.completion", "b": 1}]});
        Secret::new("chat.completion").unwrap().scrub_document(&mut document);
        assert_eq!(document.to_string(), r#"{"chat.completion":[{"a":"is ***","b":1}]}"#);
    }
}
