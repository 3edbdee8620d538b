//! A golden case: played against a chain, and held against what is expected.

use engine::verdict::PolicyReport;
use grammar::case::Case;
use grammar::{Diagnostic, Span, Spanned, codes};
use serde_json::{Value, json};

use super::run::Row;
use crate::packs::Pack;
use crate::rehearsal::exchange::{Exchange, Played};

/// Plays a case of a file.
pub(super) fn run(file: &str, case: &Case, pack: &Pack) -> Row {
    let mut row = Row::new(file, &case.name.value, case.name.span);
    match Exchange::of_case(case).and_then(|exchange| exchange.play(pack)) {
        Ok(played) => {
            row.verdict = Some(played.decision.verdict.name());
            row.reason_code = played.decision.reason_code.as_deref().map(str::to_owned);
            row.policies = played.report.policies.iter().map(policy).collect();
            row.failures = failures(case, &played);
        }
        Err(sentence) => row.failures.push(Diagnostic::error(codes::BAD_TEST, case.input.span, sentence)),
    }
    row
}

fn policy(report: &PolicyReport) -> Value {
    json!({"name": &*report.name, "result": report.outcome.name(), "findings": report.findings.len()})
}

fn failures(case: &Case, played: &Played) -> Vec<Diagnostic> {
    let (decision, expected) = (&played.decision, &case.expected);
    let verdict = expected.verdict.as_ref().map(|wanted| (wanted.value.name(), wanted.span));
    let found = [
        other("verdict", verdict, Some(decision.verdict.name())),
        other("reason code", text(expected.reason_code.as_ref()), decision.reason_code.as_deref()),
        other("policy", text(expected.policy.as_ref()), decision.policy.as_deref()),
        other("rule", text(expected.rule.as_ref()), decision.rule.as_deref()),
        output(text(expected.output.as_ref()), played.output.as_deref()),
    ];
    found.into_iter().flatten().collect()
}

fn text(wanted: Option<&Spanned<String>>) -> Option<(&str, Span)> {
    wanted.map(|wanted| (wanted.value.as_str(), wanted.span))
}

fn other(what: &str, wanted: Option<(&str, Span)>, got: Option<&str>) -> Option<Diagnostic> {
    let (wanted, span) = wanted.filter(|(wanted, _)| Some(*wanted) != got)?;
    let got = got.map_or("none".to_owned(), |got| format!("`{got}`"));
    Some(Diagnostic::error(codes::BAD_TEST, span, format!("expected {what} `{wanted}`, got {got}")))
}

fn output(wanted: Option<(&str, Span)>, got: Option<&str>) -> Option<Diagnostic> {
    let Some(got) = got else { return other("output", wanted, None) };
    let (wanted, span) = wanted.filter(|(wanted, _)| *wanted != got)?;
    let failure = Diagnostic::error(codes::BAD_TEST, span, "expected another output");
    Some(failure.difference(wanted, got))
}
