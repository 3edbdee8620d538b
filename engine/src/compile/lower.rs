//! Lowering: typed expressions to nodes, equal ones once, constants folded on the way.

use std::collections::HashMap;
use std::sync::Arc;

use grammar::ast::{Phase, ScriptBody};
use grammar::{Diagnostic, Sources, Span, codes};

use super::Library;
use super::check::verdict;
use super::pattern::{Arguments, Patterns};
use super::resolve::{Linked, LinkedUnit};
use super::stream;
use super::typed::{CheckedAction, CheckedPiece, CheckedRule, CheckedUnit, Kind, PatternUse, Typed};
use crate::matcher::{View, words};
use crate::program::ir::{DetectorId, Node, NodeId, Score, ScoreId, ScriptId, TextRef};
use crate::program::marker::{Marker, Shape};
use crate::program::{OnError, Piece, Policy, Program, Rule, StreamRule, ops};
use crate::script::{self, Script};
use crate::value::Value;

/// A program in the making.
pub(super) struct Lowering {
    pub(super) nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
    pub(super) scores: Vec<Score>,
    scripts: Vec<Script>,
    script_engine: Option<Arc<rhai::Engine>>,
    patterns: Patterns,
    policies: Vec<Policy>,
    rules: Vec<Rule>,
    response: Vec<StreamRule>,
    detectors: Vec<crate::matcher::Detector>,
}

/// What the expressions of one policy refer to.
struct Frame<'a> {
    linked: &'a Linked,
    arguments: Arguments<'a>,
    /// Where this policy's scores and scripts begin in the program's.
    first_score: u32,
    first_script: u32,
}

