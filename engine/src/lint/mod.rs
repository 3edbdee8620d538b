//! What is no mistake and yet likely not meant: one file for each thing that is looked for.

mod across;
mod always;
mod arguments;
mod contradiction;
mod coverage;
mod draft;
mod expressions;
mod holdback;
mod logic;
mod names;
mod never;
mod redaction;
mod shadowed;
mod slow;
mod subsumed;
mod suspicious;
mod tree;
mod untested;
mod unused;
mod uses;
mod verdicts;

use grammar::ast::{File, Item};
use grammar::codes::Code;
use grammar::{Diagnostic, Sources, yaml};

use coverage::Coverage;
use draft::Draft;

use crate::program::Program;

/// Warnings about policies that compile: each file on its own, and the program that came of them. A file is told by the
/// names of its rules.
pub fn lint(files: &[File], program: &Program, sources: &Sources) -> Vec<Diagnostic> {
    let mut found = subsumed::find(files, program);
    for file in files {
        let draft = Draft::of(file, sources);
        let coverage = Coverage::default();
        found.extend(unused::find(file));
        found.extend(across::find(&draft, &coverage));
        found.extend(never::find(&draft));
        found.extend(contradiction::find(&draft));
        found.extend(always::find(&draft));
        found.extend(shadowed::find(&draft, &coverage));
        found.extend(holdback::find(&draft, program));
        found.extend(redaction::find(&draft));
        found.extend(suspicious::find(file));
        found.extend(slow::find(&draft));
    }
    told(files, found)
}

/// Warnings about what the tests of a rule file that compiles leave out.
pub fn tests(file: &File, sources: &Sources) -> Vec<Diagnostic> {
    told(std::slice::from_ref(file), untested::find(&Draft::of(file, sources)))
}

/// Warnings about the arguments that a configuration gives to the policy of a file.
pub fn arguments(
    file: &File,
    arguments: &yaml::Node,
    program: &Program,
    sources: &Sources,
) -> Vec<Diagnostic> {
    told(&[], arguments::find(&Draft::of(file, sources), arguments, program))
}

/// What is not allowed, sorted.
fn told(files: &[File], mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.retain(|warning| !is_allowed(files, warning));
    grammar::diagnostic::sort(&mut found);
    found
}

/// Whether the item that a warning is about allows it.
fn is_allowed(files: &[File], warning: &Diagnostic) -> bool {
    let covers = |item: &&Item| {
        item.span.source == warning.span.source
            && (item.span.start..item.span.end).contains(&warning.span.start)
    };
    let about = files.iter().flat_map(|file| &file.items).find(covers);
    about.is_some_and(|item| says_allow(item, warning.code))
}

/// Whether an item says `/// kt:allow W005`, with a reason.
fn says_allow(item: &Item, code: Code) -> bool {
    let says = |line: &String| {
        let mut words = line.split_whitespace();
        words.next() == Some("kt:allow") && words.next() == Some(code.id) && words.next().is_some()
    };
    item.doc.iter().any(says)
}
