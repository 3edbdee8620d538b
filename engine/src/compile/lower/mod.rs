//! Lowering: checked policies to rules, scores and scripts of a program.

mod arena;
mod each;
mod evidence;
mod expr;
mod guard;
mod marker;
mod outline;
mod prune;
mod scripts;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use grammar::ast::Phase;
use grammar::{Diagnostic, Sources, Span, codes};

use super::pattern::{Arguments, Patterns};
use super::resolve::{Linked, LinkedUnit};
use super::stream;
use super::typed::{CheckedAction, CheckedPiece, CheckedRule, CheckedUnit, Typed};
use super::{Library, Options, Unit};
use crate::matcher::words;
use crate::model::Model;
use crate::program::ir::{Node, NodeId, Score};
use crate::program::marker::Marker;
use crate::program::outline::{Outline, ScoreOutline};
use crate::program::{Effect, Index, Piece, Policy, Program, Reserve, Rule, Starters, StreamRule};
use crate::script::Script;
use crate::value::Value;
use crate::verdict::Verdict;
use arena::Arena;

/// A program in the making.
pub(super) struct Lowering {
    arena: Arena,
    pub(super) scores: Vec<Score>,
    scripts: Vec<Script>,
    patterns: Patterns,
    policies: Vec<Policy>,
    rules: Vec<Rule>,
    response: Vec<StreamRule>,
    buffered: Vec<usize>,
    outlines: Vec<Outline>,
    score_outlines: Vec<ScoreOutline>,
    detectors: Vec<crate::matcher::Detector>,
    scanner: crate::matcher::scan::Scanner,
    options: Options,
    /// Nodes of expressions that quantifiers over arguments have been written out to.
    written_out: usize,
}

/// What the expressions of one policy refer to.
struct Frame<'a> {
    linked: &'a Linked,
    arguments: Arguments<'a>,
    /// Where this policy's scores and scripts begin in the program's.
    first_score: u32,
    first_script: u32,
    /// What the quantifiers over arguments around the expression are at, by their depth.
    known: Vec<(u8, Value)>,
}

impl Lowering {
    pub(super) fn new(options: Options) -> Self {
        Self {
            arena: Arena::new(options.optimize),
            scores: Vec::new(),
            scripts: Vec::new(),
            patterns: Patterns::default(),
            policies: Vec::new(),
            rules: Vec::new(),
            response: Vec::new(),
            buffered: Vec::new(),
            outlines: Vec::new(),
            score_outlines: Vec::new(),
            detectors: Vec::new(),
            scanner: crate::matcher::scan::Scanner::default(),
            options,
            written_out: 0,
        }
    }

