//! What each rule of a program refers to: patterns, scores and scripts.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::program::ir::{DetectorId, Node, NodeId, ScoreId, ScriptId};
use crate::program::{Effect, Piece, Program, Rule};

/// By detector, score and script, the rules that refer to it, as indices.
#[derive(Debug, Default)]
pub(super) struct Uses {
    detectors: Vec<BTreeSet<usize>>,
    scores: Vec<BTreeSet<usize>>,
    scripts: Vec<BTreeSet<usize>>,
}

impl Uses {
    pub(super) fn of(program: &Program) -> Self {
        let mut uses = Self {
            detectors: vec![BTreeSet::new(); program.detectors.len()],
            scores: vec![BTreeSet::new(); program.scores.len()],
            scripts: vec![BTreeSet::new(); program.scripts.len()],
        };
        for (index, rule) in program.rules.iter().enumerate() {
            uses.rule(program, index, rule);
        }
        uses
    }

    /// The rules that look for a pattern.
    pub(super) fn of_detector(&self, id: DetectorId) -> impl Iterator<Item = usize> {
        self.detectors.get(id.index()).into_iter().flatten().copied()
    }

    /// The rules that ask a score.
    pub(super) fn of_score(&self, id: ScoreId) -> impl Iterator<Item = usize> {
        self.scores.get(id.0 as usize).into_iter().flatten().copied()
    }

    /// The rules that call a script.
    pub(super) fn of_script(&self, id: ScriptId) -> impl Iterator<Item = usize> {
        self.scripts.get(id.0 as usize).into_iter().flatten().copied()
    }

    fn rule(&mut self, program: &Program, index: usize, rule: &Rule) {
        for root in roots(rule) {
            program.each_under(root, &mut |_, node| match node {
                Node::Has(_, detectors) => {
                    detectors.iter().for_each(|id| note(&mut self.detectors, id.0, index));
                }
                Node::Script(script, _) => note(&mut self.scripts, script.0, index),
                Node::Score(score) => note(&mut self.scores, score.0, index),
                _ => {}
            });
        }
    }
}

/// The nodes that a rule names itself.
fn roots(rule: &Rule) -> Vec<NodeId> {
    let mut roots = vec![rule.condition];
    roots.extend(rule.effect.iter().flat_map(Effect::nodes));
    roots.extend(rule.message.iter().filter_map(|piece| match piece {
        Piece::Node(node) => Some(*node),
        Piece::Text(_) | Piece::Labels | Piece::Phase => None,
    }));
    roots
}

fn note(uses: &mut [BTreeSet<usize>], id: u32, rule: usize) {
    if let Some(rules) = uses.get_mut(id as usize) {
        rules.insert(rule);
    }
}

/// A rule's name with its policy's.
pub(super) fn full_name(program: &Program, rule: usize) -> Arc<str> {
    let Some(rule) = program.rules.get(rule) else { return Arc::from("") };
    Arc::from(format!("{}.{}", policy_of(program, rule), rule.name))
}

/// The name of a rule's policy.
pub(super) fn policy_of<'p>(program: &'p Program, rule: &Rule) -> &'p str {
    program.policies.get(rule.policy).map_or("", |policy| &policy.name)
}
