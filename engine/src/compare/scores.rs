//! Scores and scripts: which of two programs are the same one, and what of them differs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{Facet, ScoreChange, ScriptChange};
use super::joint::{Joint, Slots, Taken};
use super::uses::{Uses, full_name, policy_of};
use super::wording::{Names, Wording};
use super::{Side, Two};
use crate::program::Program;
use crate::program::ir::{NodeId, ScoreId, ScriptId};

/// What tells a score or a script of one policy from those of others.
type Key = (String, Arc<str>);

/// Gives the scores and scripts of both programs their slots.
pub(super) fn slots(sides: &Two<&Side<'_>>, uses: &Two<Uses>, slots: &mut Two<Slots>) {
    scripts(sides, uses, slots);
    let old: Vec<Key> = keys_of_scores(sides.before.program, &uses.before);
    slots.before.scores = (0..).take(old.len()).collect();
    let mut next = u32::try_from(old.len()).unwrap_or(u32::MAX);
    let new: Vec<Key> = keys_of_scores(sides.after.program, &uses.after);
    for (index, key) in new.iter().enumerate() {
        // A score may ask those before it, whose slots are known by now.
        let known = position(&old, |other| other == key).or_else(|| {
            let free = |at: &usize| old.get(*at).is_some_and(|other| !new.contains(other));
            (0..old.len())
                .filter(free)
                .find(|at| is_same_score(sides, slots, *at, index))
                .and_then(|at| u32::try_from(at).ok())
        });
        let slot = known.unwrap_or_else(|| {
            next = next.saturating_add(1);
            next - 1
        });
        slots.after.scores.push(slot);
    }
}

fn position(keys: &[Key], is: impl Fn(&Key) -> bool) -> Option<u32> {
    keys.iter().position(is).and_then(|at| u32::try_from(at).ok())
}

fn keys_of_scores(program: &Program, uses: &Uses) -> Vec<Key> {
    let scores = (0..).map(ScoreId).zip(&program.scores);
    scores.map(|(id, score)| (policy(program, uses.of_score(id).next()), Arc::clone(&score.name))).collect()
}

/// The policy of the first rule that refers to something: names are of one policy.
fn policy(program: &Program, rule: Option<usize>) -> String {
    let rule = rule.and_then(|rule| program.rules.get(rule));
    rule.map_or("", |rule| policy_of(program, rule)).to_owned()
}

/// Whether two scores add up the same.
fn is_same_score(sides: &Two<&Side<'_>>, slots: &Two<Slots>, before: usize, after: usize) -> bool {
    let mut joint = Joint::default();
    let old = terms(&mut joint, &mut Taken::of(sides.before.program, &slots.before), before);
    let new = terms(&mut joint, &mut Taken::of(sides.after.program, &slots.after), after);
    let clamp = |side: &Side<'_>, index: usize| side.program.scores.get(index).and_then(|score| score.clamp);
    old == new && clamp(sides.before, before) == clamp(sides.after, after)
}

/// The terms of a score, whatever their order.
fn terms(joint: &mut Joint, taken: &mut Taken<'_>, score: usize) -> Vec<(NodeId, Option<NodeId>)> {
    let all = taken.program().scores.get(score).map_or(&[][..], |score| &score.terms);
    let mut terms: Vec<(NodeId, Option<NodeId>)> = all
        .iter()
        .map(|(weight, condition)| {
            (joint.take(taken, *weight), condition.map(|condition| joint.take(taken, condition)))
        })
        .collect();
    terms.sort_unstable();
    terms
}

