//! Chat completions: the request as the engine reads it, the whole answer, and the answer in pieces.

mod answer;
mod carrier;
mod redact;
mod request;
mod stream;
mod usage;
mod walk;

use engine::verdict::Edit;
use serde_json::Value;

pub(crate) use answer::said;
pub use answer::{Answer, parse as parse_answer};
pub use request::decode;
pub use stream::{Assembler, Ending};
pub use usage::Usage;
pub(crate) use walk::is_request_field;

use super::{Fault, upstream_code, upstream_message};
use crate::secret::Secret;

/// Makes the replacements in a request; the indices are those of [`decode`].
pub fn redact(document: &mut Value, edits: &[Edit]) -> Result<(), Fault> {
    redact::redact(document, edits).map_err(|redact::Misfit| {
        let status = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        Fault::new(status, "server_error", "redaction_failed", "the request could not be redacted")
    })
}

/// The failure that an answer or an event tells of, if it does: a provider may tell of one in place of an answer or
/// beside it. The key is cut out of the provider's words.
pub(crate) fn upstream_error(document: &Value, secret: Option<&Secret>) -> Option<Fault> {
    document.get("error").filter(|error| !error.is_null())?;
    let scrub = |text: String| secret.iter().fold(text, |text, secret| secret.scrub(text));
    let said = upstream_message(document).map_or_else(|| "no reason given".to_owned(), scrub);
    let code = upstream_code(document).map_or("upstream_failed".into(), |code| scrub(code).into());
    let message = format!("the provider failed: {said}");
    Some(Fault { code, ..Fault::upstream(hyper::StatusCode::BAD_GATEWAY, "", message) })
}
