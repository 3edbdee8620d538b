//! The heart: nodes to values, over the texts and scalars of a request.

mod evidence;
mod fields;
mod model;
mod values;

use std::ops::Range;

use grammar::ast::{Phase, Quantity};

use super::facts::Facts;
use super::tally::Tally;
use super::texts::{Hits, Texts};
use crate::input::Request;
use crate::matcher::{glob, language};
use crate::model::Scratch;
use crate::program::ir::{DetectorId, ListField, Node, NodeId, ScriptId, TextRef};
use crate::program::{Program, ops};
use crate::schema::{ElementField, Scope};
use crate::script::ScriptFailure;
use crate::value::Value;
pub(super) use evidence::Evidence;
use values::Values;

/// Evaluates nodes over one request; every fact at most once.
pub(super) struct Evaluator<'a> {
    program: &'a Program,
    request: &'a Request<'a>,
    phase: Phase,
    texts: Texts<'a>,
    /// What models work in.
    scratch: Scratch,
    values: Values,
    /// The element that each quantifier around the node in hand is at.
    elements: Vec<(ListField, usize)>,
    /// What was seen, when somebody watches.
    pub(super) tally: Option<Box<Tally>>,
}

type Evaluated<T> = Result<T, ScriptFailure>;

impl<'a> Evaluator<'a> {
    pub(super) fn new(program: &'a Program, request: &'a Request<'a>) -> Self {
        Self {
            program,
            request,
            phase: Phase::Request,
            texts: Texts::new(program, request),
            scratch: Scratch::default(),
            values: Values::new(program.nodes.len()),
            elements: Vec::new(),
            tally: None,
        }
    }

