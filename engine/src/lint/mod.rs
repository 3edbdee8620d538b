//! What is no mistake and yet likely not meant: names that nothing uses, patterns that others cover.

mod subsumed;
mod unused;

use grammar::Diagnostic;
use grammar::ast::{File, Item};

use crate::program::Program;

/// Warnings about policies that compile: each file on its own, and the program that came of them. A file is told by the
/// names of its rules.
pub fn lint(files: &[File], program: &Program) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        found.extend(unused::find(file));
        found.extend(subsumed::find(file, program));
    }
    found.retain(|warning| !is_allowed(files, warning));
    grammar::diagnostic::sort(&mut found);
    found
}

/// Whether the item that a warning is about says `/// kt:allow W005`, with a reason.
fn is_allowed(files: &[File], warning: &Diagnostic) -> bool {
    let covers = |item: &&Item| {
        item.span.source == warning.span.source
            && (item.span.start..item.span.end).contains(&warning.span.start)
    };
    let about = files.iter().flat_map(|file| &file.items).find(covers);
    let says = |line: &String| {
        line.strip_prefix("kt:allow ").is_some_and(|rest| rest.trim_start().starts_with(warning.code.id))
    };
    about.is_some_and(|item| item.doc.iter().any(says))
}
