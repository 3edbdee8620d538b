//! The request phase: every policy in order, until one stops the exchange.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use grammar::ast::Phase;

use super::claims::claim;
use super::eval::{Evaluator, Evidence};
use super::masks::Priority;
use super::routes::Routes;
use super::wording::{decision, message};
use super::{Session, opening};
use crate::input::Request;
use crate::matcher::View;
use crate::matcher::json::{Layout, Place};
use crate::program::Program;
use crate::script::ScriptFailure;
use crate::verdict::{Edit, Finding, Outcome, RequestStep, Site, Verdict};

/// A replacement that a rule asks for, before overlapping ones are joined.
#[derive(Clone)]
pub(super) struct Wish {
    pub(super) text: usize,
    pub(super) range: Range<usize>,
    /// Whose marker is used where wishes overlap.
    pub(super) priority: Priority,
    /// What stands there.
    pub(super) place: Place,
    label: Arc<str>,
}

/// What whole texts are judged: those of a request, or those of an answer that has come to its end.
pub(super) struct Stage<'a> {
    pub(super) phase: Phase,
    /// Where a finding in the text with that index stands.
    pub(super) site: &'a dyn Fn(usize) -> Site,
}

pub(super) fn judge(session: &mut Session, request: &Request<'_>) -> RequestStep {
    let program = Arc::clone(&session.program);
    let mut evaluator = Evaluator::new(&program, request);
    // A watcher wants to see what the index would pass over.
    let watched = session.tally.is_some();
    let possible = if watched { (0..program.rules.len()).collect() } else { evaluator.possible() };
    evaluator.tally = session.tally.take();
    let mut wishes = Vec::new();
    let mut routes = Routes::of(request);
    let mut claims = Vec::new();
    let mut stopped = false;
    let stage = Stage { phase: Phase::Request, site: &Site::Request };
    for (index, policy) in program.policies.iter().enumerate() {
        if stopped || !policy.judges(request.key_name) {
            if let Some(state) = session.states.get_mut(index) {
                state.outcome = Outcome::Skipped;
            }
            continue;
        }
        let begun = (session.clock)();
        let begin = possible.partition_point(|rule| *rule < policy.rules.start);
        let asked = possible.iter().skip(begin).take_while(|rule| **rule < policy.rules.end);
        for rule in asked.copied() {
            if !watched && !evaluator.may_find(rule) {
                continue;
            }
            let applied =
                apply(session, &program, rule, &mut evaluator, &stage, &mut wishes).and_then(|holds| {
                    if holds {
                        claims.extend(claim(&program, rule, &mut evaluator)?);
                        routes.narrow(session, &program, rule, &mut evaluator)?;
                    }
                    Ok(())
                });
            if let Err(failure) = applied {
                stopped |= session.fail(index, &failure);
                break;
            }
        }
        stopped |= session.decision.verdict.stops();
        let spent = (session.clock)().saturating_sub(begun);
        if let Some(state) = session.states.get_mut(index) {
            state.nanos += spent;
        }
    }
    let mut edits = Vec::new();
    if !stopped {
        edits = join(&program, request, wishes);
        evaluator.enter(Phase::Response);
        opening::open(session, &program, &mut evaluator);
    }
    session.tally = evaluator.tally.take();
    if stopped {
        claims.clear();
    }
    RequestStep { decision: session.decision.clone(), edits, targets: routes.left(stopped), claims }
}

/// Lets one rule judge whole texts, and says whether its condition holds.
pub(super) fn apply(
    session: &mut Session,
    program: &Program,
    index: usize,
    evaluator: &mut Evaluator<'_>,
    stage: &Stage<'_>,
    wishes: &mut Vec<Wish>,
) -> Result<bool, ScriptFailure> {
    let Some(rule) = program.rules.get(index).filter(|rule| rule.phases.contains(&stage.phase)) else {
        return Ok(false);
    };
    if !evaluator.truth(rule.condition)? {
        return Ok(false);
    }
    let mut evidence = Vec::new();
    evaluator.evidence(rule.condition, &mut evidence)?;
    evidence.sort_by_key(|found| (found.text, found.range.start, found.range.end, found.detector));
    evidence.dedup();
    let Some(policy) = program.policies.get(rule.policy) else { return Ok(false) };
    for found in &evidence {
        let label = label(program, found);
        session.note(
            rule.policy,
            Finding {
                policy: Arc::clone(&policy.name),
                rule: Arc::clone(&rule.name),
                label: Arc::clone(&label),
                site: (stage.site)(found.text),
                range: found.range.clone(),
            },
            rule.verdict == Verdict::Redact,
        );
        if rule.verdict == Verdict::Redact {
            wishes.push(Wish {
                text: found.text,
                range: found.range.clone(),
                priority: Priority::new(index, &found.range, found.detector),
                place: Place::Plain,
                label,
            });
        }
    }
    let score = rule.score.and_then(|score| evaluator.value(score).ok()).and_then(|score| score.as_float());
    let mut labels: Vec<Arc<str>> = evidence.iter().map(|found| label(program, found)).collect();
    let message = message(rule, stage.phase, &mut labels, &mut |node| evaluator.value(node).ok());
    session.decide(rule.policy, decision(program, rule, message, score));
    Ok(true)
}

fn label(program: &Program, found: &Evidence) -> Arc<str> {
    program
        .detector(found.detector)
        .map_or_else(|| Arc::from("MATCH"), |detector| Arc::clone(&detector.label))
}

/// The wishes by place: one on JSON text becomes one for each part of it that may be replaced.
pub(super) fn placed(program: &Program, request: &Request<'_>, wishes: Vec<Wish>) -> Vec<Wish> {
    let mut layouts: HashMap<usize, Layout> = HashMap::new();
    let mut placed = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let Some(text) = request.texts.get(wish.text) else { continue };
        let detector = program.detector(wish.priority.detector);
        if !text.is_json && detector.is_none_or(|detector| detector.view != View::Json) {
            placed.push(wish);
            continue;
        }
        let layout = layouts.entry(wish.text).or_insert_with(|| Layout::of(text.value));
        let runs = layout.runs(wish.range.clone());
        placed.extend(runs.map(|(range, place)| Wish { range, place, ..wish.clone() }));
    }
    placed
}

/// The edits of all rules: overlapping wishes are one edit, marked as the first of the rules wants it, with the label of
/// the longest that it has found.
fn join(program: &Program, request: &Request<'_>, wishes: Vec<Wish>) -> Vec<Edit> {
    let mut wishes = placed(program, request, wishes);
    wishes.sort_by_key(|wish| (wish.text, wish.range.start, wish.priority));
    let mut joined: Vec<Wish> = Vec::new();
    for wish in wishes {
        match joined.last_mut() {
            Some(last) if last.text == wish.text && wish.range.start < last.range.end => {
                last.range.end = last.range.end.max(wish.range.end);
                if wish.priority < last.priority {
                    (last.priority, last.place, last.label) = (wish.priority, wish.place, wish.label);
                }
            }
            _ => joined.push(wish),
        }
    }
    let edit = |wish: Wish| {
        let matched = request.texts.get(wish.text)?.value.get(wish.range.clone())?;
        let mut replacement = String::new();
        program.rules.get(wish.priority.rule)?.marker.write_in(
            wish.place,
            &wish.label,
            matched,
            &mut replacement,
        );
        Some(Edit { text: wish.text, range: wish.range, replacement })
    };
    joined.into_iter().filter_map(edit).collect()
}
