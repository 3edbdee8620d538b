//! What a condition says of one value, and the values that there are.

use std::sync::Arc;

use regex_automata::meta;

use crate::matcher::{View, glob, regex};
use crate::program::ir::{Comparison, TextTest};
use crate::program::ops;
use crate::value::Value;

/// One thing that is said of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Says {
    /// It compares so to a constant.
    Is(Comparison, Value),
    /// It is one of these, or none of them.
    OneOf(Vec<Value>, bool),
    /// It begins, ends or goes on so, or does not.
    Text(TextTest, Arc<str>, bool),
    /// It fits a file-name pattern, or does not.
    Glob(Arc<str>, bool),
    /// An expression with these flags finds something in it, or nothing.
    Finds(Arc<str>, Arc<str>, bool),
    /// It is there, or absent.
    Present(bool),
}

/// The values that something can have by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Domain {
    /// Nothing is known.
    #[default]
    Any,
    /// One of these.
    Choices(Vec<Value>),
    /// A number within these bounds.
    Range {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether it is a whole number.
        whole: bool,
    },
    /// Text without capital letters.
    LowerCase,
}

/// Numbers up to here are told apart by floats.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl Says {
    /// The opposite. Numbers are always finite, so the opposite of `<` is `>=`.
    pub(crate) fn negated(&self) -> Self {
        match self {
            Says::Is(op, value) => Says::Is(opposite(*op), value.clone()),
            Says::OneOf(values, positive) => Says::OneOf(values.clone(), !positive),
            Says::Text(test, text, positive) => Says::Text(*test, Arc::clone(text), !positive),
            Says::Glob(pattern, positive) => Says::Glob(Arc::clone(pattern), !positive),
            Says::Finds(source, flags, positive) => {
                Says::Finds(Arc::clone(source), Arc::clone(flags), !positive)
            }
            Says::Present(present) => Says::Present(!present),
        }
    }

    /// Whether it is true of a value that is there.
    pub(crate) fn holds_of(&self, value: &Value) -> bool {
        match self {
            Says::Is(op, other) => ops::compare(*op, value, other),
            Says::OneOf(values, positive) => {
                values.iter().any(|other| ops::compare(Comparison::Eq, value, other)) == *positive
            }
            Says::Text(test, text, positive) => {
                ops::text_test(*test, value, &Value::Str(Arc::clone(text))) == *positive
            }
            Says::Glob(pattern, positive) => {
                value.as_str().is_some_and(|text| glob::fits(pattern, text)) == *positive
            }
            Says::Finds(source, flags, positive) => match (value.as_str(), engine(source, flags)) {
                (Some(text), Some(engine)) => engine.is_match(View::Folded.apply(text).as_str()) == *positive,
                _ => true,
            },
            Says::Present(present) => *present,
        }
    }

    /// The values that alone can be meant, when they are few.
    pub(super) fn candidates(&self) -> Option<Vec<Value>> {
        match self {
            Says::Is(Comparison::Eq, value) => Some(vec![value.clone()]),
            Says::OneOf(values, true) => Some(values.clone()),
            Says::Glob(pattern, true) if !pattern.contains(['*', '?']) => {
                Some(vec![Value::Str(Arc::clone(pattern))])
            }
            _ => None,
        }
    }

    /// Whether it is said in numbers.
    pub(super) fn number(&self) -> Option<(Comparison, f64)> {
        match self {
            Says::Is(op, value) => number(value).map(|number| (*op, number)),
            _ => None,
        }
    }
}

fn opposite(op: Comparison) -> Comparison {
    match op {
        Comparison::Eq => Comparison::Ne,
        Comparison::Ne => Comparison::Eq,
        Comparison::Lt => Comparison::Ge,
        Comparison::Ge => Comparison::Lt,
        Comparison::Gt => Comparison::Le,
        Comparison::Le => Comparison::Gt,
    }
}

/// The number, or the amount of a quantity, where a float tells it from its neighbours.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Duration(amount) | Value::Money(amount) => Value::Int(*amount).as_float()?,
        other => other.as_float()?,
    };
    (number.abs() < MAX_EXACT).then_some(number)
}

fn engine(source: &str, flags: &str) -> Option<meta::Regex> {
    let hir = regex::compile(source, flags, View::Folded).ok()?;
    meta::Builder::new().build_from_hir(&hir).ok()
}

impl Domain {
    /// How two values can stand to each other.
    pub(crate) fn orders() -> Self {
        Domain::Choices(["<", "=", ">"].map(|order| Value::Str(order.into())).to_vec())
    }

    /// Whether a value is of it.
    pub(super) fn allows(&self, value: &Value) -> bool {
        match self {
            Domain::Any => true,
            Domain::Choices(values) => values.iter().any(|other| ops::compare(Comparison::Eq, value, other)),
            Domain::Range { low, high, whole } => number(value)
                .is_none_or(|number| *low <= number && number <= *high && (!whole || number.fract() == 0.0)),
            Domain::LowerCase => value.as_str().is_none_or(is_lower),
        }
    }

    /// Its values, when they are few.
    pub(super) fn candidates(&self) -> Option<Vec<Value>> {
        match self {
            Domain::Choices(values) => Some(values.clone()),
            Domain::Any | Domain::Range { .. } | Domain::LowerCase => None,
        }
    }
}

/// Whether a text is as `lower(…)` gives it.
pub(crate) fn is_lower(text: &str) -> bool {
    text.to_lowercase() == text
}
