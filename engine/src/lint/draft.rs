//! A rule file as the lints look at it: its tree, its names, its conditions, and its words.

use std::rc::Rc;

use grammar::ast::{BinaryOp, Effect, Expr, ExprKind, File, Item, ItemKind, Quantity, Rule, UnaryOp};
use grammar::{Sources, Span};

use super::logic::{At, Formula, Reader, Site};
use super::names::{Names, Scope};
use crate::value::Type;

/// How many characters of a part are shown in a sentence.
const SHOWN: usize = 60;

/// A file that is looked at.
pub(super) struct Draft<'f> {
    pub(super) file: &'f File,
    pub(super) names: Names<'f>,
    sources: &'f Sources,
}

/// A condition, and what it is for.
pub(super) struct Condition<'f> {
    pub(super) of: Of<'f>,
    pub(super) formula: Formula<'f>,
}

/// What a condition is for.
#[derive(Clone, Copy)]
pub(super) enum Of<'f> {
    /// The `when` of a rule.
    When(&'f Rule),
    /// The `unless` of a rule.
    Unless(&'f Rule),
    /// What a rule says of the targets that it excludes.
    Exclude(&'f Rule),
    /// A `let` or a function.
    Named(&'f str),
    /// A term of a score.
    Term(&'f str),
    /// A part of another expression: what is asked of each element of a list, or what a choice goes by.
    Inner,
}

impl<'f> Draft<'f> {
    pub(super) fn of(file: &'f File, sources: &'f Sources) -> Self {
        Self { file, names: Names::of(file), sources }
    }

    /// The rules, each with its item.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&'f Item, &'f Rule)> + use<'f> {
        self.file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Rule(rule) => Some((item, &**rule)),
            _ => None,
        })
    }

    /// Whether it is a library.
    pub(super) fn is_library(&self) -> bool {
        let is_header = |item: &Item| matches!(&item.kind, ItemKind::Header(header) if header.library);
        self.file.items.iter().any(is_header)
    }

    /// What stands at a place, in one line for a sentence.
    pub(super) fn words(&self, span: Span) -> String {
        let text = self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("`{} …`", text.get(..end).unwrap_or(&text).trim_end()),
            None => format!("`{text}`"),
        }
    }

    /// Where the file takes that name from another.
    pub(super) fn used_name(&self, name: &str) -> Option<Span> {
        self.file.items.iter().find_map(|item| match &item.kind {
            ItemKind::Use(import) => {
                import.names.iter().find(|used| used.value == name).map(|used| used.span)
            }
            _ => None,
        })
    }

    /// A part of a condition in a sentence.
    pub(super) fn part(&self, site: Site) -> String {
        format!("{}{}", if site.flipped { "not " } else { "" }, self.words(site.span))
    }

    /// The condition of a rule, `unless` and `when` together.
    pub(super) fn condition(&self, rule: &'f Rule) -> Option<Formula<'f>> {
        let reader = Reader::new(&self.names);
        let at = At::written(Rc::default());
        let mut parts = Vec::new();
        if let Some(unless) = &rule.unless {
            parts.push(reader.condition(unless, &at)?.negated());
        }
        parts.push(reader.condition(rule.when.as_ref()?, &at)?);
        let site = Site { span: rule.name.span, inner: true, flipped: false };
        Some(Formula::All(site, parts))
    }

    /// Every condition of the file, each by itself.
    pub(super) fn conditions(&self) -> Vec<Condition<'f>> {
        let mut found =
            Found { names: &self.names, reader: Reader::new(&self.names), conditions: Vec::new() };
        let top = Rc::<Scope<'f>>::default();
        for item in &self.file.items {
            match &item.kind {
                ItemKind::Let(item) => found.root(&item.value, &top, Of::Named(&item.name.value)),
                ItemKind::Function(function) => {
                    let open = function.args.iter().map(|_| None);
                    let scope = Rc::new(Scope::of_function(function, open, 0));
                    found.root(&function.body, &scope, Of::Named(&function.name.value));
                }
                ItemKind::Score(score) => {
                    for term in &score.terms {
                        found.inner(&term.weight, &top, false);
                        term.condition
                            .iter()
                            .for_each(|condition| found.root(condition, &top, Of::Term(&score.name.value)));
                    }
                }
                ItemKind::Rule(rule) => found.rule(rule, &top),
                ItemKind::Header(_)
                | ItemKind::Version(_)
                | ItemKind::Use(_)
                | ItemKind::Param(_)
                | ItemKind::Pattern(_)
                | ItemKind::Script(_)
                | ItemKind::Test(_) => {}
            }
        }
        found.conditions
    }
}

