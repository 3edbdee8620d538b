//! Rules that never decide: whatever one of them holds of, an earlier rule of the policy stops already.

use grammar::ast::{Phase, Rule};
use grammar::{Diagnostic, codes};

use super::coverage::Coverage;
use super::draft::Draft;
use super::logic::{Formula, Reader, Site, Why, conflict, conflict_with};

/// The rules of a file that never decide.
pub(super) fn find(draft: &Draft<'_>, coverage: &Coverage) -> Vec<Diagnostic> {
    let rules: Vec<(&Rule, Formula<'_>)> =
        draft.rules().filter_map(|(_, rule)| Some((rule, draft.condition(rule)?))).collect();
    let mut found = Vec::new();
    for (at, (late, condition)) in rules.iter().enumerate() {
        if conflict(condition).is_some() {
            continue;
        }
        let before = rules.iter().take(at);
        let first = before.filter(|(early, _)| precedes(draft, early, late)).find_map(|(early, wider)| {
            let both = beside(condition, wider);
            // An answer that streams: of two patterns the wider one may be decided later.
            let told = if runs_on_streams(late) { conflict(&both) } else { conflict_with(&both, coverage) };
            Some((early, told.filter(|_| conflict(wider).is_none())?.why))
        });
        found.extend(first.map(|(early, why)| warning(early, late, &why)));
    }
    found
}

fn warning(early: &Rule, late: &Rule, why: &Why) -> Diagnostic {
    let (early_name, late_name) = (&early.name.value, &late.name.value);
    let message =
        format!("rule `{late_name}` never decides: whatever it holds of, rule `{early_name}` stops before");
    let first = match why {
        Why::Covered => "this one comes first, and its patterns find all that those of the other find",
        _ => "this one comes first, and asks for the same or less",
    };
    Diagnostic::warning(codes::SHADOWED, late.name.span, message).related(early.name.span, first).help(
        format!("put `{late_name}` before `{early_name}`, narrow `{early_name}`, or leave `{late_name}` out"),
    )
}

/// A condition, together with the opposite of another.
pub(super) fn beside<'f>(condition: &Formula<'f>, other: &Formula<'f>) -> Formula<'f> {
    let site = Site { inner: true, ..condition.site() };
    Formula::All(site, vec![condition.clone(), other.clone().negated()])
}

/// Whether one rule, where it holds, surely stops what another would decide.
fn precedes(draft: &Draft<'_>, early: &Rule, late: &Rule) -> bool {
    let (Some(first), Some(second)) = (draft.names.verdicts(early), draft.names.verdicts(late)) else {
        return false;
    };
    let weakest = first.iter().min().copied().unwrap_or_default();
    let strongest = second.iter().max().copied().unwrap_or_default();
    let alike = || action(draft, early).is_some_and(|own| action(draft, late) == Some(own));
    let phases = late.phases.iter().all(|phase| early.phases.iter().any(|other| other.value == phase.value));
    // What waits for the end of an answer comes after what does not.
    let in_time = early.buffered.is_none() || late.buffered.is_some();
    weakest.stops() && (weakest >= strongest || alike()) && phases && in_time
}

/// What stands after `do`, by what it is computed from.
pub(super) fn action<'f>(draft: &Draft<'f>, rule: &'f Rule) -> Option<std::rc::Rc<str>> {
    let reader = Reader::new(&draft.names);
    reader.key(&rule.action.as_ref()?.verdict, &std::rc::Rc::default())
}

fn runs_on_streams(rule: &Rule) -> bool {
    rule.phases.iter().any(|phase| phase.value == Phase::Response) && rule.buffered.is_none()
}
