//! Bytes to documents and back: JSON, events, the endpoints of the API, and the one shape of an error.

mod answer;
mod choices;
mod cutout;
mod embeddings;
mod endpoint;
mod fault;
pub mod json;
pub(crate) mod opening;
mod request;
mod responses;
pub mod sse;
mod strand;
mod stream;
mod strip;
mod surrogate;
mod usage;

pub use answer::Answer;
pub(crate) use answer::said;
pub use endpoint::Endpoint;
pub use fault::Fault;
pub(crate) use fault::{upstream_code, upstream_error, upstream_field, upstream_message};
pub use request::Asked;
pub use stream::{Assembler, Ending};
pub use usage::Usage;
