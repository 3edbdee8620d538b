//! Arguments: the values of a policy's params, from `policy-config.yaml`, from a test, or by default.

use std::sync::Arc;

use grammar::ast::{Literal, Param, Type as Declared};
use grammar::diagnostic::{did_you_mean, nearest};
use grammar::print::type_text;
use grammar::quantity;
use grammar::yaml::{Node, Value as Yaml};
use grammar::{Diagnostic, Span, codes};

use super::Unit;
use super::resolve::LinkedUnit;
use crate::matcher::{View, regex};
use crate::value::Value;

/// The value of every param, in the order declared; a param with a mistake has its default, and the mistake is told.
pub(super) fn bind(unit: &LinkedUnit, given: &Unit, diagnostics: &mut Vec<Diagnostic>) -> Vec<Value> {
    let mut values: Vec<Option<Value>> = Vec::new();
    for param in &unit.params {
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
        match convert(&param.ty.value, node) {
            Ok(value) => put(self.values, index, Some(value)),
            Err(fault) => {
                let full = format!("policy.{}.{path}", self.unit.name);
                self.diagnostics.push(fault.diagnostic(path, &param.ty.value).path(full));
            }
        }
    }
}

/// What is wrong with a value.
struct Fault {
    span: Span,
    kind: FaultKind,
}

enum FaultKind {
    /// Another type is wanted; what was found.
    Type(&'static str),
    /// Out of range, or not one of the choices: what was found, and a help sentence.
    Value(String, String),
    /// Not a regular expression.
    Regex(String),
    /// A regular expression that matches empty text.
    Empty,
}

impl Fault {
    fn diagnostic(self, name: &str, ty: &Declared) -> Diagnostic {
        match self.kind {
            FaultKind::Type(found) => {
                let message = format!("`{name}` wants {}, and this is {found}", wanted(ty));
                Diagnostic::error(codes::WRONG_TYPE, self.span, message)
            }
            FaultKind::Value(found, help) => {
                Diagnostic::error(codes::BAD_VALUE, self.span, format!("`{name}` cannot be {found}"))
                    .help(help)
            }
            FaultKind::Regex(message) => {
                Diagnostic::error(codes::BAD_REGEX, self.span, format!("`{name}`: {message}"))
            }
            FaultKind::Empty => {
                let message = format!("`{name}` matches empty text, and so would match everywhere");
                Diagnostic::error(codes::EMPTY_MATCH, self.span, message)
                    .help("make at least one part of it required: `+` instead of `*`, no lone `?`")
            }
        }
    }
}

fn wanted(ty: &Declared) -> String {
    match ty {
        Declared::Bool => "`true` or `false`".into(),
        Declared::Int(_) => "a whole number".into(),
        Declared::Float(_) => "a number".into(),
        Declared::String => "a string".into(),
        Declared::Regex => "a regular expression".into(),
        Declared::Map => "a mapping from strings to strings".into(),
        Declared::Duration => "a duration such as `30s` or `1h30m`".into(),
        Declared::Money => "US dollars such as `$0.50`".into(),
        Declared::Enum(_) => {
            format!("one of {}", type_text(ty).trim_start_matches("enum(").trim_end_matches(')'))
        }
        Declared::List(inner) => format!("a list, each element {}", wanted(inner)),
        Declared::Optional(inner) => wanted(inner),
    }
}

/// A YAML value as a value of that type.
fn convert(ty: &Declared, node: &Node) -> Result<Value, Fault> {
    let fault = |kind| Fault { span: node.span, kind };
    if let Declared::Optional(inner) = ty {
        return if node.value == Yaml::Null { Ok(Value::Absent) } else { convert(inner, node) };
    }
    let scalar = match &node.value {
        Yaml::Null => return Err(fault(FaultKind::Type("nothing"))),
        Yaml::Bool(value) => Scalar::Bool(*value),
        #[expect(clippy::cast_precision_loss, reason = "a sum of dollars")]
        Yaml::Int(value) if *ty == Declared::Money => return dollars(*value as f64).map_err(fault),
        Yaml::Float(value) if *ty == Declared::Money => return dollars(*value).map_err(fault),
        Yaml::Int(value) => Scalar::Int(*value),
        Yaml::Float(value) => Scalar::Float(*value),
        Yaml::Str(value) => Scalar::Str(value),
        Yaml::Seq(items) => {
            let Declared::List(inner) = ty else { return Err(fault(FaultKind::Type("a list"))) };
            let items: Result<Vec<Value>, Fault> = items.iter().map(|item| convert(inner, item)).collect();
            return Ok(Value::List(items?.into()));
        }
        Yaml::Map(pairs) => {
            if *ty != Declared::Map {
                return Err(fault(FaultKind::Type("a mapping")));
            }
            let pair = |(key, value): &(grammar::Spanned<String>, Node)| match &value.value {
                Yaml::Str(text) => Ok((Arc::from(key.value.as_str()), Arc::from(text.as_str()))),
                _ => Err(Fault { span: value.span, kind: FaultKind::Type("something else") }),
            };
            return Ok(Value::Map(pairs.iter().map(pair).collect::<Result<Vec<_>, _>>()?.into()));
        }
    };
    scalar.convert(ty).map_err(fault)
}

/// A literal of a rule file as a value of the param's type.
fn literal(
    param: &Param,
    literal: &grammar::Spanned<Literal>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Value> {
    match convert_literal(&param.ty.value, literal) {
        Ok(value) => Some(value),
        Err(fault) => {
            diagnostics.push(fault.diagnostic(&param.name.value, &param.ty.value));
            None
        }
    }
}

fn convert_literal(ty: &Declared, literal: &grammar::Spanned<Literal>) -> Result<Value, Fault> {
    let fault = |kind| Fault { span: literal.span, kind };
    if let Declared::Optional(inner) = ty {
        return convert_literal(inner, literal);
    }
    let scalar = match &literal.value {
        Literal::Bool(value) => Scalar::Bool(*value),
        Literal::Int(value) => Scalar::Int(*value),
        Literal::Float(value) => Scalar::Float(*value),
        Literal::Duration(millis) if *ty == Declared::Duration => return Ok(Value::Duration(*millis)),
        Literal::Money(micros) if *ty == Declared::Money => return Ok(Value::Money(*micros)),
        Literal::Duration(_) => return Err(fault(FaultKind::Type("a duration"))),
        Literal::Money(_) => return Err(fault(FaultKind::Type("money"))),
        Literal::Str(value) => Scalar::Str(value),
        Literal::Word(value) => Scalar::Str(value),
        Literal::Regex(regex) => {
            let flags = if regex.flags.is_empty() { String::new() } else { format!("(?{})", regex.flags) };
            return Scalar::Str(&format!("{flags}{}", regex.source)).convert(ty).map_err(fault);
        }
        Literal::EmptyMap if *ty == Declared::Map => return Ok(Value::Map(Arc::new([]))),
        Literal::EmptyMap => return Err(fault(FaultKind::Type("a mapping"))),
        Literal::List(items) => {
            let Declared::List(inner) = ty else { return Err(fault(FaultKind::Type("a list"))) };
            let items: Result<Vec<Value>, Fault> =
                items.iter().map(|item| convert_literal(inner, item)).collect();
            return Ok(Value::List(items?.into()));
        }
    };
    scalar.convert(ty).map_err(fault)
}

/// A scalar of either language.
enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a str),
}

