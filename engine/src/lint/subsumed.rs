//! Patterns of one set of which another finds everything already, with a text that shows the difference.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use grammar::ast::{File, ItemKind};
use grammar::{Diagnostic, Span, codes};
use regex_syntax::hir::Hir;

use crate::matcher::Detector;
use crate::matcher::example::examples;
use crate::matcher::inclusion::{Inclusion, Seeker, included};
use crate::program::Program;
use crate::program::ir::{DetectorId, Node};
use crate::verdict::Verdict;

/// How many patterns of one set are compared with one another; a larger set is a list, and its members stand by themselves.
const MAX_SET: usize = 24;

/// The patterns of a chain that another of the same set covers. Of two with different labels each says something of its
/// own, so they are not compared; nor are those that a rule redacts, since of two that find something in the same texts
/// one may take more of them.
pub(super) fn find(files: &[File], program: &Program) -> Vec<Diagnostic> {
    let mut told = HashSet::new();
    let mut members: HashMap<DetectorId, Option<Member<'_>>> = HashMap::new();
    let mut found = Vec::new();
    let redacted = redacted(program);
    for (index, node) in program.nodes.iter().enumerate() {
        let Node::Has(_, set) = node else { continue };
        if set.len() > MAX_SET || redacted.get(index) == Some(&true) {
            continue;
        }
        let pairs = set.iter().flat_map(|narrow| set.iter().map(move |wide| (*narrow, *wide)));
        for (narrow, wide) in
            pairs.filter(|(narrow, wide)| narrow != wide && are_alike(program, *narrow, *wide))
        {
            for id in [narrow, wide] {
                members.entry(id).or_insert_with(|| Member::of(program, id));
            }
            let (Some(Some(one)), Some(Some(other))) = (members.get(&narrow), members.get(&wide)) else {
                continue;
            };
            if told.contains(&(narrow, wide)) || told.contains(&(wide, narrow)) {
                continue;
            }
            if let Some(warning) = one.within(other, files) {
                told.insert((narrow, wide));
                found.push(warning);
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
    detector: &'a Detector,
    meaning: Hir,
    /// Texts that it is made for.
    examples: Vec<String>,
    seeker: OnceCell<Option<Seeker>>,
}

impl<'a> Member<'a> {
    fn of(program: &'a Program, id: DetectorId) -> Option<Self> {
        let detector = program.detector(id)?;
        let meaning = detector.meaning()?;
        let mut examples = examples(&meaning).to_vec();
        examples.retain(|text| detector.matches(text));
        Some(Self { detector, meaning, examples, seeker: OnceCell::new() })
    }

    /// Its automaton; made when it is needed, which is seldom.
    fn seeker(&self) -> Option<&Seeker> {
        self.seeker.get_or_init(|| Seeker::new(&self.meaning)).as_ref()
    }

    /// Whether not all that it matches counts.
    /// Whether all that this one matches the other does.
    fn inclusion(&self, wide: &Member<'_>) -> Inclusion {
        if let Some(text) = self.examples.iter().find(|text| !wide.detector.matches(text)) {
            return Inclusion::Witness(text.clone());
        }
        match (self.seeker(), wide.seeker()) {
            (Some(narrow), Some(wide)) => included(narrow, wide),
            _ => Inclusion::Unknown,
        }
    }

    /// A warning when all that this one finds the other finds too. Checks of the other's may refuse what it matches.
    fn within(&self, wide: &Member<'_>, files: &[File]) -> Option<Diagnostic> {
        if wide.detector.has_conditions() || self.inclusion(wide) != Inclusion::Included {
            return None;
        }
        let (narrow, other) = (&self.detector.name, &wide.detector.name);
        let message = format!("`{narrow}` finds nothing that `{other}` does not find");
        let beyond = match (wide.seeker(), self.seeker()) {
            (Some(wide), Some(narrow)) => included(wide, narrow),
            _ => Inclusion::Unknown,
        };
        let help = match beyond {
            Inclusion::Witness(text) if shows(wide, self, &text) => {
                format!("leave `{narrow}` out, or narrow `{other}`: that one also finds {text:?}")
            }
            Inclusion::Included => format!("both find the same: keep one of `{narrow}` and `{other}`"),
            Inclusion::Witness(_) | Inclusion::Unknown => {
                format!("leave `{narrow}` out, or narrow `{other}`")
            }
        };
        let place = place(files, self.detector).or_else(|| place(files, wide.detector))?;
        Some(Diagnostic::warning(codes::SUBSUMED, place, message).help(help))
    }
}

/// Whether the first of two finds something in the text, and the second does not.
fn shows(wide: &Member<'_>, narrow: &Member<'_>, text: &str) -> bool {
    wide.detector.occurs_in(text, false) && !narrow.detector.occurs_in(text, false)
}

/// Where a pattern of that name is declared.
fn place(files: &[File], detector: &Detector) -> Option<Span> {
    files.iter().flat_map(|file| &file.items).find_map(|item| match &item.kind {
        ItemKind::Pattern(pattern) if pattern.name.value == *detector.name => Some(pattern.name.span),
        _ => None,
    })
}
