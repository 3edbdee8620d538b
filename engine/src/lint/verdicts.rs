//! The verdicts that a rule can come to, whatever the params are.

use std::collections::BTreeSet;

use grammar::ast::{Expr, ExprKind, Rule, Type};
use grammar::verdict::{Verdict, named};

use super::names::{Meaning, Names, Scope};

impl Names<'_> {
    /// The verdicts of a rule; nothing where they cannot be told, and `allow` where it speaks of targets.
    pub(super) fn verdicts(&self, rule: &Rule) -> Option<BTreeSet<Verdict>> {
        match &rule.action {
            Some(action) => {
                let mut found = BTreeSet::new();
                self.collect(&action.verdict, &mut found).then_some(found)
            }
            None => Some(BTreeSet::from([Verdict::Allow])),
        }
    }

    /// Notes what an expression can come to; says whether all of it is known.
    fn collect(&self, expr: &Expr, found: &mut BTreeSet<Verdict>) -> bool {
        match &expr.kind {
            // The word of a verdict is one here, whatever else has that name.
            ExprKind::Path(words) if matches!(words.as_slice(), [word] if note(&word.value, found)) => true,
            ExprKind::Path(words) => match self.meaning(words, &Scope::default()) {
                Some(Meaning::Param(param)) => match &param.ty.value {
                    Type::Enum(choices) => choices.iter().all(|choice| note(&choice.value, found)),
                    _ => false,
                },
                Some(Meaning::Let(item)) => self.collect(&item.value, found),
                _ => false,
            },
            ExprKind::If(_, then, otherwise) => {
                [then, otherwise].into_iter().all(|part| self.collect(part, found))
            }
            ExprKind::Match(choice) => {
                let values = choice.arms.iter().map(|arm| &arm.value).chain(&choice.otherwise);
                values.into_iter().all(|value| self.collect(value, found))
            }
            ExprKind::Call(name, _) => self
                .functions
                .get(name.value.as_str())
                .is_some_and(|function| self.collect(&function.body, found)),
            _ => false,
        }
    }
}

fn note(word: &str, found: &mut BTreeSet<Verdict>) -> bool {
    named(word).map(|verdict| found.insert(verdict)).is_some()
}