    /// Adds one policy.
    #[expect(clippy::too_many_arguments, reason = "the one place where all stages of a policy meet")]
    pub(super) fn unit(
        &mut self,
        linked: &Linked,
        unit: &LinkedUnit,
        given: &Unit,
        arguments: Vec<Value>,
        checked: CheckedUnit,
        library: &dyn Library,
        sources: &mut Sources,
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
            known: Vec::new(),
        };
        let fuzzy = self.fuzzy(&plain, &checked, diagnostics);
        let frame = Frame { arguments: Arguments { values: &arguments, fuzzy: &fuzzy }, ..plain };
        for score in &checked.scores {
            let mut terms = Vec::new();
            for (weight, condition) in &score.terms {
                let weight = self.expr(weight, &frame, diagnostics);
                let condition = condition.as_ref().map(|condition| self.expr(condition, &frame, diagnostics));
                if condition.is_none_or(|condition| !self.arena.is_const(condition, false)) {
                    terms.push((weight, condition));
                }
            }
            let outlined = score.terms.iter().map(|(weight, condition)| {
                let weight = self.clause(weight, &frame);
                (weight, condition.as_ref().map(|condition| self.clause(condition, &frame)))
            });
            let terms_outlined = outlined.collect();
            self.score_outlines.push(ScoreOutline {
                policy: self.policies.len(),
                name: Arc::clone(&score.name),
                terms: terms_outlined,
            });
            self.scores.push(Score { name: Arc::clone(&score.name), terms, clamp: score.clamp });
        }
        self.patterns.check(linked, unit.source, diagnostics);
        let first_rule = self.rules.len();
        let policy = self.policies.len();
        let guard = self.guard(&given.only_for);
        for rule in checked.rules {
            self.rule(rule, policy, guard, &frame, diagnostics);
        }
        let params = unit
            .params
            .iter()
            .map(|param| Arc::from(param.name.value.as_str()))
            .zip(arguments.iter().cloned());
        self.policies.push(Policy {
            name: Arc::clone(&unit.name),
            version: unit.version.clone(),
            params: params.collect(),
            on_error: given.on_error,
            only_for: given.only_for.clone(),
            rules: first_rule..self.rules.len(),
        });
    }

    /// The models that are asked.
    pub(super) fn models(&self) -> impl Iterator<Item = &Model> {
        self.arena.nodes.iter().filter_map(|node| match node {
            Node::Model(_, _, model) => Some(&**model),
            _ => None,
        })
    }

    /// Builds what takes time, and closes the program.
    pub(super) fn finish(self, hash: String) -> Program {
        let index = if self.options.optimize {
            Index::new(&self.arena.nodes, &self.scores, &self.rules)
        } else {
            Index::blank(self.rules.len())
        };
        Program {
            index,
            hash,
            policies: self.policies,
            rules: self.rules,
            reads_element: crate::program::element_readers(&self.arena.nodes),
            nodes: self.arena.nodes,
            scores: self.scores,
            starters: Starters::of(&self.detectors),
            detectors: self.detectors,
            scanner: self.scanner,
            scripts: self.scripts,
            response: self.response,
            settled: OnceLock::new(),
            buffered: self.buffered,
            outlines: self.outlines,
            score_outlines: self.score_outlines,
        }
    }

    /// Builds the automata of what is left after pruning. Before `finish`, since it can fail.
    pub(super) fn build(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        let optimize = self.options.optimize;
        if optimize {
            self.prune();
        }
        let patterns = std::mem::take(&mut self.patterns);
        (self.detectors, self.scanner) = patterns.build(optimize, diagnostics);
    }

    fn fuzzy(
        &mut self,
        frame: &Frame<'_>,
        checked: &CheckedUnit,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> HashMap<usize, usize> {
        let mut found = HashMap::new();
        for (pattern, expr) in &checked.fuzzy {
            let node = self.expr(expr, frame, diagnostics);
            let Some(edits) = self.arena.constant(node).and_then(Value::as_int) else {
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

    fn rule(
        &mut self,
        rule: CheckedRule,
        policy: usize,
        guard: Option<NodeId>,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let condition = self.condition(&rule, guard, frame, diagnostics);
        let Some((verdict, effect)) = self.action(&rule, frame, diagnostics) else { return };
        let marker =
            rule.with.as_ref().map_or(Some(Marker::default()), |with| self.marker(with, frame, diagnostics));
        let message = rule.message.iter().map(|piece| self.piece(piece, frame, diagnostics)).collect();
        let stays = !self.arena.is_const(condition, false);
        let outline = Outline {
            policy,
            name: Arc::clone(&rule.name),
            span: rule.span,
            phases: rule.phases.clone(),
            when: self.clause(&rule.when, frame),
            unless: rule.unless.as_ref().map(|unless| self.clause(unless, frame)),
            rule: stays.then_some(self.rules.len()),
        };
        self.outlines.push(outline);
        // A rule that its params switch off is gone.
        if !stays {
            return;
        }
        if verdict == Verdict::Redact && !self.finds_text(condition) {
            let message = format!("rule `{}` redacts, and its condition finds no text to replace", rule.name);
            diagnostics.push(Diagnostic::error(codes::NOTHING_TO_REDACT, rule.when.span, message).help(
                "what is replaced is what `text has …` finds; a plain string such as `model` is not text",
            ));
        }
        let index = self.rules.len();
        if rule.buffered {
            self.buffered.push(index);
        } else if rule.phases.contains(&Phase::Response) {
            let plan = stream::plan(&self.arena.nodes, &self.scores, condition, verdict)
                .and_then(|detectors| self.patterns.can_stream(detectors));
            match plan {
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
                    .help(
                        "search an answer with `text has …`, joined by `or`, or by `and` with facts of the request; \
                         or let the rule wait for the whole answer: `on response buffered`",
                    ),
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
            effect,
            marker: marker.unwrap_or_default(),
            code: rule.code,
            message,
            severity: rule.severity,
            tags: rule.tags,
            score,
        });
    }

    /// What a rule comes to: a verdict, or what it does in place of one.
    fn action(
        &mut self,
        rule: &CheckedRule,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(Verdict, Option<Effect>)> {
        let (found, span) = match &rule.action {
            CheckedAction::Verdict(verdict) => return Some((*verdict, None)),
            CheckedAction::Exclude(condition) => {
                let condition = self.expr(condition, frame, diagnostics);
                return Some((Verdict::Allow, Some(Effect::Exclude(condition))));
            }
            CheckedAction::Reserve(reserve) => {
                let mut node = |typed: &Typed| self.expr(typed, frame, diagnostics);
                let effect = Reserve {
                    meter: reserve.meter,
                    limit: node(&reserve.limit),
                    window: reserve.window,
                    whose: reserve.whose.iter().map(&mut node).collect(),
                    assuming: reserve.assuming.as_ref().map(&mut node),
                };
                return Some((Verdict::Allow, Some(Effect::Reserve(effect))));
            }
            CheckedAction::Route(targets) => {
                let effect = self.route_to(targets, frame, diagnostics);
                (effect.map(|effect| (Verdict::Allow, Some(effect))), targets.span)
            }
            CheckedAction::Constant(expr) => {
                let node = self.expr(expr, frame, diagnostics);
                let word = self.arena.constant(node).and_then(Value::as_str);
                (word.and_then(grammar::verdict::named).map(|verdict| (verdict, None)), expr.span)
            }
        };
        if found.is_none() {
            diagnostics.push(not_constant(span));
        }
        found
    }

    /// The names that `route to` gives.
    fn route_to(
        &mut self,
        targets: &Typed,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Effect> {
        let node = self.expr(targets, frame, diagnostics);
        let names = match self.arena.constant(node)? {
            Value::List(names) => names.iter().filter_map(Value::as_str).map(Arc::from).collect(),
            one => vec![Arc::from(one.as_str()?)],
        };
        Some(Effect::To(names))
    }

    fn piece(&mut self, piece: &CheckedPiece, frame: &Frame<'_>, diagnostics: &mut Vec<Diagnostic>) -> Piece {
        match piece {
            CheckedPiece::Text(text) => Piece::Text(Arc::clone(text)),
            CheckedPiece::Labels => Piece::Labels,
            CheckedPiece::Phase => Piece::Phase,
            CheckedPiece::Value(value) => Piece::Node(self.expr(value, frame, diagnostics)),
        }
    }

    /// The score that a condition compares, for the report: of several the one that was declared first.
    fn first_score(&self, node: NodeId) -> Option<NodeId> {
        let declared = |node: &NodeId| match self.arena.nodes.get(node.index()) {
            Some(Node::Score(score)) => Some(*score),
            _ => None,
        };
        if declared(&node).is_some() {
            return Some(node);
        }
        let mut scores = Vec::new();
        self.arena.nodes.get(node.index())?.children(|child| scores.extend(self.first_score(child)));
        scores.into_iter().min_by_key(declared)
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn not_constant(span: Span) -> Diagnostic {
    Diagnostic::error(codes::NOT_CONSTANT, span, "this must be known before traffic")
        .help("use literals and params here, no fields of the exchange")
}