impl Scalar<'_> {
    fn found(&self) -> &'static str {
        match self {
            Scalar::Bool(_) => "`true` or `false`",
            Scalar::Int(_) => "a whole number",
            Scalar::Float(_) => "a number",
            Scalar::Str(_) => "a string",
        }
    }

    fn convert(&self, ty: &Declared) -> Result<Value, FaultKind> {
        match (ty, self) {
            (Declared::Bool, Scalar::Bool(value)) => Ok(Value::Bool(*value)),
            (Declared::Int(range), Scalar::Int(value)) => match range {
                Some((low, high)) if value < low || value > high => Err(FaultKind::Value(
                    value.to_string(),
                    format!("give a whole number from {low} to {high}"),
                )),
                _ => Ok(Value::Int(*value)),
            },
            #[expect(clippy::cast_precision_loss, reason = "a whole number where a float is declared")]
            (Declared::Float(range), Scalar::Int(value)) => in_range(*value as f64, *range),
            (Declared::Float(range), Scalar::Float(value)) => in_range(*value, *range),
            (Declared::String, Scalar::Str(value)) => Ok(Value::Str((*value).into())),
            (Declared::Duration, Scalar::Str(value)) => {
                quantity::duration(value).map(Value::Duration).ok_or_else(|| {
                    FaultKind::Value(
                        format!("`{value}`"),
                        "write a duration such as `30s`, `1h30m` or `7d`".into(),
                    )
                })
            }
            (Declared::Money, Scalar::Str(value)) => {
                quantity::money(value).map(Value::Money).ok_or_else(|| {
                    FaultKind::Value(format!("`{value}`"), "write US dollars such as `$0.50`".into())
                })
            }
            (Declared::Regex, Scalar::Str(value)) => match regex::compile(value, "", View::Folded) {
                Ok(hir) if hir.properties().minimum_len().unwrap_or(0) == 0 => Err(FaultKind::Empty),
                Ok(_) => Ok(Value::Regex((*value).into())),
                Err(fault) => Err(FaultKind::Regex(fault.message)),
            },
            (Declared::Enum(words), Scalar::Str(value)) => {
                let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
                match words.iter().find(|word| *word == value) {
                    Some(word) => Ok(Value::Str((*word).into())),
                    None => {
                        let near = did_you_mean(value, words.iter().copied());
                        Err(FaultKind::Value(
                            format!("`{value}`"),
                            near.unwrap_or(format!("the choices are {}", words.join(", "))),
                        ))
                    }
                }
            }
            _ => Err(FaultKind::Type(self.found())),
        }
    }
}

/// A number of dollars, to the millionth.
fn dollars(value: f64) -> Result<Value, FaultKind> {
    let micros = (value * 1e6).round();
    if !(0.0..=9e15).contains(&micros) || (micros == 0.0 && value > 0.0) {
        let help = "give US dollars, from 0.000001 up or 0";
        return Err(FaultKind::Value(value.to_string(), help.into()));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is looked at above")]
    Ok(Value::Money(micros as i64))
}

fn in_range(value: f64, range: Option<(f64, f64)>) -> Result<Value, FaultKind> {
    match range {
        _ if !value.is_finite() => Err(FaultKind::Value(value.to_string(), "give a finite number".into())),
        Some((low, high)) if value < low || value > high => {
            Err(FaultKind::Value(value.to_string(), format!("give a number from {low} to {high}")))
        }
        _ => Ok(Value::Float(value)),
    }
}
