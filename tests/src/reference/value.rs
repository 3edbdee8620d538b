//! Values of the reference, and what is done with them.

use grammar::ast::{BinaryOp, Literal, Type};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    /// What is not there.
    Absent,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, or a choice.
    Str(String),
    /// A list.
    List(Vec<Val>),
    /// Named values.
    Table(Vec<(String, Val)>),
}

impl Val {
    pub(super) fn truth(&self) -> bool {
        *self == Val::Bool(true)
    }

    pub(super) fn float(&self) -> f64 {
        match self {
            Val::Int(value) => *value as f64,
            Val::Float(value) => *value,
            other => panic!("{other:?} is no number"),
        }
    }

    pub(super) fn str(&self) -> &str {
        match self {
            Val::Str(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }
}

pub(super) fn literal(literal: &Literal) -> Val {
    match literal {
        Literal::Bool(value) => Val::Bool(*value),
        Literal::Int(value) => Val::Int(*value),
        Literal::Float(value) => Val::Float(*value),
        Literal::Str(text) | Literal::Word(text) => Val::Str(text.clone()),
        Literal::List(items) => Val::List(items.iter().map(|item| self::literal(&item.value)).collect()),
        Literal::Map(entries) => {
            let entry = |(key, value): &(grammar::ast::Name, grammar::Spanned<Literal>)| {
                (key.value.clone(), self::literal(&value.value))
            };
            Val::Table(entries.iter().map(entry).collect())
        }
        other => panic!("generated policies have no {other:?}"),
    }
}

/// The value with what its records leave out.
pub(super) fn filled(value: Val, ty: &Type) -> Val {
    match (value, ty) {
        (Val::Table(entries), Type::MapOf(inner)) => {
            Val::Table(entries.into_iter().map(|(key, value)| (key, filled(value, inner))).collect())
        }
        (Val::Table(entries), Type::Record(members)) => {
            let value = |member: &grammar::ast::Member| {
                let given = entries.iter().find(|(name, _)| *name == member.name.value);
                let default = || literal(&member.default.as_ref().expect("a default").value);
                (member.name.value.clone(), given.map_or_else(default, |(_, value)| value.clone()))
            };
            Val::Table(members.iter().map(value).collect())
        }
        (value, _) => value,
    }
}

/// What a quantifier over a param goes through.
pub(super) fn entries(param: &Val) -> Vec<Val> {
    match param {
        Val::List(items) => items.clone(),
        Val::Table(entries) => {
            let entry = |(key, value): &(String, Val)| {
                let Val::Table(members) = value else { panic!("generated maps are of records") };
                let key = ("key".to_owned(), Val::Str(key.clone()));
                Val::Table(std::iter::once(key).chain(members.clone()).collect())
            };
            entries.iter().map(entry).collect()
        }
        other => panic!("generated policies do not go over {other:?}"),
    }
}

pub(super) fn equal(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => a.float() == b.float(),
        _ => a == b,
    }
}

/// Arithmetic that is total: a division by zero is zero.
pub(super) fn arithmetic(op: BinaryOp, a: &Val, b: &Val) -> Val {
    let (Val::Int(a), Val::Int(b)) = (a, b) else {
        panic!("generated policies reckon with whole numbers");
    };
    Val::Int(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => {
            if *b == 0 {
                0
            } else {
                a / b
            }
        }
        _ => {
            if *b == 0 {
                0
            } else {
                a % b
            }
        }
    })
}

/// Whether a name fits a pattern of `*` and `?`.
pub(super) fn globbed(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| globbed(rest, &name[skip..])),
        ([b'?', rest @ ..], [_, name @ ..]) => globbed(rest, name),
        ([one, rest @ ..], [other, name @ ..]) => one == other && globbed(rest, name),
        _ => false,
    }
}
