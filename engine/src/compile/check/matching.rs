//! `match`: every value has an arm, every arm has a value; it becomes a chain of choices.

use std::collections::HashSet;
use std::rc::Rc;

use grammar::ast::{Arm, Expr, Match};
use grammar::{Diagnostic, Span, codes};

use super::{Checker, Extent, expr, fits};
use crate::compile::typed::{Kind, Typed};
use crate::program::ir::Comparison;
use crate::value::{Type, Value};

/// An arm: when, and what then.
type Checked = (Typed, Typed);

impl Checker<'_> {
    pub(super) fn matching(&mut self, found: &Match, span: Span, wanted: Option<&Type>) -> Option<Typed> {
        let (subject, extent) = self.subject(&found.subject)?;
        let level = self.level;
        let mut seen = HashSet::new();
        let (mut arms, mut sound) = (Vec::new(), true);
        let mut wanted = wanted.cloned();
        for arm in &found.arms {
            // Each arm is one step further down the chain, and looks at the subject again.
            self.level += 1;
            self.extend(extent);
            match self.arm(arm, &subject, &mut seen, wanted.as_ref()) {
                Some(arm) => {
                    wanted = wanted.or_else(|| Some(arm.1.ty.clone()));
                    arms.push(arm);
                }
                None => sound = false,
            }
        }
        let otherwise = found.otherwise.as_ref().map(|value| self.expr(value, wanted.as_ref()));
        self.level = level;
        // Whether all is covered says nothing while an arm has a mistake.
        if !sound || !self.covers(&subject, found, &seen) {
            return None;
        }
        let last = match otherwise {
            Some(value) => value?,
            None => arms.pop()?.1,
        };
        self.chain(arms, last, span)
    }

    /// What is looked at, and how far it extends from here.
    fn subject(&mut self, subject: &Expr) -> Option<(Typed, Extent)> {
        let around = std::mem::take(&mut self.extent);
        let typed = self.expr(subject, None);
        let own = self.extent;
        self.extent.size = around.size.saturating_add(own.size);
        self.extent.depth = around.depth.max(own.depth);
        let typed = typed?;
        if !matches!(typed.ty, Type::Bool | Type::Int | Type::Str | Type::Enum(_)) {
            self.mismatch(typed.span, &typed.ty, "bool, int, string or a choice", "what `match` looks at");
            return None;
        }
        Some((typed, Extent { size: own.size, depth: own.depth.saturating_sub(self.level) }))
    }

    fn arm(
        &mut self,
        arm: &Arm,
        subject: &Typed,
        seen: &mut HashSet<Value>,
        wanted: Option<&Type>,
    ) -> Option<Checked> {
        let picks: Vec<Option<Typed>> = arm.picks.iter().map(|pick| self.pick(pick, subject, seen)).collect();
        let value = self.expr(&arm.value, wanted);
        let picks: Vec<Typed> = picks.into_iter().collect::<Option<_>>()?;
        let span = arm.picks.first()?.span;
        let list = Type::List(Box::new(subject.ty.clone()));
        let kind = match <[Typed; 1]>::try_from(picks) {
            Ok([one]) => Kind::Compare(Comparison::Eq, Rc::new(subject.clone()), Rc::new(one)),
            Err(picks) => {
                let items = Typed { ty: list, span, kind: Kind::Items(picks) };
                Kind::In(Rc::new(subject.clone()), Rc::new(items))
            }
        };
        Some((Typed { ty: Type::Bool, span, kind }, value?))
    }

    /// One value of an arm: known, of the subject's type, and named for the first time.
    fn pick(&mut self, pick: &Expr, subject: &Typed, seen: &mut HashSet<Value>) -> Option<Typed> {
        let typed = self.typed(pick, &subject.ty, "a value of this `match`")?;
        let Kind::Const(value) = &typed.kind else {
            self.error(
                Diagnostic::error(codes::NOT_CONSTANT, pick.span, "an arm of `match` names a value")
                    .help("write the value itself; to compare with another expression use `if`"),
            );
            return None;
        };
        if !seen.insert(value.clone()) {
            self.error(
                Diagnostic::error(codes::UNREACHABLE, pick.span, "an arm above is for this value already")
                    .help("leave it out here, or there"),
            );
            return None;
        }
        Some(typed)
    }

    /// Whether every value has an arm, and `else` something to be for; what is wrong is told.
    fn covers(&mut self, subject: &Typed, found: &Match, seen: &HashSet<Value>) -> bool {
        let missing: Option<Vec<String>> = match &subject.ty {
            Type::Enum(choices) => {
                let left = choices.iter().filter(|choice| !seen.contains(&Value::Str((*choice).clone())));
                Some(left.map(|choice| format!("`{choice}`")).collect())
            }
            Type::Bool => {
                let left = [true, false].into_iter().filter(|value| !seen.contains(&Value::Bool(*value)));
                Some(left.map(|value| format!("`{value}`")).collect())
            }
            // Of texts and whole numbers there is no end.
            _ => None,
        };
        let diagnostic = match (missing, &found.otherwise) {
            (Some(missing), Some(otherwise)) if missing.is_empty() => {
                Diagnostic::error(codes::UNREACHABLE, otherwise.span, "every value has an arm above")
                    .help("leave out `else`: then a new choice is noticed here")
            }
            (Some(missing), None) if !missing.is_empty() => {
                let message = format!("this `match` says nothing of {}", missing.join(", "));
                Diagnostic::error(codes::NOT_EXHAUSTIVE, found.subject.span, message)
                    .help("add an arm for each, or `else => …`")
            }
            (None, None) => {
                let message = format!("a `match` on {} needs an `else`", subject.ty);
                Diagnostic::error(codes::NOT_EXHAUSTIVE, found.subject.span, message)
                    .help("end it with `else => …`")
            }
            (Some(_), _) | (None, Some(_)) => return true,
        };
        self.error(diagnostic);
        false
    }

    /// The arms as choices, one inside of the other, all of one type.
    fn chain(&mut self, arms: Vec<Checked>, last: Typed, span: Span) -> Option<Typed> {
        let mut ty = last.ty.clone();
        for (_, value) in &arms {
            if fits(&ty, &value.ty) {
                ty = value.ty.clone();
            } else if !fits(&value.ty, &ty) {
                self.mismatch(value.span, &value.ty, &ty.to_string(), "every arm of this `match`");
                return None;
            }
        }
        let last = Typed { span, ..expr::widen(last, &ty) };
        let typed = arms.into_iter().rev().fold(last, |rest, (condition, value)| {
            let value = expr::widen(value, &ty);
            let kind = Kind::If(Rc::new(condition), Rc::new(value), Rc::new(rest));
            Typed { ty: ty.clone(), span, kind }
        });
        Some(Typed { ty, ..typed })
    }
}
