//! Typed expressions: what the checker makes of a tree, and the lowering takes. Names are gone; types are right.

use std::rc::Rc;
use std::sync::Arc;

use grammar::Span;
use grammar::ast::{Phase, Quantity, Regex};
use grammar::budget::{Meter, Window};

use crate::matcher::View;
use crate::model::Model;
use crate::program::ir::{Arithmetic, Comparison, Function, ListField, TextTest};
use crate::schema::{ElementField, FieldKind, Scope};
use crate::value::{Type, Value};
use crate::verdict::Verdict;

/// A typed expression and its place.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) ty: Type,
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What it computes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Const(Value),
    Param(usize),
    /// An argument of the function whose body this is; none is left where the function is called.
    Argument(usize),
    Field(FieldKind),
    List(ListField),
    Header(Arc<str>),
    /// What the client's key says under that label.
    Label(Arc<str>),
    /// The header whose name an argument of the policy gives.
    HeaderOf(Rc<Typed>),
    Element(u8, ElementField),
    /// The value that the quantifier over an argument at this depth is at: itself, or a member of it, and of that.
    Part(u8, Vec<usize>),
    Texts(Scope),
    View(View, Rc<Typed>),
    Items(Vec<Typed>),
    Has(Rc<Typed>, Vec<PatternUse>),
    Not(Rc<Typed>),
    And(Rc<Typed>, Rc<Typed>),
    Or(Rc<Typed>, Rc<Typed>),
    Compare(Comparison, Rc<Typed>, Rc<Typed>),
    Arith(Arithmetic, Rc<Typed>, Rc<Typed>),
    Test(TextTest, Rc<Typed>, Rc<Typed>),
    Glob(Rc<Typed>, Rc<Typed>),
    Within(Rc<Typed>, Rc<Typed>),
    In(Rc<Typed>, Rc<Typed>),
    Coalesce(Rc<Typed>, Rc<Typed>),
    Present(Rc<Typed>),
    If(Rc<Typed>, Rc<Typed>, Rc<Typed>),
    Quantifier {
        quantity: Quantity,
        list: ListField,
        depth: u8,
        body: Rc<Typed>,
    },
    /// A quantifier over an argument of the policy: it is written out before traffic.
    Each {
        quantity: Quantity,
        list: Rc<Typed>,
        depth: u8,
        body: Rc<Typed>,
    },
    Score(usize),
    Script(usize, Vec<Typed>),
    Call(Function, Rc<Typed>),
    /// The language of a text, and how certain it must be.
    Language(Rc<Typed>, Rc<Typed>),
    /// `model(name, text)`.
    Model(Arc<Model>, Rc<Typed>),
    /// `marker(format, preserve_length, custom)`.
    Marker(Rc<Typed>, Rc<Typed>, Rc<Typed>),
}

/// A pattern at its place of use.
#[derive(Clone, Debug)]
pub(super) enum PatternUse {
    /// A declared one.
    Declared(usize),
    /// One written on the spot.
    Regex(Regex, Span),
    /// A phrase on the spot.
    Phrase(String, Span),
}

impl Typed {
    /// Hands each child to `visit`.
    pub(super) fn children(&self, visit: &mut dyn FnMut(&Typed)) {
        match &self.kind {
            Kind::Const(_)
            | Kind::Param(_)
            | Kind::Argument(_)
            | Kind::Field(_)
            | Kind::List(_)
            | Kind::Header(_)
            | Kind::Label(_)
            | Kind::Element(..)
            | Kind::Part(..)
            | Kind::Texts(_)
            | Kind::Score(_) => {}
            Kind::View(_, a)
            | Kind::Has(a, _)
            | Kind::Not(a)
            | Kind::Present(a)
            | Kind::Call(_, a)
            | Kind::HeaderOf(a)
            | Kind::Model(_, a) => visit(a),
            Kind::Quantifier { body, .. } => visit(body),
            Kind::Each { list, body, .. } => {
                visit(list);
                visit(body);
            }
            Kind::And(a, b)
            | Kind::Or(a, b)
            | Kind::Compare(_, a, b)
            | Kind::Arith(_, a, b)
            | Kind::Test(_, a, b)
            | Kind::Glob(a, b)
            | Kind::Within(a, b)
            | Kind::In(a, b)
            | Kind::Coalesce(a, b)
            | Kind::Language(a, b) => {
                visit(a);
                visit(b);
            }
            Kind::If(a, b, c) | Kind::Marker(a, b, c) => {
                visit(a);
                visit(b);
                visit(c);
            }
            Kind::Items(all) | Kind::Script(_, all) => all.iter().for_each(visit),
        }
    }
}

/// A policy whose expressions are typed.
#[derive(Debug, Default)]
pub(super) struct CheckedUnit {
    pub(super) scores: Vec<CheckedScore>,
    pub(super) rules: Vec<CheckedRule>,
    /// `fuzzy` expressions of word patterns, by pattern.
    pub(super) fuzzy: Vec<(usize, Typed)>,
}

/// A typed score.
#[derive(Debug)]
pub(super) struct CheckedScore {
    pub(super) name: Arc<str>,
    pub(super) terms: Vec<(Typed, Option<Typed>)>,
    pub(super) clamp: Option<(f64, f64)>,
}

/// A typed rule.
#[derive(Debug)]
pub(super) struct CheckedRule {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) phases: Vec<Phase>,
    pub(super) buffered: bool,
    pub(super) unless: Option<Typed>,
    pub(super) when: Typed,
    pub(super) action: CheckedAction,
    pub(super) with: Option<Typed>,
    pub(super) code: Arc<str>,
    pub(super) message: Vec<CheckedPiece>,
    pub(super) severity: Option<Arc<str>>,
    pub(super) tags: Vec<Arc<str>>,
}

/// What a rule does: a verdict, or a constant that names one.
#[derive(Debug)]
pub(super) enum CheckedAction {
    Verdict(Verdict),
    Constant(Typed),
    /// `route to`: a string, or a list of them.
    Route(Typed),
    /// `exclude target`: a condition on a target.
    Exclude(Typed),
    /// `reserve`: a budget.
    Reserve(Box<CheckedReserve>),
}

/// A typed budget.
#[derive(Debug)]
pub(super) struct CheckedReserve {
    pub(super) meter: Meter,
    pub(super) limit: Typed,
    pub(super) window: Window,
    pub(super) whose: Vec<Typed>,
    pub(super) assuming: Option<Typed>,
}

/// A piece of a message.
#[derive(Debug)]
pub(super) enum CheckedPiece {
    Text(Arc<str>),
    Labels,
    Phase,
    Value(Typed),
}