/// The conditions met so far.
struct Found<'n, 'f> {
    names: &'n Names<'f>,
    reader: Reader<'n, 'f>,
    conditions: Vec<Condition<'f>>,
}

impl<'f> Found<'_, 'f> {
    fn rule(&mut self, rule: &'f Rule, top: &Rc<Scope<'f>>) {
        rule.unless.iter().for_each(|unless| self.root(unless, top, Of::Unless(rule)));
        rule.when.iter().for_each(|when| self.root(when, top, Of::When(rule)));
        if let Some(Effect::Exclude { target, condition }) = &rule.effect {
            let scope = Rc::new(top.with(&target.value, Type::Target));
            self.root(condition, &scope, Of::Exclude(rule));
        }
    }

    /// A condition that stands by itself, and those inside of it.
    fn root(&mut self, expr: &'f Expr, scope: &Rc<Scope<'f>>, of: Of<'f>) {
        let is_condition = self.is_condition(expr, scope) || !matches!(of, Of::Named(_));
        if is_condition {
            self.add(expr, scope, of);
        }
        self.inner(expr, scope, is_condition);
    }

    fn add(&mut self, expr: &'f Expr, scope: &Rc<Scope<'f>>, of: Of<'f>) {
        if let Some(formula) = self.reader.condition(expr, &At::written(Rc::clone(scope))) {
            self.conditions.push(Condition { of, formula });
        }
    }

    /// The conditions inside of an expression; `covered` when it is a part of one that is known.
    fn inner(&mut self, expr: &'f Expr, scope: &Rc<Scope<'f>>, covered: bool) {
        let is_new = !covered && self.is_condition(expr, scope);
        if is_new {
            self.add(expr, scope, Of::Inner);
        }
        let covered = covered || is_new;
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Path(_) => {}
            ExprKind::Call(_, parts) | ExprKind::List(parts) => {
                parts.iter().for_each(|part| self.inner(part, scope, false));
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.inner(inner, scope, covered),
            ExprKind::Unary(UnaryOp::Neg, inner) | ExprKind::Has(inner, _) | ExprKind::Present(inner, _) => {
                self.inner(inner, scope, false);
            }
            ExprKind::Binary(op, left, right) => {
                let joins = matches!(op.value, BinaryOp::And | BinaryOp::Or);
                [left, right].into_iter().for_each(|side| self.inner(side, scope, covered && joins));
            }
            ExprKind::If(condition, then, otherwise) => {
                [condition, then, otherwise].into_iter().for_each(|part| self.inner(part, scope, covered));
            }
            ExprKind::Match(choice) => {
                self.inner(&choice.subject, scope, false);
                let values = choice.arms.iter().map(|arm| &arm.value).chain(&choice.otherwise);
                values.for_each(|value| self.inner(value, scope, covered));
            }
            ExprKind::Quantifier(quantifier) => {
                let inside = self.names.inside(quantifier, scope);
                self.inner(&quantifier.body, &inside, false);
            }
        }
    }

    /// Whether an expression is a condition that is made of parts.
    fn is_condition(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>) -> bool {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Call(..) | ExprKind::List(_) => false,
            ExprKind::Quantifier(quantifier) => quantifier.quantity != Quantity::Count,
            _ => self.names.type_of(expr, scope) == Some(Type::Bool),
        }
    }
}
