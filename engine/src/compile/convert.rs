//! Values of params, from YAML and from rule files: each is of its declared type, or what is wrong with it is told.

use std::sync::Arc;

use grammar::ast::{Literal, Member, Name, Type as Declared};
use grammar::diagnostic::did_you_mean;
use grammar::print::type_text;
use grammar::quantity;
use grammar::yaml::{Node, Value as Yaml};
use grammar::{Diagnostic, Span, Spanned, codes};

use crate::matcher::{View, regex};
use crate::value::Value;

/// What is wrong with a value.
pub(super) struct Fault {
    span: Span,
    kind: FaultKind,
    /// The keys that lead to it, from the innermost.
    keys: Vec<String>,
}

enum FaultKind {
    /// Another type is wanted: which, and what was found.
    Type(String, &'static str),
    /// Out of range, or not one of the choices: what was found, and a help sentence.
    Value(String, String),
    /// A record has no value of that name, and a help sentence.
    Unknown(String),
    /// A record lacks the value of that name, and of what type it is.
    Missing(String, String),
    /// Not a regular expression.
    Regex(String),
    /// A regular expression that matches empty text.
    Empty,
}

impl Fault {
    fn inside(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    /// Where in the param's value it is: empty where it is the value itself, else keys behind dots.
    pub(super) fn path(&self) -> String {
        self.keys.iter().rev().map(|key| format!(".{key}")).collect()
    }

    /// The fault in words, of the param of that name.
    pub(super) fn diagnostic(self, param: &str) -> Diagnostic {
        let name = format!("{param}{}", self.path());
        match self.kind {
            FaultKind::Type(wanted, found) => {
                let message = format!("`{name}` wants {wanted}, and this is {found}");
                Diagnostic::error(codes::WRONG_TYPE, self.span, message)
            }
            FaultKind::Value(found, help) => {
                Diagnostic::error(codes::BAD_VALUE, self.span, format!("`{name}` cannot be {found}"))
                    .help(help)
            }
            FaultKind::Unknown(help) => {
                let message = format!("there is no `{name}`");
                Diagnostic::error(codes::UNKNOWN_KEY, self.span, message).help(help)
            }
            FaultKind::Missing(member, wanted) => {
                let message = format!("`{name}` lacks `{member}`");
                Diagnostic::error(codes::MISSING, self.span, message)
                    .help(format!("add `{member}: …`, {wanted}"))
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
        Declared::MapOf(inner) => format!("a mapping, each value {}", wanted(inner)),
        Declared::Record(members) => {
            let names: Vec<&str> = members.iter().map(|member| member.name.value.as_str()).collect();
            format!("a mapping with {}", names.join(", "))
        }
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
pub(super) fn of_yaml(ty: &Declared, node: &Node) -> Result<Value, Fault> {
    let fault = |kind| Fault { span: node.span, kind, keys: Vec::new() };
    let other = |found| fault(FaultKind::Type(wanted(ty), found));
    if let Declared::Optional(inner) = ty {
        return if node.value == Yaml::Null { Ok(Value::Absent) } else { of_yaml(inner, node) };
    }
    let scalar = match &node.value {
        Yaml::Null => return Err(other("nothing")),
        Yaml::Bool(value) => Scalar::Bool(*value),
        #[expect(clippy::cast_precision_loss, reason = "a sum of dollars")]
        Yaml::Int(value) if *ty == Declared::Money => return dollars(*value as f64).map_err(fault),
        Yaml::Float(value) if *ty == Declared::Money => return dollars(*value).map_err(fault),
        Yaml::Int(value) => Scalar::Int(*value),
        Yaml::Float(value) => Scalar::Float(*value),
        Yaml::Str(value) => Scalar::Str(value),
        Yaml::Seq(items) => {
            let Declared::List(inner) = ty else { return Err(other("a list")) };
            let items: Result<Vec<Value>, Fault> = items.iter().map(|item| of_yaml(inner, item)).collect();
            return Ok(Value::List(items?.into()));
        }
        Yaml::Map(pairs) => {
            let pairs: Vec<(&Spanned<String>, &Node)> =
                pairs.iter().map(|(key, value)| (key, value)).collect();
            return table(ty, &pairs, node.span, &of_yaml);
        }
    };
    scalar.convert(ty).map_err(fault)
}

/// A literal of a rule file as a value of that type.
pub(super) fn of_literal(ty: &Declared, literal: &Spanned<Literal>) -> Result<Value, Fault> {
    let fault = |kind| Fault { span: literal.span, kind, keys: Vec::new() };
    let other = |found| fault(FaultKind::Type(wanted(ty), found));
    if let Declared::Optional(inner) = ty {
        return of_literal(inner, literal);
    }
    let scalar = match &literal.value {
        Literal::Bool(value) => Scalar::Bool(*value),
        Literal::Int(value) => Scalar::Int(*value),
        Literal::Float(value) => Scalar::Float(*value),
        Literal::Duration(millis) if *ty == Declared::Duration => return Ok(Value::Duration(*millis)),
        Literal::Money(micros) if *ty == Declared::Money => return Ok(Value::Money(*micros)),
        Literal::Duration(_) => return Err(other("a duration")),
        Literal::Money(_) => return Err(other("money")),
        Literal::Str(value) => Scalar::Str(value),
        Literal::Word(value) => Scalar::Str(value),
        Literal::Regex(regex) => {
            let flags = if regex.flags.is_empty() { String::new() } else { format!("(?{})", regex.flags) };
            return Scalar::Str(&format!("{flags}{}", regex.source)).convert(ty).map_err(fault);
        }
        Literal::Map(entries) => {
            let pairs: Vec<(&Name, &Spanned<Literal>)> =
                entries.iter().map(|(key, value)| (key, value)).collect();
            return table(ty, &pairs, literal.span, &of_literal);
        }
        Literal::List(items) => {
            let Declared::List(inner) = ty else { return Err(other("a list")) };
            let items: Result<Vec<Value>, Fault> = items.iter().map(|item| of_literal(inner, item)).collect();
            return Ok(Value::List(items?.into()));
        }
    };
    scalar.convert(ty).map_err(fault)
}

/// A way to read a value of either language.
type Read<'r, T> = &'r dyn Fn(&Declared, &T) -> Result<Value, Fault>;

/// A mapping or a record, of the pairs of either language.
fn table<T>(ty: &Declared, pairs: &[(&Name, &T)], span: Span, read: Read<'_, T>) -> Result<Value, Fault> {
    let each = |inner: &Declared| -> Result<Vec<(Arc<str>, Value)>, Fault> {
        let entry = |(key, value): &(&Name, &T)| {
            let value = read(inner, value).map_err(|fault| fault.inside(&key.value))?;
            Ok((Arc::from(key.value.as_str()), value))
        };
        pairs.iter().map(entry).collect()
    };
    match ty {
        Declared::Map => {
            let texts = each(&Declared::String)?.into_iter();
            let texts = texts.filter_map(|(key, value)| Some((key, Arc::from(value.as_str()?))));
            Ok(Value::Map(texts.collect()))
        }
        Declared::MapOf(inner) => Ok(Value::Table(each(inner)?.into())),
        Declared::Record(members) => record(members, pairs, span, read),
        _ => {
            let kind = FaultKind::Type(wanted(ty), "a mapping");
            Err(Fault { span, kind, keys: Vec::new() })
        }
    }
}

fn record<T>(
    members: &[Member],
    pairs: &[(&Name, &T)],
    span: Span,
    read: Read<'_, T>,
) -> Result<Value, Fault> {
    let fault = |span, kind| Fault { span, kind, keys: Vec::new() };
    let names = || members.iter().map(|member| member.name.value.as_str());
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !names().any(|name| name == key.value)) {
        let help = did_you_mean(&key.value, names())
            .unwrap_or_else(|| format!("it has {}", names().collect::<Vec<_>>().join(", ")));
        return Err(fault(key.span, FaultKind::Unknown(help)).inside(&key.value));
    }
    let member = |member: &Member| {
        let name = &member.name.value;
        let given =
            pairs.iter().find(|(key, _)| key.value == *name).map(|(_, value)| read(&member.ty.value, value));
        let value = match (given, &member.default) {
            (Some(given), _) => given.map_err(|fault| fault.inside(name))?,
            (None, Some(default)) => {
                of_literal(&member.ty.value, default).map_err(|fault| fault.inside(name))?
            }
            (None, None) => {
                return Err(fault(span, FaultKind::Missing(name.clone(), wanted(&member.ty.value))));
            }
        };
        Ok((Arc::from(name.as_str()), value))
    };
    Ok(Value::Table(members.iter().map(member).collect::<Result<Vec<_>, _>>()?.into()))
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
            _ => Err(FaultKind::Type(wanted(ty), self.found())),
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