/// The scores of both programs that add up otherwise.
pub(super) fn compare(
    sides: &Two<&Side<'_>>,
    uses: &Two<Uses>,
    slots: &Two<Slots>,
    names: &Two<Names>,
) -> Vec<(String, ScoreChange)> {
    let mut joint = Joint::default();
    let mut old = Taken::of(sides.before.program, &slots.before);
    let mut new = Taken::of(sides.after.program, &slots.after);
    let mut found = Vec::new();
    for (after, slot) in slots.after.scores.iter().enumerate() {
        let Some(before) = slots.before.scores.iter().position(|known| known == slot) else { continue };
        let (Some(was), Some(is)) =
            (sides.before.program.scores.get(before), sides.after.program.scores.get(after))
        else {
            continue;
        };
        let (was_terms, is_terms) = (terms(&mut joint, &mut old, before), terms(&mut joint, &mut new, after));
        let clamp = |clamp: Option<(f64, f64)>| clamp.map(|(low, high)| format!("{low:?}..{high:?}"));
        let clamp = Facet::of("clamp", clamp(was.clamp), clamp(is.clamp));
        let write = |terms: Vec<(NodeId, Option<NodeId>)>, names: &Names| {
            let words = Wording { joint: &joint, names };
            terms.into_iter().map(|term| written(&words, term)).collect::<Vec<String>>()
        };
        let lost = write(only(&was_terms, &is_terms), &names.before);
        let gained = write(only(&is_terms, &was_terms), &names.after);
        if lost.is_empty() && gained.is_empty() && clamp.is_none() {
            continue;
        }
        let id = ScoreId(u32::try_from(after).unwrap_or(u32::MAX));
        let users: BTreeSet<usize> = uses.after.of_score(id).collect();
        let policy = policy(sides.after.program, users.first().copied());
        let rules = users.into_iter().map(|rule| full_name(sides.after.program, rule)).collect();
        found.push((policy, ScoreChange { name: Arc::clone(&is.name), rules, lost, gained, clamp }));
    }
    found
}

/// The terms that only the first has; one that it has twice and the other once counts.
fn only<T: PartialEq + Copy>(these: &[T], those: &[T]) -> Vec<T> {
    let mut rest = those.to_vec();
    let is_only = |one: &&T| match rest.iter().position(|other| other == *one) {
        Some(at) => {
            rest.remove(at);
            false
        }
        None => true,
    };
    these.iter().filter(is_only).copied().collect()
}

fn written(words: &Wording<'_>, (weight, condition): (NodeId, Option<NodeId>)) -> String {
    let weight = words.of(weight);
    condition.map_or(weight.clone(), |condition| format!("{weight} if {}", words.of(condition)))
}

fn scripts(sides: &Two<&Side<'_>>, uses: &Two<Uses>, slots: &mut Two<Slots>) {
    let old = keys_of_scripts(sides.before.program, &uses.before);
    slots.before.scripts = (0..).take(old.len()).collect();
    let mut next = u32::try_from(old.len()).unwrap_or(u32::MAX);
    let new = keys_of_scripts(sides.after.program, &uses.after);
    for (index, key) in new.iter().enumerate() {
        let free = |at: &usize| old.get(*at).is_some_and(|other| !new.contains(other));
        let known = position(&old, |other| other == key).or_else(|| {
            let same = |at: &usize| free(at) && is_same_script(sides, *at, index);
            (0..old.len()).find(same).and_then(|at| u32::try_from(at).ok())
        });
        let slot = known.unwrap_or_else(|| {
            next = next.saturating_add(1);
            next - 1
        });
        slots.after.scripts.push(slot);
    }
}

fn keys_of_scripts(program: &Program, uses: &Uses) -> Vec<Key> {
    let scripts = (0..).map(ScriptId).zip(&program.scripts);
    scripts
        .map(|(id, script)| (policy(program, uses.of_script(id).next()), Arc::clone(&script.name)))
        .collect()
}

fn is_same_script(sides: &Two<&Side<'_>>, before: usize, after: usize) -> bool {
    match (sides.before.program.scripts.get(before), sides.after.program.scripts.get(after)) {
        (Some(was), Some(is)) => (&was.text, &was.args, &was.result) == (&is.text, &is.args, &is.result),
        _ => false,
    }
}

/// The scripts of both programs that read otherwise, with their policies.
pub(super) fn compare_scripts(
    sides: &Two<&Side<'_>>,
    uses: &Two<Uses>,
    slots: &Two<Slots>,
) -> Vec<(String, ScriptChange)> {
    let program = sides.after.program;
    let mut found = Vec::new();
    for (after, slot) in slots.after.scripts.iter().enumerate() {
        let Some(before) = slots.before.scripts.iter().position(|known| known == slot) else { continue };
        let id = ScriptId(u32::try_from(after).unwrap_or(u32::MAX));
        let users: BTreeSet<usize> = uses.after.of_script(id).collect();
        let (Some(script), Some(first)) = (program.scripts.get(after), users.first()) else { continue };
        if !is_same_script(sides, before, after) {
            let policy = policy(program, Some(*first));
            let rules = users.iter().map(|rule| full_name(program, *rule)).collect();
            found.push((policy, ScriptChange { name: Arc::clone(&script.name), rules }));
        }
    }
    found
}
