//! Values that rules compute with, and their types.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grammar::quantity;

/// A value. There is no null: only an optional can be [`Value::Absent`], and rules must handle it.
#[derive(Clone, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// A length of time, in milliseconds.
    Duration(i64),
    /// Millionths of a US dollar.
    Money(i64),
    /// Text, or a choice of an enum.
    Str(Arc<str>),
    /// The source of a regular expression.
    Regex(Arc<str>),
    /// A list.
    List(Arc<[Value]>),
    /// A mapping from strings to strings, in the order written.
    Map(Arc<[(Arc<str>, Arc<str>)]>),
    /// Named values: a record, its members in the order declared, or a mapping, in the order written.
    Table(Arc<[(Arc<str>, Value)]>),
    /// The optional value that is not there.
    Absent,
}

impl Value {
    /// The flag, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }

    /// The whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(value) = self { Some(*value) } else { None }
    }

    /// The number, whole or not.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "comparisons of huge integers with floats round")]
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            Value::Bool(_)
            | Value::Duration(_)
            | Value::Money(_)
            | Value::Str(_)
            | Value::Regex(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Table(_)
            | Value::Absent => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(value) | Value::Regex(value) = self { Some(value) } else { None }
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Value::List(items) = self { Some(items) } else { None }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b))
            | (Value::Duration(a), Value::Duration(b))
            | (Value::Money(a), Value::Money(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) | (Value::Regex(a), Value::Regex(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Table(a), Value::Table(b)) => a == b,
            (Value::Absent, Value::Absent) => true,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Bool(value) => value.hash(state),
            Value::Int(value) | Value::Duration(value) | Value::Money(value) => value.hash(state),
            Value::Float(value) => value.to_bits().hash(state),
            Value::Str(value) | Value::Regex(value) => value.hash(state),
            Value::List(items) => items.hash(state),
            Value::Map(pairs) => pairs.hash(state),
            Value::Table(entries) => entries.hash(state),
            Value::Absent => {}
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Duration(millis) => f.write_str(&quantity::duration_text(*millis)),
            Value::Money(micros) => f.write_str(&quantity::money_text(*micros)),
            Value::Str(value) => write!(f, "{value:?}"),
            Value::Regex(value) => write!(f, "/{value}/"),
            Value::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(pairs) => {
                f.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{key:?}: {value:?}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Value::Table(entries) => {
                f.write_str("{")?;
                for (i, (name, value)) in entries.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Value::Absent => f.write_str("absent"),
        }
    }
}

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// A length of time.
    Duration,
    /// US dollars.
    Money,
    /// Text as a plain value.
    Str,
    /// One of some words.
    Enum(Arc<[Arc<str>]>),
    /// A regular expression.
    Regex,
    /// A mapping from strings to strings.
    Map,
    /// A mapping from strings to values of one type.
    MapOf(Box<Type>),
    /// Named values, each of its own type.
    Record(Arc<[(Arc<str>, Type)]>),
    /// A list.
    List(Box<Type>),
    /// A value that may be absent.
    Optional(Box<Type>),
    /// Text of the exchange, which patterns are looked for in.
    Text,
    /// An element of `messages`.
    Message,
    /// An element of `tools`.
    Tool,
    /// An element of `tool_calls`.
    ToolCall,
    /// An element of `targets`.
    Target,
    /// What a redaction leaves behind: the result of `marker(…)`.
    Marker,
    /// A file-name pattern: the result of `glob("…")`.
    Glob,
    /// Networks: the result of `cidr("…")`.
    Networks,
}

impl Type {
    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Float)
    }

    /// Whether its values are parts of an exchange, and not of a configuration.
    pub fn is_of_traffic(&self) -> bool {
        matches!(self, Type::Message | Type::Tool | Type::ToolCall | Type::Target)
    }

    /// What a quantifier over such a value goes through, one by one: elements of a list, entries of a mapping with their
    /// `key`.
    pub fn element(&self) -> Option<Type> {
        let key = || (Arc::from("key"), Type::Str);
        match self {
            Type::List(inner) => Some((**inner).clone()),
            Type::Map => Some(Type::Record(Arc::new([key(), (Arc::from("value"), Type::Str)]))),
            Type::MapOf(inner) => match &**inner {
                Type::Record(members) => {
                    Some(Type::Record(std::iter::once(key()).chain(members.iter().cloned()).collect()))
                }
                other => Some(Type::Record(Arc::new([key(), (Arc::from("value"), other.clone())]))),
            },
            _ => None,
        }
    }

    /// Whether it is a quantity with a unit.
    pub fn has_unit(&self) -> bool {
        matches!(self, Type::Duration | Type::Money)
    }

    /// Whether its values are strings.
    pub fn is_text_value(&self) -> bool {
        matches!(self, Type::Str | Type::Enum(_))
    }

    /// An enum of those words.
    pub fn choices(words: &[&str]) -> Type {
        Type::Enum(words.iter().map(|word| Arc::from(*word)).collect())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Float => f.write_str("float"),
            Type::Duration => f.write_str("duration"),
            Type::Money => f.write_str("money"),
            Type::Str => f.write_str("string"),
            Type::Enum(words) => write!(f, "enum({})", words.join(", ")),
            Type::Regex => f.write_str("regex"),
            Type::Map => f.write_str("map"),
            Type::MapOf(inner) => write!(f, "map of {inner}"),
            Type::Record(members) => {
                f.write_str("record(")?;
                for (i, (name, ty)) in members.iter().enumerate() {
                    write!(f, "{}{name}: {ty}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Type::List(inner) => write!(f, "[{inner}]"),
            Type::Optional(inner) => write!(f, "{inner}?"),
            Type::Text => f.write_str("text"),
            Type::Message => f.write_str("message"),
            Type::Tool => f.write_str("tool"),
            Type::ToolCall => f.write_str("tool call"),
            Type::Marker => f.write_str("marker"),
            Type::Glob => f.write_str("glob"),
            Type::Target => f.write_str("target"),
            Type::Networks => f.write_str("networks"),
        }
    }
}
