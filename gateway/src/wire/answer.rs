//! A whole answer: every text of it goes through the session and back to its place.

use bytes::Bytes;
use engine::input::Channel;
use engine::run::Session;
use engine::verdict::Flow;
use serde_json::Value;

use super::{Asked, Endpoint, Fault, Usage, choices, embeddings, json, opening, responses, surrogate};
use crate::secret::Secret;

/// What a whole chat says, by channel, in the order in which it is judged.
pub(crate) fn said(chat: &Value) -> Vec<(Channel, String)> {
    choices::said(choices::MESSAGE, chat)
}

/// A parsed answer.
#[derive(Clone, Debug)]
pub struct Answer {
    endpoint: Endpoint,
    /// The document; of vectors, only what is read of it.
    pub document: Value,
    shielded: bool,
    /// The bytes of vectors, which nobody reads.
    vectors: Option<Bytes>,
}

impl Answer {
    /// An answer that was parsed already.
    pub fn of(endpoint: Endpoint, document: Value) -> Self {
        Self { endpoint, document, shielded: false, vectors: None }
    }

    /// Parses an answer strictly. Halves of surrogate pairs, which are not JSON, become U+FFFD in guarded texts.
    pub fn parse(endpoint: Endpoint, bytes: &Bytes) -> Result<Self, Fault> {
        if endpoint == Endpoint::Embeddings {
            let document = embeddings::skim(bytes)?;
            return Ok(Self { endpoint, document, shielded: false, vectors: Some(bytes.clone()) });
        }
        let shielded = surrogate::shield(bytes);
        let document = json::parse(shielded.as_deref().unwrap_or(bytes))
            .map_err(|flaw| Fault::unreadable(format!("the provider's answer cannot be read: {flaw}")))?;
        Ok(Self { endpoint, document, shielded: shielded.is_some(), vectors: None })
    }

    /// The failure that it tells of, if it does.
    pub(crate) fn fault(&self, secret: Option<&Secret>) -> Option<Fault> {
        opening::failure(&self.document, secret)
    }

    /// What it consumed.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(&self.document)
    }

    /// Lets the session judge and rewrite every text. With `strict`, which is for a program that has policies, a
    /// shape in which text could hide is refused and second copies of the text are taken away.
    pub fn guard(&mut self, session: &mut Session, strict: bool, asked: &Asked) -> Result<Flow, Fault> {
        let Self { document, shielded, .. } = self;
        match self.endpoint {
            Endpoint::Chat => choices::guard(choices::MESSAGE, document, *shielded, session, strict),
            Endpoint::Completions => choices::guard(choices::TEXT, document, *shielded, session, strict),
            Endpoint::Embeddings => Ok(session.end(&mut Vec::new())),
            Endpoint::Responses => responses::guard(document, *shielded, session, strict, asked),
        }
    }

    /// Cuts a key out of all its strings.
    pub(crate) fn scrub(&mut self, secret: &Secret) {
        match &mut self.vectors {
            Some(bytes) => *bytes = secret.scrub_bytes(std::mem::take(bytes)),
            None => {
                secret.scrub_document(&mut self.document);
            }
        }
    }

    /// The answer as bytes.
    pub fn to_bytes(&self) -> Bytes {
        if let Some(bytes) = &self.vectors {
            return bytes.clone();
        }
        let bytes = json::line(&self.document);
        Bytes::from(if self.shielded { surrogate::unshield(&bytes).into_owned() } else { bytes.into_owned() })
    }
}
