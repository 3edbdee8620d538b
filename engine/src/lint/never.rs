//! Rules that can never hold: what is written there is a constant, or a name that stands for nothing that can hold.

use grammar::ast::Rule;
use grammar::{Diagnostic, Span, codes};

use super::contradiction::is_of_one_name;
use super::draft::Draft;
use super::logic::{Conflict, Why, conflict};

/// The rules of a file that can never hold. A rule that a param switches off can.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let rules = draft.rules().map(|(_, rule)| rule);
    let told = rules.filter_map(|rule| {
        let conflict = conflict(&draft.condition(rule)?)?;
        warning(draft, rule, &conflict)
    });
    told.collect()
}

fn warning(draft: &Draft<'_>, rule: &Rule, conflict: &Conflict) -> Option<Diagnostic> {
    if conflict.why != Why::Constant && !is_of_one_name(&conflict.parts) {
        return None;
    }
    let part = conflict.parts.first()?;
    let unless = rule.unless.as_ref().is_some_and(|unless| covers(unless.span, part.span));
    let words = draft.words(part.span);
    let why = match words.as_str() {
        _ if unless => "its `unless` always applies".to_owned(),
        "`false`" => "it asks for `false`".to_owned(),
        _ => format!("{words} never does"),
    };
    let message = format!("rule `{}` can never hold, because {why}", rule.name.value);
    let help = "mend the condition, or leave the rule out; to switch a rule on and off use a `param`";
    Some(
        Diagnostic::warning(codes::NEVER_HOLDS, part.span, message)
            .related(rule.name.span, "this rule")
            .help(help),
    )
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.source == inner.source && outer.start <= inner.start && inner.end <= outer.end
}
