//! What a text would come to if it ended here, while it may still go on.

use std::sync::Arc;

use super::answer::{self, Answer};
use super::facts::Seen;
use super::masks::Priority;
use super::stream::{Held, Hit, Stream};
use super::{Session, facts};
use crate::input::Channel;
use crate::program::Program;
use crate::program::ir::{DetectorId, NodeId};
use crate::program::panel::Watcher;
use crate::verdict::{Flow, Verdict};

/// Appends what would leave if the channel were complete. A text that would be stopped is, since it may well be.
pub(super) fn preview(session: &mut Session, channel: Channel, out: &mut String) -> Flow {
    let program = Arc::clone(&session.program);
    let answer = &session.answer;
    if answer.is_stopped(channel) {
        return Flow::Stopped;
    }
    let known = answer.channels.iter().find(|(of, stream)| *of == channel && !stream.finished);
    let Some((_, stream)) = known else { return Flow::Open };
    let mut ahead = stream.clone();
    let mut hits = Vec::new();
    let held = ahead.finish(&program, &answer.panel, &mut hits);
    if held == Held::TooLong || !mask(&program, answer, &mut ahead, &hits) {
        return answer::finish(session, channel, out);
    }
    let frontier = ahead.frontier(&program, &answer.panel);
    answer::release(session, &program, &mut ahead, frontier, out);
    Flow::Open
}

/// Notes what the matches replace, unless one of them stops the answer.
fn mask(program: &Program, answer: &Answer, stream: &mut Stream, hits: &[Hit]) -> bool {
    let watcher = |hit: &Hit| answer.panel.watchers.get(hit.watcher);
    let fresh: Vec<DetectorId> = hits.iter().filter_map(watcher).map(|watcher| watcher.detector).collect();
    let matched = |id: DetectorId| fresh.contains(&id) || answer.has_seen(id);
    let called = |quantifier: NodeId| answer.calls.count(quantifier);
    let seen = Seen { facts: &answer.facts, matched: &matched, called: &called };
    for hit in hits {
        let Some(Watcher { detector, rules, .. }) = watcher(hit) else { continue };
        let Some(found) = program.detector(*detector) else { continue };
        for index in rules {
            let Some(rule) = program.rules.get(*index) else { continue };
            if !facts::holds(program, seen, rule.condition) {
                continue;
            }
            if rule.verdict.stops() {
                return false;
            }
            if rule.verdict == Verdict::Redact {
                stream.mask(hit, found.view, Priority::new(*index, &hit.range, *detector));
            }
        }
    }
    true
}
