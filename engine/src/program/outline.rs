//! What a rule's author wrote, clause by clause: where each stands, and which node it became.

use std::sync::Arc;

use grammar::Span;
use grammar::ast::Phase;

use super::ir::NodeId;
use crate::value::Value;

/// A rule as written, also one that its params have switched off.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its policy, as an index of the program's.
    pub policy: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// The phases that it runs in.
    pub phases: Vec<Phase>,
    /// Its condition.
    pub when: Clause,
    /// When it does not apply.
    pub unless: Option<Clause>,
    /// Which rule of the program it is; absent when its params have switched it off.
    pub rule: Option<usize>,
}

/// A score as written.
#[derive(Clone, Debug)]
pub struct ScoreOutline {
    /// Its policy, as an index of the program's.
    pub policy: usize,
    /// Its name.
    pub name: Arc<str>,
    /// What is added, and when.
    pub terms: Vec<(Clause, Option<Clause>)>,
}

/// An expression with the place where it was written.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Where.
    pub span: Span,
    /// How its parts make it up.
    pub kind: ClauseKind,
    /// What it became.
    pub(crate) meaning: Meaning,
    /// Its parts, in the order written.
    pub parts: Vec<Clause>,
}

/// How the parts of a clause make it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClauseKind {
    /// All of them must hold.
    And,
    /// One of them must hold.
    Or,
    /// Its part must not hold.
    Not,
    /// A condition, what it comes to when that holds, and when it does not.
    If,
    /// Something about the elements of a list: its part is asked of each.
    Each,
    /// A condition that has no conditions in it; its parts are the values that it asks about.
    Test,
    /// A value.
    Value,
}

/// What a clause became.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// A value known before traffic.
    Known(Value),
    /// A node.
    Node(NodeId),
    /// Part of a larger node: it is what its parts make it.
    Merged,
}

impl Clause {
    /// Hands the clause and all that is in it to `visit`, the outer first.
    pub fn walk<'c>(&'c self, visit: &mut dyn FnMut(&'c Clause)) {
        visit(self);
        self.parts.iter().for_each(|part| part.walk(visit));
    }

    /// Gives each node that it refers to another name, or none.
    pub(crate) fn rename(&mut self, to: &dyn Fn(NodeId) -> Option<NodeId>) {
        if let Meaning::Node(node) = self.meaning {
            self.meaning = to(node).map_or(Meaning::Merged, Meaning::Node);
        }
        self.parts.iter_mut().for_each(|part| part.rename(to));
    }
}
