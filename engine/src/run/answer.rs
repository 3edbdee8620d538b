//! The response phase: channels of text arrive in pieces, and leave as soon as their fate is certain.

use std::sync::Arc;

use grammar::ast::Phase;

use super::buffered::{self, Buffer};
use super::called::Calls;
use super::facts::{self, Facts, Seen};
use super::masks::Priority;
use super::stream::{Held, Hit, Stream};
use super::wording::{decision, message};
use super::{MAX_BUFFERED, Session};
use crate::input::Channel;
use crate::program::Program;
use crate::program::ir::{DetectorId, NodeId};
use crate::program::panel::Panel;
use crate::verdict::{Finding, Flow, Site, Verdict};

/// After how many bytes of one piece what may leave does.
const PART: usize = 4096;

/// What a session knows of its answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The detectors that can still matter, given the request.
    pub(super) panel: Arc<Panel>,
    /// Which of them have matched, over all channels.
    pub(super) seen: Vec<bool>,
    pub(super) facts: Facts,
    pub(super) channels: Vec<(Channel, Box<Stream>)>,
    /// Nothing of the answer may leave any more.
    pub(super) stopped: bool,
    /// The choices in which a rule has stopped the answer; the others go on.
    stopped_choices: Vec<u32>,
    pub(super) buffer: Buffer,
    pub(super) calls: Calls,
    hits: Vec<Hit>,
}

impl Answer {
    /// Whether nothing more of that choice may leave.
    pub(super) fn is_stopped(&self, channel: Channel) -> bool {
        self.stopped || self.stopped_choices.contains(&channel.choice)
    }

    /// Nothing more of the channel's choice may leave.
    pub(super) fn stop(&mut self, channel: Channel) -> Flow {
        if !self.is_stopped(channel) {
            self.stopped_choices.push(channel.choice);
        }
        Flow::Stopped
    }

    /// Whether that detector has matched anywhere in the answer.
    pub(super) fn has_seen(&self, id: DetectorId) -> bool {
        self.panel.index_of(id).and_then(|index| self.seen.get(index)) == Some(&true)
    }

    /// Does something with what the answer has shown so far.
    pub(super) fn seeing<T>(&self, f: impl FnOnce(Seen<'_>) -> T) -> T {
        let matched = |id: DetectorId| self.has_seen(id);
        let called = |quantifier: NodeId| self.calls.count(quantifier);
        f(Seen { facts: &self.facts, matched: &matched, called: &called })
    }

    /// The streams of which something may still leave.
    fn waiting(&self) -> impl Iterator<Item = &Stream> {
        self.channels.iter().filter(|(channel, _)| !self.is_stopped(*channel)).map(|(_, stream)| &**stream)
    }

    pub(super) fn held(&self) -> usize {
        self.waiting().map(Stream::held).sum()
    }

    /// The name of the pattern that holds back the most of any channel.
    pub(super) fn holder<'p>(&self, program: &'p Program) -> Option<&'p str> {
        let stream = self.waiting().filter(|stream| stream.held() > 0).max_by_key(|stream| stream.held())?;
        let watcher = self.panel.watcher(stream.holder(program, &self.panel)?)?;
        program.detector(watcher.detector).map(|detector| &*detector.name)
    }
}

/// Takes the next piece of a channel.
pub(super) fn feed(session: &mut Session, channel: Channel, text: &str, out: &mut String) -> Flow {
    let program = Arc::clone(&session.program);
    if session.answer.is_stopped(channel) {
        return Flow::Stopped;
    }
    let kept = session.answer.buffer.take(channel, text);
    let (text, overflows) = match session.answer.buffer.holds {
        true => (kept, kept.len() < text.len()),
        false => (text, false),
    };
    if session.answer.panel.watchers.is_empty() && !session.answer.buffer.holds {
        out.push_str(text);
        return Flow::Open;
    }
    with_stream(session, channel, |session, stream| {
        if stream.finished && !text.is_empty() {
            session.exceeds("limit.text_after_end", "a text went on after its end");
            return session.answer.stop(channel);
        }
        let (mut rest, mut taken) = (text, 0);
        while !rest.is_empty() || !stream.is_read() {
            if stream.is_read() {
                let took = stream.take(rest);
                rest = rest.get(took..).unwrap_or_default();
                taken += took;
            }
            let mut hits = std::mem::take(&mut session.answer.hits);
            let held = stream.advance(&program, &session.answer.panel, &mut hits);
            let flow = act(session, &program, channel, stream, &hits, held, out);
            hits.clear();
            session.answer.hits = hits;
            if flow == Flow::Stopped {
                return Flow::Stopped;
            }
            // A long text leaves in parts, so that little of it is kept.
            if taken >= PART && stream.is_read() {
                taken = 0;
                let frontier = stream.frontier(&program, &session.answer.panel);
                release(session, &program, stream, frontier, out);
            }
        }
        if overflows {
            let message =
                format!("a rule waits for the whole answer, and only {MAX_BUFFERED} bytes of one are kept");
            session.exceeds("limit.hold_exceeded", &message);
            session.answer.stopped = true;
            return Flow::Stopped;
        }
        let frontier = stream.frontier(&program, &session.answer.panel);
        release(session, &program, stream, frontier, out);
        Flow::Open
    })
}

