//! What is known of an exchange when its answer begins: every part of a rule's condition that the answer cannot change.

use std::collections::HashMap;

use grammar::ast::Quantity;

use super::eval::Evaluator;
use crate::program::ir::{DetectorId, Node, NodeId, TextRef};
use crate::program::{Piece, Program, Rule, StreamRule, ops, reads_answer};
use crate::script::ScriptFailure;
use crate::value::Value;

/// Values of nodes, computed once when the request was seen.
pub(super) type Facts = HashMap<NodeId, Value>;

/// Collects the facts that a rule over answers needs.
pub(super) fn collect(
    rule: &Rule,
    evaluator: &mut Evaluator<'_>,
    facts: &mut Facts,
) -> Result<(), ScriptFailure> {
    gather(rule.condition, evaluator, facts)?;
    if let Some(score) = rule.score {
        gather(score, evaluator, facts)?;
    }
    for piece in &rule.message {
        if let Piece::Node(node) = piece {
            gather(*node, evaluator, facts)?;
        }
    }
    Ok(())
}

/// Whether a rule needs no facts: nothing but its detectors decides it, and its message says nothing of the request.
pub(super) fn needs_none(program: &Program, rule: &Rule) -> bool {
    let mut bare = rule.score.is_none() && !rule.message.iter().any(|piece| matches!(piece, Piece::Node(_)));
    program.each_under(rule.condition, &mut |_, node| {
        bare &= matches!(node, Node::Const(_) | Node::Has(TextRef::Texts(_), _) | Node::And(_) | Node::Or(_));
    });
    bare
}

/// Whether a rule can hold once all of its detectors have matched and calls were made.
pub(super) fn may_hold(program: &Program, facts: &Facts, stream: &StreamRule, rule: &Rule) -> bool {
    let seen = Seen { facts, matched: &|id| stream.detectors.contains(&id), called: &|_| usize::MAX };
    holds(program, seen, rule.condition)
}

fn gather(id: NodeId, evaluator: &mut Evaluator<'_>, facts: &mut Facts) -> Result<(), ScriptFailure> {
    let program = evaluator.program();
    if !reads_answer(&program.nodes, &program.scores, id) {
        let value = evaluator.value(id)?;
        facts.insert(id, value);
        return Ok(());
    }
    if let Node::Score(score) = program.node(id) {
        for (weight, condition) in program.scores.get(score.0 as usize).map_or(&[][..], |score| &score.terms)
        {
            gather(*weight, evaluator, facts)?;
            condition.iter().try_for_each(|condition| gather(*condition, evaluator, facts))?;
        }
        return Ok(());
    }
    if let Node::And(sides) | Node::Or(sides) = program.node(id) {
        let neutral = matches!(program.node(id), Node::And(_));
        for side in sides {
            gather(*side, evaluator, facts)?;
            // What the sides before settle is never asked, as on requests: a guard protects what stands behind it.
            if facts.get(side).is_some_and(|value| value.as_bool() == Some(!neutral)) {
                break;
            }
        }
        return Ok(());
    }
    let mut children = Vec::new();
    program.node(id).children(|child| children.push(child));
    children.into_iter().try_for_each(|child| gather(child, evaluator, facts))
}

/// What a condition comes to whatever the answer says, if that is known.
pub(super) fn known(program: &Program, facts: &Facts, id: NodeId) -> Option<bool> {
    if let Some(value) = facts.get(&id) {
        return value.as_bool();
    }
    let junction = |sides: &[NodeId], decisive: bool| {
        let sides: Vec<Option<bool>> = sides.iter().map(|side| known(program, facts, *side)).collect();
        if sides.contains(&Some(decisive)) {
            return Some(decisive);
        }
        sides.iter().all(|side| *side == Some(!decisive)).then_some(!decisive)
    };
    match program.node(id) {
        Node::Const(value) => value.as_bool(),
        Node::Not(inner) => known(program, facts, *inner).map(|value| !value),
        Node::And(sides) => junction(sides, false),
        Node::Or(sides) => junction(sides, true),
        Node::If(condition, then, otherwise) => {
            let branch = if known(program, facts, *condition)? { then } else { otherwise };
            known(program, facts, *branch)
        }
        _ => None,
    }
}

