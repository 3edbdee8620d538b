//! An exchange of a test played against a program, its answer cut into pieces.

use std::sync::Arc;

use super::script::Script;
use crate::holdback::{self, Longest};
use crate::input::{Channel, Request};
use crate::program::Program;
use crate::run::Session;
use crate::verdict::{Decision, Flow, RequestStep, Verdict};

/// How an answer is cut, in characters a piece, beside running whole: one by one, and some in between.
pub(super) const CUTS: &[usize] = &[1, 2, 3, 5, 7, 16];

/// What an exchange came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) decision: Decision,
    /// What the client or the provider gets: the answer if there is one, else the last text of the request.
    pub(super) text: Option<String>,
    /// The arguments of the tool calls as the client gets them.
    pub(super) arguments: Vec<String>,
    /// The names of the targets that are left.
    pub(super) targets: Vec<String>,
    /// The rules that take something of their budgets.
    pub(super) reserved: Vec<String>,
}

/// Plays it in a session of its own.
pub(super) fn fresh(program: &Arc<Program>, script: &Script<'_>, cut: usize) -> Outcome {
    outcome(&mut Session::new(Arc::clone(program), || 0), script, cut)
}

/// Plays it in a given session.
pub(super) fn outcome(session: &mut Session, script: &Script<'_>, cut: usize) -> Outcome {
    let request = script.request();
    let step = session.request(&request);
    let mut outcome = Outcome {
        decision: step.decision.clone(),
        text: None,
        arguments: Vec::new(),
        targets: Vec::new(),
        reserved: Vec::new(),
    };
    if step.decision.verdict.stops() {
        return outcome;
    }
    for claim in &step.claims {
        let taken = script.spent.iter().find(|(rule, _)| rule.value == claim.rule());
        let taken = taken.map_or(0, |(_, amount)| *amount);
        if let Err(refusal) = claim.check(taken, claim.estimate(&request)) {
            outcome.decision = session.refuse(claim, refusal).clone();
            return outcome;
        }
    }
    outcome.reserved = step.claims.iter().map(|claim| claim.rule().to_owned()).collect();
    outcome.targets = left(&request, &step);
    let said =
        |(channel, text)| Said { channel, called: script.called(channel), text, released: String::new() };
    let mut said: Vec<Said<'_>> = script.answer().into_iter().map(said).collect();
    if said.is_empty() {
        outcome.text = edited(&request, &step);
        return outcome;
    }
    // A stop shows in the decision.
    _ = play(session, &mut said, cut);
    let mut released = said.into_iter().map(|said| said.released);
    outcome.text = released.next();
    outcome.arguments = released.collect();
    outcome.decision = session.decision().clone();
    outcome
}

/// A text of the answer, and what of it has left.
struct Said<'a> {
    channel: Channel,
    /// The tool that is called with it.
    called: Option<&'a str>,
    text: &'a str,
    released: String,
}

fn play(session: &mut Session, texts: &mut [Said<'_>], cut: usize) -> Flow {
    for Said { channel, called, text, released } in &mut *texts {
        if called.is_some_and(|name| session.call(*channel, name) == Flow::Stopped) {
            return Flow::Stopped;
        }
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(cut.min(letters.len().max(1))) {
            let piece: String = piece.iter().collect();
            if session.feed(*channel, &piece, released) == Flow::Stopped {
                return Flow::Stopped;
            }
        }
    }
    for Said { channel, released, .. } in &mut *texts {
        if session.finish(*channel, released) == Flow::Stopped {
            return Flow::Stopped;
        }
    }
    let mut tails = Vec::new();
    if session.end(&mut tails) == Flow::Stopped {
        return Flow::Stopped;
    }
    for (channel, tail) in tails {
        let said = texts.iter_mut().find(|said| said.channel == channel);
        said.into_iter().for_each(|said| said.released.push_str(&tail));
    }
    Flow::Open
}

/// The most of the answer that ever waits; nothing where none comes or none waits.
pub(super) fn held(program: &Arc<Program>, script: &Script<'_>) -> Option<Longest> {
    let mut session = Session::new(Arc::clone(program), || 0);
    if session.request(&script.request()).decision.verdict.stops() {
        return None;
    }
    holdback::longest(&mut session, &script.answer())
}

/// The names of the targets that the request may still go to.
fn left(request: &Request<'_>, step: &RequestStep) -> Vec<String> {
    let may = |index: usize| step.targets.as_ref().is_none_or(|left| left.contains(&index));
    let targets = request.targets.iter().enumerate().filter(|(index, _)| may(*index));
    targets.map(|(_, target)| target.id.to_owned()).collect()
}

/// The request's last text with its edits made.
fn edited(request: &Request<'_>, step: &RequestStep) -> Option<String> {
    let last = request.texts.len().checked_sub(1)?;
    let mut text = request.texts.get(last)?.value.to_owned();
    for edit in step.edits.iter().rev().filter(|edit| edit.text == last) {
        text.replace_range(edit.range.clone(), &edit.replacement);
    }
    Some(text)
}

/// The decision in a few words.
pub(super) fn shown(outcome: &Outcome) -> String {
    let decision = &outcome.decision;
    if decision.verdict == Verdict::Allow {
        return "allow".into();
    }
    let rule = decision.rule.as_deref().unwrap_or("the engine");
    let score = decision.score.map_or(String::new(), |score| format!(", score {score:.2}"));
    format!(
        "{} by {rule} ({}{score})",
        decision.verdict.name(),
        decision.reason_code.as_deref().unwrap_or("no code")
    )
}
