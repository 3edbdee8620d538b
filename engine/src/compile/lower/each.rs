//! Quantifiers over arguments of the policy: known before traffic, they are written out element by element.

use std::sync::Arc;

use grammar::ast::Quantity;
use grammar::{Diagnostic, Span, codes};

use super::{Frame, Lowering, not_constant};
use crate::compile::typed::Typed;
use crate::program::ir::{Arithmetic, Node, NodeId};
use crate::value::{Type, Value};

/// The most nodes of expressions that all quantifiers of a program are written out to.
pub(super) const MAX_WRITTEN_OUT: usize = 500_000;

/// A quantifier over an argument.
pub(super) struct Each<'t> {
    pub(super) quantity: Quantity,
    pub(super) list: &'t Typed,
    pub(super) depth: u8,
    pub(super) body: &'t Typed,
}

impl Frame<'_> {
    /// The depth of a quantifier over a list of the exchange, once those over arguments are written out.
    pub(super) fn under_way(&self, depth: u8) -> u8 {
        let written_out = self.known.iter().filter(|(of, _)| *of < depth).count();
        depth.saturating_sub(u8::try_from(written_out).unwrap_or(u8::MAX))
    }

    /// A part of the value that the quantifier over an argument at this depth is at.
    pub(super) fn part(&self, depth: u8, path: &[usize]) -> Option<&Value> {
        let (_, value) = self.known.iter().rev().find(|(of, _)| *of == depth)?;
        path.iter().try_fold(value, |value, member| match value {
            Value::Table(members) => members.get(*member).map(|(_, value)| value),
            _ => None,
        })
    }
}

impl Lowering {
    /// The body for each element: joined by `or` for `any`, by `and` for `all`, and added up for `count`.
    pub(super) fn each(
        &mut self,
        each: &Each<'_>,
        span: Span,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> NodeId {
        let list = self.expr(each.list, frame, diagnostics);
        let Some(elements) = self.arena.constant(list).and_then(|list| elements(list, &each.list.ty)) else {
            return self.failed(not_constant(each.list.span), diagnostics);
        };
        self.written_out = self.written_out.saturating_add(elements.len().saturating_mul(size(each.body)));
        if self.written_out > MAX_WRITTEN_OUT {
            let message = "this is too large once it is written out for every element";
            let help = "give shorter lists; `in` and `glob(list)` take long ones";
            return self.failed(Diagnostic::error(codes::LIMIT, span, message).help(help), diagnostics);
        }
        let mut bodies = Vec::with_capacity(elements.len());
        for element in elements {
            let mut known = frame.known.clone();
            known.push((each.depth, element));
            let inside = Frame { linked: frame.linked, arguments: frame.arguments, known, ..*frame };
            bodies.push(self.expr(each.body, &inside, diagnostics));
        }
        match each.quantity {
            Quantity::Any => self.arena.or(bodies),
            Quantity::All => self.arena.and(bodies),
            Quantity::Count => self.sum(&bodies),
        }
    }

    /// How many of some conditions hold.
    fn sum(&mut self, conditions: &[NodeId]) -> NodeId {
        let (one, none) =
            (self.arena.add(Node::Const(Value::Int(1))), self.arena.add(Node::Const(Value::Int(0))));
        let mut sum = none;
        for condition in conditions {
            let counts = match self.arena.truth(*condition) {
                Some(true) => one,
                Some(false) => none,
                None => self.arena.add(Node::If(*condition, one, none)),
            };
            sum = self.arena.make(Node::Arith(Arithmetic::Add, sum, counts));
        }
        sum
    }
}

/// What a quantifier over a value goes through; the entries of a mapping as records with their key first.
fn elements(list: &Value, ty: &Type) -> Option<Vec<Value>> {
    let (key, value): (Arc<str>, Arc<str>) = (Arc::from("key"), Arc::from("value"));
    let entry = |name: &Arc<str>, members: Vec<(Arc<str>, Value)>| {
        let key = (Arc::clone(&key), Value::Str(Arc::clone(name)));
        Value::Table(std::iter::once(key).chain(members).collect())
    };
    let is_of_records = matches!(ty, Type::MapOf(inner) if matches!(**inner, Type::Record(_)));
    Some(match list {
        Value::List(items) => items.to_vec(),
        Value::Map(pairs) => {
            let single = |text: &Arc<str>| vec![(Arc::clone(&value), Value::Str(Arc::clone(text)))];
            pairs.iter().map(|(name, text)| entry(name, single(text))).collect()
        }
        Value::Table(entries) => {
            let members = |inner: &Value| match inner {
                Value::Table(members) if is_of_records => members.to_vec(),
                other => vec![(Arc::clone(&value), other.clone())],
            };
            entries.iter().map(|(name, inner)| entry(name, members(inner))).collect()
        }
        _ => return None,
    })
}

fn size(typed: &Typed) -> usize {
    let mut size: usize = 1;
    typed.children(&mut |child| size = size.saturating_add(self::size(child)));
    size
}
