//! What a test expects, held against what came.

use std::sync::Arc;

use grammar::ast::{Expectation, ExpectedVerdict, Name};
use grammar::{Diagnostic, Span, codes};

use super::given;
use super::play::{self, Outcome, shown};
use super::script::{Expected, Script};
use crate::coverage::Coverage;
use crate::program::Program;

/// How much of what waits is shown, in characters.
const SHOWN: usize = 60;

/// What came of a test's exchange.
pub(super) struct Judge<'a> {
    pub(super) program: &'a Arc<Program>,
    pub(super) script: &'a Script<'a>,
    /// Nothing where no exchange was played.
    pub(super) outcome: Option<&'a Outcome>,
}

/// How an expectation fares.
enum Fate {
    /// It holds.
    Holds,
    /// It does not, and why.
    Misses(Diagnostic),
    /// It makes no sense, and never could hold.
    Wrong(Diagnostic),
}

impl Judge<'_> {
    /// Holds every expectation against what came, in the order written. Says how many are known not to hold.
    pub(super) fn judge(&self, coverage: &mut Coverage, failures: &mut Vec<Diagnostic>) -> usize {
        let mut known = 0;
        for expected in &self.script.expected {
            match (self.fate(expected, coverage), expected.todo) {
                (Fate::Holds, None) => {}
                (Fate::Misses(_), Some(_)) => known += 1,
                (Fate::Misses(failure), None) | (Fate::Wrong(failure), _) => failures.push(failure),
                (Fate::Holds, Some(todo)) => {
                    let failure = error(todo, "this is no known miss any more: it holds".into());
                    failures.push(failure.help("take `todo` out"));
                }
            }
        }
        known
    }

    fn fate(&self, expected: &Expected<'_>, coverage: &mut Coverage) -> Fate {
        match (expected.what, self.outcome) {
            (Expectation::Found { pattern, text, found }, _) => self.found(pattern, text, *found, coverage),
            (_, None) => {
                let failure = error(expected.span, "a test of a library says what its patterns find".into());
                Fate::Wrong(failure.help("write `expect NAME in \"…\"` or `expect no NAME in \"…\"`"))
            }
            (Expectation::Verdict(wanted), Some(outcome)) => fate(verdict(wanted, outcome)),
            (Expectation::Targets(wanted), Some(outcome)) => {
                let is_other = given::names(wanted) != outcome.targets;
                let left = outcome.targets.join("`, `");
                let message = format!("expected other targets; left are `{left}`");
                fate(is_other.then(|| error(expected.span, message)))
            }
            (Expectation::Reserved(wanted), Some(outcome)) => {
                let is_other = !wanted.iter().map(|name| &name.value).eq(&outcome.reserved);
                let by = if outcome.reserved.is_empty() {
                    "no rule takes anything of a budget".to_owned()
                } else {
                    format!("what takes something of a budget is `{}`", outcome.reserved.join("`, `"))
                };
                fate(is_other.then(|| error(expected.span, by)))
            }
            (Expectation::Text(wanted), Some(outcome)) => {
                let got = outcome.text.as_deref().unwrap_or_default();
                let failure = || error(wanted.span, "expected another text".into());
                fate((got != wanted.value).then(|| failure().difference(&wanted.value, got)))
            }
            (Expectation::Arguments(wanted), Some(outcome)) => self.arguments(wanted, expected.call, outcome),
            (Expectation::Held(most), Some(_)) => self.held(most.value, most.span),
        }
    }

    fn arguments(&self, wanted: &Name, call: usize, outcome: &Outcome) -> Fate {
        if call >= self.script.calls() {
            let failure = error(wanted.span, "the answer of this test has no such call".into());
            let help = "write a line `call \"function\" \"{…}\"` for each `expect arguments`";
            return Fate::Wrong(failure.help(help));
        }
        let got = outcome.arguments.get(call).map_or("", String::as_str);
        let failure = || error(wanted.span, "expected other arguments".into());
        fate((got != wanted.value).then(|| failure().difference(&wanted.value, got)))
    }

    fn held(&self, most: usize, span: Span) -> Fate {
        if self.script.answer().is_empty() {
            let failure = error(span, "there is no answer of which anything could wait".into());
            return Fate::Wrong(failure.help("give one, as in `response \"…\"`"));
        }
        let held = play::held(self.program, self.script).filter(|held| held.bytes > most);
        fate(held.map(|held| {
            let by = held.by.map_or("a rule that is buffered".to_owned(), |pattern| format!("`{pattern}`"));
            let text: String = held.text.chars().take(SHOWN).collect();
            let more = if text.len() < held.text.len() { "…" } else { "" };
            error(span, format!("{} bytes wait for {by}: {text:?}{more}", held.bytes))
        }))
    }

    fn found(&self, pattern: &Name, text: &Name, wanted: bool, coverage: &mut Coverage) -> Fate {
        let detectors: Vec<_> =
            self.program.detectors.iter().filter(|detector| *detector.name == *pattern.value).collect();
        if detectors.is_empty() {
            let failure = error(pattern.span, format!("no rule looks for a pattern `{}`", pattern.value));
            return Fate::Wrong(failure.help(
                "name a pattern that a rule of this file uses, with the arguments that this test sets",
            ));
        }
        let found = detectors.iter().any(|detector| detector.occurs_in(&text.value, false));
        if found {
            coverage.found(&pattern.value);
        }
        if found == wanted {
            return Fate::Holds;
        }
        let message = format!("`{}` is {}found here", pattern.value, if found { "" } else { "not " });
        Fate::Misses(error(text.span, message))
    }
}

/// It holds where nothing is told against it.
fn fate(missed: Option<Diagnostic>) -> Fate {
    missed.map_or(Fate::Holds, Fate::Misses)
}

fn verdict(expected: &ExpectedVerdict, outcome: &Outcome) -> Option<Diagnostic> {
    let decision = &outcome.decision;
    let wanted = &expected.verdict;
    if decision.verdict.name() != wanted.value {
        let message = format!("expected {}, got {}", wanted.value, shown(outcome));
        return Some(error(wanted.span, message));
    }
    let other = |wanted: &Name, got: Option<&str>| got != Some(wanted.value.as_str());
    let (rule, code) = (decision.rule.as_deref(), decision.reason_code.as_deref());
    if let Some(wanted) = expected.rule.as_ref().filter(|wanted| other(wanted, rule)) {
        let got = rule.unwrap_or("no rule");
        return Some(error(wanted.span, format!("expected rule `{}`, got `{got}`", wanted.value)));
    }
    let wanted = expected.code.as_ref().filter(|wanted| other(wanted, code))?;
    let got = code.unwrap_or("none");
    Some(error(wanted.span, format!("expected code \"{}\", got \"{got}\"", wanted.value)))
}

/// A failure of a test.
pub(super) fn error(at: Span, message: String) -> Diagnostic {
    Diagnostic::error(codes::BAD_TEST, at, message)
}
