//! What a watched session has seen: values of nodes, patterns that found something, what scripts cost.

use std::fmt;

use grammar::ast::Phase;

use crate::model::{Gram, Model};
use crate::program::Program;
use crate::program::ir::{DetectorId, NodeId, ScriptId};
use crate::program::outline::{Clause, ClauseKind, Meaning};
use crate::value::Value;

/// Both phases of a watched exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    request: Trace,
    response: Trace,
}

impl Tally {
    /// What was seen in a phase.
    pub fn of(&self, phase: Phase) -> &Trace {
        match phase {
            Phase::Request => &self.request,
            Phase::Response => &self.response,
        }
    }

    pub(super) fn trace(&mut self, phase: Phase) -> &mut Trace {
        match phase {
            Phase::Request => &mut self.request,
            Phase::Response => &mut self.response,
        }
    }
}

/// One phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// By node, its last value.
    values: Vec<Option<Value>>,
    /// By node, which truths it had; it has one for each element of a list.
    truths: Vec<Seen>,
    /// By detector, whether it found anything.
    found: Vec<bool>,
    /// By script, its calls and the operations they took.
    calls: Vec<(usize, u64)>,
    /// By node that asks a model, the text that scored most.
    weighed: Vec<Shown>,
}

/// A text that a model has weighed. It is somebody's, so it is never printed by chance.
#[derive(Clone, Default, PartialEq)]
struct Shown(String);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Which of the two a condition has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It held.
    pub yes: bool,
    /// It did not hold.
    pub no: bool,
}

impl Seen {
    fn of(truth: bool) -> Self {
        Self { yes: truth, no: !truth }
    }

    /// What either of two has seen.
    #[must_use]
    pub fn or(self, other: Seen) -> Self {
        Self { yes: self.yes || other.yes, no: self.no || other.no }
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }
}

impl Trace {
    /// A node was evaluated.
    pub(super) fn note(&mut self, node: NodeId, value: &Value) {
        if let Some(truth) = value.as_bool() {
            let seen = at(&mut self.truths, node.index());
            *seen = seen.or(Seen::of(truth));
        }
        *at(&mut self.values, node.index()) = Some(value.clone());
    }

    /// A detector has a match.
    pub(super) fn found(&mut self, detector: DetectorId) {
        *at(&mut self.found, detector.index()) = true;
    }

    /// A script was called.
    pub(super) fn called(&mut self, script: ScriptId, operations: u64) {
        let (calls, total) = at(&mut self.calls, script.0 as usize);
        *calls += 1;
        *total += operations;
    }

    /// A model has weighed a text.
    pub(super) fn weighed(&mut self, node: NodeId, text: &str) {
        *at(&mut self.weighed, node.index()) = Shown(text.to_owned());
    }

    /// What weighed most for a model where a node asks it.
    pub(crate) fn weights(&self, node: NodeId, model: &Model) -> Vec<Gram> {
        self.weighed.get(node.index()).map_or(Vec::new(), |text| model.explain(&text.0))
    }

    /// A node's last value, if that is a number.
    pub(crate) fn number(&self, node: NodeId) -> Option<f64> {
        self.values.get(node.index())?.as_ref()?.as_float()
    }

    /// Whether a detector found anything.
    pub fn has_found(&self, detector: DetectorId) -> bool {
        self.found.get(detector.index()).copied().unwrap_or(false)
    }

    /// How many nodes were evaluated.
    pub fn evaluated(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// Each script that was called: its name, how often, and the operations that its calls took.
    pub fn scripts<'p>(&self, program: &'p Program) -> Vec<(&'p str, usize, u64)> {
        let called = program.scripts.iter().zip(&self.calls).filter(|(_, (calls, _))| *calls > 0);
        called.map(|(script, (calls, operations))| (&*script.name, *calls, *operations)).collect()
    }

    /// A clause's last value, where it was asked for.
    pub fn value(&self, clause: &Clause) -> Option<Value> {
        match &clause.meaning {
            Meaning::Known(value) => Some(value.clone()),
            Meaning::Node(node) => self.values.get(node.index()).cloned().flatten(),
            Meaning::Merged => {
                let seen = self.seen(clause);
                (seen.yes != seen.no).then_some(Value::Bool(seen.yes))
            }
        }
    }

    /// Which truths a condition had, where it was asked.
    pub fn seen(&self, clause: &Clause) -> Seen {
        let node = match &clause.meaning {
            Meaning::Known(value) => return value.as_bool().map_or(Seen::default(), Seen::of),
            Meaning::Node(node) => self.truths.get(node.index()).copied().unwrap_or_default(),
            Meaning::Merged => Seen::default(),
        };
        if node != Seen::default() {
            return node;
        }
        let mut sides = clause.parts.iter().map(|part| self.seen(part));
        match clause.kind {
            ClauseKind::And => all(&mut sides),
            ClauseKind::Or => all(&mut sides.map(Seen::not)).not(),
            ClauseKind::Not => sides.next().unwrap_or_default().not(),
            ClauseKind::If | ClauseKind::Each | ClauseKind::Test | ClauseKind::Value => Seen::default(),
        }
    }
}

/// A conjunction of sides of which some may not have been asked: it held if all did, and did not if one did not.
fn all(sides: &mut dyn Iterator<Item = Seen>) -> Seen {
    sides.fold(Seen { yes: true, no: false }, |all, side| Seen {
        yes: all.yes && side.yes,
        no: all.no || side.no,
    })
}

fn at<T: Clone + Default>(all: &mut Vec<T>, index: usize) -> &mut T {
    if all.len() <= index {
        all.resize(index + 1, T::default());
    }
    #[expect(clippy::indexing_slicing, reason = "there are more than `index` of them now")]
    &mut all[index]
}
