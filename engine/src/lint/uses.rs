//! Which rules look for which patterns in texts: through `let`s, functions, scores and sets.

use std::rc::Rc;

use grammar::ast::{Expr, ExprKind, PatternBody, PatternRef, Rule};

use super::draft::Draft;
use super::expressions::{self, Written};
use super::logic::Sought;
use super::names::{Meaning, Scope};
use crate::matcher::View;
use crate::value::Type;

/// How many names are written out for one rule.
const MAX_STEPS: usize = 2_000;

/// A pattern that a rule looks for in texts.
#[derive(Clone, Copy)]
pub(super) struct Use<'f> {
    pub(super) rule: &'f Rule,
    pub(super) pattern: Sought<'f>,
    pub(super) view: View,
}

/// The expression of a pattern, when it is written in this file.
pub(super) fn written(pattern: Sought<'_>) -> Option<Written<'_>> {
    match pattern {
        Sought::Declared(pattern) => match &pattern.body.value {
            PatternBody::Regex(regex) => Some(Written { regex, span: pattern.body.span, is_taken: true }),
            PatternBody::Words { .. } | PatternBody::AnyOf(_) => None,
        },
        Sought::Regex(regex, span) => Some(Written { regex, span, is_taken: true }),
        Sought::Phrase(_) | Sought::Elsewhere(_) => None,
    }
}

/// What the rules of a file look for, in their order.
pub(super) fn of<'f>(draft: &Draft<'f>) -> Vec<Use<'f>> {
    let mut all = Vec::new();
    for (_, rule) in draft.rules() {
        let mut search = Search { draft, rule, uses: Vec::new(), seen: Vec::new(), steps: 0 };
        let conditions = rule.unless.iter().chain(&rule.when);
        conditions.for_each(|expr| search.expr(expr, &Rc::default()));
        all.append(&mut search.uses);
    }
    all
}

struct Search<'d, 'f> {
    draft: &'d Draft<'f>,
    rule: &'f Rule,
    uses: Vec<Use<'f>>,
    /// Names that are written out already.
    seen: Vec<&'f str>,
    steps: usize,
}

impl<'f> Search<'_, 'f> {
    fn expr(&mut self, expr: &'f Expr, scope: &Rc<Scope<'f>>) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        match &expr.kind {
            ExprKind::Quantifier(quantifier) => {
                let inside = self.draft.names.inside(quantifier, scope);
                self.expr(&quantifier.body, &inside);
            }
            ExprKind::Path(words) => self.name(words, scope),
            ExprKind::Call(name, args) => {
                if let Some(function) = self.draft.names.functions.get(name.value.as_str()) {
                    let function = *function;
                    if self.is_new(&function.name.value) {
                        let open = function.args.iter().map(|_| None);
                        self.expr(&function.body, &Rc::new(Scope::of_function(function, open, scope.depth)));
                    }
                }
                args.iter().for_each(|arg| self.expr(arg, scope));
            }
            ExprKind::Has(text, patterns) => {
                if self.draft.names.type_of(text, scope) == Some(Type::Text) {
                    let view = self.view(text, scope);
                    patterns.iter().for_each(|pattern| self.pattern(&pattern.value, pattern.span, view));
                }
            }
            _ => {
                let mut parts = Vec::new();
                expressions::children(expr, &mut |part| parts.push(part));
                parts.into_iter().for_each(|part| self.expr(part, scope));
            }
        }
    }

    fn name(&mut self, words: &'f [grammar::ast::Name], scope: &Rc<Scope<'f>>) {
        match self.draft.names.meaning(words, scope) {
            Some(Meaning::Let(item)) if self.is_new(&item.name.value) => {
                self.expr(&item.value, &Rc::default())
            }
            Some(Meaning::Score(score)) if self.is_new(&score.name.value) => {
                let conditions = score.terms.iter().filter_map(|term| term.condition.as_ref());
                conditions.for_each(|condition| self.expr(condition, &Rc::default()));
            }
            _ => {}
        }
    }

    fn is_new(&mut self, name: &'f str) -> bool {
        let new = !self.seen.contains(&name);
        self.seen.push(name);
        new
    }

    fn view(&self, text: &'f Expr, scope: &Rc<Scope<'f>>) -> View {
        let (text, _) = self.draft.names.resolve(text, scope);
        match &text.kind {
            ExprKind::Call(name, _) if name.value == "raw" => View::Raw,
            ExprKind::Call(name, _) if name.value == "normalized" => View::Normalized,
            ExprKind::Call(name, _) if name.value == "decoded" => View::Decoded,
            ExprKind::Call(name, _) if name.value == "json" => View::Json,
            _ => View::Folded,
        }
    }

    fn pattern(&mut self, pattern: &'f PatternRef, span: grammar::Span, view: View) {
        match pattern {
            PatternRef::Name(name) => self.named(name, view),
            PatternRef::Regex(regex) => self.add(Sought::Regex(regex, span), view),
            PatternRef::Phrase(text) => self.add(Sought::Phrase(text), view),
        }
    }

    fn named(&mut self, name: &'f str, view: View) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        match self.draft.names.patterns.get(name).copied() {
            Some(pattern) => match &pattern.body.value {
                PatternBody::AnyOf(members) => {
                    members.iter().for_each(|member| self.named(&member.value, view))
                }
                PatternBody::Regex(_) | PatternBody::Words { .. } => {
                    self.add(Sought::Declared(pattern), view)
                }
            },
            None => self.add(Sought::Elsewhere(name), view),
        }
    }

    fn add(&mut self, pattern: Sought<'f>, view: View) {
        if !self.uses.iter().any(|known| known.pattern == pattern && known.view == view) {
            self.uses.push(Use { rule: self.rule, pattern, view });
        }
    }
}
