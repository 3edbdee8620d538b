//! An exchange told rule by rule: what each rule asked, what the answers were, and what came of it.

mod measure;

use std::sync::Arc;

use grammar::Span;
use grammar::ast::Phase;

use crate::model::Gram;
use crate::program::Program;
use crate::program::ir::{Node, NodeId};
use crate::program::outline::{Clause, ClauseKind, Meaning, Outline};
use crate::run::tally::{Seen, Tally, Trace};
use crate::value::Value;
use crate::verdict::{self, PolicyReport, Report, Verdict};

pub use measure::{Measured, measure};

/// One rule in one phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its policy.
    pub policy: Arc<str>,
    /// Its name.
    pub rule: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// The phase.
    pub phase: Phase,
    /// What came of it.
    pub outcome: Outcome,
    /// Its condition, clause by clause, the outer first.
    pub lines: Vec<Line>,
}

/// What came of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its condition held.
    Held(Verdict),
    /// It did not hold.
    DidNot,
    /// It was not asked: something had stopped the exchange, or failed before.
    NotAsked,
    /// Its params switch it off.
    Off,
}

/// One clause of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How many clauses it is in.
    pub depth: usize,
    /// Where it was written.
    pub span: Span,
    /// What kind it is.
    pub kind: ClauseKind,
    /// What it came to; absent when it was not asked.
    pub value: Option<Value>,
    /// Whether it decided that the rule does not hold.
    pub decides: bool,
    /// The labels of what it found, where it looks for patterns.
    pub found: Vec<Arc<str>>,
    /// What weighed most, where it asks a model, or is a term that does.
    pub weighed: Vec<Gram>,
    /// What stands before it: `unless`, or the name of a score that it is a term of.
    pub part: Part,
}

/// What a clause is of its rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Of the condition.
    When,
    /// Of the exception.
    Unless,
    /// The condition of a term of a score, with the term's weight.
    Term(Option<f64>),
}

/// Every rule of the program, in order, in each phase that it runs in and that took place.
pub fn account(program: &Program, tally: &Tally, report: &Report, answered: bool) -> Vec<Account> {
    let phases: &[Phase] = if answered { &[Phase::Request, Phase::Response] } else { &[Phase::Request] };
    let mut accounts = Vec::new();
    for phase in phases {
        let trace = tally.of(*phase);
        for outline in program.outlines.iter().filter(|outline| outline.phases.contains(phase)) {
            let mut account = of_rule(program, outline, *phase, trace);
            let skipped = |policy: &PolicyReport| policy.outcome == verdict::Outcome::Skipped;
            if account.outcome != Outcome::Off && report.policies.get(outline.policy).is_some_and(skipped) {
                account.outcome = Outcome::NotAsked;
            }
            accounts.push(account);
        }
    }
    accounts
}

fn of_rule(program: &Program, outline: &Outline, phase: Phase, trace: &Trace) -> Account {
    let mut teller = Teller { program, policy: outline.policy, trace, lines: Vec::new() };
    if let Some(unless) = &outline.unless {
        teller.tell(unless, 0, Part::Unless);
    }
    teller.tell(&outline.when, 0, Part::When);
    let outcome = outcome(program, outline, trace);
    if outcome == Outcome::DidNot {
        teller.mark(outline);
    }
    let policy = program.policies.get(outline.policy);
    Account {
        policy: policy.map_or_else(|| Arc::from(""), |policy| Arc::clone(&policy.name)),
        rule: Arc::clone(&outline.name),
        span: outline.span,
        phase,
        outcome,
        lines: teller.lines,
    }
}

fn outcome(program: &Program, outline: &Outline, trace: &Trace) -> Outcome {
    let Some(rule) = outline.rule.and_then(|rule| program.rules.get(rule)) else { return Outcome::Off };
    match trace.truth_of(rule.condition, program) {
        Seen { yes: true, .. } => Outcome::Held(rule.verdict),
        Seen { no: true, .. } => Outcome::DidNot,
        Seen { yes: false, no: false } => Outcome::NotAsked,
    }
}

/// Writes down the clauses of one rule.
struct Teller<'a> {
    program: &'a Program,
    policy: usize,
    trace: &'a Trace,
    lines: Vec<Line>,
}

