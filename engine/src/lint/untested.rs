//! Rules that no test expects. What a test expects without naming a rule counts for a rule that alone could come to it.

use std::collections::BTreeSet;

use grammar::ast::{
    Effect, Expectation, ExpectedVerdict, ExprKind, Item, ItemKind, Literal, Name, Param, Phase, Rule, Test,
    TestLine,
};
use grammar::verdict::{Verdict, named};
use grammar::{Diagnostic, Span, Spanned, codes};

use super::draft::Draft;
use super::logic::{Formula, Site, conflict, equals};
use super::names::{Meaning, Scope};
use super::says_allow;
use crate::value::Value;

/// How many rules are shown by name.
const SHOWN: usize = 6;

/// What a file's tests leave out.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let tests: Vec<&Test> = draft.file.items.iter().filter_map(test).collect();
    if tests.is_empty() {
        let start =
            Span::new(draft.file.items.first().map_or_else(Default::default, |item| item.span.source), 0, 0);
        return vec![Diagnostic::warning(codes::NO_TESTS, start, "this rule file has no tests").help(
            "add a `test \"…\" { … }` block that shows what it finds, and one that shows what it lets pass",
        )];
    }
    let header = draft.file.items.iter().find(|item| matches!(item.kind, ItemKind::Header(_)));
    if header.is_some_and(|header| says_allow(header, codes::UNTESTED_RULE)) {
        return Vec::new();
    }
    let rules: Vec<Tried<'_>> =
        draft.rules().filter_map(|(item, rule)| Tried::of(draft, item, rule)).collect();
    let expected: BTreeSet<&str> = tests.iter().flat_map(|test| expected(draft, test, &rules)).collect();
    let left: Vec<&Name> =
        rules.iter().filter(|tried| !tried.excused).map(|tried| &tried.rule.name).collect();
    let left: Vec<&Name> = left.into_iter().filter(|name| !expected.contains(name.value.as_str())).collect();
    warning(draft, &left).into_iter().collect()
}

fn test(item: &Item) -> Option<&Test> {
    if let ItemKind::Test(test) = &item.kind { Some(test) } else { None }
}

fn warning(draft: &Draft<'_>, left: &[&Name]) -> Option<Diagnostic> {
    let (first, others) = left.split_first()?;
    let names: Vec<String> = left.iter().take(SHOWN).map(|name| format!("`{}`", name.value)).collect();
    let message = match left.len() - names.len() {
        0 if others.is_empty() => format!("no test expects rule {}", names.join("")),
        0 => format!("no test expects the rules {}", names.join(", ")),
        more => format!("no test expects the rules {}, and {more} more", names.join(", ")),
    };
    let rule = draft.rules().find(|(_, rule)| rule.name == **first).map(|(_, rule)| rule)?;
    let verdict =
        draft.names.verdicts(rule).and_then(|verdicts| verdicts.last().copied()).unwrap_or_default();
    let line = match &rule.effect {
        Some(Effect::To(_) | Effect::Exclude { .. }) => "expect targets […]".to_owned(),
        Some(Effect::Reserve(_)) => format!("expect reserved [{}]", first.value),
        None => format!("expect {} by {}", verdict.name(), first.value),
    };
    let warning = Diagnostic::warning(codes::UNTESTED_RULE, first.span, message)
        .help(format!("add a `test` with a text or a request that it is for, and `{line}`"));
    Some(others.iter().take(SHOWN).fold(warning, |warning, name| warning.related(name.span, "nor this one")))
}

/// A rule that tests can come to.
struct Tried<'f> {
    rule: &'f Rule,
    condition: Option<Formula<'f>>,
    /// Whether it need not be expected.
    excused: bool,
}

impl<'f> Tried<'f> {
    /// A rule; none where its verdict is never told, or where it can never hold.
    fn of(draft: &Draft<'f>, item: &Item, rule: &'f Rule) -> Option<Self> {
        let condition = draft.condition(rule);
        let silent = rule.effect.is_none()
            && draft
                .names
                .verdicts(rule)
                .is_some_and(|all| all.iter().all(|verdict| *verdict == Verdict::Allow));
        let dead = condition.as_ref().is_some_and(|condition| conflict(condition).is_some());
        let excused = says_allow(item, codes::UNTESTED_RULE);
        (!silent && !dead).then_some(Self { rule, condition, excused })
    }

    /// Whether a test runs the phases of the rule, with params under which it can hold.
    fn can_hold(&self, draft: &Draft<'f>, test: &Test) -> bool {
        let is_answer =
            |line: &Spanned<TestLine>| matches!(line.value, TestLine::Response(_) | TestLine::Call(..));
        let has_answer = test.lines.iter().any(is_answer);
        let runs = self.rule.phases.iter().any(|phase| match phase.value {
            Phase::Request => true,
            Phase::Response => has_answer,
        });
        let Some(condition) = &self.condition else { return runs };
        let site = Site { span: self.rule.name.span, inner: true, flipped: false };
        let mut parts = vec![condition.clone()];
        for (name, param) in &draft.names.params {
            if let Some(value) = value_in(test, name, param) {
                parts.push(Formula::Claim(equals(format!("param {name}").into(), value, site)));
            }
        }
        runs && conflict(&Formula::All(site, parts)).is_none()
    }

