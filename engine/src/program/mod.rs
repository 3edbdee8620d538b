//! The program: where compilation ends and evaluation begins. Immutable, shared by all sessions.

mod index;
pub mod ir;
pub mod marker;
pub mod ops;
pub mod outline;
pub(crate) mod panel;
mod print;
pub mod stats;

use std::sync::{Arc, OnceLock};

use grammar::Span;
use grammar::ast::Phase;
use grammar::budget::{Meter, Window};

use crate::matcher::gate::Gate;
use crate::matcher::scan::Scanner;
use crate::matcher::{Detector, View};
use crate::script::Script;
use crate::value::Value;
use crate::verdict::Verdict;
pub(crate) use index::Index;
use ir::{DetectorId, Node, NodeId, Score, TextRef};
pub use marker::Marker;
use outline::{Outline, ScoreOutline};
use panel::Settled;

/// A chain of policies, compiled.
#[derive(Debug)]
pub struct Program {
    pub(crate) hash: String,
    pub(crate) policies: Vec<Policy>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) nodes: Vec<Node>,
    /// Per node, whether it reads the element that a quantifier is at.
    pub(crate) reads_element: Vec<bool>,
    pub(crate) scores: Vec<Score>,
    pub(crate) detectors: Vec<Detector>,
    /// Where in a text each detector may match.
    pub(crate) scanner: Scanner,
    /// Which rules over requests can hold, by the plain values that they compare.
    pub(crate) index: Index,
    pub(crate) scripts: Vec<Script>,
    /// Per rule that runs on answers, how it streams; in the order of `rules`.
    pub(crate) response: Vec<StreamRule>,
    /// By view, where in an answer its detectors can begin.
    pub(crate) starters: Vec<Starters>,
    /// What the answers of all exchanges have in common, once there was one.
    pub(crate) settled: OnceLock<Settled>,
    /// The rules that wait for the whole answer.
    pub(crate) buffered: Vec<usize>,
    /// The rules as written.
    pub(crate) outlines: Vec<Outline>,
    /// The scores as written; some may be gone from `scores`.
    pub(crate) score_outlines: Vec<ScoreOutline>,
}

/// Where in answers the detectors of one view can begin.
#[derive(Debug)]
pub(crate) struct Starters {
    pub(crate) gate: Gate,
    /// By bit of the gate.
    pub(crate) detectors: Vec<DetectorId>,
}

impl Starters {
    /// Those of every view.
    pub(crate) fn of(detectors: &[Detector]) -> Vec<Self> {
        let of_view = |view: &View| {
            let streaming =
                (0..).map(DetectorId).zip(detectors).filter(|(_, detector)| detector.view == *view);
            let (detectors, automata): (Vec<DetectorId>, Vec<_>) =
                streaming.filter_map(|(id, detector)| Some((id, detector.stream.as_ref()?))).unzip();
            Self { gate: Gate::new(&automata), detectors }
        };
        View::ALL.iter().map(of_view).collect()
    }
}

/// One policy of the chain.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// Its version, when it states one.
    pub version: Option<Arc<str>>,
    /// Its params with the values they have in this program.
    pub params: Vec<(Arc<str>, Value)>,
    /// What happens when it cannot run.
    pub on_error: OnError,
    /// The names of the keys whose requests it judges; all requests where there are none.
    pub only_for: Vec<Arc<str>>,
    /// Its rules, as a range of the program's.
    pub(crate) rules: std::ops::Range<usize>,
}

impl Policy {
    /// Whether it judges requests with that key.
    pub(crate) fn judges(&self, key: Option<&str>) -> bool {
        self.only_for.is_empty() || key.is_some_and(|key| self.only_for.iter().any(|name| **name == *key))
    }
}

/// What happens when a policy cannot run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The exchange is blocked.
    #[default]
    Block,
    /// The policy counts as `allow`.
    Allow,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) policy: usize,
    pub(crate) phases: Vec<Phase>,
    pub(crate) condition: NodeId,
    pub(crate) verdict: Verdict,
    /// What it does in place of a verdict, which is then `allow`.
    pub(crate) effect: Option<Effect>,
    pub(crate) marker: Marker,
    pub(crate) code: Arc<str>,
    pub(crate) message: Vec<Piece>,
    pub(crate) severity: Option<Arc<str>>,
    pub(crate) tags: Vec<Arc<str>>,
    /// The score that its condition compares.
    pub(crate) score: Option<NodeId>,
}

/// What a rule does in place of a verdict: what it says of the targets, or takes of a budget.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Only to those whose names fit one of these.
    To(Vec<Arc<str>>),
    /// Not to those of which this holds, as the innermost element.
    Exclude(NodeId),
    /// Takes what the request may need of a budget.
    Reserve(Reserve),
}

/// A budget that a rule keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Reserve {
    pub(crate) meter: Meter,
    pub(crate) limit: NodeId,
    pub(crate) window: Window,
    /// Whose it is.
    pub(crate) whose: Vec<NodeId>,
    /// Tokens of an answer of unknown length.
    pub(crate) assuming: Option<NodeId>,
}

impl Effect {
    /// The nodes that it names itself.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        match self {
            Effect::To(_) => Vec::new(),
            Effect::Exclude(condition) => vec![*condition],
            Effect::Reserve(Reserve { limit, whose, assuming, .. }) => {
                std::iter::once(limit).chain(whose).chain(assuming).copied().collect()
            }
        }
    }

    /// Puts other ids in the place of its nodes.
    pub(crate) fn rename(&mut self, node: &dyn Fn(NodeId) -> NodeId) {
        match self {
            Effect::To(_) => {}
            Effect::Exclude(condition) => *condition = node(*condition),
            Effect::Reserve(Reserve { limit, whose, assuming, .. }) => {
                std::iter::once(limit).chain(whose).chain(assuming).for_each(|id| *id = node(*id));
            }
        }
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Words.
    Text(Arc<str>),
    /// The labels that were found.
    Labels,
    /// The phase.
    Phase,
    /// A value.
    Node(NodeId),
}

