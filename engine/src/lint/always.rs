//! Conditions that always hold, whatever the params and the traffic are: they ask nothing.

use grammar::{Diagnostic, codes};

use super::contradiction::mend_domain;
use super::draft::{Draft, Of};
use super::logic::{Conflict, Domain, Formula, Says, Site, Why, conflict};

/// The conditions of a file that ask nothing.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for condition in draft.conditions() {
        let before = found.len();
        scan(draft, &condition.formula, &mut found);
        if found.len() > before && conflict(&condition.formula.clone().negated()).is_some() {
            let so = consequence(condition.of);
            if let Some(last) = found.last_mut() {
                last.message.push_str(&so);
            }
        }
    }
    found
}

fn consequence(of: Of<'_>) -> String {
    match of {
        Of::When(rule) => format!(", and so does rule `{}`", rule.name.value),
        Of::Unless(rule) => format!(", so rule `{}` never applies", rule.name.value),
        Of::Exclude(rule) => format!(", so rule `{}` excludes every target", rule.name.value),
        Of::Named(_) | Of::Term(_) | Of::Inner => String::new(),
    }
}

/// The parts that always hold, the smallest of them.
fn scan(draft: &Draft<'_>, formula: &Formula<'_>, found: &mut Vec<Diagnostic>) {
    let before = found.len();
    match formula {
        Formula::All(_, parts) => parts.iter().for_each(|part| scan(draft, part, found)),
        Formula::Any(site, parts) => {
            parts.iter().for_each(|part| scan(draft, part, found));
            // What is always so by its name is told where the name is declared.
            let named = |part: &Formula<'_>| part.site().inner && conflict(&part.clone().negated()).is_some();
            if found.len() == before && !site.inner && !parts.iter().any(named) {
                let told = conflict(&formula.clone().negated());
                found.extend(told.map(|told| together(draft, *site, &told)));
            }
        }
        Formula::Claim(claim) if !claim.site.inner => {
            if conflict(&formula.clone().negated()).is_some() {
                let message = format!("{} always holds", draft.part(claim.site));
                let help = alone(&claim.says, &claim.domain);
                found.push(Diagnostic::warning(codes::ALWAYS_HOLDS, claim.site.span, message).help(help));
            }
        }
        Formula::Claim(_) | Formula::Known(..) => {}
    }
}

/// Why one claim always holds.
fn alone(says: &Says, domain: &Domain) -> String {
    match says {
        Says::Finds(..) => {
            "the expression matches empty text, which is in every text: anchor it with `^` and `$`, or \
                            make a part of it required"
                .to_owned()
        }
        Says::Glob(..) => {
            "every text fits: leave it out, or write what the text begins or ends with".to_owned()
        }
        Says::Text(..) => "the empty text is in every text: leave it out".to_owned(),
        Says::Is(..) | Says::OneOf(..) | Says::Present(_) => mend_domain(domain),
    }
}

/// Parts of which one always holds: what keeps their opposites from holding together.
fn together(draft: &Draft<'_>, whole: Site, told: &Conflict) -> Diagnostic {
    let mut parts: Vec<Site> =
        told.parts.iter().map(|part| Site { flipped: !part.flipped, ..*part }).collect();
    parts.sort_by_key(|part| (part.span.start, part.span.end));
    parts.dedup_by_key(|part| part.span);
    let names: Vec<String> = parts.iter().map(|part| draft.part(*part)).collect();
    let message = match names.as_slice() {
        [_] => format!("{} always holds", draft.part(whole)),
        names => format!("one of {} always holds", names.join(" and ")),
    };
    let help = match &told.why {
        Why::Values => {
            "a value is never both, so it is always unlike one of them: join them by `and`, or write \
                        `not in [\"a\", \"b\"]`"
        }
        Why::Numbers => "every number is on one side: join them by `and`, or change a bound",
        Why::Opposites => "one is the opposite of the other: leave out both",
        Why::Constant => "leave it out, or leave out the constant",
        Why::Domain(_) | Why::NoneLeft | Why::Texts | Why::Absence | Why::Covered | Why::Alternatives => {
            "leave it out, or join the parts by `and`"
        }
    };
    let span = parts.last().map_or(whole.span, |part| part.span);
    let warning = Diagnostic::warning(codes::ALWAYS_HOLDS, span, message).help(help);
    let others = parts.iter().filter(|part| part.span != span);
    others.fold(warning, |warning, part| warning.related(part.span, "and this"))
}
