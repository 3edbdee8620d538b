//! Which parts two conditions do not share.

use super::joint::Joint;
use super::wording::Wording;
use crate::program::ir::{Node, NodeId};

/// Parts that only one of two conditions has, as written: those of the first, and those of the second.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) lost: Vec<String>,
    pub(super) gained: Vec<String>,
}

/// A part of a condition: a whole node, or some patterns of a `has`.
enum Part {
    Node(NodeId),
    Patterns(NodeId, Vec<u32>),
}

/// The smallest parts that tell the two apart.
pub(super) fn compare(joint: &Joint, before: NodeId, after: NodeId, words: [Wording<'_>; 2]) -> Parts {
    let (mut lost, mut gained) = (Vec::new(), Vec::new());
    differ(joint, before, after, "", &mut lost, &mut gained);
    let [was, is] = words;
    let written = |parts: Vec<(&str, Part)>, words: &Wording<'_>| -> Vec<String> {
        parts.into_iter().map(|(before, part)| format!("{before}{}", write(joint, &part, words))).collect()
    };
    Parts { lost: written(lost, &was), gained: written(gained, &is) }
}

type Found<'a> = Vec<(&'a str, Part)>;

fn differ(
    joint: &Joint,
    before: NodeId,
    after: NodeId,
    role: &'static str,
    lost: &mut Found<'_>,
    gained: &mut Found<'_>,
) {
    if before == after {
        return;
    }
    match (joint.node(before), joint.node(after)) {
        (Node::Has(text, old), Node::Has(other, new)) if text == other => {
            let only = |these: &[crate::program::ir::DetectorId],
                        those: &[crate::program::ir::DetectorId]| {
                these.iter().filter(|id| !those.contains(id)).map(|id| id.0).collect::<Vec<u32>>()
            };
            let (old, new) = (only(old, new), only(new, old));
            lost.extend((!old.is_empty()).then_some((role, Part::Patterns(before, old))));
            gained.extend((!new.is_empty()).then_some((role, Part::Patterns(after, new))));
        }
        (Node::And(_), _) | (_, Node::And(_)) => sides(joint, before, after, true, lost, gained),
        (Node::Or(_), _) | (_, Node::Or(_)) => sides(joint, before, after, false, lost, gained),
        _ => {
            lost.push((role, Part::Node(before)));
            gained.push((role, Part::Node(after)));
        }
    }
}

/// Of two junctions, or one and what could be a side of it: the sides that only one has.
fn sides(
    joint: &Joint,
    before: NodeId,
    after: NodeId,
    is_and: bool,
    lost: &mut Found<'_>,
    gained: &mut Found<'_>,
) {
    let of = |id: NodeId| match joint.node(id) {
        Node::And(sides) if is_and => sides.to_vec(),
        Node::Or(sides) if !is_and => sides.to_vec(),
        _ => vec![id],
    };
    let role = if is_and { "and " } else { "or " };
    let (old, new) = (of(before), of(after));
    let only_old: Vec<NodeId> = old.iter().copied().filter(|side| !new.contains(side)).collect();
    let only_new: Vec<NodeId> = new.iter().copied().filter(|side| !old.contains(side)).collect();
    if let ([one], [other]) = (only_old.as_slice(), only_new.as_slice())
        && (old.len() > 1 && new.len() > 1)
    {
        return differ(joint, *one, *other, role, lost, gained);
    }
    let (only_old, only_new) = alike_has(joint, only_old, only_new, role, lost, gained);
    lost.extend(only_old.into_iter().map(|side| (role, Part::Node(side))));
    gained.extend(only_new.into_iter().map(|side| (role, Part::Node(side))));
}

/// Tells those sides apart that look for patterns in the same text, and gives back the others.
fn alike_has(
    joint: &Joint,
    mut old: Vec<NodeId>,
    mut new: Vec<NodeId>,
    role: &'static str,
    lost: &mut Found<'_>,
    gained: &mut Found<'_>,
) -> (Vec<NodeId>, Vec<NodeId>) {
    let is_alike = |one: NodeId, other: NodeId| match (joint.node(one), joint.node(other)) {
        (Node::Has(a, _), Node::Has(b, _)) => a == b,
        _ => false,
    };
    old.retain(|one| match new.iter().position(|other| is_alike(*one, *other)) {
        Some(at) => {
            let other = new.remove(at);
            differ(joint, *one, other, role, lost, gained);
            false
        }
        None => true,
    });
    (old, new)
}

fn write(joint: &Joint, part: &Part, words: &Wording<'_>) -> String {
    match part {
        Part::Node(id) => words.of(*id),
        Part::Patterns(id, slots) => match joint.node(*id) {
            Node::Has(text, _) => words.has(text, slots.iter().copied()),
            _ => words.of(*id),
        },
    }
}
