//! Patterns of one rule of which a pattern of another rule finds everything already, where both rules come to the same.

use std::collections::BTreeSet;
use std::rc::Rc;

use grammar::ast::{Phase, Rule};
use grammar::verdict::Verdict;
use grammar::{Diagnostic, Span, codes};

use super::coverage::Coverage;
use super::draft::Draft;
use super::logic::{Claim, Covers as _, Finding, Formula, Sought, conflict_with};
use super::shadowed::{action, beside};
use crate::matcher::inclusion::Inclusion;

/// The patterns of a file that add nothing beside those of another rule with the same verdict, code and label.
pub(super) fn find(draft: &Draft<'_>, coverage: &Coverage) -> Vec<Diagnostic> {
    let rules: Vec<Kind<'_>> = draft.rules().filter_map(|(_, rule)| Kind::of(draft, rule)).collect();
    let mut told: Vec<Span> = Vec::new();
    let mut found = Vec::new();
    let pairs = rules.iter().flat_map(|narrow| rules.iter().map(move |wide| (narrow, wide)));
    for (narrow, wide) in pairs.filter(|(narrow, wide)| narrow.comes_to_the_same(wide)) {
        for (one, other) in pairs_of(&narrow.condition, &wide.condition) {
            let Some((own, covering)) = one.finding.as_ref().zip(other.finding.as_ref()) else { continue };
            let (Some(place), Some(beyond)) = (place(own.pattern), place(covering.pattern)) else { continue };
            if told.contains(&place) || told.contains(&beyond) || !coverage.covers(own, covering) {
                continue;
            }
            // Wherever this pattern makes its rule hold, the other rule holds.
            let own_claim = Formula::Claim(one.clone());
            let held = Formula::All(narrow.condition.site(), vec![narrow.condition.clone(), own_claim]);
            if conflict_with(&beside(&held, &wide.condition), coverage).is_some() {
                told.push(place);
                found.push(warning((narrow.rule, own), (wide.rule, covering), place, coverage));
            }
        }
    }
    found
}

/// A rule with a code of its own, and what it can come to.
struct Kind<'f> {
    rule: &'f Rule,
    condition: Formula<'f>,
    code: &'f str,
    action: Rc<str>,
    phases: BTreeSet<Phase>,
}

impl<'f> Kind<'f> {
    /// None for a rule that redacts: what is redacted is more than whether something was found.
    fn of(draft: &Draft<'f>, rule: &'f Rule) -> Option<Self> {
        let code = rule.code.as_ref()?.value.as_str();
        if draft.names.verdicts(rule)?.contains(&Verdict::Redact) {
            return None;
        }
        let phases = rule.phases.iter().map(|phase| phase.value).collect();
        Some(Self { rule, condition: draft.condition(rule)?, code, action: action(draft, rule)?, phases })
    }

    /// Whether another rule runs in the same phases, and is told alike.
    fn comes_to_the_same(&self, other: &Self) -> bool {
        self.rule.name != other.rule.name
            && self.code == other.code
            && self.action == other.action
            && self.phases == other.phases
            && self.rule.buffered.is_some() == other.rule.buffered.is_some()
    }
}

/// Claims of one condition and of another that the same text has patterns with the same label.
fn pairs_of<'a, 'f>(narrow: &'a Formula<'f>, wide: &'a Formula<'f>) -> Vec<(&'a Claim<'f>, &'a Claim<'f>)> {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    narrow.findings(&mut own);
    wide.findings(&mut others);
    let alike = |one: &Claim<'f>, other: &Claim<'f>| {
        let (Some(one), Some(other)) = (&one.finding, &other.finding) else { return false };
        one.text == other.text && one.pattern != other.pattern && label(one.pattern) == label(other.pattern)
    };
    let pair = |one: &'a Claim<'f>| {
        others
            .iter()
            .filter(move |other| alike(one, other))
            .map(move |other| (one, *other))
            .collect::<Vec<_>>()
    };
    own.into_iter().flat_map(pair).collect()
}

fn label(pattern: Sought<'_>) -> Option<String> {
    match pattern {
        Sought::Declared(pattern) => Some(
            pattern
                .label
                .as_ref()
                .map_or_else(|| pattern.name.value.to_uppercase(), |label| label.value.clone()),
        ),
        Sought::Regex(..) => Some("MATCH".to_owned()),
        Sought::Phrase(_) => Some("PHRASE".to_owned()),
        Sought::Elsewhere(_) => None,
    }
}

fn place(pattern: Sought<'_>) -> Option<Span> {
    match pattern {
        Sought::Declared(pattern) => Some(pattern.name.span),
        Sought::Regex(_, span) => Some(span),
        Sought::Phrase(_) | Sought::Elsewhere(_) => None,
    }
}

fn warning(
    (narrow_rule, narrow): (&Rule, &Finding<'_>),
    (wide_rule, wide): (&Rule, &Finding<'_>),
    place: Span,
    coverage: &Coverage,
) -> Diagnostic {
    let (own, covering) = (shown(narrow.pattern), shown(wide.pattern));
    let message = format!(
        "{own} finds nothing for rule `{}` that {covering} does not find for rule `{}`",
        narrow_rule.name.value, wide_rule.name.value
    );
    let leave = format!("leave {own} out of rule `{}`", narrow_rule.name.value);
    let help = match coverage.inclusion(wide, narrow) {
        Some(Inclusion::Witness(text)) => {
            format!("{leave}, or narrow {covering}: that one also finds {text:?}")
        }
        Some(Inclusion::Included) => format!("both find the same: {leave}"),
        Some(Inclusion::Unknown) | None => format!("{leave}, or narrow {covering}"),
    };
    Diagnostic::warning(codes::SUBSUMED, place, message)
        .related(wide_rule.name.span, "this rule comes to the same")
        .help(help)
}

fn shown(pattern: Sought<'_>) -> String {
    match pattern {
        Sought::Declared(pattern) => format!("`{}`", pattern.name.value),
        Sought::Regex(regex, _) => format!("`/{}/{}`", regex.source, regex.flags),
        Sought::Phrase(text) => format!("{text:?}"),
        Sought::Elsewhere(name) => format!("`{name}`"),
    }
}
