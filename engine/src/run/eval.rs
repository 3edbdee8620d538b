//! The heart: nodes to values, over the texts and scalars of a request.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use grammar::ast::{Phase, Quantity};

use crate::input::Request;
use crate::matcher::decode::{Decoded, decode};
use crate::matcher::view::{self, Viewed};
use crate::matcher::{View, glob};
use crate::program::ir::{DetectorId, ListField, Node, NodeId, TextRef};
use crate::program::{Program, ops};
use crate::schema::{ElementField, FieldKind, Scope};
use crate::script::ScriptFailure;
use crate::value::Value;

/// A match in a text of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) text: usize,
    pub(super) range: Range<usize>,
    pub(super) detector: DetectorId,
}

/// Evaluates nodes over one request; every fact at most once.
pub(super) struct Evaluator<'a> {
    program: &'a Program,
    request: &'a Request<'a>,
    phase: Phase,
    views: HashMap<(View, usize), Rc<Viewed>>,
    decoded: HashMap<usize, Rc<Vec<Decoded>>>,
    hits: HashMap<(DetectorId, usize), Rc<[Range<usize>]>>,
    values: HashMap<NodeId, Value>,
    /// The element that each quantifier around the node in hand is at.
    elements: Vec<(ListField, usize)>,
}

type Evaluated<T> = Result<T, ScriptFailure>;

