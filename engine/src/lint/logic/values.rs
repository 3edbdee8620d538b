//! Values that are known from what is written, and the values that an expression can have by itself.

use std::rc::Rc;
use std::sync::Arc;

use grammar::ast::{Expr, ExprKind, Literal, Quantity, Score, Type as Declared, UnaryOp};

use super::read::{Reader, plain};
use super::says::Domain;
use crate::lint::names::{Meaning, Scope};
use crate::program::ir::Arithmetic;
use crate::program::ops;
use crate::value::{Type, Value};

impl<'f> Reader<'_, 'f> {
    /// The value of an expression that is known from what is written.
    pub(super) fn constant(
        &self,
        expr: &'f Expr,
        wanted: Option<&Type>,
        scope: &Rc<Scope<'f>>,
    ) -> Option<Value> {
        if let (ExprKind::Path(words), Some(Type::Enum(choices))) = (&expr.kind, wanted)
            && let [word] = words.as_slice()
            && choices.iter().any(|choice| **choice == *word.value)
        {
            return Some(Value::Str(word.value.as_str().into()));
        }
        let (expr, scope) = self.names.resolve(expr, scope);
        match &expr.kind {
            ExprKind::Literal(Literal::Bool(value)) => Some(Value::Bool(*value)),
            ExprKind::Literal(Literal::Int(value)) => Some(Value::Int(*value)),
            ExprKind::Literal(Literal::Float(value)) => Some(Value::Float(*value)),
            ExprKind::Literal(Literal::Duration(value)) => Some(Value::Duration(*value)),
            ExprKind::Literal(Literal::Money(value)) => Some(Value::Money(*value)),
            ExprKind::Literal(Literal::Str(value)) => Some(Value::Str(value.as_str().into())),
            ExprKind::Unary(UnaryOp::Neg, inner) => {
                let inner = self.constant(inner, wanted, &scope)?;
                Some(ops::arithmetic(Arithmetic::Sub, &Value::Int(0), &inner))
            }
            ExprKind::Path(words) => match self.names.meaning(words, &scope)? {
                Meaning::Word(word) => Some(Value::Str(word.into())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The values that an expression can have by itself.
    pub(super) fn domain(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>) -> Domain {
        let whole = Domain::Range { low: f64::NEG_INFINITY, high: f64::INFINITY, whole: true };
        let counted = Domain::Range { low: 0.0, high: f64::INFINITY, whole: true };
        match &expr.kind {
            ExprKind::Path(words) => match self.names.meaning(words, scope) {
                Some(Meaning::Param(param)) => return of_param(&param.ty.value),
                Some(Meaning::Field(field)) => return of_field(field.name, &field.ty),
                Some(Meaning::Score(score)) => return self.sum(score),
                _ => {}
            },
            ExprKind::Call(name, _) if name.value == "lower" => return Domain::LowerCase,
            ExprKind::Call(name, _) if name.value == "length" => return counted,
            ExprKind::Quantifier(quantifier) if quantifier.quantity == Quantity::Count => return counted,
            _ => {}
        }
        match self.names.type_of(expr, scope).as_ref().map(plain) {
            Some(Type::Int) => whole,
            Some(other) => of_type(other),
            None => Domain::Any,
        }
    }

    /// The least and the most that a score can come to.
    fn sum(&self, score: &'f Score) -> Domain {
        let scope = Rc::new(Scope::default());
        let (mut low, mut high) = (0.0, 0.0);
        for term in &score.terms {
            let weight = self.constant(&term.weight, None, &scope).and_then(|weight| weight.as_float());
            let (least, most) = match weight {
                Some(weight) if term.condition.is_none() => (weight, weight),
                Some(weight) => (f64::min(weight, 0.0), f64::max(weight, 0.0)),
                None => (f64::NEG_INFINITY, f64::INFINITY),
            };
            (low, high) = (low + least, high + most);
        }
        if let Some((least, most)) = score.clamp {
            (low, high) = (low.clamp(least, most), high.clamp(least, most));
        }
        Domain::Range { low, high, whole: false }
    }
}

fn of_param(ty: &Declared) -> Domain {
    #[expect(clippy::cast_precision_loss, reason = "a bound past 2^53 bounds nothing that is compared")]
    match ty {
        Declared::Int(Some((low, high))) => {
            Domain::Range { low: *low as f64, high: *high as f64, whole: true }
        }
        Declared::Float(Some((low, high))) => Domain::Range { low: *low, high: *high, whole: false },
        Declared::Optional(inner) => of_param(inner),
        other => of_type(&crate::compile::declared(other)),
    }
}

fn of_field(name: &str, ty: &Type) -> Domain {
    let upto = |high| Domain::Range { low: 0.0, high, whole: true };
    match name {
        "now.hour" => upto(23.0),
        "now.minute" => upto(59.0),
        "now.time" => upto(86_399_999.0),
        "tokens.prompt" => upto(f64::INFINITY),
        _ => of_type(plain(ty)),
    }
}

fn of_type(ty: &Type) -> Domain {
    match ty {
        Type::Bool => Domain::Choices(vec![Value::Bool(true), Value::Bool(false)]),
        Type::Enum(choices) => {
            Domain::Choices(choices.iter().map(|choice| Value::Str(Arc::clone(choice))).collect())
        }
        Type::Int => Domain::Range { low: f64::NEG_INFINITY, high: f64::INFINITY, whole: true },
        _ => Domain::Any,
    }
}
