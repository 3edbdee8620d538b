//! `kt policy`: check, test and inspect policies.

mod bench;
mod compile;
mod coverage;
mod data;
mod diff;
mod eval;
mod explain;
mod fmt;
mod import;
mod lines;
mod lint;
mod metrics;
mod reference;
mod stats;
mod summary;
mod table;
mod test;

pub(super) use bench::seconds;

use std::path::Path;

use clap::Subcommand;

use super::{Exit, Terminal};

/// Check, test and inspect policies.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Check a configuration or a rule file
    Lint(lint::Lint),
    /// Run tests: golden cases, suites, and the `test` blocks of rule files
    Test(test::Test),
    /// Tell which rules, conditions and patterns no test has tried
    Coverage(coverage::Cover),
    /// Judge texts and conversations from a JSONL file
    Eval(eval::Eval),
    /// Tell what changes in behaviour from one rule file or configuration to another
    Diff(diff::Diff),
    /// Measure what judging costs: a request, a piece of a stream, and each rule
    Bench(bench::Bench),
    /// Show what the compiler makes of a file
    Compile(compile::Compile),
    /// Lay rule files out in the one way
    Fmt(fmt::Fmt),
    /// Make a rule file of rules for another tool
    Import(import::Import),
    /// Show why an exchange is judged as it is, or the page of an error code
    Explain(explain::Explain),
    /// List the fields that rules read
    Fields,
    /// List the functions and validators that rules call
    Functions,
}

impl Verb {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self {
            Verb::Lint(lint) => lint.run(terminal),
            Verb::Test(test) => test.run(terminal),
            Verb::Coverage(coverage) => coverage.run(terminal),
            Verb::Eval(eval) => eval.run(terminal),
            Verb::Diff(diff) => diff.run(terminal),
            Verb::Bench(bench) => bench.run(terminal),
            Verb::Compile(compile) => compile.run(terminal),
            Verb::Fmt(fmt) => fmt.run(terminal),
            Verb::Import(import) => import.run(terminal),
            Verb::Explain(explain) => explain.run(terminal),
            Verb::Fields => reference::fields(terminal),
            Verb::Functions => reference::functions(terminal),
        }
    }
}

/// Whether a path names a rule file.
fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ktr")
}