impl<'a> Evaluator<'a> {
    pub(super) fn new(program: &'a Program, request: &'a Request<'a>) -> Self {
        Self {
            program,
            request,
            phase: Phase::Request,
            views: HashMap::new(),
            decoded: HashMap::new(),
            hits: HashMap::new(),
            values: HashMap::new(),
            elements: Vec::new(),
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
        if let Some(value) = self.values.get(&id).filter(|_| outside) {
            return Ok(value.clone());
        }
        let value = self.compute(id)?;
        if outside {
            self.values.insert(id, value.clone());
        }
        Ok(value)
    }

    fn compute(&mut self, id: NodeId) -> Evaluated<Value> {
        Ok(match self.program.node(id) {
            Node::Const(value) => value.clone(),
            Node::Field(field) => self.field(*field),
            Node::Header(name) => {
                let found = self.request.headers.iter().find(|(header, _)| *header == &**name);
                found.map_or(Value::Absent, |(_, value)| Value::Str((*value).into()))
            }
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
                match self.program.scripts.get(script.0 as usize) {
                    Some(script) => script.call(&args)?,
                    None => Value::Absent,
                }
            }
            Node::Call(function, inner) => ops::call(*function, &self.value(*inner)?),
        })
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

    fn field(&self, field: FieldKind) -> Value {
        let request = self.request;
        match field {
            FieldKind::Model => Value::Str(request.model.into()),
            FieldKind::Stream => Value::Bool(request.stream),
            FieldKind::MaxTokens => request.max_tokens.map_or(Value::Absent, Value::Int),
            FieldKind::UserId => request.user_id.map_or(Value::Absent, |id| Value::Str(id.into())),
            FieldKind::Phase => Value::Str(self.phase.name().into()),
            // Texts and lists are read by `has` and quantifiers.
            FieldKind::Texts(_) | FieldKind::Messages | FieldKind::Tools | FieldKind::ToolCalls => {
                Value::Absent
            }
        }
    }

    fn element(&self, depth: u8, field: ElementField) -> Value {
        let text = |text: &str| Value::Str(text.into());
        let optional = |value: Option<&str>| value.map_or(Value::Absent, text);
        let Some((list, index)) = self.elements.get(usize::from(depth)) else { return Value::Absent };
        match list {
            ListField::Messages => {
                self.request.messages.get(*index).map_or(Value::Absent, |message| match field {
                    ElementField::Role => text(message.role.name()),
                    ElementField::Name => optional(message.name),
                    ElementField::Text | ElementField::Description | ElementField::Arguments => Value::Absent,
                })
            }
            ListField::Tools => self.request.tools.get(*index).map_or(Value::Absent, |tool| match field {
                ElementField::Name => text(tool.name),
                ElementField::Description => optional(tool.description),
                ElementField::Role | ElementField::Text | ElementField::Arguments => Value::Absent,
            }),
            ListField::ToolCalls => {
                self.request.tool_calls.get(*index).map_or(Value::Absent, |call| match field {
                    ElementField::Name => text(call.name),
                    ElementField::Arguments => text(call.arguments),
                    ElementField::Role | ElementField::Text | ElementField::Description => Value::Absent,
                })
            }
        }
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

    fn length(&self, list: ListField) -> usize {
        match list {
            ListField::Messages => self.request.messages.len(),
            ListField::Tools => self.request.tools.len(),
            ListField::ToolCalls => self.request.tool_calls.len(),
        }
    }

    fn at<T>(&mut self, list: ListField, index: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        self.elements.push((list, index));
        let result = f(self);
        self.elements.pop();
        result
    }

    // --- texts -----------------------------------------------------------------------------------------------------

    fn has(&mut self, text: &TextRef, detectors: &[DetectorId]) -> Evaluated<bool> {
        match text {
            TextRef::Texts(scope) => {
                let texts = self.texts(*scope);
                Ok(texts.into_iter().any(|text| detectors.iter().any(|id| !self.hits(*id, text).is_empty())))
            }
            TextRef::Element(depth) => {
                let texts = self.element_texts(*depth);
                Ok(texts.into_iter().any(|text| detectors.iter().any(|id| !self.hits(*id, text).is_empty())))
            }
            TextRef::Value(node) => {
                let value = self.value(*node)?;
                let text = value.as_str().unwrap_or_default();
                Ok(detectors.iter().any(|id| self.found_in(*id, text)))
            }
        }
    }

    fn texts(&self, scope: Scope) -> Vec<usize> {
        let texts = self.request.texts.iter().enumerate();
        texts.filter(|(_, text)| scope.covers(text.role)).map(|(index, _)| index).collect()
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
    fn found_in(&self, id: DetectorId, text: &str) -> bool {
        self.program.detector(id).is_some_and(|detector| detector.occurs_in(text))
    }

    /// The detector's matches in a text of the request, as bytes of the text as it arrived.
    fn hits(&mut self, id: DetectorId, text: usize) -> Rc<[Range<usize>]> {
        if let Some(hits) = self.hits.get(&(id, text)) {
            return Rc::clone(hits);
        }
        let hits: Rc<[Range<usize>]> = self.search(id, text).into();
        self.hits.insert((id, text), Rc::clone(&hits));
        hits
    }

    fn search(&mut self, id: DetectorId, index: usize) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        let (Some(detector), Some(text)) = (self.program.detector(id), self.request.texts.get(index)) else {
            return hits;
        };
        if detector.view == View::Decoded {
            let runs = Rc::clone(self.decoded.entry(index).or_insert_with(|| Rc::new(decode(text.value))));
            for run in runs.iter() {
                detector.find_all(&run.text, |_| hits.push(run.raw.clone()));
            }
            hits.dedup();
            return hits;
        }
        let viewed = self.views.entry((detector.view, index));
        let viewed = Rc::clone(viewed.or_insert_with(|| Rc::new(view::view(detector.view, text.value))));
        let seen = viewed.text.as_deref().unwrap_or(text.value);
        detector.find_all(seen, |range| hits.push(viewed.map.start(range.start)..viewed.map.end(range.end)));
        hits
    }

    /// The matches that make a condition true: those of every `has` that holds in a branch that holds. A negation turns
    /// this round, so that a condition finds the same however it is written.
    pub(super) fn evidence(&mut self, id: NodeId, out: &mut Vec<Evidence>) -> Evaluated<()> {
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
                let texts = self.texts(*scope);
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
                    self.evidence(condition, out)?;
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
                out.extend(hits.iter().map(|range| Evidence { text, range: range.clone(), detector: *id }));
            }
        }
    }
}
