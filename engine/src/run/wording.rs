//! A rule's decision and message, in words.

use std::sync::Arc;

use grammar::ast::Phase;

use crate::program::ir::NodeId;
use crate::program::{Piece, Program, Rule};
use crate::value::Value;
use crate::verdict::Decision;

/// A rule's decision.
pub(super) fn decision(
    program: &Program,
    rule: &Rule,
    message: Option<String>,
    score: Option<f64>,
) -> Decision {
    Decision {
        verdict: rule.verdict,
        policy: program.policies.get(rule.policy).map(|policy| Arc::clone(&policy.name)),
        rule: Some(Arc::clone(&rule.name)),
        reason_code: Some(Arc::clone(&rule.code)),
        message,
        score,
        severity: rule.severity.clone(),
        tags: rule.tags.clone(),
    }
}

/// A rule's message, filled in.
pub(super) fn message(
    rule: &Rule,
    phase: Phase,
    labels: &mut Vec<Arc<str>>,
    value: &mut dyn FnMut(NodeId) -> Option<Value>,
) -> Option<String> {
    if rule.message.is_empty() {
        return None;
    }
    labels.sort();
    labels.dedup();
    let mut out = String::new();
    for piece in &rule.message {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Phase => out.push_str(phase.name()),
            Piece::Labels => out.push_str(&labels.join(", ")),
            Piece::Node(node) => match value(*node) {
                Some(Value::Float(number)) => out.push_str(&format!("{number:.2}")),
                Some(Value::Str(text)) => out.push_str(&text),
                Some(Value::Absent) => out.push_str("unknown"),
                Some(other) => out.push_str(&other.to_string()),
                None => {}
            },
        }
    }
    Some(out)
}
