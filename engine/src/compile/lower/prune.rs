//! Dead code: what no rule that can fire refers to is dropped before its automata are built.

use super::{Lowering, index};
use crate::program::ir::{DetectorId, Node, NodeId, Renaming, ScoreId};
use crate::program::{Effect, Piece};

/// What is referred to.
struct Live {
    nodes: Vec<bool>,
    detectors: Vec<bool>,
    scores: Vec<bool>,
}

impl Lowering {
    /// Keeps the nodes, scores and detectors that rules need, under new numbers.
    pub(super) fn prune(&mut self) {
        let live = self.live();
        let (nodes, detectors, scores) = (ranks(&live.nodes), ranks(&live.detectors), ranks(&live.scores));
        let node = |id: NodeId| NodeId(rank(&nodes, id.0));
        let detector = |id: DetectorId| DetectorId(rank(&detectors, id.0));
        let score = |id: ScoreId| ScoreId(rank(&scores, id.0));
        let renaming = Renaming { node: &node, detector: &detector, score: &score };
        retain(&mut self.arena.nodes, &live.nodes);
        self.arena.nodes.iter_mut().for_each(|node| node.rename(&renaming));
        retain(&mut self.scores, &live.scores);
        for (weight, condition) in self.scores.iter_mut().flat_map(|score| &mut score.terms) {
            *weight = node(*weight);
            *condition = condition.map(node);
        }
        for rule in &mut self.rules {
            rule.condition = node(rule.condition);
            rule.score = rule.score.map(node);
            rule.effect.iter_mut().for_each(|effect| effect.rename(&node));
            for piece in &mut rule.message {
                if let Piece::Node(value) = piece {
                    *value = node(*value);
                }
            }
        }
        let kept = |id: NodeId| live.nodes.get(id.index()).copied().unwrap_or(false).then(|| node(id));
        let terms = self.score_outlines.iter_mut().flat_map(|score| &mut score.terms);
        let of_scores = terms.flat_map(|(weight, condition)| std::iter::once(weight).chain(condition));
        let of_rules =
            self.outlines.iter_mut().flat_map(|rule| std::iter::once(&mut rule.when).chain(&mut rule.unless));
        of_scores.chain(of_rules).for_each(|clause| clause.rename(&kept));
        self.response.iter_mut().flat_map(|rule| &mut rule.detectors).for_each(|id| *id = detector(*id));
        self.patterns.retain(&live.detectors);
    }

    fn live(&self) -> Live {
        let mut live = Live {
            nodes: vec![false; self.arena.nodes.len()],
            detectors: vec![false; self.patterns.len()],
            scores: vec![false; self.scores.len()],
        };
        let mut queue: Vec<NodeId> = Vec::new();
        for rule in &self.rules {
            queue.push(rule.condition);
            queue.extend(rule.score);
            queue.extend(rule.effect.iter().flat_map(Effect::nodes));
            queue.extend(rule.message.iter().filter_map(|piece| match piece {
                Piece::Node(node) => Some(*node),
                Piece::Text(_) | Piece::Labels | Piece::Phase => None,
            }));
        }
        while let Some(id) = queue.pop() {
            if !mark(&mut live.nodes, id.0) {
                continue;
            }
            let Some(node) = self.arena.nodes.get(id.index()) else { continue };
            node.children(|child| queue.push(child));
            match node {
                Node::Has(_, detectors) => {
                    for id in detectors {
                        mark(&mut live.detectors, id.0);
                    }
                }
                Node::Score(id) if mark(&mut live.scores, id.0) => {
                    let terms = self.scores.get(id.0 as usize).map_or(&[][..], |score| &score.terms);
                    queue.extend(
                        terms.iter().flat_map(|(weight, condition)| [Some(*weight), *condition]).flatten(),
                    );
                }
                _ => {}
            }
        }
        live
    }
}

/// Marks one; says whether it was not marked before.
fn mark(marks: &mut [bool], id: u32) -> bool {
    marks.get_mut(id as usize).is_some_and(|mark| !std::mem::replace(mark, true))
}

/// For each, how many that stay come before it.
fn ranks(live: &[bool]) -> Vec<u32> {
    let mut kept = 0;
    live.iter()
        .map(|live| {
            let rank = index(kept);
            kept += usize::from(*live);
            rank
        })
        .collect()
}

fn rank(ranks: &[u32], id: u32) -> u32 {
    ranks.get(id as usize).copied().unwrap_or(u32::MAX)
}

fn retain<T>(all: &mut Vec<T>, live: &[bool]) {
    let mut marks = live.iter();
    all.retain(|_| marks.next().copied().unwrap_or(false));
}