/// The channel is complete.
pub(super) fn finish(session: &mut Session, channel: Channel, out: &mut String) -> Flow {
    let program = Arc::clone(&session.program);
    if session.answer.is_stopped(channel) {
        return Flow::Stopped;
    }
    if !session.answer.channels.iter().any(|(of, _)| *of == channel) {
        return Flow::Open;
    }
    with_stream(session, channel, |session, stream| {
        let mut hits = Vec::new();
        let held = stream.finish(&program, &session.answer.panel, &mut hits);
        if act(session, &program, channel, stream, &hits, held, out) == Flow::Stopped {
            return Flow::Stopped;
        }
        let frontier = stream.frontier(&program, &session.answer.panel);
        release(session, &program, stream, frontier, out);
        Flow::Open
    })
}

/// The whole answer is there: the rules that have waited for it are asked, and what was held for them may leave.
pub(super) fn end(session: &mut Session, tails: &mut Vec<(Channel, String)>) -> Flow {
    let program = Arc::clone(&session.program);
    let answer = &session.answer;
    let open = answer.channels.iter().filter(|(of, stream)| !stream.finished && !answer.is_stopped(*of));
    for channel in open.map(|(channel, _)| *channel).collect::<Vec<_>>() {
        let mut tail = String::new();
        let _told_below = finish(session, channel, &mut tail);
        tails.push((channel, tail));
    }
    if session.answer.stopped {
        return Flow::Stopped;
    }
    let held = session.answer.buffer.holds;
    if buffered::judge(session, &program) == Flow::Stopped {
        session.answer.stopped = true;
        return Flow::Stopped;
    }
    if held {
        let mut channels = std::mem::take(&mut session.answer.channels);
        channels.sort_by_key(|(channel, _)| *channel);
        for (channel, stream) in channels.iter_mut().filter(|(of, _)| !session.answer.is_stopped(*of)) {
            let mut tail = String::new();
            release(session, &program, stream, usize::MAX, &mut tail);
            tails.push((*channel, tail));
        }
        session.answer.channels = channels;
    }
    if session.answer.stopped_choices.is_empty() { Flow::Open } else { Flow::Stopped }
}

/// Runs `f` on the channel's stream, which is made when it is new.
fn with_stream(
    session: &mut Session,
    channel: Channel,
    f: impl FnOnce(&mut Session, &mut Stream) -> Flow,
) -> Flow {
    let at = session.answer.channels.iter().position(|(of, _)| *of == channel);
    let mut stream = match at {
        Some(at) => session.answer.channels.swap_remove(at).1,
        None => Box::new(Stream::new(&session.answer.panel, channel.carrier.is_json())),
    };
    let flow = f(session, &mut stream);
    session.answer.channels.push((channel, stream));
    flow
}