impl Lowering {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            ids: HashMap::new(),
            scores: Vec::new(),
            scripts: Vec::new(),
            script_engine: None,
            patterns: Patterns::default(),
            policies: Vec::new(),
            rules: Vec::new(),
            response: Vec::new(),
            detectors: Vec::new(),
        }
    }

    /// Adds one policy.
    #[expect(clippy::too_many_arguments, reason = "the one place where all stages of a policy meet")]
    pub(super) fn unit(
        &mut self,
        linked: &Linked,
        unit: &LinkedUnit,
        on_error: OnError,
        arguments: Vec<Value>,
        checked: CheckedUnit,
        library: &dyn Library,
        sources: &Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let (first_score, first_script) = (index(self.scores.len()), index(self.scripts.len()));
        self.scripts(unit, library, sources, diagnostics);
        let no_fuzzy = HashMap::new();
        let plain = Frame {
            linked,
            arguments: Arguments { values: &arguments, fuzzy: &no_fuzzy },
            first_score,
            first_script,
        };
        let fuzzy = self.fuzzy(&plain, &checked, diagnostics);
        let frame = Frame { arguments: Arguments { values: &arguments, fuzzy: &fuzzy }, ..plain };
        for score in &checked.scores {
            let mut terms = Vec::new();
            for (weight, condition) in &score.terms {
                let weight = self.expr(weight, &frame, diagnostics);
                let condition = condition.as_ref().map(|condition| self.expr(condition, &frame, diagnostics));
                if condition.is_none_or(|condition| !self.is_const(condition, false)) {
                    terms.push((weight, condition));
                }
            }
            self.scores.push(Score { name: Arc::clone(&score.name), terms, clamp: score.clamp });
        }
        let first_rule = self.rules.len();
        let policy = self.policies.len();
        for rule in checked.rules {
            self.rule(rule, policy, &frame, diagnostics);
        }
        let params = unit.params.iter().map(|param| Arc::from(param.name.value.as_str())).zip(arguments.iter().cloned());
        self.policies.push(Policy {
            name: Arc::clone(&unit.name),
            version: unit.version.clone(),
            params: params.collect(),
            on_error,
            rules: first_rule..self.rules.len(),
        });
    }

    /// Builds what takes time, and closes the program.
    pub(super) fn finish(self, hash: String) -> Program {
        Program {
            hash,
            policies: self.policies,
            rules: self.rules,
            nodes: self.nodes,
            scores: self.scores,
            detectors: self.detectors,
            scripts: self.scripts,
            response: self.response,
        }
    }

    /// Builds the automata. Before `finish`, since it can fail.
    pub(super) fn build(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        self.detectors = std::mem::take(&mut self.patterns).build(diagnostics);
    }

    fn fuzzy(&mut self, frame: &Frame<'_>, checked: &CheckedUnit, diagnostics: &mut Vec<Diagnostic>) -> HashMap<usize, usize> {
        let mut found = HashMap::new();
        for (pattern, expr) in &checked.fuzzy {
            let node = self.expr(expr, frame, diagnostics);
            let Some(edits) = self.constant(node).and_then(Value::as_int) else {
                diagnostics.push(not_constant(expr.span));
                continue;
            };
            match usize::try_from(edits) {
                Ok(edits) if edits <= words::MAX_EDITS => {
                    found.insert(*pattern, edits);
                }
                _ => diagnostics.push(
                    Diagnostic::error(codes::BAD_VALUE, expr.span, format!("{edits} letters may not differ"))
                        .help(format!("give 0 to {}", words::MAX_EDITS)),
                ),
            }
        }
        found
    }

    fn scripts(&mut self, unit: &LinkedUnit, library: &dyn Library, sources: &Sources, diagnostics: &mut Vec<Diagnostic>) {
        for script in &unit.scripts {
            let engine = Arc::clone(self.script_engine.get_or_insert_with(|| Arc::new(script::engine())));
            let from = sources.get(unit.source).map_or("", |source| &source.name);
            let (text, span) = match &script.body {
                ScriptBody::Inline(text) => (text.value.clone(), text.span),
                ScriptBody::File(path) => match library.file(from, &path.value) {
                    Ok((_, text)) => (text, path.span),
                    Err(message) => {
                        diagnostics.push(Diagnostic::error(codes::BAD_USE, path.span, message));
                        continue;
                    }
                },
            };
            let args: Vec<Arc<str>> = script.args.iter().map(|(name, _)| Arc::from(name.value.as_str())).collect();
            let result = super::check::declared(&script.result.value);
            match Script::compile(engine, &script.name.value, &args, result, &text) {
                Ok(script) => self.scripts.push(script),
                Err(fault) => {
                    let inline = matches!(script.body, ScriptBody::Inline(_));
                    diagnostics.push(script_fault(&script.name.value, fault, span, inline.then_some(text.as_str())));
                }
            }
        }
    }

    fn rule(&mut self, rule: CheckedRule, policy: usize, frame: &Frame<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let mut condition = self.expr(&rule.when, frame, diagnostics);
        if let Some(unless) = &rule.unless {
            let unless = self.expr(unless, frame, diagnostics);
            let applies = self.not(unless);
            condition = self.and(vec![applies, condition]);
        }
        let verdict = match &rule.action {
            CheckedAction::Verdict(verdict) => Some(*verdict),
            CheckedAction::Constant(expr) => {
                let node = self.expr(expr, frame, diagnostics);
                self.constant(node).and_then(Value::as_str).and_then(verdict)
            }
        };
        let Some(verdict) = verdict else {
            let span = if let CheckedAction::Constant(expr) = &rule.action { expr.span } else { rule.span };
            diagnostics.push(not_constant(span));
            return;
        };
        let marker = rule.with.as_ref().map_or(Some(Marker::default()), |with| self.marker(with, frame, diagnostics));
        let message = rule.message.iter().map(|piece| self.piece(piece, frame, diagnostics)).collect();
        // A rule that its params switch off is gone.
        if self.is_const(condition, false) {
            return;
        }
        let index = self.rules.len();
        if rule.phases.contains(&Phase::Response) {
            match stream::plan(&self.nodes, &self.scores, condition, verdict) {
                Ok(detectors) => {
                    detectors.iter().for_each(|id| self.patterns.streams(*id));
                    self.response.push(StreamRule { rule: index, detectors });
                }
                Err(reason) => diagnostics.push(
                    Diagnostic::error(
                        codes::CANNOT_STREAM,
                        rule.when.span,
                        format!("rule `{}` cannot be decided while an answer streams", rule.name),
                    )
                    .label(reason)
                    .help("an answer is searched with `text has …`, joined by `or`, or by `and` with facts of the request"),
                ),
            }
        }
        let score = self.first_score(condition);
        self.rules.push(Rule {
            name: rule.name,
            policy,
            phases: rule.phases,
            condition,
            verdict,
            marker: marker.unwrap_or_default(),
            code: rule.code,
            message,
            score,
        });
    }

    fn piece(&mut self, piece: &CheckedPiece, frame: &Frame<'_>, diagnostics: &mut Vec<Diagnostic>) -> Piece {
        match piece {
            CheckedPiece::Text(text) => Piece::Text(Arc::clone(text)),
            CheckedPiece::Labels => Piece::Labels,
            CheckedPiece::Phase => Piece::Phase,
            CheckedPiece::Value(value) => Piece::Node(self.expr(value, frame, diagnostics)),
        }
    }

    fn marker(&mut self, with: &Typed, frame: &Frame<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Marker> {
        let Kind::Marker(format, keep, custom) = &with.kind else {
            let node = self.expr(with, frame, diagnostics);
            let words = self.constant(node).and_then(Value::as_str).map(Arc::from);
            if words.is_none() {
                diagnostics.push(not_constant(with.span));
            }
            return Some(Marker { shape: Shape::Fixed(words?), ..Marker::default() });
        };
        let format = self.expr(format, frame, diagnostics);
        let keep = self.expr(keep, frame, diagnostics);
        let custom = self.expr(custom, frame, diagnostics);
        let shape = match self.constant(format).and_then(Value::as_str) {
            Some("asterisks") => Some(Shape::Asterisks),
            Some("partial") => Some(Shape::Partial),
            Some(_) => Some(Shape::Label),
            None => None,
        };
        let preserve_length = self.constant(keep).and_then(Value::as_bool);
        let custom = match self.constant(custom) {
            Some(Value::Map(pairs)) => Some(pairs.to_vec()),
            _ => None,
        };
        let marker = shape.zip(preserve_length).zip(custom);
        if marker.is_none() {
            diagnostics.push(not_constant(with.span));
        }
        marker.map(|((shape, preserve_length), custom)| Marker { shape, preserve_length, custom })
    }

    /// The score that a condition compares, for the report.
    fn first_score(&self, node: NodeId) -> Option<NodeId> {
        let found = self.nodes.get(node.index())?;
        if matches!(found, Node::Score(_)) {
            return Some(node);
        }
        let mut score = None;
        found.children(|child| score = score.or_else(|| self.first_score(child)));
        score
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn not_constant(span: Span) -> Diagnostic {
    Diagnostic::error(codes::NOT_CONSTANT, span, "this must be known before traffic")
        .help("use literals and params here, no fields of the exchange")
}

fn script_fault(name: &str, fault: script::ScriptFault, span: Span, inline: Option<&str>) -> Diagnostic {
    let message = format!("script `{name}` cannot be compiled: {}", fault.message);
    let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, span, message);
    let Some((line, column)) = fault.place else { return diagnostic };
    match inline {
        Some(text) => {
            let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
            let at = span.start + before + column.saturating_sub(1);
            let end = (at + 1).min(span.end);
            Diagnostic { span: Span::new(span.source, at.min(end), end), ..diagnostic }
        }
        None => diagnostic.label(format!("line {line}, column {column} of the script")),
    }
}

// --- expressions ---------------------------------------------------------------------------------------------------

impl Lowering {
    fn expr(&mut self, typed: &Typed, frame: &Frame<'_>, diagnostics: &mut Vec<Diagnostic>) -> NodeId {
        macro_rules! lower {
            ($inner:expr) => {
                self.expr($inner, frame, diagnostics)
            };
        }
        match &typed.kind {
            Kind::Const(value) => self.add(Node::Const(value.clone())),
            Kind::Param(index) => {
                let value = frame.arguments.values.get(*index).cloned().unwrap_or(Value::Absent);
                self.add(Node::Const(value))
            }
            Kind::Field(field) => self.add(Node::Field(*field)),
            Kind::Header(name) => self.add(Node::Header(Arc::clone(name))),
            Kind::Element(depth, field) => self.add(Node::Element(*depth, *field)),
            Kind::Items(items) => {
                let nodes: Vec<NodeId> = items.iter().map(|item| lower!(item)).collect();
                self.items(&nodes, typed.span, diagnostics)
            }
            Kind::Has(text, patterns) => self.has(text, patterns, frame, diagnostics),
            Kind::Not(inner) => {
                let inner = lower!(inner);
                self.not(inner)
            }
            // What the other side settles is not lowered, so that its patterns need not be built.
            Kind::And(a, b) => {
                let a = lower!(a);
                if self.is_const(a, false) {
                    return a;
                }
                let sides = vec![a, lower!(b)];
                self.and(sides)
            }
            Kind::Or(a, b) => {
                let a = lower!(a);
                if self.is_const(a, true) {
                    return a;
                }
                let sides = vec![a, lower!(b)];
                self.or(sides)
            }
            Kind::Compare(op, a, b) => {
                let (a, b) = (lower!(a), lower!(b));
                let folded = self.both(a, b).map(|(a, b)| Value::Bool(ops::compare(*op, a, b)));
                self.folded(folded, Node::Compare(*op, a, b))
            }
            Kind::Arith(op, a, b) => {
                let (a, b) = (lower!(a), lower!(b));
                let folded = self.both(a, b).map(|(a, b)| ops::arithmetic(*op, a, b));
                self.folded(folded, Node::Arith(*op, a, b))
            }
            Kind::Test(test, a, b) => {
                let (a, b) = (lower!(a), lower!(b));
                let folded = self.both(a, b).map(|(a, b)| Value::Bool(ops::text_test(*test, a, b)));
                self.folded(folded, Node::Test(*test, a, b))
            }
            Kind::In(value, list) => {
                let (value, list) = (lower!(value), lower!(list));
                let folded = self.both(value, list).map(|(value, list)| Value::Bool(ops::contains(list, value)));
                self.folded(folded, Node::In(value, list))
            }
            Kind::Glob(text, pattern) => {
                let (text, pattern_node) = (lower!(text), lower!(pattern));
                match self.constant(pattern_node).and_then(Value::as_str).map(Arc::from) {
                    Some(pattern) => self.add(Node::Glob(text, pattern)),
                    None => self.failed(not_constant(pattern.span), diagnostics),
                }
            }
            Kind::Coalesce(a, b) => {
                let (a, b) = (lower!(a), lower!(b));
                self.add(Node::Coalesce(a, b))
            }
            Kind::Present(inner) => {
                let inner = lower!(inner);
                self.add(Node::Present(inner))
            }
            Kind::If(condition, then, otherwise) => {
                let condition = lower!(condition);
                match self.constant(condition).and_then(Value::as_bool) {
                    Some(true) => lower!(then),
                    Some(false) => lower!(otherwise),
                    None => {
                        let (then, otherwise) = (lower!(then), lower!(otherwise));
                        self.add(Node::If(condition, then, otherwise))
                    }
                }
            }
            Kind::Quantifier { quantity, list, depth, body } => {
                let body = lower!(body);
                self.add(Node::Quantifier { quantity: *quantity, list: *list, depth: *depth, body })
            }
            Kind::Score(score) => self.add(Node::Score(ScoreId(frame.first_score + index(*score)))),
            Kind::Script(script, args) => {
                let args: Box<[NodeId]> = args.iter().map(|arg| lower!(arg)).collect();
                self.add(Node::Script(ScriptId(frame.first_script + index(*script)), args))
            }
            Kind::Call(function, inner) => {
                let inner = lower!(inner);
                let folded = self.constant(inner).map(|value| ops::call(*function, value));
                self.folded(folded, Node::Call(*function, inner))
            }
            // Texts and lists are no values: `has` and quantifiers take them directly.
            Kind::Texts(_) | Kind::View(..) | Kind::List(_) | Kind::Marker(..) => {
                self.failed(not_constant(typed.span), diagnostics)
            }
        }
    }

    fn failed(&mut self, diagnostic: Diagnostic, diagnostics: &mut Vec<Diagnostic>) -> NodeId {
        diagnostics.push(diagnostic);
        self.add(Node::Const(Value::Bool(false)))
    }

    /// The node, made once.
    fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = NodeId(index(self.nodes.len()));
        self.ids.insert(node.clone(), id);
        self.nodes.push(node);
        id
    }

    fn folded(&mut self, value: Option<Value>, otherwise: Node) -> NodeId {
        self.add(value.map_or(otherwise, Node::Const))
    }

    fn constant(&self, node: NodeId) -> Option<&Value> {
        match self.nodes.get(node.index()) {
            Some(Node::Const(value)) => Some(value),
            _ => None,
        }
    }

    fn both(&self, a: NodeId, b: NodeId) -> Option<(&Value, &Value)> {
        self.constant(a).zip(self.constant(b))
    }

    fn is_const(&self, node: NodeId, value: bool) -> bool {
        self.constant(node) == Some(&Value::Bool(value))
    }

    fn items(&mut self, nodes: &[NodeId], span: Span, diagnostics: &mut Vec<Diagnostic>) -> NodeId {
        let values: Option<Vec<Value>> = nodes.iter().map(|node| self.constant(*node).cloned()).collect();
        match values {
            Some(values) => self.add(Node::Const(Value::List(values.into()))),
            None => self.failed(not_constant(span), diagnostics),
        }
    }

    fn not(&mut self, inner: NodeId) -> NodeId {
        match self.nodes.get(inner.index()) {
            Some(Node::Const(Value::Bool(value))) => {
                let value = Value::Bool(!value);
                self.add(Node::Const(value))
            }
            Some(Node::Not(twice)) => *twice,
            _ => self.add(Node::Not(inner)),
        }
    }

    fn and(&mut self, sides: Vec<NodeId>) -> NodeId {
        self.junction(sides, true)
    }

    fn or(&mut self, sides: Vec<NodeId>) -> NodeId {
        self.junction(sides, false)
    }

    /// `and` (neutral `true`) or `or` (neutral `false`): nested ones flattened, constants folded, cheap sides first.
    fn junction(&mut self, sides: Vec<NodeId>, neutral: bool) -> NodeId {
        let mut flat = Vec::new();
        for side in sides {
            match self.nodes.get(side.index()) {
                Some(Node::And(inner)) if neutral => flat.extend(inner.iter().copied()),
                Some(Node::Or(inner)) if !neutral => flat.extend(inner.iter().copied()),
                Some(Node::Const(Value::Bool(value))) if *value == neutral => {}
                Some(Node::Const(Value::Bool(value))) => {
                    let value = Value::Bool(*value);
                    return self.add(Node::Const(value));
                }
                _ => flat.push(side),
            }
        }
        flat.sort_by_key(|node| (self.cost(*node), *node));
        flat.dedup();
        match flat.as_slice() {
            [] => self.add(Node::Const(Value::Bool(neutral))),
            [one] => *one,
            _ if neutral => self.add(Node::And(flat.into())),
            _ => self.add(Node::Or(flat.into())),
        }
    }

    /// A rough rank: facts before lists, lists before texts, scripts last.
    fn cost(&self, node: NodeId) -> u8 {
        let Some(node) = self.nodes.get(node.index()) else { return 0 };
        let own = match node {
            Node::Script(..) => 4,
            Node::Score(_) => 3,
            Node::Has(TextRef::Texts(_), _) => 2,
            Node::Quantifier { .. } | Node::Has(..) => 1,
            _ => 0,
        };
        let mut cost = own;
        node.children(|child| cost = cost.max(self.cost(child)));
        cost
    }

    fn has(
        &mut self,
        text: &Typed,
        patterns: &[PatternUse],
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> NodeId {
        let Some((text, view)) = self.text(text, View::Folded, frame, diagnostics) else {
            return self.add(Node::Const(Value::Bool(false)));
        };
        let mut detectors: Vec<DetectorId> = Vec::new();
        for pattern in patterns {
            for id in self.patterns.of_use(frame.linked, pattern, view, &frame.arguments, diagnostics) {
                if !detectors.contains(&id) {
                    detectors.push(id);
                }
            }
        }
        if detectors.is_empty() {
            return self.add(Node::Const(Value::Bool(false)));
        }
        self.add(Node::Has(text, detectors.into()))
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
            Kind::Element(depth, crate::schema::ElementField::Text) => Some((TextRef::Element(*depth), view)),
            Kind::If(condition, then, otherwise) if typed.ty == crate::value::Type::Text => {
                let node = self.expr(condition, frame, diagnostics);
                match self.constant(node).and_then(Value::as_bool) {
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
