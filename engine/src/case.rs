//! The `test` blocks of rule files: each runs as traffic would, and answers run cut in many ways.

mod exchange;
mod given;

use std::sync::Arc;

use grammar::ast::{self, ItemKind, TestLine};
use grammar::{Diagnostic, Sources, codes};

use crate::compile::{Compiled, Library, Options, Unit, compile, compile_with};
use crate::coverage::Coverage;
use crate::matcher::View;
use crate::program::Program;
use crate::run::Session;
use crate::verdict::Decision;
use exchange::{Outcome, Script, fresh, outcome, script, shown};

/// How an answer is cut, in characters a piece: whole, one by one, and some in between.
const CUTS: &[usize] = &[usize::MAX, 1, 2, 3, 5, 7, 16];

/// What came of one test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// What went wrong; empty when it passed.
    pub failures: Vec<Diagnostic>,
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
    cover(unit, library, sources).0
}

/// The same, with what of the file the tests have tried.
pub fn cover(unit: &Unit, library: &dyn Library, sources: &mut Sources) -> (Vec<TestResult>, Coverage) {
    let text = sources.get(unit.source).map_or(String::new(), |source| source.text.clone());
    let (file, _) = grammar::parse(unit.source, &text);
    let header = file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Header(header) => Some(header.clone()),
        _ => None,
    });
    let is_library = header.as_ref().is_some_and(|header| header.library);
    let tests = file
        .items
        .iter()
        .filter_map(|item| if let ItemKind::Test(test) = &item.kind { Some(test) } else { None });
    let mut results = Vec::new();
    let mut coverage = Coverage::new(unit.source, &file);
    for test in tests {
        let failures = Vec::new();
        let mut runner = Runner { unit, library, sources, failures, coverage: &mut coverage };
        let decision = if is_library { runner.patterns(test) } else { runner.exchange(test) };
        results.push(TestResult { name: test.name.value.clone(), failures: runner.failures, decision });
    }
    (results, coverage)
}

struct Runner<'a> {
    unit: &'a Unit,
    library: &'a dyn Library,
    sources: &'a mut Sources,
    failures: Vec<Diagnostic>,
    coverage: &'a mut Coverage,
}

impl Runner<'_> {
    fn fail(&mut self, at: grammar::Span, message: String) -> &mut Diagnostic {
        self.failures.push(Diagnostic::error(codes::BAD_TEST, at, message));
        let last = self.failures.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "it was pushed just now")]
        &mut self.failures[last]
    }

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
        let mut script = script(test);
        script.given = given::read(test, &mut self.failures);
        let plain = compile_with(&units, self.library, self.sources, Options { optimize: false }).program;
        for (pattern, text, wanted) in &script.found {
            self.found(&program, pattern, text, *wanted);
        }
        let plays = script.plays();
        if !plays && script.found.is_empty() {
            self.fail(test.name.span, "this test expects nothing".into()).help =
                Some("add a line such as `expect block`".into());
        }
        if !plays {
            return None;
        }
        let whole = fresh(&program, &script, usize::MAX);
        for cut in CUTS {
            let other = fresh(&program, &script, *cut);
            if other != whole {
                let message = format!(
                    "cut in pieces of {cut} characters the answer ends in {}, and whole in {}",
                    shown(&other),
                    shown(&whole)
                );
                self.fail(test.name.span, message);
            }
        }
        // The optimiser changes what is done, never what comes of it; but it may spare a script that would fail.
        // Conditions are asked in the order written there, so coverage is as its reader expects.
        let plain = plain.map(|plain| {
            let mut watched = Session::watched(Arc::clone(&plain), || 0);
            let outcome = outcome(&mut watched, &script, usize::MAX);
            self.coverage.add(&plain, &watched.tally());
            outcome
        });
        let failed = |plain: &Outcome| plain.decision.reason_code.as_deref() == Some("policy.error");
        if let Some(plain) = plain.filter(|plain| *plain != whole && !failed(plain)) {
            let message = format!(
                "not optimised, this ends in {}, and optimised in {}; this is a mistake of the compiler",
                shown(&plain),
                shown(&whole)
            );
            self.fail(test.name.span, message);
        }
        self.compare(&whole, &script);
        Some(whole.decision)
    }

    fn compare(&mut self, outcome: &Outcome, script: &Script<'_>) {
        let decision = &outcome.decision;
        for expected in &script.verdicts {
            let wanted = &expected.verdict.value;
            if decision.verdict.name() != wanted {
                let message = format!("expected {wanted}, got {}", shown(outcome));
                self.fail(expected.verdict.span, message);
            } else if let Some(rule) =
                expected.rule.as_ref().filter(|rule| decision.rule.as_deref() != Some(&rule.value))
            {
                let got = decision.rule.as_deref().unwrap_or("no rule");
                self.fail(rule.span, format!("expected rule `{}`, got `{got}`", rule.value));
            } else if let Some(code) =
                expected.code.as_ref().filter(|code| decision.reason_code.as_deref() != Some(&code.value))
            {
                let got = decision.reason_code.as_deref().unwrap_or("none");
                self.fail(code.span, format!("expected code \"{}\", got \"{got}\"", code.value));
            }
        }
        for (expected, span) in &script.targets {
            let wanted = given::names(expected);
            if wanted != outcome.targets {
                let left = outcome.targets.join("`, `");
                self.fail(*span, format!("expected other targets; left are `{left}`"));
            }
        }
        for expected in &script.texts {
            let got = outcome.text.as_deref().unwrap_or_default();
            if got != expected.value {
                self.fail(expected.span, format!("expected another text; got {got:?}"));
            }
        }
        self.compare_arguments(outcome, script);
    }

    /// Compares the arguments of the calls: the first that are expected are those of the first call.
    fn compare_arguments(&mut self, outcome: &Outcome, script: &Script<'_>) {
        for (index, expected) in script.arguments.iter().enumerate() {
            if script.calls.get(index).is_none() {
                let message = "the answer of this test has no such call".to_owned();
                self.fail(expected.span, message).help =
                    Some("write a line `call \"function\" \"{…}\"` for each `expect arguments`".into());
                continue;
            }
            let got = outcome.arguments.get(index).map_or("", String::as_str);
            if got != expected.value {
                self.fail(expected.span, format!("expected other arguments; got {got:?}"));
            }
        }
    }

    fn found(&mut self, program: &Program, pattern: &ast::Name, text: &ast::Name, wanted: bool) {
        let detectors: Vec<_> =
            program.detectors.iter().filter(|detector| *detector.name == *pattern.value).collect();
        if detectors.is_empty() {
            self.fail(pattern.span, format!("no rule looks for a pattern `{}`", pattern.value)).help = Some(
                "name a pattern that a rule of this file uses, with the arguments that this test sets".into(),
            );
            return;
        }
        let found = detectors.iter().any(|detector| detector.occurs_in(&text.value, false));
        if found {
            self.coverage.found(&pattern.value);
        }
        if found != wanted {
            let message = format!("`{}` is {}found here", pattern.value, if found { "" } else { "not " });
            self.fail(text.span, message);
        }
    }

    /// A library's tests say what its patterns find.
    fn patterns(&mut self, test: &ast::Test) -> Option<Decision> {
        let compiled = compile_library(self.unit, self.library, self.sources);
        let Some(program) = compiled.program else {
            self.failures.extend(compiled.diagnostics.into_iter().filter(Diagnostic::is_error));
            return None;
        };
        let script = script(test);
        for (pattern, text, wanted) in &script.found {
            self.found(&program, pattern, text, *wanted);
        }
        if script.found.is_empty() {
            self.fail(test.name.span, "a test of a library says what its patterns find".into()).help =
                Some("write `expect NAME in \"…\"` or `expect no NAME in \"…\"`".into());
        }
        None
    }
}