/// How a rule is decided while an answer streams.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRule {
    /// The rule.
    pub(crate) rule: usize,
    /// The detectors that it waits for.
    pub(crate) detectors: Vec<DetectorId>,
}

impl Program {
    /// Hex SHA-256 of everything that was compiled: rule files, library files and arguments.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The policies of the chain, in order.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The value of a policy's param, if the chain has that policy and it has that param.
    pub fn param(&self, policy: &str, param: &str) -> Option<&Value> {
        let policy = self.policies.iter().find(|p| &*p.name == policy)?;
        policy.params.iter().find(|(name, _)| &**name == param).map(|(_, value)| value)
    }

    /// What calls of scripts have cost so far: each script's name, its calls, and the operations that they took.
    pub fn script_costs(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.scripts.iter().map(|script| {
            let (calls, operations) = script.cost();
            (&*script.name, calls, operations)
        })
    }

    /// Every rule as written, also one that its params switch off: its policy, its name, and where that stands.
    pub fn written_rules(&self) -> impl Iterator<Item = (&str, &str, Span)> {
        self.outlines.iter().filter_map(|outline| {
            let policy = self.policies.get(outline.policy)?;
            Some((&*policy.name, &*outline.name, outline.span))
        })
    }

    /// The number of rules that can fire.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Whether any rule looks at requests.
    pub fn reads_requests(&self) -> bool {
        self.rules.iter().any(|rule| rule.phases.contains(&Phase::Request))
    }

    /// The labels of keys that its rules read.
    pub fn key_labels(&self) -> Vec<&str> {
        let labels = self.nodes.iter().filter_map(|node| match node {
            Node::Label(name) => Some(&**name),
            _ => None,
        });
        labels.collect()
    }

    /// What its rules count against budgets.
    pub fn meters(&self) -> Vec<Meter> {
        let meter = |rule: &Rule| match &rule.effect {
            Some(Effect::Reserve(reserve)) => Some(reserve.meter),
            Some(Effect::To(_) | Effect::Exclude(_)) | None => None,
        };
        self.rules.iter().filter_map(meter).collect()
    }

    /// Whether any rule looks at answers.
    pub fn reads_responses(&self) -> bool {
        !self.response.is_empty() || !self.buffered.is_empty()
    }

    /// The program as text, one node a line: what `kt policy compile --print ir` shows.
    pub fn print(&self) -> String {
        print::print(self)
    }

    /// The patterns that it looks for, in one view each.
    pub fn detectors(&self) -> impl Iterator<Item = &Detector> {
        self.detectors.iter()
    }

    /// What the program costs: what `kt policy compile --print stats` shows.
    pub fn stats(&self) -> stats::Stats {
        stats::stats(self)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        // Ids are made by the compiler together with the arena; a foreign one reads as `false`.
        const NOTHING: &Node = &Node::Const(Value::Bool(false));
        self.nodes.get(id.index()).unwrap_or(NOTHING)
    }

    /// Hands every node that a condition rests on to `visit`, each once, through scores too.
    pub(crate) fn each_under(&self, condition: NodeId, visit: &mut dyn FnMut(NodeId, &Node)) {
        let mut met = vec![false; self.nodes.len()];
        let mut queue = vec![condition];
        while let Some(id) = queue.pop() {
            if met.get_mut(id.index()).is_none_or(|met| std::mem::replace(met, true)) {
                continue;
            }
            let node = self.node(id);
            visit(id, node);
            node.children(|child| queue.push(child));
            if let Node::Score(score) = node {
                let terms = self.scores.get(score.0 as usize).map_or(&[][..], |score| &score.terms);
                queue.extend(
                    terms.iter().flat_map(|(weight, condition)| [Some(*weight), *condition]).flatten(),
                );
            }
        }
    }

    pub(crate) fn detector(&self, id: DetectorId) -> Option<&Detector> {
        self.detectors.get(id.index())
    }
}

/// Per node, whether it reads the element that a quantifier around it is at. Children come first in the arena.
pub(crate) fn element_readers(nodes: &[Node]) -> Vec<bool> {
    let mut readers: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut reads = matches!(
            node,
            Node::Element(..)
                | Node::Has(TextRef::Element(_), _)
                | Node::Language(TextRef::Element(_), _)
                | Node::Model(TextRef::Element(_), ..)
        );
        node.children(|child| reads |= readers.get(child.index()).copied().unwrap_or(true));
        readers.push(reads);
    }
    readers
}

/// Whether a node's value depends on the answer: on its texts, or on its tool calls. Lists of the request are not there
/// when it comes, so that a quantifier goes over its calls.
pub(crate) fn reads_answer(nodes: &[Node], scores: &[Score], node: NodeId) -> bool {
    let Some(node) = nodes.get(node.index()) else { return false };
    match node {
        Node::Has(TextRef::Texts(_), _)
        | Node::Language(TextRef::Texts(_), _)
        | Node::Model(TextRef::Texts(_), ..)
        | Node::Quantifier { .. }
        | Node::Element(..) => true,
        Node::Score(id) => scores.get(id.0 as usize).is_some_and(|score| {
            let reads = |node: &NodeId| reads_answer(nodes, scores, *node);
            score
                .terms
                .iter()
                .any(|(weight, condition)| reads(weight) || condition.as_ref().is_some_and(reads))
        }),
        other => {
            let mut found = false;
            other.children(|child| found = found || reads_answer(nodes, scores, child));
            found
        }
    }
}