/// What an answer has shown so far.
#[derive(Clone, Copy)]
pub(super) struct Seen<'s> {
    pub(super) facts: &'s Facts,
    /// Whether a detector has matched.
    pub(super) matched: &'s dyn Fn(DetectorId) -> bool,
    /// Of how many calls the body of a quantifier holds.
    pub(super) called: &'s dyn Fn(NodeId) -> usize,
}

/// The condition's truth once some detectors have matched and some calls were made. The checker has seen to it that more
/// of either can only make it true.
pub(super) fn holds(program: &Program, seen: Seen<'_>, id: NodeId) -> bool {
    if let Some(value) = seen.facts.get(&id) {
        return value.as_bool().unwrap_or(false);
    }
    let holds = |node: NodeId| holds(program, seen, node);
    match program.node(id) {
        Node::Const(value) => value.as_bool().unwrap_or(false),
        Node::Has(TextRef::Texts(_), detectors) => detectors.iter().any(|id| (seen.matched)(*id)),
        Node::Quantifier { quantity: Quantity::Any, .. } => (seen.called)(id) > 0,
        Node::And(sides) => sides.iter().all(|side| holds(*side)),
        Node::Or(sides) => sides.iter().any(|side| holds(*side)),
        Node::If(condition, then, otherwise) => holds(if holds(*condition) { *then } else { *otherwise }),
        Node::Compare(op, a, b) => ops::compare(*op, &value(program, seen, *a), &value(program, seen, *b)),
        _ => false,
    }
}

/// Hands on what each part of a condition has come to, but for those that were never asked.
pub(super) fn asked(program: &Program, seen: Seen<'_>, id: NodeId, note: &mut dyn FnMut(NodeId, Value)) {
    note(id, value(program, seen, id));
    if seen.facts.contains_key(&id) {
        return;
    }
    match program.node(id) {
        Node::And(sides) | Node::Or(sides) => {
            let decisive = matches!(program.node(id), Node::Or(_));
            for side in sides {
                asked(program, seen, *side, note);
                if holds(program, seen, *side) == decisive && seen.facts.contains_key(side) {
                    break;
                }
            }
        }
        Node::Score(score) => {
            let terms = program.scores.get(score.0 as usize).map_or(&[][..], |score| &score.terms);
            for (weight, condition) in terms {
                asked(program, seen, *weight, note);
                condition.iter().for_each(|condition| asked(program, seen, *condition, note));
            }
        }
        // What it asks of a call was noted when the call was made.
        Node::Quantifier { .. } => {}
        node => {
            let mut children = Vec::new();
            node.children(|child| children.push(child));
            children.into_iter().for_each(|child| asked(program, seen, child, note));
        }
    }
}

/// A node's value once some detectors have matched and some calls were made: a fact, a constant, a number of calls, a
/// score, or a sum of these.
pub(super) fn value(program: &Program, seen: Seen<'_>, id: NodeId) -> Value {
    if let Some(value) = seen.facts.get(&id) {
        return value.clone();
    }
    match program.node(id) {
        Node::Const(value) => value.clone(),
        Node::Quantifier { quantity: Quantity::Count, .. } => {
            Value::Int(i64::try_from((seen.called)(id)).unwrap_or(i64::MAX))
        }
        Node::Arith(op, a, b) => ops::arithmetic(*op, &value(program, seen, *a), &value(program, seen, *b)),
        Node::Score(score) => {
            let Some(score) = program.scores.get(score.0 as usize) else { return Value::Float(0.0) };
            let counts = |condition: NodeId| holds(program, seen, condition);
            let terms = score.terms.iter().filter(|(_, condition)| condition.is_none_or(counts));
            let sum = terms.filter_map(|(weight, _)| value(program, seen, *weight).as_float()).sum();
            Value::Float(score.clamped(sum))
        }
        _ => Value::Bool(holds(program, seen, id)),
    }
}
