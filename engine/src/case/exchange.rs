//! The exchange that a test plays: its lines, the request and the answer that they make, and what comes of it.

use std::sync::Arc;

use grammar::ast::{self, TestLine};

use super::given::Given;
use crate::input::{Channel, Message, Request, Role, Text};
use crate::program::Program;
use crate::run::Session;
use crate::verdict::{Decision, Flow, RequestStep, Verdict};

/// A test's lines, sorted by what they are for.
#[derive(Default)]
pub(super) struct Script<'a> {
    pub(super) said: Vec<(&'a ast::Name, &'a ast::Name)>,
    pub(super) headers: Vec<(String, &'a str)>,
    pub(super) response: Option<&'a ast::Name>,
    /// The arguments of the tool calls of the answer.
    pub(super) calls: Vec<&'a ast::Name>,
    pub(super) verdicts: Vec<&'a ast::ExpectedVerdict>,
    pub(super) texts: Vec<&'a ast::Name>,
    /// What must get through of each call's arguments.
    pub(super) arguments: Vec<&'a ast::Name>,
    pub(super) found: Vec<(&'a ast::Name, &'a ast::Name, bool)>,
    /// What stands around the texts.
    pub(super) given: Given<'a>,
    /// Lists of the targets that must be left.
    pub(super) targets: Vec<(&'a [grammar::Spanned<ast::Literal>], grammar::Span)>,
}

impl Script<'_> {
    /// Whether something is expected of the exchange, and not of patterns alone.
    pub(super) fn plays(&self) -> bool {
        let expects_texts = !(self.texts.is_empty() && self.arguments.is_empty());
        expects_texts || !(self.verdicts.is_empty() && self.targets.is_empty())
    }
}

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
}

pub(super) fn script(test: &ast::Test) -> Script<'_> {
    let mut script = Script::default();
    for line in &test.lines {
        match &line.value {
            TestLine::With(..) => {}
            TestLine::Given(..) | TestLine::Target(..) => {}
            TestLine::Targets(list) => script.targets.push((list, line.span)),
            TestLine::Header(name, value) => script.headers.push((name.value.to_lowercase(), &value.value)),
            TestLine::Said(who, text) => script.said.push((who, text)),
            TestLine::Response(text) => script.response = Some(text),
            TestLine::Call(_, arguments) => script.calls.push(arguments),
            TestLine::Arguments(text) => script.arguments.push(text),
            TestLine::Verdict(expected) => script.verdicts.push(expected),
            TestLine::Text(text) => script.texts.push(text),
            TestLine::Found { pattern, text, found } => script.found.push((pattern, text, *found)),
        }
    }
    script
}

fn request<'a>(script: &'a Script<'a>) -> Request<'a> {
    let mut request = Request { model: "test-model", ..Request::default() };
    for (who, text) in &script.said {
        let role = match who.value.as_str() {
            "model" => {
                request.model = &text.value;
                continue;
            }
            "system" => Role::System,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            _ => Role::User,
        };
        let at = request.texts.len();
        request.messages.push(Message { role, name: None, texts: at..at + 1 });
        request.texts.push(Text::plain(role, &text.value));
    }
    request.headers = script.headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    request.user_id = script.headers.iter().find(|(name, _)| name == "x-user-id").map(|(_, value)| *value);
    script.given.set(&mut request);
    request
}

/// Plays the exchange in a session of its own.
pub(super) fn fresh(program: &Arc<Program>, script: &Script<'_>, cut: usize) -> Outcome {
    outcome(&mut Session::new(Arc::clone(program), || 0), script, cut)
}

/// Plays the exchange, the answer cut in pieces of so many characters.
pub(super) fn outcome(session: &mut Session, script: &Script<'_>, cut: usize) -> Outcome {
    let request = request(script);
    let step = session.request(&request);
    let mut outcome =
        Outcome { decision: step.decision.clone(), text: None, arguments: Vec::new(), targets: Vec::new() };
    if step.decision.verdict.stops() {
        return outcome;
    }
    outcome.targets = left(&request, &step);
    if script.response.is_none() && script.calls.is_empty() {
        outcome.text = edited(&request, &step);
        return outcome;
    }
    let mut texts = answer(script);
    // A stop shows in the decision.
    _ = play(session, &mut texts, cut);
    let mut released = texts.into_iter().map(|said| said.released);
    outcome.text = released.next();
    outcome.arguments = released.collect();
    outcome.decision = session.decision().clone();
    outcome
}

/// A text of the answer, and what of it has left.
struct Said<'a> {
    channel: Channel,
    text: &'a str,
    released: String,
}

/// The texts of the answer: what it says, and then the arguments of its calls.
fn answer<'a>(script: &Script<'a>) -> Vec<Said<'a>> {
    let said = |channel, text| Said { channel, text, released: String::new() };
    let content = script.response.map_or("", |response| &response.value);
    let calls = (0..=u16::MAX).zip(&script.calls);
    let calls = calls.map(|(call, arguments)| said(Channel::arguments(0, call), arguments.value.as_str()));
    std::iter::once(said(Channel::content(0), content)).chain(calls).collect()
}

fn play(session: &mut Session, texts: &mut [Said<'_>], cut: usize) -> Flow {
    for Said { channel, text, released } in &mut *texts {
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
