//! Patterns of one set of which another finds everything already, with a text that shows the difference.

use std::collections::HashSet;

use grammar::ast::{File, ItemKind};
use grammar::{Diagnostic, Span, codes};
use regex_syntax::hir::Hir;

use crate::matcher::inclusion::{Inclusion, Seeker, included};
use crate::matcher::{Detector, View, regex};
use crate::program::Program;
use crate::program::ir::{DetectorId, Node};
use crate::verdict::Verdict;

/// How many patterns of one set are compared with one another; a larger set is a list, and its members stand by themselves.
const MAX_SET: usize = 24;

/// The patterns of a policy that another of the same set covers. Of two with different labels each says something of its
/// own, so they are not compared; nor are those that a rule redacts, since of two that find something in the same texts
/// one may take more of them.
pub(super) fn find(file: &File, program: &Program) -> Vec<Diagnostic> {
    let mut told = HashSet::new();
    let mut found = Vec::new();
    let redacted = redacted(program);
    for (index, node) in program.nodes.iter().enumerate() {
        let Node::Has(_, set) = node else { continue };
        if set.len() > MAX_SET || redacted.get(index) == Some(&true) {
            continue;
        }
        let alike =
            |id: &&DetectorId| set.iter().any(|other| other != *id && are_alike(program, **id, *other));
        let members: Vec<Member<'_>> =
            set.iter().filter(alike).filter_map(|id| Member::of(program, *id)).collect();
        for narrow in &members {
            for wide in members.iter().filter(|wide| wide.id != narrow.id) {
                if told.contains(&(narrow.id, wide.id)) || told.contains(&(wide.id, narrow.id)) {
                    continue;
                }
                if let Some(warning) = narrow.within(wide, program, file) {
                    told.insert((narrow.id, wide.id));
                    found.push(warning);
                }
            }
        }
    }
    found
}

/// Whether two detectors say the same of what they find, so that one of them may be too much.
fn are_alike(program: &Program, one: DetectorId, other: DetectorId) -> bool {
    let (Some(one), Some(other)) = (program.detector(one), program.detector(other)) else { return false };
    one.label == other.label && one.view == other.view
}

/// Per node, whether a rule that redacts rests on it.
fn redacted(program: &Program) -> Vec<bool> {
    let mut seen = vec![false; program.nodes.len()];
    for rule in program.rules.iter().filter(|rule| rule.verdict == Verdict::Redact) {
        program.each_under(rule.condition, &mut |id, _| {
            if let Some(seen) = seen.get_mut(id.index()) {
                *seen = true;
            }
        });
    }
    seen
}

/// A detector that can be compared.
struct Member<'a> {
    id: DetectorId,
    detector: &'a Detector,
    seeker: Seeker,
}

impl<'a> Member<'a> {
    fn of(program: &'a Program, id: DetectorId) -> Option<Self> {
        let detector = program.detector(id)?;
        Some(Self { id, detector, seeker: Seeker::new(&meaning(detector)?)? })
    }

    /// Whether not all that it matches counts.
    fn has_conditions(&self) -> bool {
        !self.detector.validators.is_empty() || !self.detector.near.is_empty()
    }

    /// A warning when all that this one finds the other finds too. Checks of the other's may refuse what it matches.
    fn within(&self, wide: &Member<'_>, program: &Program, file: &File) -> Option<Diagnostic> {
        if !are_alike(program, self.id, wide.id) || wide.has_conditions() {
            return None;
        }
        if included(&self.seeker, &wide.seeker) != Inclusion::Included {
            return None;
        }
        let (narrow, other) = (&self.detector.name, &wide.detector.name);
        let message = format!("`{narrow}` finds nothing that `{other}` does not find");
        let help = match included(&wide.seeker, &self.seeker) {
            Inclusion::Witness(text) if wide.detector.occurs_in(&text) && !self.detector.occurs_in(&text) => {
                format!("leave `{narrow}` out, or narrow `{other}`: that one also finds {text:?}")
            }
            Inclusion::Included => format!("both find the same: keep one of `{narrow}` and `{other}`"),
            Inclusion::Witness(_) | Inclusion::Unknown => {
                format!("leave `{narrow}` out, or narrow `{other}`")
            }
        };
        let place = place(file, self.detector).or_else(|| place(file, wide.detector))?;
        Some(Diagnostic::warning(codes::SUBSUMED, place, message).help(help))
    }
}

/// The meaning of a detector's expression.
fn meaning(detector: &Detector) -> Option<Hir> {
    let view = if detector.view == View::Decoded { View::Folded } else { detector.view };
    regex::compile(&detector.source, &detector.flags, view).ok()
}

/// Where a pattern of that name is declared in the file.
fn place(file: &File, detector: &Detector) -> Option<Span> {
    file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Pattern(pattern) if pattern.name.value == *detector.name => Some(pattern.name.span),
        _ => None,
    })
}
