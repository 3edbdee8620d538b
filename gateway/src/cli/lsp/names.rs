//! Names: what a file declares, what it takes from others, and which of them stands at a place.

use std::path::Path;

use grammar::ast::{Item, ItemKind, Name};
use grammar::{Span, TokenKind};
use lsp_types::{CompletionItemKind, SymbolKind};

use super::document::{Documents, Used, tree};

/// A declared name.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The documentation above it.
    pub(super) doc: Vec<String>,
    /// The name's own place.
    pub(super) at: Span,
    /// The whole item.
    pub(super) span: Span,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Param,
    Pattern,
    Value,
    Score,
    Function,
    Rule,
    Test,
}

impl Kind {
    pub(super) fn symbol(self) -> SymbolKind {
        match self {
            Kind::Header => SymbolKind::MODULE,
            Kind::Param => SymbolKind::PROPERTY,
            Kind::Pattern => SymbolKind::CONSTANT,
            Kind::Value | Kind::Score => SymbolKind::VARIABLE,
            Kind::Function => SymbolKind::FUNCTION,
            Kind::Rule => SymbolKind::EVENT,
            Kind::Test => SymbolKind::METHOD,
        }
    }

    pub(super) fn completion(self) -> CompletionItemKind {
        match self {
            Kind::Header => CompletionItemKind::MODULE,
            Kind::Param => CompletionItemKind::PROPERTY,
            Kind::Pattern => CompletionItemKind::CONSTANT,
            Kind::Value | Kind::Score => CompletionItemKind::VARIABLE,
            Kind::Function => CompletionItemKind::FUNCTION,
            Kind::Rule => CompletionItemKind::EVENT,
            Kind::Test => CompletionItemKind::METHOD,
        }
    }
}

/// The name that an item declares.
fn declares(item: &Item) -> Option<(&Name, Kind)> {
    match &item.kind {
        ItemKind::Header(header) => Some((&header.name, Kind::Header)),
        ItemKind::Version(_) | ItemKind::Use(_) => None,
        ItemKind::Param(param) => Some((&param.name, Kind::Param)),
        ItemKind::Pattern(pattern) => Some((&pattern.name, Kind::Pattern)),
        ItemKind::Let(item) => Some((&item.name, Kind::Value)),
        ItemKind::Function(function) => Some((&function.name, Kind::Function)),
        ItemKind::Score(score) => Some((&score.name, Kind::Score)),
        ItemKind::Script(script) => Some((&script.name, Kind::Function)),
        ItemKind::Rule(rule) => Some((&rule.name, Kind::Rule)),
        ItemKind::Test(test) => Some((&test.name, Kind::Test)),
    }
}

/// Everything that a text declares, in order. Items with mistakes are left out.
pub(super) fn declared(text: &str) -> Vec<Declared> {
    let items = tree(text).items;
    let all = items.into_iter().filter_map(|item| {
        let (name, kind) = declares(&item)?;
        Some(Declared {
            name: name.value.clone(),
            kind,
            at: name.span,
            span: item.span,
            doc: item.doc.clone(),
        })
    });
    all.collect()
}

/// Where a name comes from.
pub(super) enum Origin {
    /// This document.
    Here(Declared),
    /// A file that it uses.
    Used(Declared, Used),
    /// The name of a file that it uses.
    File(Used),
}

/// What stands at a byte of a document, if a name does that somebody declared.
pub(super) fn origin(documents: &Documents, path: &Path, text: &str, at: usize) -> Option<Origin> {
    let imports = || {
        tree(text).items.into_iter().filter_map(|item| match item.kind {
            ItemKind::Use(import) => Some(import),
            _ => None,
        })
    };
    let is_at = |span: Span| span.start <= at && at <= span.end;
    if let Some(import) = imports().find(|import| is_at(import.from.span)) {
        return documents.used(path, &import).map(Origin::File);
    }
    let own = declared(text);
    for word in candidates(text, at)? {
        if let Some(found) = own.iter().find(|own| own.name == word && own.kind != Kind::Test) {
            return Some(Origin::Here(found.clone()));
        }
        let import = imports().find(|import| import.names.iter().any(|name| name.value == word));
        if let Some(used) = import.and_then(|import| documents.used(path, &import)) {
            let found = declared(&used.text).into_iter().find(|there| there.name == word)?;
            return Some(Origin::Used(found, used));
        }
    }
    None
}

/// The names that may be meant at a byte, from the longest: with all its dots, up to the dot, the word alone.
/// None within comments, strings and regular expressions.
pub(super) fn candidates(text: &str, at: usize) -> Option<Vec<&str>> {
    let is_prose = |kind| matches!(kind, TokenKind::Comment | TokenKind::Doc | TokenKind::Literal);
    let tokens = grammar::tokens(text).unwrap_or_default();
    let inside = |token: &grammar::Token<'_>| token.start < at && at < token.start + token.text.len();
    if tokens.iter().any(|token| is_prose(token.kind) && inside(token)) {
        return None;
    }
    let (dotted, word_end) = (run(text, at, true), run(text, at, false).1);
    let (start, end) = run(text, at, false);
    let spans = [dotted, (dotted.0, word_end), (start, end)];
    let words = spans.into_iter().filter_map(|(start, end)| text.get(start..end));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    Some(words).filter(|words| !words.is_empty())
}

/// The letters around a byte that a name may hold, with dots or without.
pub(super) fn run(text: &str, at: usize, dots: bool) -> (usize, usize) {
    let holds = |c: char| c.is_ascii_alphanumeric() || c == '_' || dots && c == '.';
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
    let start = before.trim_end_matches(holds).len();
    (start, at + (after.len() - after.trim_start_matches(holds).len()))
}
