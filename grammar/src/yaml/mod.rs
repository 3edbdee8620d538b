//! YAML as a tree in which every key and value knows its place.

pub(crate) mod field;
mod json;
pub(crate) mod mapping;
mod merge;
mod parse;
mod place;
pub(crate) mod reader;
#[cfg(test)]
mod tests;
mod words;

pub use merge::merge;
pub(crate) use parse::join;
pub use parse::{MAX_BYTES, MAX_DEPTH, parse};

use crate::span::{Span, Spanned};

/// A YAML value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it was written. Quotes and brackets belong to it; the indicator of a block scalar (`|`) does not, nor do
    /// the blank lines after it. A value that came by an alias stands where its anchor is.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order written; keys are unique.
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    /// `value`, written at `span`.
    pub fn new(span: Span, value: Value) -> Self {
        Self { span, value }
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.value == key).map(|(_, node)| node),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Seq(_) => None,
        }
    }

    /// What it is, in a reader's words: `text`, `a number`, …
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "`true` or `false`",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a decimal number",
            Value::Str(_) => "text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}
