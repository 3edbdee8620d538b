//! Expressions: literals, operators, choices, quantifiers.

use std::rc::Rc;
use std::sync::Arc;

use grammar::ast::{BinaryOp, Expr, ExprKind, Literal, PatternRef, Quantifier, Quantity, UnaryOp};
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, Spanned, codes};

use super::{Checker, Extent, fits};
use crate::compile::resolve::Symbol;
use crate::compile::typed::{Kind, PatternUse, Typed};
use crate::program::ir::{Arithmetic, TextTest};
use crate::value::{Type, Value};

impl Checker<'_> {
    /// The typed form of an expression; `None` when it has a mistake, which is then told.
    pub(super) fn expr(&mut self, expr: &Expr, wanted: Option<&Type>) -> Option<Typed> {
        self.level += 1;
        self.extend(Extent::default());
        let typed = self.kind_of(expr, wanted);
        self.level -= 1;
        typed
    }

    fn kind_of(&mut self, expr: &Expr, wanted: Option<&Type>) -> Option<Typed> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => self.literal(value, span),
            ExprKind::Path(words) => self.path(words, span, wanted),
            ExprKind::Call(name, args) => self.call(name, args, span),
            ExprKind::List(items) => self.list(items, span, wanted),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, span),
            ExprKind::Binary(op, left, right) => self.binary(op, left, right, span),
            ExprKind::Has(text, patterns) => self.has(text, patterns, span),
            ExprKind::Present(inner, present) => self.presence(inner, *present, span),
            ExprKind::If(condition, then, otherwise) => self.choice(condition, then, otherwise, span, wanted),
            ExprKind::Match(found) => self.matching(found, span, wanted),
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier, span),
        }
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Option<Typed> {
        let (ty, value) = match literal {
            Literal::Bool(value) => (Type::Bool, Value::Bool(*value)),
            Literal::Int(value) => (Type::Int, Value::Int(*value)),
            Literal::Float(value) => (Type::Float, Value::Float(*value)),
            Literal::Duration(millis) => (Type::Duration, Value::Duration(*millis)),
            Literal::Money(micros) => (Type::Money, Value::Money(*micros)),
            Literal::Str(value) => (Type::Str, Value::Str(value.as_str().into())),
            Literal::Regex(_) => {
                self.error(
                    Diagnostic::error(codes::TYPE_MISMATCH, span, "a regular expression is no value here")
                        .help("it can follow `has` or `matches`"),
                );
                return None;
            }
            // The parser makes these for params and tests alone.
            Literal::Word(_) | Literal::List(_) | Literal::Map(_) => return None,
        };
        Some(Typed { ty, span, kind: Kind::Const(value) })
    }

    fn list(&mut self, items: &[Expr], span: Span, wanted: Option<&Type>) -> Option<Typed> {
        let inner = match wanted {
            Some(Type::List(inner)) => Some(&**inner),
            _ => None,
        };
        let mut typed = Vec::new();
        for item in items {
            typed.push(self.expr(item, inner)?);
        }
        let ty = inner.cloned().or_else(|| typed.first().map(|item| item.ty.clone())).unwrap_or(Type::Str);
        for item in &typed {
            if !fits(&item.ty, &ty) && !fits(&ty, &item.ty) {
                self.mismatch(item.span, &item.ty, &ty.to_string(), "every element of this list");
                return None;
            }
        }
        Some(Typed { ty: Type::List(Box::new(ty)), span, kind: Kind::Items(typed) })
    }

    fn unary(&mut self, op: UnaryOp, inner: &Expr, span: Span) -> Option<Typed> {
        match op {
            UnaryOp::Not => {
                let inner = self.typed(inner, &Type::Bool, "what `not` takes")?;
                Some(Typed { ty: Type::Bool, span, kind: Kind::Not(Rc::new(inner)) })
            }
            UnaryOp::Neg => {
                let inner = self.number(inner)?;
                let zero = Typed { ty: Type::Int, span, kind: Kind::Const(Value::Int(0)) };
                let ty = inner.ty.clone();
                Some(Typed { ty, span, kind: Kind::Arith(Arithmetic::Sub, Rc::new(zero), Rc::new(inner)) })
            }
        }
    }

    fn number(&mut self, expr: &Expr) -> Option<Typed> {
        let typed = self.expr(expr, None)?;
        if typed.ty.is_number() || typed.ty.has_unit() {
            return Some(typed);
        }
        self.mismatch(typed.span, &typed.ty, "a number", "an operand of arithmetic");
        None
    }

    fn binary(&mut self, op: &Spanned<BinaryOp>, left: &Expr, right: &Expr, span: Span) -> Option<Typed> {
        use BinaryOp as B;
        let bool = |kind| Some(Typed { ty: Type::Bool, span, kind });
        match op.value {
            B::And | B::Or => {
                let what = format!("each side of `{}`", op.value.name());
                let (a, b) = (self.typed(left, &Type::Bool, &what), self.typed(right, &Type::Bool, &what));
                let (a, b) = (Rc::new(a?), Rc::new(b?));
                bool(if op.value == B::And { Kind::And(a, b) } else { Kind::Or(a, b) })
            }
            B::Eq | B::Ne | B::Lt | B::Le | B::Gt | B::Ge => {
                let (a, b) = self.pair(left, right)?;
                self.comparison(op, a, b, span)
            }
            B::In | B::NotIn => self.membership(op.value == B::In, left, right, span),
            B::Contains | B::StartsWith | B::EndsWith => {
                let test = match op.value {
                    B::Contains => TextTest::Contains,
                    B::StartsWith => TextTest::StartsWith,
                    _ => TextTest::EndsWith,
                };
                let what = format!("each side of `{}`", op.value.name());
                let (a, b) = (self.typed(left, &Type::Str, &what), self.typed(right, &Type::Str, &what));
                bool(Kind::Test(test, Rc::new(a?), Rc::new(b?)))
            }
            B::Matches => self.matches(left, right, span),
            B::Coalesce => self.coalesce(left, right, span),
            B::Add | B::Sub | B::Mul | B::Div | B::Rem => {
                let (a, b) = (self.number(left), self.number(right));
                let (a, b) = (a?, b?);
                let ty = self.sum_type(op, &a, &b)?;
                let op = match op.value {
                    B::Add => Arithmetic::Add,
                    B::Sub => Arithmetic::Sub,
                    B::Mul => Arithmetic::Mul,
                    B::Div => Arithmetic::Div,
                    _ => Arithmetic::Rem,
                };
                Some(Typed { ty, span, kind: Kind::Arith(op, Rc::new(a), Rc::new(b)) })
            }
        }
    }

    /// The type of a sum, product or part. Quantities add up with their like, and are multiplied and divided by numbers.
    fn sum_type(&mut self, op: &Spanned<BinaryOp>, a: &Typed, b: &Typed) -> Option<Type> {
        use BinaryOp as B;
        let fits = match (op.value, a.ty.has_unit(), b.ty.has_unit()) {
            (_, false, false) if a.ty == Type::Int && b.ty == Type::Int => return Some(Type::Int),
            (_, false, false) => return Some(Type::Float),
            (B::Add | B::Sub, true, true) => (a.ty == b.ty).then(|| a.ty.clone()),
            (B::Mul | B::Div, true, false) => Some(a.ty.clone()),
            (B::Mul, false, true) => Some(b.ty.clone()),
            _ => None,
        };
        if fits.is_none() {
            let message = format!("`{}` does not join {} and {}", op.value.name(), a.ty, b.ty);
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, op.span, message).help(
                "add a duration to a duration and money to money; multiply and divide them by numbers",
            ));
        }
        fits
    }

    fn coalesce(&mut self, left: &Expr, right: &Expr, span: Span) -> Option<Typed> {
        let a = self.expr(left, None)?;
        let Type::Optional(inner) = &a.ty else {
            self.error(
                Diagnostic::error(codes::TYPE_MISMATCH, a.span, format!("this is {} and never absent", a.ty))
                    .help("leave out `??` and what follows it"),
            );
            return None;
        };
        let inner = (**inner).clone();
        let b = self.typed(right, &inner, "the right side of `??`")?;
        Some(Typed { ty: inner, span, kind: Kind::Coalesce(Rc::new(a), Rc::new(b)) })
    }

    fn presence(&mut self, inner: &Expr, present: bool, span: Span) -> Option<Typed> {
        let inner = self.expr(inner, None)?;
        if !matches!(inner.ty, Type::Optional(_)) {
            let message = format!("this is {} and always present", inner.ty);
            self.error(
                Diagnostic::error(codes::TYPE_MISMATCH, inner.span, message).help("leave out the question"),
            );
            return None;
        }
        let found = Typed { ty: Type::Bool, span, kind: Kind::Present(Rc::new(inner)) };
        if present {
            return Some(found);
        }
        Some(Typed { ty: Type::Bool, span, kind: Kind::Not(Rc::new(found)) })
    }

    fn choice(
        &mut self,
        condition: &Expr,
        then: &Expr,
        otherwise: &Expr,
        span: Span,
        wanted: Option<&Type>,
    ) -> Option<Typed> {
        let condition = self.typed(condition, &Type::Bool, "the condition of `if`");
        let then = self.expr(then, wanted);
        let wanted = wanted.cloned().or_else(|| then.as_ref().map(|then| then.ty.clone()));
        let otherwise = self.expr(otherwise, wanted.as_ref());
        let (condition, then, otherwise) = (condition?, then?, otherwise?);
        let ty = if fits(&then.ty, &otherwise.ty) {
            otherwise.ty.clone()
        } else if fits(&otherwise.ty, &then.ty) {
            then.ty.clone()
        } else {
            self.mismatch(
                otherwise.span,
                &otherwise.ty,
                &then.ty.to_string(),
                "the other branch of this `if`",
            );
            return None;
        };
        let (then, otherwise) = (widen(then, &ty), widen(otherwise, &ty));
        Some(Typed { ty, span, kind: Kind::If(Rc::new(condition), Rc::new(then), Rc::new(otherwise)) })
    }

    fn has(&mut self, text: &Expr, patterns: &[Spanned<PatternRef>], span: Span) -> Option<Typed> {
        let typed = self.expr(text, Some(&Type::Text));
        let mut uses = Vec::new();
        let mut known = true;
        for pattern in patterns {
            match self.pattern_use(pattern) {
                Some(found) => uses.push(found),
                None => known = false,
            }
        }
        let typed = typed?;
        if typed.ty != Type::Text && !fits(&typed.ty, &Type::Str) {
            self.mismatch(typed.span, &typed.ty, "a text", "the left side of `has`");
            return None;
        }
        known.then(|| Typed { ty: Type::Bool, span, kind: Kind::Has(Rc::new(typed), uses) })
    }

    fn pattern_use(&mut self, pattern: &Spanned<PatternRef>) -> Option<PatternUse> {
        match &pattern.value {
            PatternRef::Regex(regex) => Some(PatternUse::Regex(regex.clone(), pattern.span)),
            PatternRef::Phrase(text) => Some(PatternUse::Phrase(text.clone(), pattern.span)),
            PatternRef::Name(name) => {
                if let Some(Symbol::Pattern(index)) = self.symbol(name) {
                    return Some(PatternUse::Declared(index));
                }
                let patterns =
                    self.unit.names.iter().filter(|(_, (symbol, _))| matches!(symbol, Symbol::Pattern(_)));
                let near = did_you_mean(name, patterns.map(|(name, _)| name.as_str()));
                let message = format!("there is no pattern `{name}`");
                let help = near.unwrap_or_else(|| {
                    "declare it with `pattern`, or take it from a library with `use`; words to look for stand in double quotes".into()
                });
                self.error(Diagnostic::error(codes::UNKNOWN_NAME, pattern.span, message).help(help));
                None
            }
        }
    }

    fn quantifier(&mut self, quantifier: &Quantifier, span: Span) -> Option<Typed> {
        let list = self.expr(&quantifier.list, None)?;
        let Some(element) = list.ty.element() else {
            let word = grammar::print::quantity_name(quantifier.quantity);
            self.mismatch(
                list.span,
                &list.ty,
                "messages, tools, tool_calls, targets, or a param that is a list or a map",
                &format!("what `{word}` goes over"),
            );
            return None;
        };
        let depth = u8::try_from(self.elements.len()).unwrap_or(u8::MAX);
        self.elements.push((quantifier.element.value.clone(), element));
        let body = self.typed(&quantifier.body, &Type::Bool, "what must hold of each element");
        self.elements.pop();
        let ty = if quantifier.quantity == Quantity::Count { Type::Int } else { Type::Bool };
        let (quantity, body) = (quantifier.quantity, Rc::new(body?));
        let kind = match list.kind {
            Kind::List(list) => Kind::Quantifier { quantity, list, depth, body },
            _ => Kind::Each { quantity, list: Rc::new(list), depth, body },
        };
        Some(Typed { ty, span, kind })
    }
}

/// A whole number made a float where a float is wanted, so that arithmetic on it is a float's.
pub(super) fn widen(typed: Typed, wanted: &Type) -> Typed {
    if *wanted != Type::Float || typed.ty != Type::Int {
        return typed;
    }
    let span = typed.span;
    let zero = Typed { ty: Type::Float, span, kind: Kind::Const(Value::Float(0.0)) };
    let kind = Kind::Arith(Arithmetic::Add, Rc::new(typed), Rc::new(zero));
    Typed { ty: Type::Float, span, kind }
}

/// The type without `?`.
pub(super) fn bare(ty: &Type) -> &Type {
    if let Type::Optional(inner) = ty { inner } else { ty }
}

/// A string constant, for names of headers and the like.
pub(super) fn constant_text(typed: &Typed) -> Option<Arc<str>> {
    match &typed.kind {
        Kind::Const(Value::Str(text)) => Some(Arc::clone(text)),
        _ => None,
    }
}
