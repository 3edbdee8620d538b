//! Outlines: typed conditions with their places, beside the nodes that they become.

use super::{Frame, Lowering};
use crate::compile::typed::{Kind, Typed};
use crate::program::ir::NodeId;
use crate::program::outline::{Clause, ClauseKind, Meaning};
use crate::value::{Type, Value};

impl Lowering {
    /// The clauses of an expression that was lowered before; what is wrong with it has been told then.
    pub(super) fn clause(&mut self, typed: &Typed, frame: &Frame<'_>) -> Clause {
        let (kind, of): (ClauseKind, Vec<&Typed>) = match &typed.kind {
            Kind::And(a, b) => (ClauseKind::And, vec![a, b]),
            Kind::Or(a, b) => (ClauseKind::Or, vec![a, b]),
            Kind::Not(inner) => (ClauseKind::Not, vec![inner]),
            Kind::If(a, b, c) => (ClauseKind::If, self.branches(a, b, c, frame)),
            Kind::Quantifier { body, .. } => (ClauseKind::Each, vec![body]),
            Kind::Compare(_, a, b)
            | Kind::Test(_, a, b)
            | Kind::In(a, b)
            | Kind::Glob(a, b)
            | Kind::Within(a, b) => (ClauseKind::Test, vec![a, b]),
            Kind::Present(inner) => (ClauseKind::Test, vec![inner]),
            Kind::Has(text, _) if text.ty == Type::Str => (ClauseKind::Test, vec![text]),
            _ if typed.ty == Type::Bool => (ClauseKind::Test, Vec::new()),
            _ => (ClauseKind::Value, Vec::new()),
        };
        let parts: Vec<Clause> = of.into_iter().map(|part| self.clause(part, frame)).collect();
        let node = self.of_parts(kind, &parts).unwrap_or_else(|| self.expr(typed, frame, &mut Vec::new()));
        Clause { span: typed.span, kind, meaning: self.meaning(node), parts: flat(kind, parts) }
    }

    /// The parts of a choice. One that is made before traffic has lost its other branch.
    fn branches<'t>(
        &mut self,
        condition: &'t Typed,
        then: &'t Typed,
        otherwise: &'t Typed,
        frame: &Frame<'_>,
    ) -> Vec<&'t Typed> {
        let node = self.expr(condition, frame, &mut Vec::new());
        match self.arena.truth(node) {
            Some(true) => vec![condition, then],
            Some(false) => vec![condition, otherwise],
            None => vec![condition, then, otherwise],
        }
    }

    /// The node of a clause that its parts' nodes make up.
    fn of_parts(&mut self, kind: ClauseKind, parts: &[Clause]) -> Option<NodeId> {
        let nodes = |parts: &[Clause]| -> Option<Vec<NodeId>> {
            parts
                .iter()
                .map(|part| if let Meaning::Node(node) = part.meaning { Some(node) } else { None })
                .collect()
        };
        match kind {
            ClauseKind::And => nodes(parts).map(|sides| self.arena.and(sides)),
            ClauseKind::Or => nodes(parts).map(|sides| self.arena.or(sides)),
            ClauseKind::Not | ClauseKind::If | ClauseKind::Each | ClauseKind::Test | ClauseKind::Value => {
                None
            }
        }
    }

    fn meaning(&self, node: NodeId) -> Meaning {
        match self.arena.truth(node) {
            Some(known) => Meaning::Known(Value::Bool(known)),
            None => {
                self.arena.constant(node).map_or(Meaning::Node(node), |value| Meaning::Known(value.clone()))
            }
        }
    }
}

/// `a and b and c` is written as a pair in a pair, and read as three.
fn flat(kind: ClauseKind, parts: Vec<Clause>) -> Vec<Clause> {
    if !matches!(kind, ClauseKind::And | ClauseKind::Or) {
        return parts;
    }
    let open = |part: Clause| if part.kind == kind { part.parts } else { vec![part] };
    parts.into_iter().flat_map(open).collect()
}
