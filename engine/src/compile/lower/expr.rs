//! Expressions: from typed trees to nodes.

use std::net::IpAddr;
use std::sync::Arc;

use grammar::{Diagnostic, Span, codes};
use ipnet::IpNet;

use super::each::Each;
use super::{Frame, Lowering, index, not_constant};
use crate::compile::typed::{Kind, PatternUse, Typed};
use crate::matcher::View;
use crate::program::ir::{Certainty, DetectorId, Node, NodeId, ScoreId, ScriptId, TextRef};
use crate::schema::ElementField;
use crate::value::{Type, Value};

impl Lowering {
    #[expect(clippy::too_many_lines, reason = "one short arm per kind of expression")]
    pub(super) fn expr(
        &mut self,
        typed: &Typed,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> NodeId {
        macro_rules! lower {
            ($inner:expr) => {
                self.expr($inner, frame, diagnostics)
            };
        }
        match &typed.kind {
            Kind::Const(value) => self.arena.add(Node::Const(value.clone())),
            Kind::Param(index) => {
                let value = frame.arguments.values.get(*index).cloned().unwrap_or(Value::Absent);
                self.arena.add(Node::Const(value))
            }
            Kind::Field(field) => self.arena.add(Node::Field(*field)),
            Kind::Header(name) => self.arena.add(Node::Header(Arc::clone(name))),
            Kind::Label(name) => self.arena.add(Node::Label(Arc::clone(name))),
            Kind::HeaderOf(name) => {
                let node = lower!(name);
                match self.arena.constant(node).and_then(Value::as_str).map(str::to_lowercase) {
                    Some(name) => self.arena.add(Node::Header(name.into())),
                    None => self.failed(not_constant(name.span), diagnostics),
                }
            }
            Kind::Element(depth, field) => self.arena.add(Node::Element(frame.under_way(*depth), *field)),
            Kind::Part(depth, path) => match frame.part(*depth, path).cloned() {
                Some(value) => self.arena.add(Node::Const(value)),
                None => self.failed(not_constant(typed.span), diagnostics),
            },
            Kind::Items(items) => {
                let nodes: Vec<NodeId> = items.iter().map(|item| lower!(item)).collect();
                self.items(&nodes, typed.span, diagnostics)
            }
            Kind::Has(text, patterns) => self.has(text, patterns, frame, diagnostics),
            Kind::Not(inner) => {
                let inner = lower!(inner);
                self.arena.not(inner)
            }
            Kind::And(a, b) => {
                let sides = vec![lower!(a), lower!(b)];
                self.arena.and(sides)
            }
            Kind::Or(a, b) => {
                let sides = vec![lower!(a), lower!(b)];
                self.arena.or(sides)
            }
            Kind::Compare(op, a, b) => {
                let node = Node::Compare(*op, lower!(a), lower!(b));
                self.arena.make(node)
            }
            Kind::Arith(op, a, b) => {
                let node = Node::Arith(*op, lower!(a), lower!(b));
                self.arena.make(node)
            }
            Kind::Test(test, a, b) => {
                let node = Node::Test(*test, lower!(a), lower!(b));
                self.arena.make(node)
            }
            Kind::In(value, list) => {
                let node = Node::In(lower!(value), lower!(list));
                self.arena.make(node)
            }
            Kind::Coalesce(a, b) => {
                let node = Node::Coalesce(lower!(a), lower!(b));
                self.arena.make(node)
            }
            Kind::Present(inner) => {
                let node = Node::Present(lower!(inner));
                self.arena.make(node)
            }
            Kind::Call(function, inner) => {
                let node = Node::Call(*function, lower!(inner));
                self.arena.make(node)
            }
            Kind::Model(model, text) => match self.text(text, View::Folded, frame, diagnostics) {
                Some((text, view)) => self.arena.add(Node::Model(text, view, Arc::clone(model))),
                None => self.arena.add(Node::Const(Value::Float(0.0))),
            },
            Kind::Glob(text, pattern) => {
                let (text, pattern_node) = (lower!(text), lower!(pattern));
                let patterns: Vec<Arc<str>> = match self.arena.constant(pattern_node) {
                    Some(Value::List(all)) => all.iter().filter_map(Value::as_str).map(Arc::from).collect(),
                    Some(Value::Str(one)) => vec![Arc::clone(one)],
                    _ => return self.failed(not_constant(pattern.span), diagnostics),
                };
                let fits = patterns.into_iter().map(|pattern| self.arena.make(Node::Glob(text, pattern)));
                let fits: Vec<NodeId> = fits.collect();
                self.arena.or(fits)
            }
            Kind::Within(address, networks) => {
                let (address, list) = (lower!(address), lower!(networks));
                match self.networks(list) {
                    Ok(networks) => self.arena.make(Node::Within(address, networks)),
                    Err(message) => {
                        let found = Diagnostic::error(codes::BAD_VALUE, networks.span, message);
                        self.failed(
                            found.help(
                                "write an address and how many of its bits count: `10.0.0.0/8`, `fd00::/8`",
                            ),
                            diagnostics,
                        )
                    }
                }
            }
            Kind::If(condition, then, otherwise) => {
                let condition = lower!(condition);
                match self.arena.truth(condition) {
                    Some(true) => lower!(then),
                    Some(false) => lower!(otherwise),
                    None => {
                        let (then, otherwise) = (lower!(then), lower!(otherwise));
                        if then == otherwise {
                            return then;
                        }
                        self.arena.add(Node::If(condition, then, otherwise))
                    }
                }
            }
            Kind::Quantifier { quantity, list, depth, body } => {
                let body = lower!(body);
                let depth = frame.under_way(*depth);
                self.arena.add(Node::Quantifier { quantity: *quantity, list: *list, depth, body })
            }
            Kind::Each { quantity, list, depth, body } => {
                let each = Each { quantity: *quantity, list, depth: *depth, body };
                self.each(&each, typed.span, frame, diagnostics)
            }
            Kind::Score(score) => self.arena.add(Node::Score(ScoreId(frame.first_score + index(*score)))),
            Kind::Script(script, args) => {
                let args: Box<[NodeId]> = args.iter().map(|arg| lower!(arg)).collect();
                self.arena.add(Node::Script(ScriptId(frame.first_script + index(*script)), args))
            }
            Kind::Language(text, least) => {
                let node = lower!(least);
                let certainty = self.arena.constant(node).and_then(Value::as_float).map(certainty);
                match (self.text(text, View::Raw, frame, diagnostics), certainty) {
                    (Some((text, _)), Some(certainty)) => self.arena.add(Node::Language(text, certainty)),
                    (Some(_), None) => self.failed(not_constant(least.span), diagnostics),
                    (None, _) => self.arena.add(Node::Const(Value::Absent)),
                }
            }
            // Calls have put in every argument. Texts and lists are no values: `has` and quantifiers take them directly.
            Kind::Argument(_) | Kind::Texts(_) | Kind::View(..) | Kind::List(_) | Kind::Marker(..) => {
                self.failed(not_constant(typed.span), diagnostics)
            }
        }
    }

    pub(super) fn failed(&mut self, diagnostic: Diagnostic, diagnostics: &mut Vec<Diagnostic>) -> NodeId {
        diagnostics.push(diagnostic);
        self.arena.add(Node::Const(Value::Bool(false)))
    }

    /// The networks that a constant list names.
    fn networks(&self, list: NodeId) -> Result<Arc<[IpNet]>, String> {
        let Some(list) = self.arena.constant(list).and_then(Value::as_list) else {
            return Err("networks must be known before traffic".into());
        };
        let network = |text: &str| {
            let one = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            one.ok_or_else(|| format!("`{text}` is no network"))
        };
        list.iter().filter_map(Value::as_str).map(network).collect()
    }

    fn items(&mut self, nodes: &[NodeId], span: Span, diagnostics: &mut Vec<Diagnostic>) -> NodeId {
        let values: Option<Vec<Value>> =
            nodes.iter().map(|node| self.arena.constant(*node).cloned()).collect();
        match values {
            Some(values) => self.arena.add(Node::Const(Value::List(values.into()))),
            None => self.failed(not_constant(span), diagnostics),
        }
    }

    fn has(
        &mut self,
        text: &Typed,
        patterns: &[PatternUse],
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> NodeId {
        let Some((text, view)) = self.text(text, View::Folded, frame, diagnostics) else {
            return self.arena.add(Node::Const(Value::Bool(false)));
        };
        let of_value = matches!(text, TextRef::Value(_));
        let mut detectors: Vec<DetectorId> = Vec::new();
        for pattern in patterns {
            for id in
                self.patterns.of_use(frame.linked, pattern, view, of_value, &frame.arguments, diagnostics)
            {
                if !detectors.contains(&id) {
                    detectors.push(id);
                }
            }
        }
        if detectors.is_empty() {
            return self.arena.add(Node::Const(Value::Bool(false)));
        }
        self.arena.add(Node::Has(text, detectors.into()))
    }

    /// The text that an expression stands for, and the view it is seen in.
    fn text(
        &mut self,
        typed: &Typed,
        view: View,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(TextRef, View)> {
        match &typed.kind {
            Kind::Texts(scope) => Some((TextRef::Texts(*scope), view)),
            Kind::View(view, inner) => self.text(inner, *view, frame, diagnostics),
            Kind::Element(depth, ElementField::Text) => {
                Some((TextRef::Element(frame.under_way(*depth)), view))
            }
            Kind::If(condition, then, otherwise) if typed.ty == Type::Text => {
                let node = self.expr(condition, frame, diagnostics);
                match self.arena.truth(node) {
                    Some(true) => self.text(then, view, frame, diagnostics),
                    Some(false) => self.text(otherwise, view, frame, diagnostics),
                    None => {
                        diagnostics.push(not_constant(condition.span));
                        None
                    }
                }
            }
            _ => Some((TextRef::Value(self.expr(typed, frame, diagnostics)), view)),
        }
    }
}

/// A certainty to the thousandth.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
fn certainty(least: f64) -> Certainty {
    Certainty((least.clamp(0.0, 1.0) * 1000.0).round() as u16)
}
