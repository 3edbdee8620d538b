//! The tool calls of an answer: each is judged when its name is known, before anything of it leaves.

use std::collections::HashMap;
use std::sync::Arc;

use grammar::ast::Phase;

use super::Session;
use super::answer;
use super::eval::Evaluator;
use super::facts;
use crate::input::{Channel, Request, ToolCall};
use crate::program::Program;
use crate::program::ir::{ListField, Node, NodeId};
use crate::verdict::Flow;

/// The most calls of one answer that are judged.
const MAX_CALLS: usize = 4096;

/// What is known of the calls of an answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The rules over streams that look at calls and can still hold, with what they ask of each call.
    rules: Vec<(usize, Vec<NodeId>)>,
    /// By quantifier, of how many calls its body holds.
    counts: HashMap<NodeId, usize>,
    /// The quantifiers whose bodies hold of the call in hand.
    fresh: Vec<NodeId>,
    /// The names, in the order in which they came.
    made: Vec<(Channel, String)>,
}

impl Calls {
    /// Whether there were any.
    pub(super) fn are_made(&self) -> bool {
        !self.made.is_empty()
    }

    /// Whether a rule over streams looks at them.
    pub(super) fn are_judged(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Of how many calls the body of a quantifier holds.
    pub(super) fn count(&self, quantifier: NodeId) -> usize {
        self.counts.get(&quantifier).copied().unwrap_or_default()
    }

    fn meets(&mut self, quantifier: NodeId) {
        *self.counts.entry(quantifier).or_default() += 1;
        self.fresh.push(quantifier);
    }

    /// Takes up a rule that can still hold, if it looks at calls.
    pub(super) fn watch(&mut self, program: &Program, index: usize) {
        let Some(rule) = program.rules.get(index) else { return };
        let mut asked = Vec::new();
        program.each_under(rule.condition, &mut |id, node| {
            if matches!(node, Node::Quantifier { list: ListField::ToolCalls, .. }) {
                asked.push(id);
            }
        });
        if !asked.is_empty() {
            self.rules.push((index, asked));
        }
    }

    /// The channels and names, in the order in which they came.
    pub(super) fn made(&self) -> &[(Channel, String)] {
        &self.made
    }
}

/// The calls with their arguments, of which the texts of the answer are made.
pub(super) fn whole<'a>(made: &'a [(Channel, String)], texts: &'a [(Channel, String)]) -> Vec<ToolCall<'a>> {
    let text = |channel: Channel| texts.iter().find(|(of, _)| *of == channel);
    let call = |(channel, name): &'a (Channel, String)| ToolCall {
        name,
        arguments: text(*channel).map_or("", |(_, text)| text.as_str()),
    };
    made.iter().map(call).collect()
}

/// A call begins whose name is complete.
pub(super) fn call(session: &mut Session, channel: Channel, name: &str) -> Flow {
    let program = Arc::clone(&session.program);
    if session.answer.is_stopped(channel) {
        return Flow::Stopped;
    }
    if session.answer.calls.made.len() >= MAX_CALLS {
        session.exceeds("limit.too_many_calls", &format!("an answer has more than {MAX_CALLS} tool calls"));
        return session.answer.stop(channel);
    }
    session.answer.calls.made.push((channel, name.to_owned()));
    let rules = std::mem::take(&mut session.answer.calls.rules);
    let mut stops = ask(session, &program, &rules, name);
    let fresh = std::mem::take(&mut session.answer.calls.fresh);
    // A rule that holds already stops only what makes it hold anew.
    for (index, _) in rules.iter().filter(|(_, asked)| asked.iter().any(|asked| fresh.contains(asked))) {
        let condition = program.rules.get(*index).map(|rule| rule.condition);
        let holds = |condition| session.answer.seeing(|seen| facts::holds(&program, seen, condition));
        stops |= condition.is_some_and(holds) && answer::fire(session, &program, *index);
    }
    session.answer.calls.rules = rules;
    if stops { session.answer.stop(channel) } else { Flow::Open }
}

/// Asks of a call what rules ask of calls, each thing once. Says whether the answer stops, since one could not be asked.
fn ask(session: &mut Session, program: &Program, rules: &[(usize, Vec<NodeId>)], name: &str) -> bool {
    let request = Request { tool_calls: vec![ToolCall { name, arguments: "" }], ..Request::default() };
    let mut evaluator = Evaluator::new(program, &request);
    evaluator.enter(Phase::Response);
    evaluator.know(&session.answer.facts);
    evaluator.tally = session.tally.take();
    let mut stops = false;
    let mut done = Vec::new();
    for (index, quantifier) in
        rules.iter().flat_map(|(index, asked)| asked.iter().map(move |id| (*index, *id)))
    {
        let Node::Quantifier { body, .. } = program.node(quantifier) else { continue };
        if done.contains(&quantifier) {
            continue;
        }
        done.push(quantifier);
        match evaluator.at(ListField::ToolCalls, 0, |evaluator| evaluator.truth(*body)) {
            Ok(true) => session.answer.calls.meets(quantifier),
            Ok(false) => {}
            Err(failure) => {
                let policy = program.rules.get(index).map_or(usize::MAX, |rule| rule.policy);
                stops |= session.fail(policy, &failure);
            }
        }
    }
    session.tally = evaluator.tally.take();
    stops
}
