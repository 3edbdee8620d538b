//! The intermediate representation: one flat arena of small typed nodes, equal sub-expressions once.

use std::sync::Arc;

use grammar::ast::Quantity;
use ipnet::IpNet;

use crate::matcher::View;
use crate::model::Model;
use crate::schema::{ElementField, FieldKind, Scope};
use crate::value::Value;

/// A node of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// A detector of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DetectorId(pub u32);

/// A score of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScoreId(pub u32);

/// A script of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScriptId(pub u32);

impl NodeId {
    /// Its index in the arena.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl DetectorId {
    /// Its index in the program's detectors.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a pattern is looked for. The view is the detector's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextRef {
    /// Texts of the phase.
    Texts(Scope),
    /// The text of the message that the quantifier at this depth is at.
    Element(u8),
    /// A plain string.
    Value(NodeId),
}

/// A list that quantifiers range over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListField {
    /// The conversation.
    Messages,
    /// The tools on offer.
    Tools,
    /// The calls made so far.
    ToolCalls,
    /// Where the request could go.
    Targets,
}

/// An order or equality test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
}

/// A test of one string by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextTest {
    /// `contains`.
    Contains,
    /// `starts with`.
    StartsWith,
    /// `ends with`.
    EndsWith,
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Rem,
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// The text in lower case.
    Lower,
    /// Characters of a text, or elements of a list.
    Length,
}

/// One node. Children come before parents in the arena.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A value known before traffic.
    Const(Value),
    /// A scalar field.
    Field(FieldKind),
    /// A request header, or absent.
    Header(Arc<str>),
    /// What the client's key says under a label, or absent.
    Label(Arc<str>),
    /// A field of the element that the quantifier at this depth is at.
    Element(u8, ElementField),
    /// Whether any of the detectors finds a match.
    Has(TextRef, Box<[DetectorId]>),
    /// Negation.
    Not(NodeId),
    /// Conjunction, cheap children first.
    And(Box<[NodeId]>),
    /// Disjunction, cheap children first.
    Or(Box<[NodeId]>),
    /// A comparison.
    Compare(Comparison, NodeId, NodeId),
    /// Arithmetic on numbers.
    Arith(Arithmetic, NodeId, NodeId),
    /// A string test.
    Test(TextTest, NodeId, NodeId),
    /// Whether a string fits a file-name pattern.
    Glob(NodeId, Arc<str>),
    /// Whether an address is in one of some networks.
    Within(NodeId, Arc<[IpNet]>),
    /// Whether a value is an element of a list.
    In(NodeId, NodeId),
    /// The first, or the second where the first is absent.
    Coalesce(NodeId, NodeId),
    /// Whether an optional is there.
    Present(NodeId),
    /// A choice.
    If(NodeId, NodeId, NodeId),
    /// A quantifier over a list of the request.
    Quantifier {
        /// Which.
        quantity: Quantity,
        /// Over what.
        list: ListField,
        /// How many quantifiers are around it.
        depth: u8,
        /// What must hold of an element.
        body: NodeId,
    },
    /// A score.
    Score(ScoreId),
    /// A script's result.
    Script(ScriptId, Box<[NodeId]>),
    /// The language of a text, if it is told with that certainty at least.
    Language(TextRef, Certainty),
    /// A function's result.
    Call(Function, NodeId),
    /// How much a text in a view looks like what a model was trained to see.
    Model(TextRef, View, Arc<Model>),
}

/// A number from 0 to 1, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Certainty(pub u16);

impl Certainty {
    /// As a number.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Node {
    /// Hands each child to `visit`.
    pub fn children(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            Node::Const(_)
            | Node::Field(_)
            | Node::Header(_)
            | Node::Label(_)
            | Node::Element(..)
            | Node::Score(_) => {}
            Node::Has(TextRef::Value(text), _)
            | Node::Language(TextRef::Value(text), _)
            | Node::Model(TextRef::Value(text), ..) => visit(*text),
            Node::Has(TextRef::Texts(_) | TextRef::Element(_), _)
            | Node::Language(TextRef::Texts(_) | TextRef::Element(_), _)
            | Node::Model(TextRef::Texts(_) | TextRef::Element(_), ..) => {}
            Node::Not(inner)
            | Node::Glob(inner, _)
            | Node::Within(inner, _)
            | Node::Present(inner)
            | Node::Call(_, inner) => visit(*inner),
            Node::And(all) | Node::Or(all) | Node::Script(_, all) => all.iter().copied().for_each(visit),
            Node::Compare(_, a, b)
            | Node::Arith(_, a, b)
            | Node::Test(_, a, b)
            | Node::In(a, b)
            | Node::Coalesce(a, b) => {
                visit(*a);
                visit(*b);
            }
            Node::If(condition, then, otherwise) => {
                visit(*condition);
                visit(*then);
                visit(*otherwise);
            }
            Node::Quantifier { body, .. } => visit(*body),
        }
    }
}

/// New names for what a node refers to.
pub struct Renaming<'a> {
    /// Of nodes.
    pub node: &'a dyn Fn(NodeId) -> NodeId,
    /// Of detectors.
    pub detector: &'a dyn Fn(DetectorId) -> DetectorId,
    /// Of scores.
    pub score: &'a dyn Fn(ScoreId) -> ScoreId,
}

impl Node {
    /// The same node under new names.
    pub fn rename(&mut self, to: &Renaming<'_>) {
        let of = |node: &mut NodeId| *node = (to.node)(*node);
        match self {
            Node::Const(_) | Node::Field(_) | Node::Header(_) | Node::Label(_) | Node::Element(..) => {}
            Node::Score(score) => *score = (to.score)(*score),
            Node::Model(text, ..) => {
                if let TextRef::Value(value) = text {
                    of(value);
                }
            }
            Node::Has(text, detectors) => {
                if let TextRef::Value(value) = text {
                    of(value);
                }
                detectors.iter_mut().for_each(|detector| *detector = (to.detector)(*detector));
            }
            Node::Language(text, _) => {
                if let TextRef::Value(value) = text {
                    of(value);
                }
            }
            Node::Not(inner)
            | Node::Glob(inner, _)
            | Node::Within(inner, _)
            | Node::Present(inner)
            | Node::Call(_, inner) => of(inner),
            Node::And(all) | Node::Or(all) | Node::Script(_, all) => all.iter_mut().for_each(of),
            Node::Compare(_, a, b)
            | Node::Arith(_, a, b)
            | Node::Test(_, a, b)
            | Node::In(a, b)
            | Node::Coalesce(a, b) => [a, b].into_iter().for_each(of),
            Node::If(a, b, c) => [a, b, c].into_iter().for_each(of),
            Node::Quantifier { body, .. } => of(body),
        }
    }
}

/// A weighted sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: Arc<str>,
    /// What is added, and when.
    pub terms: Vec<(NodeId, Option<NodeId>)>,
    /// The range that the sum is kept in.
    pub clamp: Option<(f64, f64)>,
}

impl Score {
    /// The sum within the score's range.
    pub fn clamped(&self, sum: f64) -> f64 {
        self.clamp.map_or(sum, |(low, high)| sum.clamp(low, high))
    }
}