impl Teller<'_> {
    fn tell(&mut self, clause: &Clause, depth: usize, part: Part) {
        let constant = matches!(clause.meaning, Meaning::Known(_));
        self.lines.push(Line {
            depth,
            span: clause.span,
            kind: clause.kind,
            value: self.trace.value(clause),
            decides: false,
            found: self.found(clause),
            weighed: self.weighed(clause),
            part: part.clone(),
        });
        // What was known before traffic needs no reasons.
        if constant {
            return;
        }
        for inner in &clause.parts {
            let is_literal = inner.kind == ClauseKind::Value && matches!(inner.meaning, Meaning::Known(_));
            if !is_literal {
                self.tell(inner, depth + 1, part.clone());
            }
        }
        if clause.kind == ClauseKind::Value {
            self.terms(clause, depth + 1);
        }
    }

    /// The terms of a score.
    fn terms(&mut self, clause: &Clause, depth: usize) {
        let Meaning::Node(node) = clause.meaning else { return };
        let Node::Score(id) = self.program.node(node) else { return };
        let Some(score) = self.program.scores.get(id.0 as usize) else { return };
        let of_this = |outline: &&crate::program::outline::ScoreOutline| {
            outline.policy == self.policy && outline.name == score.name
        };
        let Some(outline) = self.program.score_outlines.iter().find(of_this) else { return };
        for (weight, condition) in &outline.terms {
            let worth = self.trace.value(weight).and_then(|value| value.as_float());
            let at = self.lines.len();
            self.tell(condition.as_ref().unwrap_or(weight), depth, Part::Term(worth));
            let weighed = self.weighed(weight);
            if let Some(line) = self.lines.get_mut(at).filter(|line| line.weighed.is_empty()) {
                line.weighed = weighed;
            }
        }
    }

    fn found(&self, clause: &Clause) -> Vec<Arc<str>> {
        let Meaning::Node(node) = clause.meaning else { return Vec::new() };
        let Node::Has(_, detectors) = self.program.node(node) else { return Vec::new() };
        let found = detectors.iter().filter(|id| self.trace.has_found(**id));
        let mut labels: Vec<Arc<str>> = found
            .filter_map(|id| self.program.detector(*id))
            .map(|detector| Arc::clone(&detector.label))
            .collect();
        labels.sort();
        labels.dedup();
        labels
    }

    /// What weighed most in a clause that is a model's answer, or a comparison of one.
    fn weighed(&self, clause: &Clause) -> Vec<Gram> {
        let Meaning::Node(node) = clause.meaning else { return Vec::new() };
        let mut asking = vec![node];
        while let Some(node) = asking.pop() {
            match self.program.node(node) {
                Node::Model(_, _, model) => return self.trace.weights(node, model),
                Node::Arith(..) => self.program.node(node).children(|child| asking.push(child)),
                _ => {}
            }
        }
        Vec::new()
    }

    /// Marks the clauses for whose sake the rule does not hold.
    fn mark(&mut self, outline: &Outline) {
        let mut deciding = Vec::new();
        match &outline.unless {
            Some(unless) if self.trace.seen(unless).yes => blame(unless, true, self.trace, &mut deciding),
            _ => blame(&outline.when, false, self.trace, &mut deciding),
        }
        for line in &mut self.lines {
            line.decides = deciding.contains(&line.span) && !matches!(line.part, Part::Term(_));
        }
    }
}

/// The smallest clauses because of which a clause has come to `truth`.
fn blame(clause: &Clause, truth: bool, trace: &Trace, out: &mut Vec<Span>) {
    let has = |part: &&Clause| {
        let seen = trace.seen(part);
        if truth { seen.yes } else { seen.no }
    };
    match clause.kind {
        ClauseKind::Not => clause.parts.iter().for_each(|part| blame(part, !truth, trace, out)),
        ClauseKind::And | ClauseKind::Or => {
            // One side decides, unless all must agree.
            let one_is_enough = (clause.kind == ClauseKind::Or) == truth;
            let upto = if one_is_enough { 1 } else { usize::MAX };
            let before = out.len();
            clause.parts.iter().filter(has).take(upto).for_each(|part| blame(part, truth, trace, out));
            if out.len() == before {
                out.push(clause.span);
            }
        }
        ClauseKind::If | ClauseKind::Each | ClauseKind::Test | ClauseKind::Value => out.push(clause.span),
    }
}

impl Trace {
    pub(crate) fn truth_of(&self, node: NodeId, program: &Program) -> Seen {
        let meaning = match program.node(node) {
            Node::Const(value) => Meaning::Known(value.clone()),
            _ => Meaning::Node(node),
        };
        let span = Span::default();
        self.seen(&Clause { span, kind: ClauseKind::Test, meaning, parts: Vec::new() })
    }
}
