//! Text to tree. Only this folder sees pest.

mod errors;
mod expr;
mod item;
mod literal;
mod pattern;
mod reserve;
mod test;
mod tokens;

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
pub use tokens::{Begins, Token, TokenKind, tokens};

/// The longest rule file that is read, in bytes; a file past it is refused, so that parsing stays bounded.
pub const MAX_FILE: usize = 1 << 20;

/// How deeply expressions may nest before the file is refused, so that no stage can run out of stack.
pub const MAX_DEPTH: usize = 64;

/// How many operators one expression may join, for the same reason: a chain of them is a tree as deep as it is long.
pub const MAX_OPERATORS: usize = 256;

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

/// Where an item nests so deeply that a recursive parser could run out of stack, looked for before one meets it.
/// Brackets, `then` and quantifiers nest; in regular expressions they do not, so this errs on the strict side.
fn nesting_past_limit(text: &str) -> Option<usize> {
    let (mut depth, mut words, mut at) = (0_usize, 0_usize, 0);
    // A quote or two slashes in a regular expression look like a string or comment here: brackets in what is passed over
    // count towards a looser bound.
    let mut passed_over = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let skipped = quoted(rest);
        if skipped > 0 {
            let skipped_text = rest.get(..skipped).unwrap_or_default();
            let opens = skipped_text.matches(['(', '[', '{']).count();
            passed_over = (passed_over + opens).saturating_sub(skipped_text.matches([')', ']', '}']).count());
            if passed_over > MAX_DEPTH * 4 {
                return Some(at);
            }
            at += skipped;
            continue;
        }
        let word = leading_word(rest);
        if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\n') && errors::begins_item(word) {
            return None;
        }
        match rest.chars().next() {
            Some('(' | '[' | '{') => depth += 1,
            Some(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ if matches!(word, "then" | "any" | "all" | "count") => words += 1,
            _ => {}
        }
        if depth > MAX_DEPTH || words > MAX_OPERATORS {
            return Some(at);
        }
        at += word.len().max(rest.chars().next().map_or(1, char::len_utf8));
    }
    None
}

/// The length of the string or comment that a text begins with, or nothing.
fn quoted(text: &str) -> usize {
    let upto = |end: Option<usize>, sign: usize| end.map_or(text.len(), |end| end + sign);
    if let Some(rest) = text.strip_prefix("\"\"\"") {
        return upto(rest.find("\"\"\"").map(|end| end + 3), 3);
    }
    if text.starts_with("//") {
        return upto(text.find('\n'), 0);
    }
    let Some(rest) = text.strip_prefix('"') else { return 0 };
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            '\n' => return at + 1,
            '"' if !escaped => return at + 2,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// The letters, digits and underscores that a text begins with.
fn leading_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
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

#[cfg(test)]
mod tests;
