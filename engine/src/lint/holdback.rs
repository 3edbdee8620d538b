//! Patterns that can hold back much of an answer: text waits for as long as a match may still grow.

use std::ops::Range;

use grammar::ast::{Literal, Phase, Rule};
use grammar::verdict::Verdict;
use grammar::{Diagnostic, Span, Spanned, codes};
use regex_syntax::ast::{Ast, Repetition, RepetitionKind, RepetitionRange};

use super::draft::Draft;
use super::expressions::{self, Written, range, shown};
use super::logic::Sought;
use super::tree;
use super::uses::{self, Use};
use crate::matcher::{MAX_MATCH, View, regex};
use crate::program::Program;

/// A match of up to so many bytes is nothing to speak of.
const MUCH: usize = 1024;

/// A bound that serves most repetitions.
const BOUND: u32 = 64;

/// The patterns of a file for which rules over answers hold back much.
pub(super) fn find(draft: &Draft<'_>, program: &Program) -> Vec<Diagnostic> {
    let mut told: Vec<Span> = Vec::new();
    let mut found = Vec::new();
    for used in uses::of(draft).iter().filter(|used| holds(draft, used.rule)) {
        let mut warnings = Vec::new();
        match (uses::written(used.pattern), param(draft, used)) {
            (Some(written), _) => warnings.extend(of_written(used, written)),
            (None, Some(default)) => {
                expressions::of_literal(default, &mut |written| warnings.extend(of_written(used, written)));
            }
            (None, None) => warnings.extend(elsewhere(draft, used, program)),
        }
        for warning in warnings {
            if !told.contains(&warning.span) {
                told.push(warning.span);
                found.push(warning);
            }
        }
    }
    found
}

/// The default of the param that a set takes its expressions from.
fn param<'f>(draft: &Draft<'f>, used: &Use<'f>) -> Option<&'f Spanned<Literal>> {
    match used.pattern {
        Sought::Elsewhere(name) => draft.names.params.get(name)?.default.as_ref(),
        Sought::Declared(_) | Sought::Regex(..) | Sought::Phrase(_) => None,
    }
}

/// Whether text of an answer may have to wait for what a param gives.
pub(super) fn waits_for(draft: &Draft<'_>, param: &str) -> bool {
    let is_it = |used: &Use<'_>| used.pattern == Sought::Elsewhere(param) && holds(draft, used.rule);
    uses::of(draft).iter().any(is_it)
}

/// Whether a match may be so long that it is worth a word.
pub(super) fn is_long(longest: Option<usize>) -> bool {
    longest.is_none_or(|longest| longest > MUCH)
}

/// Whether text of an answer may have to wait for a rule.
fn holds(draft: &Draft<'_>, rule: &Rule) -> bool {
    let streams = rule.buffered.is_none() && rule.phases.iter().any(|phase| phase.value == Phase::Response);
    let verdicts = draft.names.verdicts(rule);
    streams && verdicts.is_some_and(|verdicts| verdicts.iter().any(|verdict| *verdict >= Verdict::Redact))
}

fn of_written(used: &Use<'_>, written: Written<'_>) -> Option<Diagnostic> {
    let view = used.view.folding();
    let hir = regex::compile(&written.regex.source, &written.regex.flags, view).ok()?;
    let longest = hir.properties().maximum_len();
    if !is_long(longest) {
        return None;
    }
    let culprit = culprit(&written)?;
    let name = name(used.pattern);
    let source = |range: &Range<usize>| shown(written.regex.source.get(range.clone()).unwrap_or_default());
    let part = source(&culprit.whole);
    let inner = source(&culprit.inner);
    let why = match culprit.longest {
        None => format!("`{part}` has no end"),
        Some(bytes) => format!("`{part}` alone takes up to {bytes}"),
    };
    let (least, most) = (culprit.least, BOUND.max(culprit.least.saturating_mul(2)));
    let message = format!("{name} can hold back up to {} of an answer: {why}", held(longest));
    Some(warning(used, written.part(&culprit.whole), message).help(format!(
        "bound it, as in `{inner}{{{least},{most}}}`; a match that is still open after {MAX_MATCH} bytes stops the answer"
    )))
}

/// A pattern of another file, which is only told by its name here.
fn elsewhere(draft: &Draft<'_>, used: &Use<'_>, program: &Program) -> Option<Diagnostic> {
    let Sought::Elsewhere(name) = used.pattern else { return None };
    let mut detectors = program.detectors.iter();
    let detector = detectors.find(|detector| *detector.name == *name && detector.stream.is_some())?;
    if !is_long(detector.longest) {
        return None;
    }
    let message = format!("`{name}` can hold back up to {} of an answer", held(detector.longest));
    let place = draft.used_name(name)?;
    Some(warning(used, place, message).help("bound its repetitions, as in `{1,64}`, where it is declared"))
}

fn warning(used: &Use<'_>, place: Span, message: String) -> Diagnostic {
    Diagnostic::warning(codes::LONG_HOLDBACK, place, message)
        .related(used.rule.name.span, "this rule looks for it in answers")
}

pub(super) fn held(longest: Option<usize>) -> String {
    format!("{} bytes", longest.unwrap_or(MAX_MATCH).min(MAX_MATCH))
}

fn name(pattern: Sought<'_>) -> String {
    match pattern {
        Sought::Declared(pattern) => format!("`{}`", pattern.name.value),
        Sought::Regex(..) | Sought::Phrase(_) | Sought::Elsewhere(_) => "this expression".to_owned(),
    }
}

/// The repetition that makes an expression long.
struct Culprit {
    whole: Range<usize>,
    inner: Range<usize>,
    least: u32,
    /// Its longest match in bytes; nothing when it has no end.
    longest: Option<usize>,
}

fn culprit(written: &Written<'_>) -> Option<Culprit> {
    let tree = written.tree()?;
    let mut worst: Option<Culprit> = None;
    tree::each(&tree, &mut |ast| {
        let Ast::Repetition(repetition) = ast else { return };
        let (least, bounded) = bounds(repetition);
        let longest = if bounded { longest(written, &range(&repetition.span)) } else { None };
        let longer = match (&worst, longest) {
            (None, _) => true,
            (Some(Culprit { longest: None, .. }), _) => false,
            (Some(_), None) => true,
            (Some(Culprit { longest: Some(worst), .. }), Some(longest)) => longest > *worst,
        };
        if longer {
            let (whole, inner) = (range(&repetition.span), range(repetition.ast.span()));
            worst = Some(Culprit { whole, inner, least, longest });
        }
    });
    worst
}

/// The fewest rounds of a repetition, and whether there is a most.
fn bounds(repetition: &Repetition) -> (u32, bool) {
    match &repetition.op.kind {
        RepetitionKind::ZeroOrOne => (0, true),
        RepetitionKind::ZeroOrMore => (0, false),
        RepetitionKind::OneOrMore => (1, false),
        RepetitionKind::Range(RepetitionRange::Exactly(n)) => (*n, true),
        RepetitionKind::Range(RepetitionRange::AtLeast(n)) => (*n, false),
        RepetitionKind::Range(RepetitionRange::Bounded(n, _)) => (*n, true),
    }
}

/// The longest match of a part by itself. One that holds an endless part has none, and is no culprit for it.
fn longest(written: &Written<'_>, part: &Range<usize>) -> Option<usize> {
    let source = written.regex.source.get(part.clone())?;
    let hir = regex::compile(source, &written.regex.flags, View::Raw).ok()?;
    Some(hir.properties().maximum_len().unwrap_or(0))
}
