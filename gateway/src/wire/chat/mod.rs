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

pub use answer::{Answer, parse as parse_answer};
pub use request::decode;
pub use stream::{Assembler, Ending};
pub use usage::Usage;

use super::Fault;

/// Makes the replacements in a request; the indices are those of [`decode`].
pub fn redact(document: &mut Value, edits: &[Edit]) -> Result<(), Fault> {
    redact::redact(document, edits).map_err(|redact::Misfit| {
        let status = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        Fault::new(status, "server_error", "redaction_failed", "the request could not be redacted")
    })
}
