//! What a name is: its declaration and documentation, from the file or from the tables that the compiler uses.

use std::path::Path;

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use super::document::{Documents, tree};
use super::names::{self, Declared, Origin, origin};
use super::{place, words};

/// Longest declaration that is shown whole, in characters.
const MOST: usize = 600;

pub(super) fn of(documents: &Documents, path: &Path, text: &str, at: usize) -> Option<Hover> {
    let value = match origin(documents, path, text, at) {
        Some(Origin::Here(found)) => declaration(&found, text, None),
        Some(Origin::Used(found, used)) => declaration(&found, &used.text, Some(&used.name)),
        Some(Origin::File(used)) => {
            let header = tree(&used.text).items.into_iter().next();
            format!("`{}`\n\n{}", used.name, header.map_or(String::new(), |item| item.doc.join("\n")))
        }
        None => built_in(&names::candidates(text, at)?)?,
    };
    let (start, end) = names::run(text, at, true);
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(place::range(text, start, end)),
    })
}

fn declaration(found: &Declared, text: &str, from: Option<&str>) -> String {
    let source = text.get(found.span.start..found.span.end).unwrap_or_default();
    let mut shown: String = source.chars().take(MOST).collect();
    if shown.len() < source.len() {
        shown.push('…');
    }
    let doc = found.doc.join("\n");
    let from = from.map_or(String::new(), |from| format!("\n\nfrom `{from}`"));
    format!("```ktr\n{shown}\n```\n\n{doc}{from}")
}

/// A field, function, validator or word of the language.
fn built_in(candidates: &[&str]) -> Option<String> {
    candidates.iter().find_map(|word| {
        let field = engine::schema::fields().into_iter().find(|field| field.name == *word).map(|field| {
            let phases: Vec<&str> = field.phases.iter().map(|phase| phase.name()).collect();
            format!("```ktr\n{}: {}\n```\n\n{}\n\non {}", field.name, field.ty, field.doc, phases.join(", "))
        });
        let function = || {
            let (_, usage) = engine::FUNCTIONS.iter().find(|(name, _)| name == word)?;
            let (call, doc) = usage.split_once(": ").unwrap_or((usage, ""));
            Some(format!("```ktr\n{call}\n```\n\n{doc}"))
        };
        let validator = || {
            let found = engine::matcher::validator::ALL.iter().find(|validator| validator.name == *word)?;
            Some(format!("```ktr\nwhere {}\n```\n\n{}", found.name, found.doc))
        };
        let keyword = || words::doc(word).map(|doc| format!("`{word}`: {doc}"));
        field.or_else(function).or_else(validator).or_else(keyword)
    })
}
