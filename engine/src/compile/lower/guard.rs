//! When a rule holds. Of a policy that judges requests with some keys only, that is settled by the request, so that for others such a
//! rule looks at nothing and holds nothing back.

use std::sync::Arc;

use grammar::Diagnostic;

use super::super::typed::CheckedRule;
use super::{Frame, Lowering};
use crate::program::ir::{Node, NodeId};
use crate::schema::FieldKind;
use crate::value::Value;

impl Lowering {
    /// What else must hold for rules that judge requests with some keys only.
    pub(super) fn guard(&mut self, keys: &[Arc<str>]) -> Option<NodeId> {
        if keys.is_empty() {
            return None;
        }
        let names = keys.iter().map(|name| Value::Str(Arc::clone(name))).collect();
        let names = self.arena.add(Node::Const(Value::List(names)));
        let name = self.arena.add(Node::Field(FieldKind::KeyName));
        Some(self.arena.add(Node::In(name, names)))
    }

    /// When a rule holds: its own condition, unless there is an exception, and where its policy applies at all.
    pub(super) fn condition(
        &mut self,
        rule: &CheckedRule,
        guard: Option<NodeId>,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> NodeId {
        let mut condition = self.expr(&rule.when, frame, diagnostics);
        if let Some(unless) = &rule.unless {
            let unless = self.expr(unless, frame, diagnostics);
            let applies = self.arena.not(unless);
            condition = self.arena.and(vec![applies, condition]);
        }
        match guard {
            Some(guard) => self.arena.and(vec![guard, condition]),
            None => condition,
        }
    }
}
