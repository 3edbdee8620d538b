//! Bytes to documents and back: JSON, events, chat completions, and the one shape of an error.

pub mod chat;
mod fault;
pub mod json;
pub(crate) mod opening;
pub mod sse;
mod surrogate;

pub use fault::Fault;
pub(crate) use fault::{upstream_code, upstream_field, upstream_message};
