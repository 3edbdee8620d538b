//! A draft, compiled: kept until another one is, since the texts that it judges change more often than it does.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use engine::{Compiled, Library, Program, Unit};
use grammar::{Diagnostic, SourceId, Sources, diagnostic, yaml};

use super::run::Draft;
use crate::packs::warnings::{self, Checked};
use crate::packs::{self, Pack, Shelf, shipped_model};

/// What a draft compiles to, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Made {
    /// What it was made of.
    of: Of,
    /// The rule file that was typed, among `sources`.
    pub(super) source: SourceId,
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Nothing when there are errors, and of a library.
    pub(super) program: Option<Arc<Program>>,
    pub(super) is_library: bool,
}

/// All that decides what a draft compiles to.
#[derive(Debug, PartialEq, Eq)]
struct Of {
    file: String,
    rules: String,
    arguments: Option<String>,
    /// What is in force, of which it may use libraries.
    hash: String,
}

impl Of {
    fn draft(draft: &Draft, pack: &Pack) -> Self {
        let Draft { file, rules, arguments, .. } = draft;
        Self {
            file: file.clone(),
            rules: rules.clone(),
            arguments: arguments.clone(),
            hash: pack.hash().to_owned(),
        }
    }
}

impl Made {
    /// Whether this is what the draft would compile to.
    pub(super) fn is_of(&self, draft: &Draft, pack: &Pack) -> bool {
        self.of == Of::draft(draft, pack)
    }

    /// Compiles a draft, and looks at it closely.
    pub(super) fn of(draft: &Draft, pack: &Pack) -> Self {
        let books = Books { sources: &pack.sources };
        let mut sources = Sources::new();
        let source = sources.add(draft.file.as_str(), draft.rules.as_str());
        let checked = warnings::of_rule_file(source, &draft.rules, &books, &mut sources);
        let Checked { mut diagnostics, mut program, .. } = checked;
        if let Some(arguments) = draft.arguments.as_ref().filter(|_| program.is_some()) {
            let found;
            (program, found) = with_arguments(source, arguments, &books, &mut sources);
            diagnostics.extend(found);
        }
        diagnostic::sort(&mut diagnostics);
        let is_library = packs::header(&draft.rules).is_some_and(|(is_library, _)| is_library);
        let has_errors = diagnostics.iter().any(Diagnostic::is_error);
        let program = program.filter(|_| !is_library && !has_errors);
        Self { of: Of::draft(draft, pack), source, sources, diagnostics, program, is_library }
    }
}

/// The same file with arguments; only errors are told, since all else was.
fn with_arguments(
    source: SourceId,
    arguments: &str,
    books: &Books<'_>,
    sources: &mut Sources,
) -> (Option<Arc<Program>>, Vec<Diagnostic>) {
    let written = sources.add("arguments", arguments);
    let node = match yaml::parse(written, arguments) {
        Ok(node) => node,
        Err(found) => return (None, found),
    };
    let unit = Unit { arguments: Some(node), ..Unit::of(source) };
    let Compiled { program, mut diagnostics, .. } = engine::compile(&[unit], books, sources);
    diagnostics.retain(Diagnostic::is_error);
    (program, diagnostics)
}

/// What a draft may use: the shipped libraries, and files that are in force already. Nothing is read for it.
struct Books<'p> {
    sources: &'p Sources,
}

impl Library for Books<'_> {
    fn library(&self, name: &str) -> Option<(String, String)> {
        Shelf.library(name)
    }

    fn names(&self) -> Vec<String> {
        Shelf.names()
    }

    fn model(&self, _from: &str, name: &str) -> Option<Cow<'_, [u8]>> {
        shipped_model(name)
    }

    fn models(&self) -> Vec<String> {
        Shelf.models()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let name = packs::beside(Path::new(from), path).display().to_string();
        let known = self.sources.iter().find(|(_, source)| source.library && source.name == name);
        known.map(|(_, source)| (name, source.text.clone())).ok_or_else(|| {
            format!("the playground reads no files, and `{path}` is not in force; it can use the shipped libraries")
        })
    }
}
