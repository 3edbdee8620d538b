//! From expressions to formulas. Names are written out; params stay open, so that what is proved holds whatever they are.

use std::cell::Cell;
use std::rc::Rc;

use grammar::Span;
use grammar::ast::{BinaryOp, Expr, ExprKind, Literal, Match, Quantifier, Quantity, UnaryOp};

use super::formula::{Absence, Claim, Formula, Site};
use super::says::{Domain, Says};
use super::search;
use crate::lint::names::{Meaning, Names, Scope};
use crate::program::ir::{Comparison, TextTest};
use crate::value::{Type, Value};

/// How many steps one condition is read for, and how deep; what is larger is not looked at.
const MAX_STEPS: usize = 8_000;
const MAX_DEPTH: usize = 120;

/// Reads the conditions of one file.
pub(in crate::lint) struct Reader<'n, 'f> {
    pub(in crate::lint) names: &'n Names<'f>,
    steps: Cell<usize>,
    depth: Cell<usize>,
}

/// Where an expression is read.
#[derive(Clone)]
pub(in crate::lint) struct At<'f> {
    pub(in crate::lint) scope: Rc<Scope<'f>>,
    /// The place of the name that is being written out.
    pub(in crate::lint) named: Option<Span>,
}

impl<'f> At<'f> {
    /// In an expression that stands in the file as it is.
    pub(in crate::lint) fn written(scope: Rc<Scope<'f>>) -> Self {
        Self { scope, named: None }
    }

    /// Where a part with that place is said to stand.
    pub(super) fn site(&self, span: Span) -> Site {
        Site { span: self.named.unwrap_or(span), inner: self.named.is_some(), flipped: false }
    }
}

impl<'n, 'f> Reader<'n, 'f> {
    pub(in crate::lint) fn new(names: &'n Names<'f>) -> Self {
        Self { names, steps: Cell::new(0), depth: Cell::new(0) }
    }

