//! Comparisons, memberships and searches as claims.

use std::rc::Rc;

use grammar::Spanned;
use grammar::ast::{BinaryOp, Expr, ExprKind, Literal, PatternBody, PatternRef};

use super::formula::{Absence, Claim, Finding, Formula, Site, Sought};
use super::read::{At, Reader, plain, truth_claim};
use super::says::{Domain, Says};
use crate::lint::names::Meaning;
use crate::matcher::words;
use crate::program::ir::{Comparison, TextTest};
use crate::program::ops;
use crate::value::{Type, Value};

impl<'f> Reader<'_, 'f> {
    /// A claim on the value of an expression.
    pub(super) fn claim(&self, subject: &'f Expr, at: &At<'f>, site: Site, says: Says) -> Option<Claim<'f>> {
        let (expr, scope) = self.names.resolve(subject, &at.scope);
        let instead = match &expr.kind {
            ExprKind::Binary(op, base, other) if op.value == BinaryOp::Coalesce => {
                let ty = self.names.type_of(base, &scope);
                self.constant(other, ty.as_ref().map(plain), &scope).map(|other| (&**base, other))
            }
            _ => None,
        };
        let (base, absence) = match instead {
            Some((base, other)) => (base, Absence::Instead(other)),
            None => (expr, Absence::Plain),
        };
        let (base, scope) = self.names.resolve(base, &scope);
        Some(Claim {
            site,
            subject: self.key(base, &scope)?,
            domain: Rc::new(self.domain(base, &scope)),
            absence,
            says,
            finding: None,
            evidence: false,
        })
    }

    pub(super) fn comparison(
        &self,
        op: Comparison,
        left: &'f Expr,
        right: &'f Expr,
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let site = at.site(expr.span);
        let (a, b) = (self.names.type_of(left, &at.scope), self.names.type_of(right, &at.scope));
        let one = self.constant(left, b.as_ref().map(plain), &at.scope);
        let other = self.constant(right, a.as_ref().map(plain), &at.scope);
        let (subject, says) = match (one, other) {
            (Some(a), Some(b)) => return Some(Formula::Known(site, ops::compare(op, &a, &b))),
            (None, Some(value)) => (left, Says::Is(op, value)),
            (Some(value), None) => (right, Says::Is(turned(op), value)),
            (None, None) => return self.order(op, left, right, site, at),
        };
        let claim = self.claim(subject, at, site, says)?;
        let evidence = [left, right].into_iter().any(|side| self.is_score(side, at));
        Some(Formula::Claim(Claim { evidence, ..claim }))
    }

    /// Two values that are both open: the claim is on how they stand to each other.
    fn order(
        &self,
        op: Comparison,
        left: &'f Expr,
        right: &'f Expr,
        site: Site,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let (a, b) = (self.key(left, &at.scope)?, self.key(right, &at.scope)?);
        if a == b {
            let same = matches!(op, Comparison::Eq | Comparison::Le | Comparison::Ge);
            return Some(Formula::Known(site, same));
        }
        let (subject, op) =
            if a < b { (format!("{a} to {b}"), op) } else { (format!("{b} to {a}"), turned(op)) };
        let words: &[&str] = match op {
            Comparison::Eq => &["="],
            Comparison::Ne => &["<", ">"],
            Comparison::Lt => &["<"],
            Comparison::Le => &["<", "="],
            Comparison::Gt => &[">"],
            Comparison::Ge => &[">", "="],
        };
        let evidence = [left, right].into_iter().any(|side| self.is_score(side, at));
        Some(Formula::Claim(Claim {
            domain: Rc::new(Domain::orders()),
            says: Says::OneOf(words.iter().map(|word| Value::Str((*word).into())).collect(), true),
            evidence,
            ..truth_claim(subject.into(), site)
        }))
    }

    /// Whether it is a score: the terms of one that is compared say what was found.
    fn is_score(&self, expr: &'f Expr, at: &At<'f>) -> bool {
        let (expr, scope) = self.names.resolve(expr, &at.scope);
        matches!(&expr.kind, ExprKind::Path(words)
            if matches!(self.names.meaning(words, &scope), Some(Meaning::Score(_))))
    }

    pub(super) fn membership(
        &self,
        left: &'f Expr,
        right: &'f Expr,
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let (list, scope) = self.names.resolve(right, &at.scope);
        let ExprKind::List(items) = &list.kind else { return self.truth(expr, at) };
        let ty = self.names.type_of(left, &at.scope);
        let values: Option<Vec<Value>> =
            items.iter().map(|item| self.constant(item, ty.as_ref().map(plain), &scope)).collect();
        let Some(values) = values else { return self.truth(expr, at) };
        let site = at.site(expr.span);
        if let Some(value) = self.constant(left, None, &at.scope) {
            return Some(Formula::Known(site, Says::OneOf(values, true).holds_of(&value)));
        }
        Some(Formula::Claim(self.claim(left, at, site, Says::OneOf(values, true))?))
    }

    pub(super) fn text_test(
        &self,
        test: TextTest,
        left: &'f Expr,
        right: &'f Expr,
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let (text, wanted) = (self.constant(left, None, &at.scope), self.constant(right, None, &at.scope));
        let site = at.site(expr.span);
        match (text, wanted) {
            (Some(text), Some(wanted)) => Some(Formula::Known(site, ops::text_test(test, &text, &wanted))),
            (None, Some(Value::Str(wanted))) => {
                Some(Formula::Claim(self.claim(left, at, site, Says::Text(test, wanted, true))?))
            }
            _ => self.truth(expr, at),
        }
    }

    pub(super) fn matches(
        &self,
        left: &'f Expr,
        right: &'f Expr,
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let says = match &right.kind {
            ExprKind::Literal(Literal::Regex(regex)) => {
                Says::Finds(regex.source.as_str().into(), regex.flags.as_str().into(), true)
            }
            ExprKind::Call(name, args) if name.value == "glob" => {
                let pattern = args.first().and_then(|arg| self.constant(arg, None, &at.scope));
                match pattern {
                    Some(Value::Str(pattern)) => Says::Glob(pattern, true),
                    _ => return self.truth(expr, at),
                }
            }
            _ => return self.truth(expr, at),
        };
        if self.constant(left, None, &at.scope).is_some() {
            return self.truth(expr, at);
        }
        Some(Formula::Claim(self.claim(left, at, at.site(expr.span), says)?))
    }

    pub(super) fn has(
        &self,
        text: &'f Expr,
        patterns: &'f [Spanned<PatternRef>],
        expr: &'f Expr,
        at: &At<'f>,
    ) -> Option<Formula<'f>> {
        let site = at.site(expr.span);
        let mut parts = Vec::new();
        for pattern in patterns {
            let own = if patterns.len() > 1 { at.site(pattern.span) } else { site };
            self.search(text, pattern, own, at, &mut parts)?;
        }
        Some(match <[Formula<'f>; 1]>::try_from(parts) {
            Ok([one]) => one,
            Err(parts) => Formula::Any(Site { inner: site.inner || patterns.len() == 1, ..site }, parts),
        })
    }

    /// What a search for one pattern claims: of a set one claim for each member.
    fn search(
        &self,
        text: &'f Expr,
        pattern: &'f Spanned<PatternRef>,
        site: Site,
        at: &At<'f>,
        parts: &mut Vec<Formula<'f>>,
    ) -> Option<()> {
        let is_text = self.names.type_of(text, &at.scope) == Some(Type::Text);
        let key = self.key(text, &at.scope)?;
        let finds = |source: &str, flags: &str| Says::Finds(source.into(), flags.into(), true);
        match (&pattern.value, is_text) {
            (PatternRef::Regex(regex), false) => {
                let says = finds(&regex.source, &regex.flags);
                parts.push(Formula::Claim(self.claim(text, at, site, says)?));
            }
            (PatternRef::Phrase(phrase), false) => {
                let says = finds(&words::source([phrase.as_str()], 0), "i");
                parts.push(Formula::Claim(self.claim(text, at, site, says)?));
            }
            (PatternRef::Regex(regex), true) => {
                parts.push(finding(&key, Sought::Regex(regex, pattern.span), site, true));
            }
            (PatternRef::Phrase(phrase), true) => {
                parts.push(finding(&key, Sought::Phrase(phrase), site, true));
            }
            (PatternRef::Name(name), _) => {
                let mut members = Vec::new();
                self.members(name, &mut members)?;
                parts.extend(members.into_iter().map(|member| finding(&key, member, site, is_text)));
            }
        }
        Some(())
    }

    /// The patterns that a name stands for: the members of a set that asks for nothing more.
    fn members(&self, name: &'f str, out: &mut Vec<Sought<'f>>) -> Option<()> {
        self.step(|| {
            match self.names.patterns.get(name) {
                Some(pattern) => match &pattern.body.value {
                    PatternBody::AnyOf(names) if pattern.near.is_empty() && pattern.checks.is_empty() => {
                        names.iter().try_for_each(|name| self.members(&name.value, out))?;
                    }
                    PatternBody::AnyOf(_) | PatternBody::Regex(_) | PatternBody::Words { .. } => {
                        out.push(Sought::Declared(pattern));
                    }
                },
                None => out.push(Sought::Elsewhere(name)),
            }
            Some(())
        })
    }
}

/// `a op b` as `b op a`.
fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Eq => Comparison::Eq,
        Comparison::Ne => Comparison::Ne,
        Comparison::Lt => Comparison::Gt,
        Comparison::Le => Comparison::Ge,
        Comparison::Gt => Comparison::Lt,
        Comparison::Ge => Comparison::Le,
    }
}

/// The claim that a text has a pattern.
fn finding<'f>(text: &Rc<str>, pattern: Sought<'f>, site: Site, evidence: bool) -> Formula<'f> {
    let name = match pattern {
        Sought::Declared(pattern) => pattern.name.value.clone(),
        Sought::Regex(regex, _) => format!("/{}/{}", regex.source, regex.flags),
        Sought::Phrase(text) => format!("{text:?}"),
        Sought::Elsewhere(name) => name.to_owned(),
    };
    let finding = Finding { text: Rc::clone(text), pattern };
    let finding = Some(finding).filter(|_| evidence);
    Formula::Claim(Claim { finding, evidence, ..truth_claim(format!("{text} has {name}").into(), site) })
}
