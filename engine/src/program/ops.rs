//! Operations on values, the same for constants at load and for values under traffic.

use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;

use super::ir::{Arithmetic, Comparison, Function, TextTest};
use crate::value::Value;

/// `a op b`. Numbers compare as numbers, everything else by equality; the checker has seen to the types.
pub fn compare(op: Comparison, a: &Value, b: &Value) -> bool {
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Money(a), Value::Money(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        _ => match (a.as_float(), b.as_float()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => (a == b).then_some(Ordering::Equal),
        },
    };
    match op {
        Comparison::Eq => order == Some(Ordering::Equal),
        Comparison::Ne => order != Some(Ordering::Equal),
        Comparison::Lt => order == Some(Ordering::Less),
        Comparison::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Gt => order == Some(Ordering::Greater),
        Comparison::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// `a op b` on numbers. Whole numbers saturate; a division by zero is zero, so that the language stays total.
pub fn arithmetic(op: Arithmetic, a: &Value, b: &Value) -> Value {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        return Value::Int(match op {
            Arithmetic::Add => a.saturating_add(*b),
            Arithmetic::Sub => a.saturating_sub(*b),
            Arithmetic::Mul => a.saturating_mul(*b),
            Arithmetic::Div if *b == 0 => 0,
            Arithmetic::Div => a.saturating_div(*b),
            Arithmetic::Rem => a.checked_rem(*b).unwrap_or_default(),
        });
    }
    if let Some(result) = with_units(op, a, b) {
        return result;
    }
    let (a, b) = (a.as_float().unwrap_or_default(), b.as_float().unwrap_or_default());
    let result = match op {
        Arithmetic::Add => a + b,
        Arithmetic::Sub => a - b,
        Arithmetic::Mul => a * b,
        Arithmetic::Div => a / b,
        Arithmetic::Rem => a % b,
    };
    Value::Float(if result.is_finite() { result } else { 0.0 })
}

/// Arithmetic with units: sums and differences of a kind, and multiples and parts by a number.
fn with_units(op: Arithmetic, a: &Value, b: &Value) -> Option<Value> {
    let (unit, amount, other): (fn(i64) -> Value, i64, &Value) = match (a, b) {
        (Value::Duration(amount), other) => (Value::Duration, *amount, other),
        (Value::Money(amount), other) => (Value::Money, *amount, other),
        (other, Value::Duration(amount)) => (Value::Duration, *amount, other),
        (other, Value::Money(amount)) => (Value::Money, *amount, other),
        _ => return None,
    };
    let same = match other {
        Value::Duration(amount) | Value::Money(amount) => Some(*amount),
        _ => None,
    };
    let by = other.as_float().unwrap_or_default();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "casts from floats saturate"
    )]
    let scaled = |by: f64| (amount as f64 * by).round() as i64;
    Some(unit(match (op, same) {
        (Arithmetic::Add, Some(same)) => amount.saturating_add(same),
        (Arithmetic::Sub, Some(same)) => amount.saturating_sub(same),
        // `-x` is `0 - x`.
        (Arithmetic::Sub, None) => amount.saturating_neg(),
        (Arithmetic::Div, None) if by == 0.0 => 0,
        (Arithmetic::Div, None) => scaled(1.0 / by),
        _ => scaled(by),
    }))
}

/// A test of one string by another, byte for byte.
pub fn text_test(test: TextTest, text: &Value, wanted: &Value) -> bool {
    let (Some(text), Some(wanted)) = (text.as_str(), wanted.as_str()) else { return false };
    match test {
        TextTest::Contains => text.contains(wanted),
        TextTest::StartsWith => text.starts_with(wanted),
        TextTest::EndsWith => text.ends_with(wanted),
    }
}

/// Whether the list has an element equal to the value.
pub fn contains(list: &Value, value: &Value) -> bool {
    list.as_list().is_some_and(|items| items.iter().any(|item| compare(Comparison::Eq, item, value)))
}

/// Whether an address, as text, is in one of the networks. What is no address is in none.
pub fn within(address: &Value, networks: &[IpNet]) -> bool {
    let address = address.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    // A dual-stack socket tells IPv4 clients as IPv6 ones.
    let address = address.map(|address| address.to_canonical());
    address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
}

/// A function of one value.
pub fn call(function: Function, value: &Value) -> Value {
    match function {
        Function::Lower => Value::Str(value.as_str().unwrap_or_default().to_lowercase().into()),
        Function::Length => {
            let length = match value {
                Value::Map(entries) => entries.len(),
                Value::Table(entries) => entries.len(),
                _ => value
                    .as_str()
                    .map_or_else(|| value.as_list().map_or(0, <[_]>::len), |s| s.chars().count()),
            };
            Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
        }
    }
}
