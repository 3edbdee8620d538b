//! The `test` blocks of rule files: each runs as traffic would, and answers run cut in many ways.

mod expect;
mod given;
mod library;
mod play;
mod script;

use std::sync::Arc;

use grammar::ast::{self, ItemKind, TestLine};
use grammar::{Diagnostic, Sources, Span};

use crate::compile::{Library, Options, Unit, compile, compile_with};
use crate::coverage::Coverage;
use crate::program::Program;
use crate::run::Session;
use crate::verdict::Decision;
use expect::{Judge, error};
pub use library::compile_library;
use play::{CUTS, Outcome, fresh, outcome, shown};
use script::Script;

/// What came of one test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What went wrong; empty when it passed.
    pub failures: Vec<Diagnostic>,
    /// How many of its expectations are known not to hold yet: `todo expect …`.
    pub todo: usize,
    /// The decision that was reached, when the test runs an exchange.
    pub decision: Option<Decision>,
}

impl TestResult {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs every test of a rule file: of a policy against its own rules, of a library against its patterns.
pub fn run_tests(unit: &Unit, library: &dyn Library, sources: &mut Sources) -> Vec<TestResult> {
    let mut results = Vec::new();
    cover(unit, library, sources, &mut |_| true, &mut |result| results.push(result));
    results
}

/// Runs the tests whose names are `wanted`, tells of each as soon as it is `done`, and gives what of the file they have
/// tried.
pub fn cover(
    unit: &Unit,
    library: &dyn Library,
    sources: &mut Sources,
    wanted: &mut dyn FnMut(&str) -> bool,
    done: &mut dyn FnMut(TestResult),
) -> Coverage {
    let text = sources.get(unit.source).map_or(String::new(), |source| source.text.clone());
    let (file, _) = grammar::parse(unit.source, &text);
    let is_library = file.items.iter().any(|item| match &item.kind {
        ItemKind::Header(header) => header.library,
        _ => false,
    });
    let mut coverage = Coverage::new(unit.source, &file);
    for item in &file.items {
        let ItemKind::Test(test) = &item.kind else { continue };
        if !wanted(&test.name.value) {
            continue;
        }
        let mut runner =
            Runner { unit, library, sources, failures: Vec::new(), todo: 0, coverage: &mut coverage };
        let decision = if is_library { runner.patterns(test) } else { runner.exchange(test) };
        let Runner { failures, todo, .. } = runner;
        let (name, span) = (test.name.value.clone(), test.name.span);
        done(TestResult { name, span, failures, todo, decision });
    }
    coverage
}

struct Runner<'a> {
    unit: &'a Unit,
    library: &'a dyn Library,
    sources: &'a mut Sources,
    failures: Vec<Diagnostic>,
    /// Expectations that are known not to hold.
    todo: usize,
    coverage: &'a mut Coverage,
}

impl Runner<'_> {
    fn exchange(&mut self, test: &ast::Test) -> Option<Decision> {
        let mut unit = self.unit.clone();
        for line in &test.lines {
            if let TestLine::With(name, value) = &line.value {
                unit.overrides.push((name.clone(), value.clone()));
            }
        }
        let units = [unit];
        let compiled = compile(&units, self.library, self.sources);
        let Some(program) = compiled.program else {
            self.failures.extend(compiled.diagnostics.into_iter().filter(Diagnostic::is_error));
            return None;
        };
        let script = Script::read(test, &mut self.failures);
        if script.expected.is_empty() {
            let failure = error(test.name.span, "this test expects nothing".into());
            self.failures.push(failure.help("add a line such as `expect block`"));
            return None;
        }
        for (rule, _) in &script.spent {
            if !program.rules.iter().any(|known| *known.name == *rule.value) {
                let message = format!("no rule `{}` is in force here", rule.value);
                let help = "name a rule that reserves, with the arguments that this test sets";
                self.failures.push(error(rule.span, message).help(help));
            }
        }
        let played = script.plays().then(|| fresh(&program, &script, usize::MAX));
        if let Some(whole) = &played {
            self.pieces(test, &program, &script, whole);
            self.plain(test, &units, &script, whole);
        }
        let judge = Judge { program: &program, script: &script, outcome: played.as_ref() };
        self.todo = judge.judge(self.coverage, &mut self.failures);
        played.map(|whole| whole.decision)
    }

    /// However an answer is cut, the same comes of it.
    fn pieces(&mut self, test: &ast::Test, program: &Arc<Program>, script: &Script<'_>, whole: &Outcome) {
        for cut in CUTS {
            let other = fresh(program, script, *cut);
            if other != *whole {
                let message = format!(
                    "cut in pieces of {cut} characters the answer ends in {}, and whole in {}",
                    shown(&other),
                    shown(whole)
                );
                self.failures.push(error(test.name.span, message));
            }
        }
    }

    /// The optimiser changes what is done, never what comes of it; but it may spare a script that would fail.
    /// Conditions are asked in the order written there, so coverage is as its reader expects.
    fn plain(&mut self, test: &ast::Test, units: &[Unit], script: &Script<'_>, whole: &Outcome) {
        let compiled = compile_with(units, self.library, self.sources, Options { optimize: false });
        let Some(program) = compiled.program else { return };
        let mut watched = Session::watched(Arc::clone(&program), || 0);
        let plain = outcome(&mut watched, script, usize::MAX);
        self.coverage.add(&program, &watched.tally());
        let failed = plain.decision.reason_code.as_deref() == Some("policy.error");
        if plain != *whole && !failed {
            let message = format!(
                "not optimised, this ends in {}, and optimised in {}; this is a mistake of the compiler",
                shown(&plain),
                shown(whole)
            );
            self.failures.push(error(test.name.span, message));
        }
    }

    /// A library's tests say what its patterns find.
    fn patterns(&mut self, test: &ast::Test) -> Option<Decision> {
        let compiled = compile_library(self.unit, self.library, self.sources);
        let Some(program) = compiled.program else {
            self.failures.extend(compiled.diagnostics.into_iter().filter(Diagnostic::is_error));
            return None;
        };
        let script = Script::read(test, &mut self.failures);
        if script.expected.is_empty() {
            let failure = error(test.name.span, "a test of a library says what its patterns find".into());
            self.failures.push(failure.help("write `expect NAME in \"…\"` or `expect no NAME in \"…\"`"));
        }
        let judge = Judge { program: &program, script: &script, outcome: None };
        self.todo = judge.judge(self.coverage, &mut self.failures);
        None
    }
}
