//! Under traffic: a session judges one exchange, its request first and then its answer, piece by piece.

mod answer;
mod buffered;
mod called;
mod claims;
mod cursor;
mod eval;
mod facts;
mod lens;
mod masks;
mod opening;
mod preview;
mod request;
mod routes;
mod stream;
pub mod tally;
mod texts;
mod view_text;
mod wording;

use std::sync::Arc;

use crate::claim::{Claim, Refusal};
use crate::input::{Channel, Request};
use crate::program::{OnError, Program};
use crate::script::ScriptFailure;
use crate::verdict::{Decision, Finding, Flow, Outcome, PolicyReport, Report, RequestStep, Verdict};
use answer::Answer;
use tally::Tally;

/// Nanoseconds of a clock that only goes forward. The engine has none of its own.
pub type Clock = fn() -> u64;

/// How many findings of one policy a session keeps; the rest are acted on all the same.
const MAX_FINDINGS: usize = 256;

/// The most bytes of an answer that are kept for rules that wait for all of it.
pub const MAX_BUFFERED: usize = 1 << 20;

/// One exchange in progress.
#[derive(Debug)]
pub struct Session {
    program: Arc<Program>,
    clock: Clock,
    decision: Decision,
    states: Vec<PolicyState>,
    answer: Answer,
    /// Whether the request was judged; an answer without one is judged as the answer to an empty request.
    judged: bool,
    /// What the answer says, kept for somebody who counts it.
    heard: Heard,
    /// What was seen, when somebody watches.
    tally: Option<Box<Tally>>,
}

/// The beginning of what an answer says.
#[derive(Default)]
struct Heard {
    text: String,
    /// All that was said, kept or not.
    bytes: usize,
    most: usize,
}

/// What was said does not show.
impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Heard {
    fn push(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len());
        let room = self.most.saturating_sub(self.text.len()).min(text.len());
        self.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
    }
}

/// One policy's part so far.
#[derive(Debug)]
struct PolicyState {
    outcome: Outcome,
    nanos: u64,
    findings: Vec<Finding>,
    routed: Vec<Arc<str>>,
}

impl Session {
    /// A session of the program.
    pub fn new(program: Arc<Program>, clock: Clock) -> Self {
        let fresh = || PolicyState {
            outcome: Outcome::Ran(Verdict::Allow),
            nanos: 0,
            findings: Vec::new(),
            routed: Vec::new(),
        };
        let states = program.policies().iter().map(|_| fresh()).collect();
        Self {
            program,
            clock,
            decision: Decision::default(),
            states,
            answer: Answer::default(),
            judged: false,
            heard: Heard::default(),
            tally: None,
        }
    }

    /// A session that notes what it evaluates, for `explain` and coverage. It decides as any other does, and is slower.
    pub fn watched(program: Arc<Program>, clock: Clock) -> Self {
        Self { tally: Some(Box::default()), ..Self::new(program, clock) }
    }

    /// What a watched session has seen so far.
    pub fn tally(&mut self) -> Tally {
        answer::settle(self);
        self.tally.as_deref().cloned().unwrap_or_default()
    }

    /// Judges the request. Where the decision does not stop the exchange, the edits are to be made before the request
    /// goes on; the session is then ready for the answer.
    pub fn request(&mut self, request: &Request<'_>) -> RequestStep {
        self.judged = true;
        let step = request::judge(self, request);
        self.answer.stopped |= self.decision.verdict.stops();
        step
    }

    /// A claim on a budget is not met: the exchange stops in the name of the rule that makes it.
    pub fn refuse(&mut self, claim: &Claim, refusal: Refusal) -> &Decision {
        let decision = claim.refused(refusal);
        let policy = self.program.policies().iter().position(|policy| *policy.name == *claim.policy());
        match policy {
            Some(policy) => self.decide(policy, decision),
            None if decision.verdict > self.decision.verdict => self.decision = decision,
            None => {}
        }
        self.answer.stopped = true;
        &self.decision
    }

    fn begin(&mut self) {
        if !self.judged {
            self.request(&Request::default());
        }
    }

    /// Takes the next piece of a channel, and appends to `out` what may leave now. Everything that is appended, over
    /// all calls, is the redaction of the whole text, however it was cut. Where it stops, nothing more of the channel's
    /// choice may leave; other choices go on, unless they stop as well.
    pub fn feed(&mut self, channel: Channel, text: &str, out: &mut String) -> Flow {
        self.begin();
        self.heard.push(text);
        answer::feed(self, channel, text, out)
    }

    /// The answer calls a tool of that name, which is complete; the channel is that of its arguments. It is told once for each
    /// call, before anything of the call leaves and before its arguments are fed.
    pub fn call(&mut self, channel: Channel, name: &str) -> Flow {
        self.begin();
        called::call(self, channel, name)
    }

    /// Whether a rule looks at the tools that the answer calls, so that nothing of a call may leave before
    /// [`Session::call`] was asked.
    pub fn judges_calls(&self) -> bool {
        self.answer.calls.are_judged() || self.answer.buffer.judges_calls
    }