    /// The verdicts that it can come to in a test.
    fn verdicts(&self, draft: &Draft<'f>, test: &Test) -> BTreeSet<Verdict> {
        let action = self.rule.action.as_ref().map(|action| &action.verdict.kind);
        if let Some(ExprKind::Path(words)) = action
            && !matches!(words.as_slice(), [word] if named(&word.value).is_some())
            && let Some(Meaning::Param(param)) = draft.names.meaning(words, &Scope::default())
            && let Some(Value::Str(word)) = value_in(test, &param.name.value, param)
        {
            return named(&word).into_iter().collect();
        }
        draft.names.verdicts(self.rule).unwrap_or_default()
    }
}

/// The value that a param has in a test, when it is a plain one.
fn value_in(test: &Test, name: &str, param: &Param) -> Option<Value> {
    let is_name =
        |given: &Name| given.value == name || param.aliases.iter().any(|alias| alias.value == given.value);
    let given = test.lines.iter().find_map(|line| match &line.value {
        TestLine::With(given, value) if is_name(given) => Some(value),
        _ => None,
    });
    let literal: &Spanned<Literal> = given.or(param.default.as_ref())?;
    match &literal.value {
        Literal::Bool(value) => Some(Value::Bool(*value)),
        Literal::Int(value) => Some(Value::Int(*value)),
        Literal::Float(value) => Some(Value::Float(*value)),
        Literal::Duration(value) => Some(Value::Duration(*value)),
        Literal::Money(value) => Some(Value::Money(*value)),
        Literal::Str(text) | Literal::Word(text) => Some(Value::Str(text.as_str().into())),
        Literal::Regex(_) | Literal::List(_) | Literal::Map(_) => None,
    }
}

/// The rules that a test expects.
fn expected<'f>(draft: &Draft<'f>, test: &Test, rules: &[Tried<'f>]) -> Vec<&'f str> {
    let mut found = Vec::new();
    // What is known not to hold shows nothing.
    let expectations = || {
        test.lines.iter().filter_map(|line| {
            if let TestLine::Expect { todo: None, what } = &line.value { Some(what) } else { None }
        })
    };
    let verdicts = || {
        expectations().filter_map(|what| if let Expectation::Verdict(it) = what { Some(it) } else { None })
    };
    for verdict in verdicts() {
        found.extend(by_verdict(draft, test, rules, verdict));
    }
    for what in expectations() {
        match what {
            Expectation::Text(_) | Expectation::Arguments(_)
                if !verdicts().any(|verdict| verdict.verdict.value == Verdict::Allow.name()) =>
            {
                let redacts = |tried: &&Tried<'f>| tried.verdicts(draft, test).contains(&Verdict::Redact);
                found.extend(only(rules.iter().filter(redacts).filter(|tried| tried.can_hold(draft, test))));
            }
            Expectation::Targets(_) => {
                let routes = rules.iter().filter(|tried| {
                    matches!(tried.rule.effect, Some(Effect::To(_) | Effect::Exclude { .. }))
                });
                found.extend(
                    routes
                        .filter(|tried| tried.can_hold(draft, test))
                        .map(|tried| tried.rule.name.value.as_str()),
                );
            }
            Expectation::Reserved(names) => {
                let is_named = |tried: &&Tried<'f>| names.contains(&tried.rule.name);
                found.extend(rules.iter().filter(is_named).map(|tried| tried.rule.name.value.as_str()));
            }
            Expectation::Text(_)
            | Expectation::Arguments(_)
            | Expectation::Verdict(_)
            | Expectation::Held(_)
            | Expectation::Found { .. } => {}
        }
    }
    found
}

/// The rule that an expected verdict is of: by name, or else as the only one that it can be of.
fn by_verdict<'f>(
    draft: &Draft<'f>,
    test: &Test,
    rules: &[Tried<'f>],
    expected: &ExpectedVerdict,
) -> Option<&'f str> {
    if let Some(by) = &expected.rule {
        return rules.iter().map(|tried| tried.rule.name.value.as_str()).find(|name| *name == by.value);
    }
    if let Some(code) = &expected.code {
        return only(
            rules.iter().filter(|tried| tried.rule.code.as_ref().is_some_and(|own| own.value == code.value)),
        );
    }
    let verdict = named(&expected.verdict.value).filter(|verdict| *verdict != Verdict::Allow)?;
    let reaches = |tried: &&Tried<'f>| tried.verdicts(draft, test).contains(&verdict);
    only(rules.iter().filter(reaches).filter(|tried| tried.can_hold(draft, test)))
}

fn only<'r, 'f: 'r>(mut rules: impl Iterator<Item = &'r Tried<'f>>) -> Option<&'f str> {
    let first = rules.next()?;
    rules.next().is_none().then_some(first.rule.name.value.as_str())
}
