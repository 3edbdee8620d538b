//! The matches that make a condition true.

use std::ops::Range;

use grammar::ast::Quantity;

use super::{Evaluated, Evaluator};
use crate::program::ir::{DetectorId, Node, NodeId, TextRef};

/// A match in a text of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::run) struct Evidence {
    pub(in crate::run) text: usize,
    pub(in crate::run) range: Range<usize>,
    pub(in crate::run) detector: DetectorId,
}

impl Evaluator<'_> {
    /// The matches that make a condition true: those of every `has` that holds in a branch that holds. A negation turns
    /// this round, so that a condition finds the same however it is written.
    pub(in crate::run) fn evidence(&mut self, id: NodeId, out: &mut Vec<Evidence>) -> Evaluated<()> {
        self.evidence_for(id, true, out)
    }

    fn evidence_for(&mut self, id: NodeId, wanted: bool, out: &mut Vec<Evidence>) -> Evaluated<()> {
        let node = self.program.node(id);
        if !matches!(node, Node::Score(_)) && self.truth(id)? != wanted {
            return Ok(());
        }
        match node {
            Node::Not(inner) => self.evidence_for(*inner, !wanted, out)?,
            Node::And(sides) | Node::Or(sides) => {
                sides.iter().try_for_each(|side| self.evidence_for(*side, wanted, out))?;
            }
            Node::If(condition, then, otherwise) => {
                let branch = if self.truth(*condition)? { *then } else { *otherwise };
                self.evidence_for(branch, wanted, out)?;
            }
            _ if wanted => self.evidence_of(node, out)?,
            _ => {}
        }
        Ok(())
    }

    /// The evidence of a node that holds, and is no connective.
    fn evidence_of(&mut self, node: &Node, out: &mut Vec<Evidence>) -> Evaluated<()> {
        match node {
            Node::Has(TextRef::Texts(scope), detectors) => {
                let texts = self.texts_of(*scope);
                self.note(detectors, texts, out);
            }
            Node::Has(TextRef::Element(depth), detectors) => {
                let texts = self.element_texts(*depth);
                self.note(detectors, texts, out);
            }
            Node::Compare(_, a, b) => {
                for side in [*a, *b] {
                    if matches!(self.program.node(side), Node::Score(_)) {
                        self.evidence(side, out)?;
                    }
                }
            }
            Node::Score(score) => {
                let terms = self.program.scores.get(score.0 as usize).map_or(&[][..], |score| &score.terms);
                for condition in terms.iter().filter_map(|(_, condition)| *condition) {
                    self.alone(|this| this.evidence(condition, out))?;
                }
            }
            Node::Quantifier { quantity: Quantity::Any | Quantity::All, list, body, .. } => {
                for index in 0..self.length(*list) {
                    self.at(*list, index, |this| this.evidence(*body, out))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note(
        &mut self,
        detectors: &[DetectorId],
        texts: impl IntoIterator<Item = usize>,
        out: &mut Vec<Evidence>,
    ) {
        for text in texts {
            for id in detectors {
                let hits = self.hits(*id, text);
                let hits = hits.as_deref().unwrap_or_default();
                out.extend(hits.iter().map(|range| Evidence { text, range: range.clone(), detector: *id }));
            }
        }
    }
}
