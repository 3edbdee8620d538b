//! Comparisons: `==` and its kin, `in`, `matches`. A bare word takes its meaning from the other side.

use std::rc::Rc;

use grammar::ast::{BinaryOp, Expr, ExprKind, Literal};
use grammar::{Diagnostic, Span, Spanned, codes};

use super::expr::bare;
use super::{Checker, fits};
use crate::compile::resolve::Symbol;
use crate::compile::typed::{Kind, PatternUse, Typed};
use crate::program::ir::Comparison;
use crate::value::Type;

impl Checker<'_> {
    /// Both sides of a comparison; a bare word takes its meaning from the other side.
    pub(super) fn pair(&mut self, left: &Expr, right: &Expr) -> Option<(Typed, Typed)> {
        if self.is_open_word(left) {
            let b = self.expr(right, None)?;
            let a = self.expr(left, Some(bare(&b.ty)))?;
            return Some((a, b));
        }
        let a = self.expr(left, None);
        if a.is_none() && self.is_open_word(right) {
            // What the word means hangs on the side that has the mistake.
            return None;
        }
        let wanted = a.as_ref().map(|a| bare(&a.ty).clone());
        let b = self.expr(right, wanted.as_ref());
        Some((a?, b?))
    }

    /// Whether an expression is one word that says nothing by itself.
    pub(super) fn is_open_word(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Path(words) => match words.as_slice() {
                [word] => {
                    let is_element = self.elements.iter().any(|(name, _)| *name == word.value);
                    let is_argument = self.args.iter().any(|(name, _)| *name == word.value);
                    let is_field = self.fields.iter().any(|field| field.name == word.value);
                    let is_value = !matches!(
                        self.symbol(&word.value),
                        None | Some(Symbol::Pattern(_) | Symbol::Script(_) | Symbol::Function(_))
                    );
                    !is_element && !is_argument && !is_field && !is_value
                }
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn comparison(
        &mut self,
        op: &Spanned<BinaryOp>,
        a: Typed,
        b: Typed,
        span: Span,
    ) -> Option<Typed> {
        let comparison = match op.value {
            BinaryOp::Eq => Comparison::Eq,
            BinaryOp::Ne => Comparison::Ne,
            BinaryOp::Lt => Comparison::Lt,
            BinaryOp::Le => Comparison::Le,
            BinaryOp::Gt => Comparison::Gt,
            _ => Comparison::Ge,
        };
        let ordered = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        let comparable = (a.ty.is_number() && b.ty.is_number())
            || (a.ty == b.ty && a.ty.has_unit())
            || (!ordered && (fits(&a.ty, &b.ty) || fits(&b.ty, &a.ty)) && is_plain(&a.ty) && is_plain(&b.ty));
        if !comparable {
            self.incomparable(op, &a, &b);
            return None;
        }
        Some(Typed { ty: Type::Bool, span, kind: Kind::Compare(comparison, Rc::new(a), Rc::new(b)) })
    }

    fn incomparable(&mut self, op: &Spanned<BinaryOp>, a: &Typed, b: &Typed) {
        if let Some(optional) = [a, b].into_iter().find(|side| matches!(side.ty, Type::Optional(_))) {
            self.mismatch(
                optional.span,
                &optional.ty,
                "a plain value",
                &format!("each side of `{}`", op.value.name()),
            );
            return;
        }
        let message = format!("`{}` cannot compare {} with {}", op.value.name(), a.ty, b.ty);
        let mut diagnostic = Diagnostic::error(codes::TYPE_MISMATCH, op.span, message);
        if a.ty == Type::Text || b.ty == Type::Text {
            diagnostic = diagnostic.help("texts are searched: `text has \"words\"` or `text has /regex/`");
        }
        for (side, help) in [
            (Type::Duration, "a duration is written with its units, as in `30s` or `1h30m`"),
            (Type::Money, "money is written with a dollar sign, as in `$0.50`"),
        ] {
            if a.ty == side || b.ty == side {
                diagnostic = diagnostic.help(help);
            }
        }
        self.error(diagnostic);
    }

    pub(super) fn membership(
        &mut self,
        positive: bool,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Option<Typed> {
        // The list's elements say what a bare word on the left means, and the other way round.
        let (a, b) = if matches!(right.kind, ExprKind::List(_)) && !self.is_open_word(left) {
            let a = self.expr(left, None)?;
            let list = Type::List(Box::new(bare(&a.ty).clone()));
            let b = self.expr(right, Some(&list))?;
            (a, b)
        } else {
            let b = self.expr(right, None)?;
            let wanted = match &b.ty {
                Type::List(inner) => Some((**inner).clone()),
                _ => None,
            };
            (self.expr(left, wanted.as_ref())?, b)
        };
        let Type::List(inner) = &b.ty else {
            self.mismatch(b.span, &b.ty, "a list", "the right side of `in`");
            return None;
        };
        if !is_plain(&a.ty) || !(fits(&a.ty, inner) || fits(inner, &a.ty)) {
            self.mismatch(a.span, &a.ty, &inner.to_string(), "an element of this list");
            return None;
        }
        let found = Typed { ty: Type::Bool, span, kind: Kind::In(Rc::new(a), Rc::new(b)) };
        if positive {
            return Some(found);
        }
        Some(Typed { ty: Type::Bool, span, kind: Kind::Not(Rc::new(found)) })
    }

    pub(super) fn matches(&mut self, left: &Expr, right: &Expr, span: Span) -> Option<Typed> {
        let a = self.typed(left, &Type::Str, "the left side of `matches`");
        let kind = if let ExprKind::Literal(Literal::Regex(regex)) = &right.kind {
            Kind::Has(Rc::new(a?), vec![PatternUse::Regex(regex.clone(), right.span)])
        } else {
            let b = self.expr(right, Some(&Type::Glob))?;
            match &b.ty {
                Type::Glob => Kind::Glob(Rc::new(a?), Rc::new(b)),
                Type::Networks => Kind::Within(Rc::new(a?), Rc::new(b)),
                other => {
                    let wanted = "a regular expression, `glob(…)` or `cidr(…)`";
                    self.mismatch(b.span, other, wanted, "the right side of `matches`");
                    return None;
                }
            }
        };
        Some(Typed { ty: Type::Bool, span, kind })
    }
}

/// Whether values of the type can be compared.
fn is_plain(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Int | Type::Float | Type::Str | Type::Enum(_)) || ty.has_unit()
}
