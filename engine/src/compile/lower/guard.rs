//! Policies that judge requests with some keys only: what else must hold for each of their rules. It is settled by the request, so
//! that for others such a rule looks at nothing and holds nothing back.

use std::sync::Arc;

use super::Lowering;
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
}