    pub(super) fn program(&self) -> &'a Program {
        self.program
    }

    /// From here on fields are read as the answer's rules see them.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.values.clear();
    }

    /// From here on these values are taken as they are.
    pub(super) fn know(&mut self, facts: &Facts) {
        for (id, value) in facts {
            self.values.set(*id, value.clone());
        }
    }

    /// The rules whose conditions can hold, in order; what the index does not know of is left open.
    pub(super) fn possible(&mut self) -> Vec<usize> {
        let program = self.program;
        // What the index asks about cannot fail.
        let values: Vec<Value> =
            program.index.subjects().map(|node| self.value(node).unwrap_or(Value::Absent)).collect();
        program.index.possible(&values)
    }

    /// Whether a rule's patterns leave it possible that its condition holds.
    pub(super) fn may_find(&mut self, rule: usize) -> bool {
        let program = self.program;
        let sought = program.index.sought(rule);
        sought.is_none_or(|sought| sought.iter().any(|id| self.texts.may_match_anywhere(*id)))
    }

    /// A condition's truth.
    pub(super) fn truth(&mut self, id: NodeId) -> Evaluated<bool> {
        Ok(self.value(id)?.as_bool().unwrap_or(false))
    }

    /// A node's value.
    pub(super) fn value(&mut self, id: NodeId) -> Evaluated<Value> {
        if let Node::Const(value) = self.program.node(id) {
            return Ok(value.clone());
        }
        // Inside a quantifier a value belongs to the element in hand.
        let outside = self.elements.is_empty() || self.program.reads_element.get(id.index()) == Some(&false);
        if let Some(value) = self.values.get(id).filter(|_| outside) {
            return Ok(value.clone());
        }
        let value = match self.program.node(id) {
            // A score is of the exchange: its own quantifiers begin anew.
            Node::Score(_) => self.alone(|this| this.compute(id))?,
            _ => self.compute(id)?,
        };
        if let Some(tally) = &mut self.tally {
            tally.trace(self.phase).note(id, &value);
        }
        if outside {
            self.values.set(id, value.clone());
        }
        Ok(value)
    }

    fn compute(&mut self, id: NodeId) -> Evaluated<Value> {
        Ok(match self.program.node(id) {
            Node::Const(value) => value.clone(),
            Node::Field(field) => self.field(*field),
            Node::Header(name) => self.header(name),
            Node::Label(name) => self.label(name),
            Node::Element(depth, field) => self.element(*depth, *field),
            Node::Has(text, detectors) => Value::Bool(self.has(text, detectors)?),
            Node::Not(inner) => Value::Bool(!self.truth(*inner)?),
            Node::And(sides) => Value::Bool(self.all(sides, true)?),
            Node::Or(sides) => Value::Bool(!self.all(sides, false)?),
            Node::Compare(op, a, b) => Value::Bool(ops::compare(*op, &self.value(*a)?, &self.value(*b)?)),
            Node::Arith(op, a, b) => ops::arithmetic(*op, &self.value(*a)?, &self.value(*b)?),
            Node::Test(test, a, b) => Value::Bool(ops::text_test(*test, &self.value(*a)?, &self.value(*b)?)),
            Node::Glob(text, pattern) => {
                Value::Bool(self.value(*text)?.as_str().is_some_and(|text| glob::fits(pattern, text)))
            }
            Node::Within(address, networks) => Value::Bool(ops::within(&self.value(*address)?, networks)),
            Node::In(value, list) => Value::Bool(ops::contains(&self.value(*list)?, &self.value(*value)?)),
            Node::Coalesce(a, b) => match self.value(*a)? {
                Value::Absent => self.value(*b)?,
                value => value,
            },
            Node::Present(inner) => Value::Bool(self.value(*inner)? != Value::Absent),
            Node::If(condition, then, otherwise) => {
                let branch = if self.truth(*condition)? { *then } else { *otherwise };
                self.value(branch)?
            }
            Node::Quantifier { quantity, list, body, .. } => self.quantifier(*quantity, *list, *body)?,
            Node::Score(score) => {
                let Some(score) = self.program.scores.get(score.0 as usize) else {
                    return Ok(Value::Float(0.0));
                };
                let mut sum = 0.0;
                for (weight, condition) in &score.terms {
                    let counts = match condition {
                        Some(condition) => self.truth(*condition)?,
                        None => true,
                    };
                    if counts {
                        sum += self.value(*weight)?.as_float().unwrap_or_default();
                    }
                }
                Value::Float(score.clamped(sum))
            }
            Node::Script(script, args) => {
                let args = args.iter().map(|arg| self.value(*arg)).collect::<Evaluated<Vec<Value>>>()?;
                self.call(*script, &args)?
            }
            Node::Language(text, least) => self.language(text, least.value())?,
            Node::Call(function, inner) => ops::call(*function, &self.value(*inner)?),
            Node::Model(text, view, model) => Value::Float(self.model(id, text, *view, model)?),
        })
    }

    fn call(&mut self, id: ScriptId, args: &[Value]) -> Evaluated<Value> {
        let Some(script) = self.program.scripts.get(id.0 as usize) else { return Ok(Value::Absent) };
        let Some(tally) = &mut self.tally else { return script.call(args) };
        let (result, operations) = script.call_counted(args);
        tally.trace(self.phase).called(id, operations);
        result
    }

    /// Whether every side is `wanted`.
    fn all(&mut self, sides: &[NodeId], wanted: bool) -> Evaluated<bool> {
        for side in sides {
            if self.truth(*side)? != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn quantifier(&mut self, quantity: Quantity, list: ListField, body: NodeId) -> Evaluated<Value> {
        let length = self.length(list);
        let mut count = 0;
        for index in 0..length {
            if self.at(list, index, |this| this.truth(body))? {
                count += 1;
                if quantity == Quantity::Any {
                    break;
                }
            }
        }
        Ok(match quantity {
            Quantity::Any => Value::Bool(count > 0),
            Quantity::All => Value::Bool(count == length),
            Quantity::Count => Value::Int(i64::try_from(count).unwrap_or(i64::MAX)),
        })
    }

    pub(super) fn at<T>(&mut self, list: ListField, index: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        self.elements.push((list, index));
        let result = f(self);
        self.elements.pop();
        result
    }

    /// Without the elements in hand.
    fn alone<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::take(&mut self.elements);
        let result = f(self);
        self.elements = around;
        result
    }

    // --- texts -----------------------------------------------------------------------------------------------------

    fn has(&mut self, text: &TextRef, detectors: &[DetectorId]) -> Evaluated<bool> {
        match text {
            TextRef::Texts(scope) => {
                let mut texts = self.texts_of(*scope);
                Ok(texts.any(|text| detectors.iter().any(|id| self.hits(*id, text).is_some())))
            }
            TextRef::Element(depth) => {
                let mut texts = self.element_texts(*depth);
                Ok(texts.any(|text| detectors.iter().any(|id| self.hits(*id, text).is_some())))
            }
            TextRef::Value(node) => {
                let value = self.value(*node)?;
                let text = value.as_str().unwrap_or_default();
                let is_json = matches!(self.program.node(*node), Node::Element(_, ElementField::Arguments));
                Ok(detectors.iter().any(|id| self.found_in(*id, text, is_json)))
            }
        }
    }

    /// The language that texts are in together; JSON is in none.
    fn language(&mut self, text: &TextRef, least: f64) -> Evaluated<Value> {
        let texts: Vec<usize> = match text {
            TextRef::Texts(scope) => self.texts_of(*scope).collect(),
            TextRef::Element(depth) => self.element_texts(*depth).collect(),
            TextRef::Value(node) => {
                let value = self.value(*node)?;
                let told = language::of(value.as_str().into_iter(), least);
                return Ok(told.map_or(Value::Absent, |code| Value::Str(code.into())));
            }
        };
        let request = self.request;
        let texts = texts.into_iter().filter_map(|index| request.texts.get(index));
        let told = language::of(texts.filter(|text| !text.is_json).map(|text| text.value), least);
        Ok(told.map_or(Value::Absent, |code| Value::Str(code.into())))
    }

    fn texts_of(&self, scope: Scope) -> impl Iterator<Item = usize> + use<'a> {
        let texts = self.request.texts.iter().enumerate();
        texts.filter(move |(_, text)| scope.covers(text.role)).map(|(index, _)| index)
    }

    fn element_texts(&self, depth: u8) -> Range<usize> {
        match self.elements.get(usize::from(depth)) {
            Some((ListField::Messages, index)) => {
                self.request.messages.get(*index).map_or(0..0, |message| message.texts.clone())
            }
            _ => 0..0,
        }
    }

    /// Whether the detector finds anything in a plain string.
    fn found_in(&mut self, id: DetectorId, text: &str, is_json: bool) -> bool {
        let found = self.program.detector(id).is_some_and(|detector| detector.occurs_in(text, is_json));
        if let Some(tally) = self.tally.as_mut().filter(|_| found) {
            tally.trace(self.phase).found(id);
        }
        found
    }

    /// The detector's matches in a text of the request, as bytes of the text as it arrived.
    fn hits(&mut self, id: DetectorId, text: usize) -> Hits {
        let hits = self.texts.hits(id, text);
        if let Some(tally) = self.tally.as_mut().filter(|_| hits.is_some()) {
            tally.trace(self.phase).found(id);
        }
        hits
    }
}