    /// The formula of a condition; nothing when it is too large to look at.
    pub(in crate::lint) fn condition(&self, expr: &'f Expr, at: &At<'f>) -> Option<Formula<'f>> {
        self.steps.set(0);
        self.depth.set(0);
        self.formula(expr, at)
    }

    /// One step further down.
    pub(super) fn step<T>(&self, read: impl FnOnce() -> Option<T>) -> Option<T> {
        let (steps, depth) = (self.steps.get() + 1, self.depth.get() + 1);
        self.steps.set(steps);
        if steps > MAX_STEPS || depth > MAX_DEPTH {
            return None;
        }
        self.depth.set(depth);
        let found = read();
        self.depth.set(depth - 1);
        found
    }

    pub(super) fn formula(&self, expr: &'f Expr, at: &At<'f>) -> Option<Formula<'f>> {
        self.step(|| self.formula_of(expr, at))
    }

    fn formula_of(&self, expr: &'f Expr, at: &At<'f>) -> Option<Formula<'f>> {
        let site = at.site(expr.span);
        match &expr.kind {
            ExprKind::Literal(Literal::Bool(value)) => Some(Formula::Known(site, *value)),
            ExprKind::Path(words) => match self.names.meaning(words, &at.scope)? {
                Meaning::Let(item) => {
                    self.named(&item.value, expr.span, Rc::new(Scope::at(at.scope.depth)), at)
                }
                Meaning::Given(given, around, _) => self.named(given, expr.span, around, at),
                _ => self.truth(expr, at),
            },
            ExprKind::Call(name, args) => match self.names.body(name, args, &at.scope) {
                Some((body, scope)) => self.named(body, expr.span, scope, at),
                None => self.truth(expr, at),
            },
            ExprKind::Unary(UnaryOp::Not, inner) => Some(self.formula(inner, at)?.negated().standing(site)),
            ExprKind::Binary(op, left, right) => self.binary(op.value, left, right, expr, at),
            ExprKind::Has(text, patterns) => self.has(text, patterns, expr, at),
            ExprKind::Present(inner, present) => {
                let claim = self.claim(inner, at, site, Says::Present(*present))?;
                Some(Formula::Claim(Claim { absence: Absence::Plain, ..claim }))
            }
            ExprKind::If(condition, then, otherwise) => {
                self.choice(expr.span, self.formula(condition, at)?, self.formula(then, at)?, otherwise, at)
            }
            ExprKind::Match(choice) => self.matching(choice, expr.span, at),
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier, expr, at),
            ExprKind::Literal(_) | ExprKind::List(_) | ExprKind::Unary(UnaryOp::Neg, _) => None,
        }
    }

    /// What the name at that place stands for. All of it is said to stand there.
    fn named(&self, expr: &'f Expr, name: Span, scope: Rc<Scope<'f>>, at: &At<'f>) -> Option<Formula<'f>> {
        let inside = At { scope, named: at.named.or(Some(name)) };
        Some(self.formula(expr, &inside)?.unflipped())
    }

    fn binary(
        &self,
        op: BinaryOp,
        left: &'f Expr,
        right: &'f Expr,
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let site = at.site(expr.span);
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let mut parts = Vec::new();
                self.side(op, left, at, &mut parts)?;
                self.side(op, right, at, &mut parts)?;
                let join = if op == BinaryOp::And { Formula::All } else { Formula::Any };
                Some(join(site, parts))
            }
            BinaryOp::Eq => self.comparison(Comparison::Eq, left, right, expr, at),
            BinaryOp::Ne => self.comparison(Comparison::Ne, left, right, expr, at),
            BinaryOp::Lt => self.comparison(Comparison::Lt, left, right, expr, at),
            BinaryOp::Le => self.comparison(Comparison::Le, left, right, expr, at),
            BinaryOp::Gt => self.comparison(Comparison::Gt, left, right, expr, at),
            BinaryOp::Ge => self.comparison(Comparison::Ge, left, right, expr, at),
            BinaryOp::In => self.membership(left, right, expr, at),
            BinaryOp::NotIn => {
                let within = self.membership(left, right, expr, at)?;
                Some(within.negated().standing(site))
            }
            BinaryOp::Contains => self.text_test(TextTest::Contains, left, right, expr, at),
            BinaryOp::StartsWith => self.text_test(TextTest::StartsWith, left, right, expr, at),
            BinaryOp::EndsWith => self.text_test(TextTest::EndsWith, left, right, expr, at),
            BinaryOp::Matches => self.matches(left, right, expr, at),
            BinaryOp::Coalesce => self.truth(expr, at),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => None,
        }
    }

    /// One side of `and` or `or`; several of the same are one list.
    fn side(&self, op: BinaryOp, side: &'f Expr, at: &At<'f>, parts: &mut Vec<Formula<'f>>) -> Option<()> {
        if let ExprKind::Binary(inner, left, right) = &side.kind
            && inner.value == op
        {
            return self.step(|| {
                self.side(op, left, at, parts)?;
                self.side(op, right, at, parts)
            });
        }
        parts.push(self.formula(side, at)?);
        Some(())
    }

    /// `if c then a else b`: `c` and `a`, or not `c` and `b`.
    fn choice(
        &self,
        span: Span,
        condition: Formula<'f>,
        then: Formula<'f>,
        otherwise: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let otherwise = self.formula(otherwise, at)?;
        Some(either(Site { inner: true, ..at.site(span) }, condition, then, otherwise))
    }

    /// A `match` as a chain of choices.
    fn matching(&self, choice: &'f Match, span: Span, at: &At<'f>) -> Option<Formula<'f>> {
        let site = Site { inner: true, ..at.site(span) };
        let mut arms = Vec::new();
        for arm in &choice.arms {
            let picks: Option<Vec<Formula<'f>>> =
                arm.picks.iter().map(|pick| self.equal(&choice.subject, pick, site, at)).collect();
            arms.push((Formula::Any(site, picks?), self.formula(&arm.value, at)?));
        }
        let last = match &choice.otherwise {
            Some(otherwise) => self.formula(otherwise, at)?,
            None => arms.pop()?.1,
        };
        Some(arms.into_iter().rev().fold(last, |rest, (picked, value)| either(site, picked, value, rest)))
    }

    fn equal(&self, subject: &'f Expr, pick: &'f Expr, site: Site, at: &At<'f>) -> Option<Formula<'f>> {
        let ty = self.names.type_of(subject, &at.scope);
        let value = self.constant(pick, ty.as_ref(), &at.scope)?;
        let claim = self.claim(subject, at, site, Says::Is(Comparison::Eq, value))?;
        Some(Formula::Claim(claim))
    }

    fn quantifier(&self, found: &'f Quantifier, expr: &'f Expr, at: &At<'f>) -> Option<Formula<'f>> {
        let site = at.site(expr.span);
        let inside = self.names.inside(found, &at.scope);
        let body = self.formula(&found.body, &At { scope: Rc::clone(&inside), named: at.named })?;
        let evidence = body.has_evidence(&[]) || body.clone().negated().has_evidence(&[]);
        let never = |formula: &Formula<'f>| search::conflict(formula).is_some();
        // `all` is no `any` of the opposite; so the two are told by one key.
        let (body, all) = match found.quantity {
            Quantity::Any => (body, false),
            Quantity::All => (body.negated(), true),
            Quantity::Count => return None,
        };
        if never(&body) {
            return Some(Formula::Known(site, all));
        }
        let (core, denied) = match &found.body.kind {
            ExprKind::Unary(UnaryOp::Not, core) => (&**core, !all),
            _ => (&found.body, all),
        };
        let list = self.key(&found.list, &at.scope)?;
        let core = self.key(core, &inside)?;
        let depth = at.scope.depth;
        let key = format!("any^{depth} {list}: {}{core}", if denied { "not " } else { "" });
        let claim = Claim { evidence, ..truth_claim(key.into(), site) };
        let any = Formula::Claim(claim);
        Some(if all { any.negated().standing(site) } else { any })
    }

    /// A condition of which nothing is known but that it is the same wherever it stands.
    pub(super) fn truth(&self, expr: &'f Expr, at: &At<'f>) -> Option<Formula<'f>> {
        let claim = truth_claim(self.key(expr, &at.scope)?, at.site(expr.span));
        Some(Formula::Claim(claim))
    }
}

/// `condition` and `then`, or else `otherwise`.
fn either<'f>(site: Site, condition: Formula<'f>, then: Formula<'f>, otherwise: Formula<'f>) -> Formula<'f> {
    let denied = condition.clone().negated();
    Formula::Any(
        site,
        vec![Formula::All(site, vec![condition, then]), Formula::All(site, vec![denied, otherwise])],
    )
}

/// The claim that something is true.
pub(super) fn truth_claim<'f>(subject: Rc<str>, site: Site) -> Claim<'f> {
    Claim {
        site,
        subject,
        domain: Rc::new(Domain::Choices(vec![Value::Bool(true), Value::Bool(false)])),
        absence: Absence::Plain,
        says: Says::Is(Comparison::Eq, Value::Bool(true)),
        finding: None,
        evidence: false,
    }
}

/// The claim that a value is this one.
pub(in crate::lint) fn equals<'f>(subject: Rc<str>, value: Value, site: Site) -> Claim<'f> {
    Claim {
        domain: Rc::new(Domain::Any),
        says: Says::Is(Comparison::Eq, value),
        ..truth_claim(subject, site)
    }
}

/// The type of a value that is there.
pub(super) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => inner,
        other => other,
    }
}
