//! Text to tree. Only this folder sees pest.

mod errors;
mod expr;
mod item;
mod literal;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use crate::ast::{File, Name};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::{SourceId, Span, Spanned};

#[allow(missing_docs, reason = "the derive makes an undocumented enum")]
mod pest_parser {
    #[derive(pest_derive::Parser)]
    #[grammar = "rule.pest"]
    pub(super) struct RuleParser;
}
use pest_parser::{Rule, RuleParser};

/// The longest rule file that is read, in bytes; a file past it is refused, so that parsing stays bounded.
pub const MAX_FILE: usize = 1 << 20;

/// How deeply expressions may nest before the file is refused, so that no stage can run out of stack.
pub const MAX_DEPTH: usize = 64;

/// The tree of a rule file, and every mistake in it; items with a mistake are left out of the tree.
pub fn parse(source: SourceId, text: &str) -> (File, Vec<Diagnostic>) {
    let mut reader = Reader { source, offset: 0, depth: 0, errors: Vec::new() };
    let mut file = File::default();
    if text.len() > MAX_FILE {
        let span = Span::new(source, 0, 0);
        reader.errors.push(
            Diagnostic::error(codes::LIMIT, span, "this rule file is longer than 1 MiB")
                .help("split it, and join the parts with `use`"),
        );
        return (file, reader.errors);
    }
    let mut at = skip_gap(text, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(found) = nesting_past_limit(rest) {
            reader.errors.push(errors::too_deep(source, at + found));
            return (file, reader.errors);
        }
        match RuleParser::parse(Rule::item, rest) {
            Ok(pairs) => {
                reader.offset = at;
                let end = pairs.clone().next().map_or(rest.len(), |pair| pair.as_span().end());
                file.items.extend(pairs.into_iter().filter_map(|pair| reader.item(pair)));
                at = skip_gap(text, at + end.max(1));
            }
            Err(error) => {
                let (diagnostic, failed_at) = errors::describe(source, text, at, &error);
                reader.errors.push(diagnostic);
                at = skip_gap(text, errors::next_item(text, at, failed_at));
            }
        }
    }
    (file, reader.errors)
}

/// The first byte at or after `at` that is neither white space nor comment.
fn skip_gap(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    RuleParser::parse(Rule::gap, rest)
        .ok()
        .and_then(|mut pairs| pairs.next())
        .map_or(at, |gap| at + gap.as_str().len())
}

/// Where brackets nest past [`MAX_DEPTH`], looked for before a recursive parser meets them. Strings and regular
/// expressions may hold brackets too, so the bound is a generous over-estimate, never an under-estimate.
fn nesting_past_limit(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' if text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic) => depth = 0,
            _ => {}
        }
        if depth > MAX_DEPTH * 4 {
            return Some(at);
        }
    }
    None
}

/// Turns pest's pairs into the tree, one item after the other.
struct Reader {
    source: SourceId,
    /// Where the item's text begins in the file.
    offset: usize,
    /// How deep the expression in hand is.
    depth: usize,
    errors: Vec<Diagnostic>,
}

impl Reader {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        // A pair may reach over the white space behind it.
        let start = self.offset + pair.as_span().start();
        Span::new(self.source, start, start + pair.as_str().trim_end().len())
    }

    /// The pair's text as it stands.
    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Spanned::new(pair.as_str().to_owned(), self.span(pair))
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push(diagnostic);
    }
}

/// The next inner pair, if it is of that rule.
fn take<'i>(pairs: &mut Pairs<'i, Rule>, wanted: Rule) -> Option<Pair<'i, Rule>> {
    if pairs.peek()?.as_rule() == wanted { pairs.next() } else { None }
}

/// The inner pairs without keywords, which say nothing that the rule's own name does not.
fn children(pair: Pair<'_, Rule>) -> Vec<Pair<'_, Rule>> {
    pair.into_inner().filter(|inner| !errors::is_keyword(inner.as_rule())).collect()
}
