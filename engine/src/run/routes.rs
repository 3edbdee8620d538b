//! Where a request may go: the targets that rules have left so far.

use std::sync::Arc;

use super::Session;
use super::eval::Evaluator;
use super::wording::decision;
use crate::input::Request;
use crate::matcher::glob;
use crate::program::ir::ListField;
use crate::program::{Effect, Program};
use crate::script::ScriptFailure;
use crate::verdict::Verdict;

/// The reason code when rules leave no target.
const NO_TARGET: &str = "routing.no_target";

/// The targets of a request, and which of them are left.
pub(super) struct Routes {
    open: Vec<bool>,
    /// Whether any rule has said something of them.
    narrowed: bool,
}

impl Routes {
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self { open: vec![true; request.targets.len()], narrowed: false }
    }

    /// Lets a rule whose condition holds say which targets are not for this request. When none is left, the request is
    /// blocked in the name of that rule.
    pub(super) fn narrow(
        &mut self,
        session: &mut Session,
        program: &Program,
        rule: usize,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<(), ScriptFailure> {
        let Some(rule) = program.rules.get(rule) else { return Ok(()) };
        let Some(effect @ (Effect::To(_) | Effect::Exclude(_))) = &rule.effect else { return Ok(()) };
        self.narrowed = true;
        session.routed(rule.policy, &rule.name);
        for index in 0..self.open.len() {
            let keeps = match effect {
                Effect::To(names) => {
                    let id = evaluator.target(index);
                    names.iter().any(|name| glob::fits(name, id))
                }
                Effect::Exclude(condition) => {
                    !evaluator.at(ListField::Targets, index, |evaluator| evaluator.truth(*condition))?
                }
                Effect::Reserve(_) => true,
            };
            if let Some(open) = self.open.get_mut(index) {
                *open &= keeps;
            }
        }
        if !self.open.is_empty() && !self.open.contains(&true) {
            let message = format!("no target is left after rule `{}`", rule.name);
            let mut blocked = decision(program, rule, Some(message), None);
            blocked.verdict = Verdict::Block;
            blocked.reason_code = Some(Arc::from(NO_TARGET));
            session.decide(rule.policy, blocked);
        }
        Ok(())
    }

    /// The targets that are left, where rules have said anything and the request goes on.
    pub(super) fn left(self, stopped: bool) -> Option<Vec<usize>> {
        let left =
            || self.open.iter().enumerate().filter(|(_, open)| **open).map(|(index, _)| index).collect();
        (self.narrowed && !stopped && !self.open.is_empty()).then(left)
    }
}
