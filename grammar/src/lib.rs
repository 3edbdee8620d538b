//! Text to trees: the rule language, `policy-config.yaml` and test cases, every node with its place.

pub mod case;
pub mod codes;
pub mod config;
pub mod diagnostic;
pub mod render;
pub mod span;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use span::{Source, SourceId, Sources, Span, Spanned};
