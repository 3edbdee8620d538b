//! What a configuration gives for a policy's params: the expressions in it, and the markers.

use grammar::ast::{File, Param, Type};
use grammar::diagnostic::did_you_mean;
use grammar::yaml::{Node, Value as Yaml};
use grammar::{Diagnostic, Spanned, codes};

use super::draft::Draft;
use super::holdback::{held, is_long, waits_for};
use super::suspicious::doubts;
use super::unused::header;
use crate::matcher::{View, regex};
use crate::program::ir::{Node as IrNode, NodeId};
use crate::program::{Program, Rule};
use crate::value::Value;

/// Warnings about the arguments of one policy.
pub(super) fn find(draft: &Draft<'_>, arguments: &Node, program: &Program) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for param in draft.names.params.values() {
        let names = std::iter::once(&param.name).chain(&param.aliases);
        for value in names.filter_map(|name| value_at(arguments, &name.value)) {
            if is_regex(&param.ty.value) {
                expressions(draft, param, value, &mut found);
            }
            if param.ty.value == Type::Map {
                markers(draft.file, param, value, program, &mut found);
            }
        }
    }
    found
}

/// The value under a key; dots stand for nested keys.
fn value_at<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Yaml::Map(pairs) = &node.value else { return None };
    let under = |name: &str| pairs.iter().find(|(key, _)| key.value == name).map(|(_, value)| value);
    under(key).or_else(|| {
        let (first, rest) = key.split_once('.')?;
        value_at(under(first)?, rest)
    })
}

fn is_regex(ty: &Type) -> bool {
    match ty {
        Type::Regex => true,
        Type::List(inner) | Type::MapOf(inner) | Type::Optional(inner) => is_regex(inner),
        Type::Record(members) => members.iter().any(|member| is_regex(&member.ty.value)),
        Type::Bool
        | Type::Int(_)
        | Type::Float(_)
        | Type::String
        | Type::Map
        | Type::Duration
        | Type::Money
        | Type::Enum(_) => false,
    }
}

/// The expressions of a value, as the lints of rule files look at those written there.
fn expressions(draft: &Draft<'_>, param: &Param, value: &Node, found: &mut Vec<Diagnostic>) {
    match &value.value {
        Yaml::Seq(items) => items.iter().for_each(|item| expressions(draft, param, item, found)),
        Yaml::Str(source) => {
            let Ok(tree) = regex_syntax::ast::parse::Parser::new().parse(source) else { return };
            let told = |doubt: super::suspicious::Doubt| {
                Diagnostic::warning(codes::SUSPICIOUS_REGEX, value.span, doubt.message).help(doubt.help)
            };
            found.extend(doubts(&tree, source, true).into_iter().map(told));
            let Ok(hir) = regex::compile(source, "", View::Folded) else { return };
            let longest = hir.properties().maximum_len();
            if is_long(longest) && waits_for(draft, &param.name.value) {
                let message = format!("this expression can hold back up to {} of an answer", held(longest));
                found.push(
                    Diagnostic::warning(codes::LONG_HOLDBACK, value.span, message)
                        .help("bound its repetitions, as in `{1,64}` in place of `+`"),
                );
            }
        }
        Yaml::Null | Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_) | Yaml::Map(_) => {}
    }
}

/// Markers for labels that nothing has.
fn markers(file: &File, param: &Param, value: &Node, program: &Program, found: &mut Vec<Diagnostic>) {
    let Yaml::Map(pairs) = &value.value else { return };
    let policy = program.policies.iter().position(|policy| header(file) == Some(&*policy.name));
    let is_in = |rule: &&Rule, key: &Spanned<String>| {
        Some(rule.policy) == policy && rule.marker.custom.iter().any(|(label, _)| **label == *key.value)
    };
    let given = policy.and_then(|policy| program.policies.get(policy));
    let given = given.and_then(|policy| policy.params.iter().find(|(name, _)| **name == *param.name.value));
    if !given.is_some_and(|(_, value)| matches!(value, Value::Map(map) if !map.is_empty())) {
        return;
    }
    for (key, _) in pairs {
        let rules: Vec<&Rule> = program.rules.iter().filter(|rule| is_in(rule, key)).collect();
        let labels: Vec<String> = rules.iter().flat_map(|rule| labels(program, rule.condition)).collect();
        if rules.is_empty() || labels.iter().any(|label| label.eq_ignore_ascii_case(&key.value)) {
            continue;
        }
        let message = format!(
            "no pattern that is looked for has the label `{}`, so this marker is never used",
            key.value
        );
        let near = did_you_mean(&key.value, labels.iter().map(String::as_str));
        let help = near.unwrap_or_else(|| format!("the labels are {}", sorted(labels).join(", ")));
        found.push(Diagnostic::warning(codes::IDLE_REDACTION, key.span, message).help(help));
    }
}

fn sorted(mut labels: Vec<String>) -> Vec<String> {
    labels.sort();
    labels.dedup();
    labels
}

/// The labels of what a condition looks for.
fn labels(program: &Program, condition: NodeId) -> Vec<String> {
    let mut found = Vec::new();
    program.each_under(condition, &mut |_, node| {
        if let IrNode::Has(_, detectors) = node {
            let labels = detectors.iter().filter_map(|id| program.detector(*id));
            found.extend(labels.map(|detector| detector.label.to_string()));
        }
    });
    found
}
