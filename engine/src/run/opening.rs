//! What is prepared for an answer once its request is known: which detectors watch it, and which rules hold already.

use std::collections::HashMap;
use std::sync::Arc;

use super::Session;
use super::answer::fire;
use super::buffered;
use super::eval::Evaluator;
use super::facts::{self, Facts, Seen};
use crate::program::ir::DetectorId;
use crate::program::panel::{Panel, Settled, Watcher};
use crate::program::{Program, Rule, StreamRule};
use crate::verdict::Verdict;

/// Prepares for the answer: facts are settled, and only detectors that can matter are kept.
pub(super) fn open(session: &mut Session, program: &Program, evaluator: &mut Evaluator<'_>) {
    let settled = program.settled.get_or_init(|| settled(program));
    // A watcher wants to see how each rule comes to what it does.
    if evaluator.tally.is_some() {
        let mut watchers = HashMap::new();
        for place in 0..program.response.len() {
            watch(session, program, evaluator, place, &mut watchers);
        }
        session.answer.panel = Arc::new(Panel::new(program, watchers.into_values().collect()));
    } else {
        let mut more = HashMap::new();
        for place in &settled.open {
            watch(session, program, evaluator, *place, &mut more);
        }
        session.answer.panel = if more.is_empty() {
            Arc::clone(&settled.panel)
        } else {
            Arc::new(settled.panel.with(program, more.into_values()))
        };
    }
    session.answer.seen = vec![false; session.answer.panel.watchers.len()];
    buffered::open(session, program, evaluator);
}

/// Finds the rules over answers that no request changes.
fn settled(program: &Program) -> Settled {
    let (mut watchers, mut open) = (HashMap::new(), Vec::new());
    for (place, stream_rule) in program.response.iter().enumerate() {
        let Some(rule) = program.rules.get(stream_rule.rule) else { continue };
        let facts = Facts::default();
        if facts::needs_none(program, rule) && !holds(program, &facts, rule, &|_| false) {
            trigger(program, &facts, stream_rule, rule, &mut watchers);
        } else {
            open.push(place);
        }
    }
    Settled { panel: Arc::new(Panel::new(program, watchers.into_values().collect())), open }
}

/// Prepares for one rule, now that the request is known.
fn watch(
    session: &mut Session,
    program: &Program,
    evaluator: &mut Evaluator<'_>,
    place: usize,
    watchers: &mut HashMap<DetectorId, Watcher>,
) {
    let Some(stream_rule) = program.response.get(place) else { return };
    let Some(rule) = program.rules.get(stream_rule.rule) else { return };
    if let Err(failure) = facts::collect(rule, evaluator, &mut session.answer.facts) {
        session.answer.stopped |= session.fail(rule.policy, &failure);
        return;
    }
    if !facts::may_hold(program, &session.answer.facts, stream_rule, rule) {
        return;
    }
    session.answer.calls.watch(program, stream_rule.rule);
    trigger(program, &session.answer.facts, stream_rule, rule, watchers);
    if holds(program, &session.answer.facts, rule, &|_| false) {
        session.answer.stopped |= fire(session, program, stream_rule.rule);
    }
}

/// Whether a rule holds when these detectors have matched, and no call was made.
fn holds(program: &Program, facts: &Facts, rule: &Rule, matched: &dyn Fn(DetectorId) -> bool) -> bool {
    facts::holds(program, Seen { facts, matched, called: &|_| 0 }, rule.condition)
}

/// Notes the detectors that can make a rule hold which may hold at all.
fn trigger(
    program: &Program,
    facts: &Facts,
    stream_rule: &StreamRule,
    rule: &Rule,
    watchers: &mut HashMap<DetectorId, Watcher>,
) {
    for id in &stream_rule.detectors {
        // A redaction is decided by each match alone: a detector whose match decides nothing need not watch.
        if rule.verdict == Verdict::Redact && !holds(program, facts, rule, &|seen| seen == *id) {
            continue;
        }
        let watcher = watchers.entry(*id).or_insert_with(|| Watcher::new(program, *id));
        watcher.trigger(stream_rule.rule, rule.verdict);
    }
}
