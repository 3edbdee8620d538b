//! Text to trees: the rule language, `policy-config.yaml` and test cases, every node with its place.
//!
//! ```
//! let mut sources = grammar::Sources::new();
//! let id = sources.add("house.ktr", "policy house\nrule shout on request {\n  when text has \"PLEASE\"\n  do flag\n}\n");
//! let (file, errors) = grammar::parse(id, "policy house\n");
//! assert!(errors.is_empty());
//! assert_eq!(file.items.len(), 1);
//! ```

pub mod ast;
pub mod budget;
pub mod case;
pub mod codes;
pub mod config;
pub mod diagnostic;
pub mod difference;
pub mod fmt;
mod parse;
pub mod print;
pub mod quantity;
pub mod render;
pub mod span;
pub mod verdict;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use difference::Difference;
pub use parse::{Begins, MAX_DEPTH, MAX_FILE, MAX_OPERATORS, Token, TokenKind, parse, tokens};
pub use span::{Source, SourceId, Sources, Span, Spanned};
pub use verdict::Verdict;
