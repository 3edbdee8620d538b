//! Parts of a condition that cannot hold together, whatever the params and the traffic are.

use grammar::{Diagnostic, codes};

use super::draft::{Draft, Of};
use super::logic::{Conflict, Domain, Formula, Site, Why, conflict, survey};

/// The contradictions of a file. Where all of a rule is one constant, [`super::never`] tells it.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for condition in draft.conditions() {
        match survey(&condition.formula) {
            Err(conflict) => found.extend(warning(draft, &conflict, &consequence(condition.of))),
            Ok(dead) => {
                for dead in dead.iter().filter(|dead| !dead.branch.inner) {
                    let branch = draft.part(dead.branch);
                    let so = format!(", so {branch} is no alternative");
                    found.extend(warning(draft, &dead.conflict, &so));
                }
            }
        }
    }
    for (_, rule) in draft.rules().filter(|(_, rule)| rule.unless.is_some()) {
        let Some(whole) = draft.condition(rule) else { continue };
        if !parts(&whole).iter().any(|part| conflict(part).is_some())
            && let Some(conflict) = conflict(&whole)
        {
            found.extend(warning(draft, &conflict, &consequence(Of::When(rule))));
        }
    }
    found
}

fn parts<'a, 'f>(formula: &'a Formula<'f>) -> &'a [Formula<'f>] {
    match formula {
        Formula::All(_, parts) | Formula::Any(_, parts) => parts,
        Formula::Claim(_) | Formula::Known(..) => &[],
    }
}

/// What follows for the whole.
fn consequence(of: Of<'_>) -> String {
    match of {
        Of::When(rule) => format!(", so rule `{}` never does", rule.name.value),
        Of::Unless(rule) => format!(", so the `unless` of rule `{}` never applies", rule.name.value),
        Of::Exclude(rule) => format!(", so rule `{}` excludes no target", rule.name.value),
        Of::Named(name) => format!(", so `{name}` never does"),
        Of::Term(score) => format!(", so this term of `{score}` never counts"),
        Of::Inner => String::new(),
    }
}

/// A warning that names the parts; none where they are all of one name, whose own condition is told.
fn warning(draft: &Draft<'_>, conflict: &Conflict, consequence: &str) -> Option<Diagnostic> {
    if conflict.why == Why::Constant || is_of_one_name(&conflict.parts) {
        return None;
    }
    let mut parts = conflict.parts.clone();
    parts.sort_by_key(|part| (part.span.start, part.span.end));
    let last = *parts.last()?;
    let names: Vec<String> = parts.iter().map(|part| draft.part(*part)).collect();
    let message = match names.as_slice() {
        [one] => format!("{one} never holds{consequence}"),
        [a, b] => format!("{a} and {b} cannot both hold{consequence}"),
        all => format!("{} cannot all hold{consequence}", all.join(" and ")),
    };
    let warning = Diagnostic::warning(codes::CONTRADICTION, last.span, message).help(mend(&conflict.why));
    let others = parts.iter().filter(|part| part.span != last.span);
    Some(others.fold(warning, |warning, part| warning.related(part.span, "and this")))
}

/// Whether parts stand at one place, where a name is written out.
pub(super) fn is_of_one_name(parts: &[Site]) -> bool {
    parts.first().is_some_and(|first| first.inner && parts.iter().all(|part| part.span == first.span))
}

fn mend(why: &Why) -> String {
    match why {
        Why::Domain(domain) => mend_domain(domain),
        Why::Values => "one value cannot be two: join them by `or`, or write `in [\"a\", \"b\"]`".to_owned(),
        Why::NoneLeft => "no value is left for both: leave one of them out, or join them by `or`".to_owned(),
        Why::Numbers => "no number is within both: change a bound, or join them by `or`".to_owned(),
        Why::Opposites => "one is the opposite of the other: leave one out, or join them by `or`".to_owned(),
        Why::Absence => "what is absent has no other value than the one after `??`: leave one out".to_owned(),
        Why::Texts | Why::Covered => "no text is both: leave one out, or join them by `or`".to_owned(),
        Why::Alternatives | Why::Constant => "leave one of them out, or join them by `or`".to_owned(),
    }
}

/// The values that there are.
pub(super) fn mend_domain(domain: &Domain) -> String {
    match domain {
        Domain::LowerCase => {
            "`lower(…)` gives no capital letters: write the other side in small ones".to_owned()
        }
        Domain::Choices(values) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("the values that there are: {}", values.join(", "))
        }
        Domain::Range { low, high, whole } => {
            let kind = if *whole { "whole numbers" } else { "numbers" };
            match (low.is_finite(), high.is_finite()) {
                (true, true) => format!("there are only {kind} from {low} to {high} here"),
                (true, false) => format!("there are only {kind} from {low} on here"),
                (false, true) => format!("there are only {kind} up to {high} here"),
                (false, false) => format!("there are only {kind} here"),
            }
        }
        Domain::Any => "leave it out".to_owned(),
    }
}
