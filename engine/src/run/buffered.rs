//! Rules that wait for the whole answer: its texts are kept as they come, and judged when nothing more does.

use std::sync::Arc;

use grammar::ast::Phase;

use super::answer;
use super::called;
use super::eval::Evaluator;
use super::facts;
use super::masks::Replacement;
use super::request::{Stage, Wish, apply, placed};
use super::{MAX_BUFFERED, Session};
use crate::input::{Channel, Request, Role, Text};
use crate::program::Program;
use crate::program::ir::Node;
use crate::verdict::{Flow, Outcome, Site, Verdict};

/// The texts of an answer so far, for the rules that wait for all of it.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// The rules that can still hold.
    rules: Vec<usize>,
    /// Whether nothing may leave until they have been asked.
    pub(super) holds: bool,
    texts: Vec<(Channel, String)>,
    /// Whether one of the rules looks at tool calls.
    pub(super) judges_calls: bool,
    /// Whether there was more than is kept.
    overflown: bool,
}

impl Buffer {
    /// Takes the next piece of a channel, and gives what of it could be kept: all of it, unless the answer is too long.
    pub(super) fn take<'t>(&mut self, channel: Channel, piece: &'t str) -> &'t str {
        if self.rules.is_empty() {
            return piece;
        }
        let kept: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
        let part = piece.get(..piece.floor_char_boundary(MAX_BUFFERED - kept)).unwrap_or_default();
        self.overflown |= part.len() < piece.len();
        match self.texts.iter_mut().find(|(of, _)| *of == channel) {
            Some((_, text)) => text.push_str(part),
            None => self.texts.push((channel, part.to_owned())),
        }
        part
    }
}

/// Prepares for the answer: facts are settled, and rules that they decide need not wait.
pub(super) fn open(session: &mut Session, program: &Program, evaluator: &mut Evaluator<'_>) {
    for index in &program.buffered {
        let Some(rule) = program.rules.get(*index) else { continue };
        if let Err(failure) = facts::collect(rule, evaluator, &mut session.answer.facts) {
            session.answer.stopped |= session.fail(rule.policy, &failure);
            continue;
        }
        match facts::known(program, &session.answer.facts, rule.condition) {
            Some(false) => {}
            // What a redaction replaces is known only when the text is.
            Some(true) if rule.verdict != Verdict::Redact => {
                session.answer.stopped |= answer::fire(session, program, *index);
            }
            Some(true) | None => {
                let buffer = &mut session.answer.buffer;
                buffer.rules.push(*index);
                buffer.holds |= rule.verdict >= Verdict::Redact;
                program.each_under(rule.condition, &mut |_, node| {
                    buffer.judges_calls |= matches!(node, Node::Quantifier { .. });
                });
            }
        }
    }
}

/// Asks the rules that waited, now that the whole answer is there; a redaction is noted where it belongs.
pub(super) fn judge(session: &mut Session, program: &Arc<Program>) -> Flow {
    let buffer = std::mem::take(&mut session.answer.buffer);
    if buffer.overflown {
        // Rules that hold nothing back cannot stop the answer either.
        buffer.rules.iter().for_each(|rule| unable(session, program, *rule));
        return Flow::Open;
    }
    let texts = buffer.texts.iter().map(|(channel, value)| Text {
        role: Role::Assistant,
        value,
        is_json: channel.carrier.is_json(),
    });
    let made = session.answer.calls.made().to_vec();
    let tool_calls = called::whole(&made, &buffer.texts);
    let request = Request { texts: texts.collect(), tool_calls, ..Request::default() };
    let mut evaluator = Evaluator::new(program, &request);
    evaluator.enter(Phase::Response);
    evaluator.know(&session.answer.facts);
    evaluator.tally = session.tally.take();
    let channel = |text: usize| buffer.texts.get(text).map_or(Channel::content(0), |(channel, _)| *channel);
    let site = |text: usize| Site::Response(channel(text));
    let stage = Stage { phase: Phase::Response, site: &site };
    let mut wishes: Vec<Wish> = Vec::new();
    let flow = ask(session, program, &buffer.rules, &mut evaluator, &stage, &mut wishes);
    session.tally = evaluator.tally.take();
    if flow == Flow::Stopped {
        return flow;
    }
    for wish in placed(program, &request, wishes) {
        let of = channel(wish.text);
        if let Some((_, stream)) = session.answer.channels.iter_mut().find(|(channel, _)| *channel == of) {
            stream.replace(Replacement { range: wish.range, priority: wish.priority, place: wish.place });
        }
    }
    Flow::Open
}

/// Lets rules judge the whole answer, until one stops it.
fn ask(
    session: &mut Session,
    program: &Program,
    rules: &[usize],
    evaluator: &mut Evaluator<'_>,
    stage: &Stage<'_>,
    wishes: &mut Vec<Wish>,
) -> Flow {
    for rule in rules {
        let Some(asked) = program.rules.get(*rule) else { continue };
        let stops = match apply(session, program, *rule, evaluator, stage, wishes) {
            Ok(held) => held && asked.verdict.stops(),
            Err(failure) => session.fail(asked.policy, &failure),
        };
        if stops {
            return Flow::Stopped;
        }
    }
    Flow::Open
}

/// The policy of a rule that could not be asked counts as one that could not run.
fn unable(session: &mut Session, program: &Program, rule: usize) {
    let policy = program.rules.get(rule).map(|rule| rule.policy);
    if let Some(state) = policy.and_then(|policy| session.states.get_mut(policy)) {
        state.outcome = Outcome::Failed;
    }
}
