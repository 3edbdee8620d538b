//! Redactions that never apply: words for a redaction that a rule never makes, and patterns that only a part finds which can
//! never hold.

use grammar::ast::Rule;
use grammar::verdict::Verdict;
use grammar::{Diagnostic, Span, codes};

use super::draft::Draft;
use super::logic::survey;

/// The redactions of a file that never apply.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let rules = draft.rules().map(|(_, rule)| rule);
    rules.filter_map(|rule| without_redaction(draft, rule).or_else(|| without_text(draft, rule))).collect()
}

/// `with` after a verdict that is never `redact`.
fn without_redaction(draft: &Draft<'_>, rule: &Rule) -> Option<Diagnostic> {
    let action = rule.action.as_ref()?;
    let with = action.with.as_ref()?;
    let verdicts = draft.names.verdicts(rule)?;
    if verdicts.contains(&Verdict::Redact) {
        return None;
    }
    let names: Vec<&str> = verdicts.iter().rev().map(|verdict| verdict.name()).collect();
    let message =
        format!("rule `{}` never redacts, so what stands after `with` is never used", rule.name.value);
    Some(
        Diagnostic::warning(codes::IDLE_REDACTION, with.span, message)
            .related(action.verdict.span, format!("this can be {}", names.join(", ")))
            .help("leave `with` out, or let the rule redact"),
    )
}

/// A rule that may redact, and all that finds text in it can never hold.
fn without_text(draft: &Draft<'_>, rule: &Rule) -> Option<Diagnostic> {
    if !draft.names.verdicts(rule)?.contains(&Verdict::Redact) {
        return None;
    }
    let condition = draft.condition(rule)?;
    let dead: Vec<Span> = survey(&condition).ok()?.iter().map(|dead| dead.branch.span).collect();
    if !condition.has_evidence(&[]) || condition.has_evidence(&dead) {
        return None;
    }
    let message = format!(
        "rule `{}` has nothing to redact: the only part that finds text can never hold",
        rule.name.value
    );
    let warning = Diagnostic::warning(codes::IDLE_REDACTION, rule.name.span, message);
    let warning = dead.iter().fold(warning, |warning, span| warning.related(*span, "this never holds"));
    Some(
        warning.help("mend that part; where other parts hold, the rule has its verdict and replaces nothing"),
    )
}
