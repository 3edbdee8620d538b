//! A dot between the words of a domain that means any character.

use regex_syntax::ast::{Ast, LiteralKind};

use super::Doubt;
use crate::lint::expressions::range;

/// Ends of domains that are hardly ever the end of something else.
const ENDS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "mil", "info", "biz", "io", "dev", "app", "cloud", "uk", "de", "fr",
    "eu", "ch", "nl", "jp", "cn", "au", "ca", "us", "br", "pl", "se",
];

/// The first dot of a sequence that looks like one of a domain.
pub(super) fn doubt(parts: &[Ast]) -> Option<Doubt> {
    let at = (2..parts.len()).find(|at| is_domain(parts, *at))?;
    let dot = parts.get(at)?;
    let word = |range: std::ops::Range<usize>| -> String {
        parts.get(range).unwrap_or_default().iter().filter_map(letter).collect()
    };
    let from = (0..at).rev().take_while(|at| parts.get(*at).and_then(letter).is_some()).last().unwrap_or(at);
    let name = format!("{}.{}", word(from..at), word(at + 1..after(parts, at)));
    Some(Doubt {
        range: range(dot.span()),
        message: format!("the dot of `{name}` is any character: `{}` is found too", name.replace('.', "-")),
        help: "write `\\.`".to_owned(),
    })
}

fn is_domain(parts: &[Ast], at: usize) -> bool {
    let is_letter = |at: usize| parts.get(at).and_then(letter).is_some();
    let end: String =
        parts.get(at + 1..after(parts, at)).unwrap_or_default().iter().filter_map(letter).collect();
    matches!(parts.get(at), Some(Ast::Dot(_)))
        && is_letter(at - 1)
        && is_letter(at - 2)
        && ENDS.contains(&end.to_ascii_lowercase().as_str())
}

/// Where the letters after a dot end.
fn after(parts: &[Ast], dot: usize) -> usize {
    let rest = parts.get(dot + 1..).unwrap_or_default();
    dot + 1 + rest.iter().take_while(|part| letter(part).is_some()).count()
}

/// A letter, digit or hyphen that is written as itself.
fn letter(ast: &Ast) -> Option<char> {
    match ast {
        Ast::Literal(literal) if literal.kind == LiteralKind::Verbatim => {
            Some(literal.c).filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        }
        _ => None,
    }
}
