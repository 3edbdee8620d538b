//! Arguments: the values of a policy's params, from `policy-config.yaml`, from a test, or by default.

use grammar::ast::{Literal, Param, Type as Declared};
use grammar::diagnostic::{did_you_mean, nearest};
use grammar::yaml::{Node, Value as Yaml};
use grammar::{Diagnostic, Span, codes};

use super::Unit;
use super::convert::{of_literal, of_yaml};
use super::resolve::LinkedUnit;
use crate::value::Value;

/// The value of every param, in the order declared; a param with a mistake has its default, and the mistake is told.
pub(super) fn bind(unit: &LinkedUnit, given: &Unit, diagnostics: &mut Vec<Diagnostic>) -> Vec<Value> {
    let mut values: Vec<Option<Value>> = Vec::new();
    for param in &unit.params {
        member_defaults(&param.name.value, &param.ty.value, diagnostics);
        values.push(param.default.as_ref().and_then(|default| literal(param, default, diagnostics)));
    }
    if let Some(node) = &given.arguments {
        let mut binder =
            Binder { unit, values: &mut values, set: vec![None; unit.params.len()], diagnostics };
        binder.mapping(node, "");
    }
    for (name, value) in &given.overrides {
        match find(unit, &name.value) {
            Some(index) => {
                let bound = unit.params.get(index).and_then(|param| literal(param, value, diagnostics));
                put(&mut values, index, bound);
            }
            None => diagnostics.push(unknown(unit, &name.value, name.span)),
        }
    }
    let missing = unit.params.iter().zip(&values).filter(|(param, value)| {
        value.is_none() && param.default.is_none() && !matches!(param.ty.value, Declared::Optional(_))
    });
    for (param, _) in missing {
        let message = format!("policy `{}` needs the argument `{}`", unit.name, param.name.value);
        diagnostics.push(
            Diagnostic::error(codes::MISSING, given.at, message)
                .related(param.name.span, "declared without a default here")
                .help(format!("add `{}: …` under `policy.{}`", param.name.value, unit.name)),
        );
    }
    values.into_iter().map(|value| value.unwrap_or(Value::Absent)).collect()
}

fn put(values: &mut [Option<Value>], index: usize, value: Option<Value>) {
    if let (Some(slot), Some(value)) = (values.get_mut(index), value) {
        *slot = Some(value);
    }
}

/// The param that a YAML key names, by its name or an alias.
fn find(unit: &LinkedUnit, key: &str) -> Option<usize> {
    let named =
        |param: &Param| param.name.value == key || param.aliases.iter().any(|alias| alias.value == key);
    unit.params.iter().position(named)
}

fn keys(unit: &LinkedUnit) -> impl Iterator<Item = &str> {
    unit.params
        .iter()
        .flat_map(|param| std::iter::once(&param.name).chain(&param.aliases))
        .map(|name| name.value.as_str())
}

fn unknown(unit: &LinkedUnit, key: &str, span: Span) -> Diagnostic {
    let message = format!("policy `{}` has no argument `{key}`", unit.name);
    let all: Vec<&str> = unit.params.iter().map(|param| param.name.value.as_str()).collect();
    let list =
        if all.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", all.join(", ")) };
    Diagnostic::error(codes::UNKNOWN_KEY, span, message)
        .path(format!("policy.{}.{key}", unit.name))
        .help(did_you_mean(key, keys(unit)).unwrap_or(list))
}

struct Binder<'a> {
    unit: &'a LinkedUnit,
    values: &'a mut [Option<Value>],
    /// Where each param was set, to notice a param set by its name and by an alias.
    set: Vec<Option<Span>>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Binder<'_> {
    /// The keys of a mapping; a key that is no param itself may open a nested one.
    fn mapping(&mut self, node: &Node, prefix: &str) {
        let pairs = match &node.value {
            Yaml::Map(pairs) => pairs,
            Yaml::Null if prefix.is_empty() => return,
            _ => {
                let message = format!("the arguments of policy `{}` are a mapping", self.unit.name);
                self.diagnostics.push(
                    Diagnostic::error(codes::WRONG_TYPE, node.span, message)
                        .path(format!("policy.{}{}", self.unit.name, prefix.trim_end_matches('.')))
                        .help("write `name: value` lines"),
                );
                return;
            }
        };
        for (key, value) in pairs {
            let path = format!("{prefix}{}", key.value);
            let opens = format!("{path}.");
            if let Some(index) = find(self.unit, &path) {
                self.param(index, &path, key.span, value);
            } else if keys(self.unit).any(|key| key.starts_with(&opens)) {
                self.mapping(value, &opens);
            } else {
                let mut diagnostic = unknown(self.unit, &path, key.span);
                let inner = keys(self.unit)
                    .filter_map(|key| key.strip_prefix(prefix))
                    .map(|key| key.split('.').next().unwrap_or(key));
                if let Some(near) = nearest(&key.value, inner) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn param(&mut self, index: usize, path: &str, key: Span, node: &Node) {
        let Some(param) = self.unit.params.get(index) else { return };
        if let Some(Some(first)) = self.set.get(index) {
            let message = format!("`{path}` and an earlier key set the same argument");
            self.diagnostics.push(
                Diagnostic::error(codes::DUPLICATE, key, message)
                    .related(*first, "set here")
                    .help("keep one of them"),
            );
        }
        if let Some(slot) = self.set.get_mut(index) {
            *slot = Some(key);
        }
        match of_yaml(&param.ty.value, node) {
            Ok(value) => put(self.values, index, Some(value)),
            Err(fault) => {
                let full = format!("policy.{}.{path}{}", self.unit.name, fault.path());
                self.diagnostics.push(fault.diagnostic(path).path(full));
            }
        }
    }
}

/// A literal of a rule file as a value of the param's type.
fn literal(
    param: &Param,
    literal: &grammar::Spanned<Literal>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Value> {
    match of_literal(&param.ty.value, literal) {
        Ok(value) => Some(value),
        Err(fault) => {
            diagnostics.push(fault.diagnostic(&param.name.value));
            None
        }
    }
}

/// Tells what is wrong with the defaults of a type's records, so that one that is never needed is looked at too.
fn member_defaults(name: &str, ty: &Declared, diagnostics: &mut Vec<Diagnostic>) {
    match ty {
        Declared::List(inner) | Declared::MapOf(inner) | Declared::Optional(inner) => {
            member_defaults(name, inner, diagnostics)
        }
        Declared::Record(members) => {
            for member in members {
                let path = format!("{name}.{}", member.name.value);
                let fault = member.default.as_ref().map(|default| of_literal(&member.ty.value, default));
                diagnostics.extend(fault.and_then(Result::err).map(|fault| fault.diagnostic(&path)));
                member_defaults(&path, &member.ty.value, diagnostics);
            }
        }
        Declared::Bool
        | Declared::Int(_)
        | Declared::Float(_)
        | Declared::Duration
        | Declared::Money
        | Declared::String
        | Declared::Regex
        | Declared::Map
        | Declared::Enum(_) => {}
    }
}
