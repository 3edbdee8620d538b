//! Rules that never decide: whatever one of them holds of, an earlier rule of the policy stops already.

use std::collections::HashSet;
use std::rc::Rc;

use grammar::ast::{Phase, Rule};
use grammar::verdict::Verdict;
use grammar::{Diagnostic, codes};

use super::coverage::Coverage;
use super::draft::Draft;
use super::logic::{Formula, Reader, Site, Why, conflict, conflict_with};

/// The rules of a file that never decide.
pub(super) fn find(draft: &Draft<'_>, coverage: &Coverage) -> Vec<Diagnostic> {
    let rules: Vec<Ranked<'_>> = draft.rules().filter_map(|(_, rule)| Ranked::of(draft, rule)).collect();
    let mut found = Vec::new();
    for (at, late) in rules.iter().enumerate() {
        let before = rules.iter().take(at);
        let first = before.filter(|early| early.precedes(late)).find_map(|early| {
            let both = beside(&late.condition, &early.condition);
            // An answer that streams: of two patterns the wider one may be decided later.
            let streams = runs_on_streams(late.rule);
            let told = if streams { conflict(&both) } else { conflict_with(&both, coverage) };
            told.map(|conflict| (early.rule, conflict.why))
        });
        found.extend(first.map(|(early, why)| warning(early, late.rule, &why)));
    }
    found
}

/// A rule that can hold, and what it can come to.
struct Ranked<'f> {
    rule: &'f Rule,
    condition: Formula<'f>,
    /// The values that its condition is about, and the texts that it searches.
    subjects: HashSet<Rc<str>>,
    weakest: Verdict,
    strongest: Verdict,
    action: Option<Rc<str>>,
}

impl<'f> Ranked<'f> {
    fn of(draft: &Draft<'f>, rule: &'f Rule) -> Option<Self> {
        let condition = draft.condition(rule)?;
        if conflict(&condition).is_some() {
            return None;
        }
        let verdicts = draft.names.verdicts(rule)?;
        let mut subjects = HashSet::new();
        condition.subjects(&mut subjects);
        Some(Self {
            rule,
            condition,
            subjects,
            weakest: verdicts.first().copied()?,
            strongest: verdicts.last().copied()?,
            action: action(draft, rule),
        })
    }

    /// Whether this rule, where it holds, surely stops what the other would decide. One that is about nothing holds always;
    /// else both must be about the same.
    fn precedes(&self, late: &Self) -> bool {
        let alike = self.action.is_some() && self.action == late.action;
        let (own, other) = (&self.rule.phases, &late.rule.phases);
        // What waits for the end of an answer comes after what does not.
        let in_time = self.rule.buffered.is_none() || late.rule.buffered.is_some();
        self.weakest.stops()
            && (self.weakest >= late.strongest || alike)
            && in_time
            && other.iter().all(|phase| own.iter().any(|other| other.value == phase.value))
            && (self.subjects.is_empty() || !self.subjects.is_disjoint(&late.subjects))
    }
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

/// What stands after `do`, by what it is computed from.
pub(super) fn action<'f>(draft: &Draft<'f>, rule: &'f Rule) -> Option<Rc<str>> {
    let reader = Reader::new(&draft.names);
    reader.key(&rule.action.as_ref()?.verdict, &Rc::default())
}

fn runs_on_streams(rule: &Rule) -> bool {
    rule.phases.iter().any(|phase| phase.value == Phase::Response) && rule.buffered.is_none()
}
