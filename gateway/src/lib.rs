//! HTTP to inputs, and verdicts back into HTTP.

pub mod wire;
