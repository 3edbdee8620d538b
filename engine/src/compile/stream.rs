//! Whether a rule can be decided while an answer streams, and which detectors it waits for.

use grammar::ast::Quantity;

use crate::program::ir::{Arithmetic, Comparison, DetectorId, Node, NodeId, Score, TextRef};
use crate::program::reads_answer;
use crate::schema::ElementField;
use crate::verdict::Verdict;

/// Why a condition that asks a model cannot be decided while an answer streams.
const WHOLE: &str = "a model weighs a whole text, and an answer is whole only at its end";

/// The detectors of a rule over answers, or why it cannot be decided before the whole answer is there.
///
/// A redaction must be decided by each match alone, since what was sent cannot be taken back: its condition is a
/// choice of `text has …`, each perhaps joined by `and` with facts of the request. Any other verdict may need several
/// matches together, as long as more text can only make its condition true, never false again.
pub(super) fn plan(
    nodes: &[Node],
    scores: &[Score],
    condition: NodeId,
    verdict: Verdict,
) -> Result<Vec<DetectorId>, String> {
    if asks_model(nodes, scores, condition) {
        return Err(WHOLE.into());
    }
    let mut planner = Planner { nodes, scores, detectors: Vec::new() };
    if verdict == Verdict::Redact {
        planner.alone(condition)?;
    } else {
        planner.growing(condition)?;
    }
    Ok(planner.detectors)
}

/// Whether a model is to weigh the answer.
fn asks_model(nodes: &[Node], scores: &[Score], id: NodeId) -> bool {
    let asks = |id: NodeId| asks_model(nodes, scores, id);
    match nodes.get(id.index()) {
        None => false,
        Some(Node::Model(TextRef::Texts(_), ..)) => true,
        Some(Node::Score(score)) => scores.get(score.0 as usize).is_some_and(|score| {
            score.terms.iter().any(|(weight, condition)| asks(*weight) || condition.is_some_and(asks))
        }),
        Some(node) => {
            let mut found = false;
            node.children(|child| found |= asks(child));
            found
        }
    }
}

struct Planner<'a> {
    nodes: &'a [Node],
    scores: &'a [Score],
    detectors: Vec<DetectorId>,
}

impl Planner<'_> {
    fn reads(&self, node: NodeId) -> bool {
        reads_answer(self.nodes, self.scores, node)
    }

    fn wait_for(&mut self, detectors: &[DetectorId]) {
        for id in detectors {
            if !self.detectors.contains(id) {
                self.detectors.push(*id);
            }
        }
    }

    /// One match must decide by itself.
    fn alone(&mut self, id: NodeId) -> Result<(), String> {
        if !self.reads(id) {
            return Ok(());
        }
        let Some(node) = self.nodes.get(id.index()) else { return Ok(()) };
        match node {
            Node::Has(TextRef::Texts(_), detectors) => {
                self.wait_for(detectors);
                Ok(())
            }
            Node::Or(sides) => sides.iter().try_for_each(|side| self.alone(*side)),
            Node::And(sides) => {
                let reading: Vec<NodeId> = sides.iter().copied().filter(|side| self.reads(*side)).collect();
                match reading.as_slice() {
                    [one] => self.alone(*one),
                    _ => Err("a redaction cannot wait for two matches of the answer at once".into()),
                }
            }
            Node::If(condition, then, otherwise) if !self.reads(*condition) => {
                self.alone(*then)?;
                self.alone(*otherwise)
            }
            _ => Err("a redaction must follow from one match alone".into()),
        }
    }

    /// More text must never make it false again.
    fn growing(&mut self, id: NodeId) -> Result<(), String> {
        if !self.reads(id) {
            return Ok(());
        }
        let Some(node) = self.nodes.get(id.index()) else { return Ok(()) };
        match node {
            Node::Has(TextRef::Texts(_), detectors) => {
                self.wait_for(detectors);
                Ok(())
            }
            Node::And(sides) | Node::Or(sides) => sides.iter().try_for_each(|side| self.growing(*side)),
            Node::If(condition, then, otherwise) if !self.reads(*condition) => {
                self.growing(*then)?;
                self.growing(*otherwise)
            }
            Node::Quantifier { quantity: Quantity::Any, body, .. } => self.of_a_call(*body),
            Node::Compare(Comparison::Ge | Comparison::Gt, score, bound) if !self.reads(*bound) => {
                self.sum(*score)
            }
            Node::Compare(Comparison::Le | Comparison::Lt, bound, score) if !self.reads(*bound) => {
                self.sum(*score)
            }
            _ => Err("more text could make this false again".into()),
        }
    }

    /// What is asked of a call must be decided by its name: its arguments come later.
    fn of_a_call(&mut self, id: NodeId) -> Result<(), String> {
        let Some(node) = self.nodes.get(id.index()) else { return Ok(()) };
        match node {
            Node::Element(_, ElementField::Name) => return Ok(()),
            Node::Element(..) => return Err("the arguments of a call come after its name".into()),
            Node::Quantifier { .. } => {
                return Err("calls cannot be compared with each other while they come".into());
            }
            Node::Has(TextRef::Texts(_), _) | Node::Score(_) => {
                return Err(
                    "what is asked of a call cannot be asked of the text as well; join the two by `and`"
                        .into(),
                );
            }
            _ => {}
        }
        let mut children = Vec::new();
        node.children(|child| children.push(child));
        children.into_iter().try_for_each(|child| self.of_a_call(child))
    }

    /// What only grows: a score whose every weight is a constant and not negative, a number of calls, or a sum with such.
    fn sum(&mut self, id: NodeId) -> Result<(), String> {
        if !self.reads(id) {
            return Ok(());
        }
        let score = match self.nodes.get(id.index()) {
            Some(Node::Score(score)) => score,
            Some(Node::Quantifier { quantity: Quantity::Count, body, .. }) => return self.of_a_call(*body),
            Some(Node::Arith(Arithmetic::Add, a, b)) => {
                self.sum(*a)?;
                return self.sum(*b);
            }
            _ => return Err("only a score or a number of calls can be compared while it grows".into()),
        };
        let Some(score) = self.scores.get(score.0 as usize) else { return Ok(()) };
        for (weight, condition) in &score.terms {
            let weight = match self.nodes.get(weight.index()) {
                Some(Node::Const(value)) => value.as_float(),
                _ => None,
            };
            if weight.is_none_or(|weight| weight < 0.0) {
                return Err("this score has a term that can shrink it".into());
            }
            condition.iter().try_for_each(|condition| self.growing(*condition))?;
        }
        Ok(())
    }
}