/// Compiles a library: its patterns are put into a policy made for the purpose. It looks for each in the folded text, or
/// in the text as it arrived where the pattern is made of what folding takes away.
pub fn compile_library(unit: &Unit, library: &dyn Library, sources: &mut Sources) -> Compiled {
    let (name, text) =
        sources.get(unit.source).map_or_else(Default::default, |s| (s.name.clone(), s.text.clone()));
    let (file, errors) = grammar::parse(unit.source, &text);
    let (mut folded, mut raw): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for item in &file.items {
        if let ItemKind::Pattern(pattern) = &item.kind {
            match &pattern.body.value {
                ast::PatternBody::AnyOf(_) => {}
                ast::PatternBody::Regex(regex) if is_for_raw(regex) => raw.push(pattern.name.value.as_str()),
                ast::PatternBody::Regex(_) | ast::PatternBody::Words { .. } => {
                    folded.push(&pattern.name.value)
                }
            }
        }
    }
    if folded.is_empty() && raw.is_empty() || !errors.is_empty() {
        return Compiled { program: None, diagnostics: errors, files: Vec::new() };
    }
    let mut policy = String::from("policy patterns\n");
    for (rule, text, names) in [("folded", "text", folded), ("raw", "raw(text)", raw)] {
        if !names.is_empty() {
            let names = names.join(", ");
            policy += &format!("use \"{name}\" ({names})\n");
            policy += &format!("rule {rule} on request {{\n  when {text} has ({names})\n  do flag\n}}\n");
        }
    }
    let source = sources.add(format!("{name} (as a policy)"), policy);
    let alone = Alone { name, text, library };
    compile(&[Unit { source, ..unit.clone() }], &alone, sources)
}

/// Whether an expression can only be used on the text as it arrived.
fn is_for_raw(regex: &ast::Regex) -> bool {
    let compiles = |view| crate::matcher::regex::compile(&regex.source, &regex.flags, view).is_ok();
    !compiles(View::Folded) && compiles(View::Raw)
}

/// A library whose own file can be used by its path.
struct Alone<'a> {
    name: String,
    text: String,
    library: &'a dyn Library,
}

impl Library for Alone<'_> {
    fn library(&self, name: &str) -> Option<(String, String)> {
        self.library.library(name)
    }

    fn names(&self) -> Vec<String> {
        self.library.names()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        if path == self.name {
            return Ok((self.name.clone(), self.text.clone()));
        }
        self.library.file(from, path)
    }
}
