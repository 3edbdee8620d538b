//! One layout for rule files: the same words in the same order, with spaces and line breaks of its own.
//!
//! It works on tokens, not on the tree, so what is new in the grammar is laid out without a word about it here, and
//! nothing that a person wrote can be lost: the result is read again and compared.

mod layout;
mod node;
mod writer;

use crate::diagnostic::Diagnostic;
use crate::parse::{Token, parse, tokens};
use crate::span::SourceId;

/// The longest line, in characters, where a line can be broken.
pub const WIDTH: usize = 120;

/// Why a file was not formatted.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It has mistakes, so nobody knows what its lines are.
    Mistakes(Vec<Diagnostic>),
    /// The result would not have meant the same. This is a mistake of the formatter.
    Changed,
}

/// The file in the one layout.
pub fn format(source: SourceId, text: &str) -> Result<String, Refusal> {
    let (tree, mistakes) = parse(source, text);
    if !mistakes.is_empty() {
        return Err(Refusal::Mistakes(mistakes));
    }
    let before = tokens(text).ok_or(Refusal::Changed)?;
    let formatted = layout::file(&before);
    let (tree_after, mistakes) = parse(source, &formatted);
    let after = tokens(&formatted).ok_or(Refusal::Changed)?;
    let is_same = mistakes.is_empty()
        && words(&before).eq(words(&after))
        && crate::print::print(&tree) == crate::print::print(&tree_after);
    if is_same { Ok(formatted) } else { Err(Refusal::Changed) }
}

fn words<'a, 't: 'a>(tokens: &'a [Token<'t>]) -> impl Iterator<Item = &'t str> + 'a {
    tokens.iter().map(|token| token.text)
}
