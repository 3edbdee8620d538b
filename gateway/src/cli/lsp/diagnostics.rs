//! Mistakes, as the compiler tells them.

use std::path::Path;

use grammar::ast::ItemKind;
use grammar::{Diagnostic, Severity, SourceId, Sources, Span};
use lsp_types::{DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString};

use super::document::{Documents, tree};
use super::place;
use crate::packs;
use crate::packs::warnings;

/// What is wrong with a document.
pub(super) fn of(documents: &Documents, path: &Path, text: &str) -> Vec<lsp_types::Diagnostic> {
    let name = path.display().to_string();
    let is_rules = path.extension().is_some_and(|extension| extension == "ktr");
    let (found, sources, id) = if is_rules || name.starts_with("untitled:") {
        compiled(documents, name, text)
    } else if path.file_name().is_some_and(|file| file == "policy-config.yaml") {
        let mut loaded = packs::load_texts(vec![(name.clone(), text.to_owned())]);
        let id = loaded.sources.find(&name).unwrap_or_default();
        let told = warnings::of_configuration(&loaded);
        // What is told of other files is told where they are open.
        loaded.diagnostics.extend(told.into_iter().filter(|found| is_of(found, &loaded.sources, id)));
        (loaded.diagnostics, loaded.sources, id)
    } else {
        return Vec::new();
    };
    found.iter().map(|diagnostic| told(diagnostic, &sources, id, text)).collect()
}

fn compiled(documents: &Documents, name: String, text: &str) -> (Vec<Diagnostic>, Sources, SourceId) {
    let mut sources = Sources::new();
    let id = sources.add(name, text);
    let found = warnings::of_rule_file(id, text, documents, &mut sources).diagnostics;
    (found, sources, id)
}

/// A finding in the editor's words. One in another file stands where this file uses it.
fn told(found: &Diagnostic, sources: &Sources, id: SourceId, text: &str) -> lsp_types::Diagnostic {
    let is_here = is_of(found, sources, id);
    let span = if is_here { found.span } else { use_of(sources, found.span.source, text) };
    let mut message = found.message.clone();
    if !is_here {
        let there = sources.place(found.span);
        message = format!("{}:{}:{}: {message}", there.file, there.line, there.column);
    }
    for more in [&found.label, &found.help].into_iter().flatten() {
        message.push('\n');
        message.push_str(more);
    }
    lsp_types::Diagnostic {
        range: place::range(text, span.start, span.end.max(span.start)),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(found.code.id.to_owned())),
        source: Some("kt".into()),
        message,
        related_information: Some(related(found, sources)),
        ..lsp_types::Diagnostic::default()
    }
}

/// Whether a finding is about this text: the rules that stand in a configuration are a source with the same places.
fn is_of(found: &Diagnostic, sources: &Sources, id: SourceId) -> bool {
    let name = |id| sources.get(id).map(|source| source.name.as_str());
    name(found.span.source) == name(id)
}

fn related(found: &Diagnostic, sources: &Sources) -> Vec<DiagnosticRelatedInformation> {
    let location = |span: Span| {
        let source = sources.get(span.source)?;
        let uri = place::uri(Path::new(&source.name))?;
        Some(Location { uri, range: place::range(&source.text, span.start, span.end) })
    };
    let all = found.related.iter();
    all.filter_map(|(span, words)| {
        Some(DiagnosticRelatedInformation { location: location(*span)?, message: words.clone() })
    })
    .collect()
}

/// Where a document says that it uses that source; its beginning when another file does.
fn use_of(sources: &Sources, wanted: SourceId, text: &str) -> Span {
    let name = sources.get(wanted).map_or("", |source| source.name.as_str());
    let ends_alike = |from: &str| name.ends_with(from.trim_start_matches(['.', '/']));
    tree(text)
        .items
        .into_iter()
        .find_map(|item| match item.kind {
            ItemKind::Use(import) if import.is_path && ends_alike(&import.from.value) => {
                Some(import.from.span)
            }
            _ => None,
        })
        .unwrap_or_default()
}