    /// The channel is complete: appends to `out` what was still held.
    pub fn finish(&mut self, channel: Channel, out: &mut String) -> Flow {
        self.begin();
        answer::finish(self, channel, out)
    }

    /// What [`Session::finish`] would append to `out` if the channel were complete; it is not, and may go on. Where it would
    /// stop, it does.
    pub fn preview(&mut self, channel: Channel, out: &mut String) -> Flow {
        self.begin();
        preview::preview(self, channel, out)
    }

    /// The whole answer is there, every channel of it finished: appends to `tails` what may leave of each channel now. It is
    /// nothing unless a rule has waited for the whole answer, see [`Session::buffers`].
    pub fn end(&mut self, tails: &mut Vec<(Channel, String)>) -> Flow {
        self.begin();
        answer::end(self, tails)
    }

    /// Whether a rule waits for the whole answer, so that nothing of it leaves before [`Session::end`].
    pub fn buffers(&self) -> bool {
        self.answer.buffer.holds
    }

    /// Bytes held back at the moment, over all channels.
    pub fn held(&self) -> usize {
        self.answer.held()
    }

    /// The name of the pattern that holds back the most of the answer at the moment.
    pub fn holder(&self) -> Option<&str> {
        self.answer.holder(&self.program)
    }

    /// Keeps what the answer says from now on, up to that many bytes of it.
    pub fn listen(&mut self, most: usize) {
        self.heard.most = most;
    }

    /// What was kept of what the answer says, as it came and in the order in which it came, and the bytes of all of it.
    pub fn heard(&self) -> (&str, usize) {
        (&self.heard.text, self.heard.bytes)
    }

    /// The strongest decision so far, of both phases.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The account of the exchange so far.
    pub fn report(&self) -> Report {
        let policies = self.program.policies().iter().zip(&self.states).map(|(policy, state)| PolicyReport {
            name: Arc::clone(&policy.name),
            outcome: state.outcome,
            nanos: state.nanos,
            findings: state.findings.clone(),
            routed: state.routed.clone(),
        });
        Report { decision: self.decision.clone(), policies: policies.collect() }
    }

    /// What cannot be judged within its bounds is stopped.
    fn exceeds(&mut self, code: &str, message: &str) {
        if self.decision.verdict.stops() {
            return; // what stopped another choice stays the reason
        }
        self.decision = Decision {
            verdict: Verdict::Block,
            reason_code: Some(Arc::from(code)),
            message: Some(message.to_owned()),
            ..Decision::default()
        };
    }

    /// Notes a policy's verdict; the strongest decision stays, the first of equals.
    fn decide(&mut self, policy: usize, decision: Decision) {
        self.ran(policy, decision.verdict);
        if decision.verdict > self.decision.verdict {
            self.decision = decision;
        }
    }

    /// Notes a policy's verdict in its own account.
    fn ran(&mut self, policy: usize, verdict: Verdict) {
        if let Some(state) = self.states.get_mut(policy)
            && let Outcome::Ran(before) = state.outcome
        {
            state.outcome = Outcome::Ran(before.max(verdict));
        }
    }

    /// Notes a finding. What lies within another of its rule is told once: with the same label it is the same thing, and where
    /// the whole is `replaced`, a part of it is nothing of its own, such as a telephone number in that of a card.
    fn note(&mut self, policy: usize, finding: Finding, replaced: bool) {
        let Some(state) = self.states.get_mut(policy) else { return };
        if state.findings.len() >= MAX_FINDINGS {
            return;
        }
        if state.findings.iter().any(|known| finding.is_part_of(known, replaced)) {
            return;
        }
        state.findings.retain(|known| !known.is_part_of(&finding, replaced));
        state.findings.push(finding);
    }

    /// Notes that a rule has said where the request may go.
    fn routed(&mut self, policy: usize, rule: &Arc<str>) {
        if let Some(state) = self.states.get_mut(policy) {
            state.routed.push(Arc::clone(rule));
        }
    }

    /// A policy could not run: its `on_error` decides. Says whether the exchange stops.
    fn fail(&mut self, policy: usize, failure: &ScriptFailure) -> bool {
        if let Some(state) = self.states.get_mut(policy) {
            state.outcome = Outcome::Failed;
        }
        let Some(failed) = self.program.policies().get(policy) else { return true };
        if failed.on_error == OnError::Allow {
            return false;
        }
        let decision = Decision {
            verdict: Verdict::Block,
            policy: Some(Arc::clone(&failed.name)),
            reason_code: Some(Arc::from("policy.error")),
            message: Some(format!(
                "policy `{}` could not run: script `{}`: {}",
                failed.name, failure.script, failure.cause
            )),
            ..Decision::default()
        };
        if !self.decision.verdict.stops() {
            self.decision = decision; // what stopped another choice stays the reason
        }
        true
    }
}