/// Acts on the matches that one character made certain.
fn act(
    session: &mut Session,
    program: &Program,
    channel: Channel,
    stream: &mut Stream,
    hits: &[Hit],
    held: Held,
    out: &mut String,
) -> Flow {
    if hits.is_empty() && held == Held::Bounded {
        return Flow::Open;
    }
    for hit in hits {
        if let Some(seen) = session.answer.seen.get_mut(hit.watcher) {
            *seen = true;
        }
        if let (Some(tally), Some(watcher)) =
            (&mut session.tally, session.answer.panel.watchers.get(hit.watcher))
        {
            tally.trace(Phase::Response).found(watcher.detector);
        }
    }
    let mut stop_at = usize::MAX;
    for hit in hits {
        let rule = |session: &Session, nth: usize| {
            let watcher = session.answer.panel.watcher(hit.watcher)?;
            Some((watcher.detector, *watcher.rules.get(nth)?))
        };
        let mut nth = 0;
        while let Some((detector, rule)) = rule(session, nth) {
            if apply(session, program, channel, stream, rule, detector, hit) {
                stop_at = stop_at.min(hit.range.start);
            }
            nth += 1;
        }
    }
    if held == Held::TooLong {
        session.exceeds("limit.hold_exceeded", "a possible match could not be decided within its bounds");
        stop_at = stop_at.min(stream.frontier(program, &session.answer.panel));
    }
    if stop_at == usize::MAX {
        return Flow::Open;
    }
    // Nothing of the match that stops the answer leaves, and nothing after it.
    let frontier = stream.frontier(program, &session.answer.panel).min(stop_at);
    release(session, program, stream, frontier, out);
    session.answer.stop(channel)
}

/// What one rule makes of one match. Says whether the answer stops.
fn apply(
    session: &mut Session,
    program: &Program,
    channel: Channel,
    stream: &mut Stream,
    index: usize,
    detector: DetectorId,
    hit: &Hit,
) -> bool {
    let Some(rule) = program.rules.get(index) else { return false };
    let (Some(policy), Some(found)) = (program.policies.get(rule.policy), program.detector(detector)) else {
        return false;
    };
    if !session.answer.seeing(|seen| facts::holds(program, seen, rule.condition)) {
        return false;
    }
    session.note(
        rule.policy,
        Finding {
            policy: Arc::clone(&policy.name),
            rule: Arc::clone(&rule.name),
            label: Arc::clone(&found.label),
            site: Site::Response(channel),
            range: hit.range.clone(),
        },
        rule.verdict == Verdict::Redact,
    );
    if rule.verdict == Verdict::Redact {
        stream.mask(hit, found.view, Priority::new(index, &hit.range, detector));
    }
    fire(session, program, index)
}

/// Notes that a rule's condition holds. Says whether the rule stops the answer.
pub(super) fn fire(session: &mut Session, program: &Program, index: usize) -> bool {
    let Some(rule) = program.rules.get(index) else { return false };
    if rule.verdict <= session.decision.verdict {
        session.ran(rule.policy, rule.verdict); // what would be said of it is not kept
        return rule.verdict.stops();
    }
    let answer = &session.answer;
    let mut labels: Vec<Arc<str>> = answer
        .panel
        .watchers
        .iter()
        .zip(&answer.seen)
        .filter(|(watcher, seen)| **seen && watcher.rules.contains(&index))
        .filter_map(|(watcher, _)| program.detector(watcher.detector))
        .map(|detector| Arc::clone(&detector.label))
        .collect();
    let value = |node| answer.seeing(|seen| facts::value(program, seen, node));
    let score = rule.score.and_then(|score| value(score).as_float());
    let message = message(rule, Phase::Response, &mut labels, &mut |node| Some(value(node)));
    session.decide(rule.policy, decision(program, rule, message, score));
    rule.verdict.stops()
}

/// Notes for a watcher what the conditions of rules over streams have come to.
pub(super) fn settle(session: &mut Session) {
    // Without any text there was no answer.
    let (program, answer) = (&session.program, &session.answer);
    let is_there = !answer.channels.is_empty() || answer.calls.are_made();
    let Some(tally) = session.tally.as_mut().filter(|_| is_there) else { return };
    let conditions =
        program.response.iter().filter_map(|stream| Some(program.rules.get(stream.rule)?.condition));
    for condition in conditions {
        answer.seeing(|seen| {
            facts::asked(program, seen, condition, &mut |node, value| {
                tally.trace(Phase::Response).note(node, &value);
            });
        });
    }
}

/// Lets go of what lies before `frontier`; of nothing when a rule waits for the whole answer.
pub(super) fn release(
    session: &Session,
    program: &Program,
    stream: &mut Stream,
    frontier: usize,
    out: &mut String,
) {
    if session.answer.buffer.holds {
        return stream.forget(&session.answer.panel);
    }
    stream.release(&session.answer.panel, frontier, out, &mut |replacement, matched, out| {
        let Priority { rule, detector, .. } = replacement.priority;
        let (rule, detector) = (program.rules.get(rule), program.detector(detector));
        if let (Some(rule), Some(detector)) = (rule, detector) {
            rule.marker.write_in(replacement.place, &detector.label, matched, out);
        }
    });
}
