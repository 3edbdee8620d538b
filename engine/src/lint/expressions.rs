//! Every regular expression that is written in a file, and the exact places of its parts.

use std::ops::Range;

use grammar::ast::{
    Check, Effect, Expr, ExprKind, File, ItemKind, Literal, NearWhat, PatternBody, PatternRef, Regex, Rule,
};
use grammar::{Span, Spanned};
use regex_syntax::ast::Ast;

/// A regular expression as written.
#[derive(Clone, Copy)]
pub(super) struct Written<'f> {
    pub(super) regex: &'f Regex,
    /// The whole literal, with its slashes and flags.
    pub(super) span: Span,
    /// Whether what it takes matters, and not only whether it finds something.
    pub(super) is_taken: bool,
}

impl Written<'_> {
    /// Its tree, if it has one.
    pub(super) fn tree(&self) -> Option<Ast> {
        let x = self.regex.flags.contains('x');
        regex_syntax::ast::parse::ParserBuilder::new()
            .ignore_whitespace(x)
            .build()
            .parse(&self.regex.source)
            .ok()
    }

    /// Where a part of its source stands. A slash inside stands there with a backslash before it.
    pub(super) fn part(&self, range: &Range<usize>) -> Span {
        let place = |at: usize| {
            let slashes = self.regex.source.get(..at).map_or(0, |before| before.matches('/').count());
            self.span.start + 1 + at + slashes
        };
        Span::new(self.span.source, place(range.start), place(range.end))
    }
}

/// How many characters of a part are shown.
const SHOWN: usize = 48;

/// A part of an expression in one line, for a sentence.
pub(super) fn shown(part: &str) -> String {
    let line = part.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(&line)),
        None => line,
    }
}

/// The bytes of a part.
pub(super) fn range(span: &regex_syntax::ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

/// Hands every expression of a file to `visit`; those of tests are what tests try out.
pub(super) fn each<'f>(file: &'f File, visit: &mut dyn FnMut(Written<'f>)) {
    for item in &file.items {
        match &item.kind {
            ItemKind::Param(param) => {
                param.default.iter().for_each(|default| of_literal(default, visit));
            }
            ItemKind::Pattern(pattern) => {
                if let PatternBody::Regex(regex) = &pattern.body.value {
                    visit(Written { regex, span: pattern.body.span, is_taken: true });
                }
                for check in &pattern.checks {
                    if let Check::Has { regex, .. } = check {
                        visit(Written { regex: &regex.value, span: regex.span, is_taken: false });
                    }
                }
                for near in &pattern.near {
                    if let NearWhat::Regex(regex) = &near.what.value {
                        visit(Written { regex, span: near.what.span, is_taken: false });
                    }
                }
            }
            ItemKind::Let(_)
            | ItemKind::Function(_)
            | ItemKind::Score(_)
            | ItemKind::Rule(_)
            | ItemKind::Header(_)
            | ItemKind::Version(_)
            | ItemKind::Use(_)
            | ItemKind::Script(_)
            | ItemKind::Test(_) => {}
        }
        expressions(&item.kind, &mut |expr| of_expr(expr, visit));
    }
}

/// Hands the expressions of a literal to `visit`.
pub(super) fn of_literal<'f>(literal: &'f Spanned<Literal>, visit: &mut dyn FnMut(Written<'f>)) {
    match &literal.value {
        Literal::Regex(regex) => visit(Written { regex, span: literal.span, is_taken: true }),
        Literal::List(items) => items.iter().for_each(|item| of_literal(item, visit)),
        Literal::Map(entries) => entries.iter().for_each(|(_, value)| of_literal(value, visit)),
        Literal::Bool(_)
        | Literal::Int(_)
        | Literal::Float(_)
        | Literal::Duration(_)
        | Literal::Money(_)
        | Literal::Str(_)
        | Literal::Word(_) => {}
    }
}

fn of_expr<'f>(expr: &'f Expr, visit: &mut dyn FnMut(Written<'f>)) {
    match &expr.kind {
        ExprKind::Literal(Literal::Regex(regex)) => {
            visit(Written { regex, span: expr.span, is_taken: false });
        }
        ExprKind::Has(_, patterns) => {
            for pattern in patterns {
                if let PatternRef::Regex(regex) = &pattern.value {
                    visit(Written { regex, span: pattern.span, is_taken: true });
                }
            }
        }
        _ => {}
    }
}

/// Hands every expression of an item to `visit`, and every expression inside of it.
pub(super) fn expressions<'f>(item: &'f ItemKind, visit: &mut dyn FnMut(&'f Expr)) {
    match item {
        ItemKind::Let(item) => walk(&item.value, visit),
        ItemKind::Function(function) => walk(&function.body, visit),
        ItemKind::Score(score) => {
            for term in &score.terms {
                walk(&term.weight, visit);
                term.condition.iter().for_each(|condition| walk(condition, visit));
            }
        }
        ItemKind::Rule(rule) => of_rule(rule).for_each(|expr| walk(expr, visit)),
        ItemKind::Pattern(_)
        | ItemKind::Param(_)
        | ItemKind::Header(_)
        | ItemKind::Version(_)
        | ItemKind::Use(_)
        | ItemKind::Script(_)
        | ItemKind::Test(_) => {}
    }
}

/// The expressions of a rule.
fn of_rule(rule: &Rule) -> impl Iterator<Item = &Expr> {
    let action = rule.action.iter().flat_map(|action| std::iter::once(&action.verdict).chain(&action.with));
    let effect = rule.effect.iter().flat_map(Effect::exprs);
    rule.unless.iter().chain(&rule.when).chain(action).chain(effect)
}

/// Hands an expression and every expression inside of it to `visit`.
fn walk<'f>(expr: &'f Expr, visit: &mut dyn FnMut(&'f Expr)) {
    visit(expr);
    children(expr, &mut |part| walk(part, visit));
}

/// Hands the parts of an expression to `visit`.
pub(super) fn children<'f>(expr: &'f Expr, visit: &mut dyn FnMut(&'f Expr)) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Path(_) => {}
        ExprKind::Call(_, parts) | ExprKind::List(parts) => parts.iter().for_each(visit),
        ExprKind::Unary(_, inner) | ExprKind::Has(inner, _) | ExprKind::Present(inner, _) => visit(inner),
        ExprKind::Binary(_, left, right) => [&**left, &**right].into_iter().for_each(visit),
        ExprKind::If(a, b, c) => [&**a, &**b, &**c].into_iter().for_each(visit),
        ExprKind::Match(choice) => {
            let values = choice.arms.iter().map(|arm| &arm.value).chain(&choice.otherwise);
            std::iter::once(&choice.subject).chain(values).for_each(visit);
        }
        ExprKind::Quantifier(quantifier) => [&quantifier.list, &quantifier.body].into_iter().for_each(visit),
    }
}
