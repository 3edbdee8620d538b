//! Patterns that every request is searched for from end to end, where one alternative is all that keeps them from being
//! found by the rare texts that the others have.

use std::ops::Range;

use grammar::ast::Phase;
use grammar::{Diagnostic, Span, codes};
use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange};

use super::draft::Draft;
use super::expressions::{Written, range, shown};
use super::logic::Sought;
use super::uses::{self, Use};
use crate::matcher::atoms;
use crate::matcher::{View, regex};

/// How many atoms are shown.
const SHOWN: usize = 4;
/// From so many characters on an atom is a word.
const MIN_WORD: usize = 3;

/// The slow patterns of a file. One that has no rare text anywhere is as it must be, and not told.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Diagnostic> {
    let mut told: Vec<Span> = Vec::new();
    let mut found = Vec::new();
    for (pattern, written) in sought(draft) {
        if told.contains(&written.span) {
            continue;
        }
        told.push(written.span);
        let name = match pattern {
            Sought::Declared(pattern) => format!("`{}`", pattern.name.value),
            Sought::Regex(..) | Sought::Phrase(_) | Sought::Elsewhere(_) => "this expression".to_owned(),
        };
        found.extend(warning(&name, &written));
    }
    found
}

/// What requests are searched for. The patterns of a library are for policies to look for.
fn sought<'f>(draft: &Draft<'f>) -> Vec<(Sought<'f>, Written<'f>)> {
    let mut patterns: Vec<Sought<'f>> = Vec::new();
    if draft.is_library() {
        patterns.extend(draft.names.patterns.values().map(|pattern| Sought::Declared(pattern)));
    }
    let on_requests = |used: &Use<'f>| used.rule.phases.iter().any(|phase| phase.value == Phase::Request);
    patterns.extend(uses::of(draft).into_iter().filter(on_requests).map(|used| used.pattern));
    patterns.into_iter().filter_map(|pattern| Some((pattern, uses::written(pattern)?))).collect()
}

fn warning(name: &str, written: &Written<'_>) -> Option<Diagnostic> {
    let tree = written.tree()?;
    if known(written, &range(tree.span())).is_some() {
        return None;
    }
    let cause = cause(written, &tree)?;
    let part = shown(written.regex.source.get(cause.part.clone()).unwrap_or_default());
    let atoms: Vec<String> = cause.atoms.iter().take(SHOWN).map(|atom| format!("`{atom}`")).collect();
    let more = if cause.atoms.len() > SHOWN { " and others" } else { "" };
    let atoms = format!("{}{more}", atoms.join(", "));
    let message =
        format!("{name} is searched for from end to end of every request, for the sake of `{part}`");
    let help = format!(
        "the other alternatives have {atoms}, which one walk looks for first: give `{part}` a word, a mark or digits of its \
         own too, or make it a pattern by itself"
    );
    Some(Diagnostic::warning(codes::SLOW_PATTERN, written.part(&cause.part), message).help(help))
}

/// What keeps an expression from being found by a rare text.
struct Cause {
    /// The alternative that has none.
    part: Range<usize>,
    /// The rare texts of the others.
    atoms: Vec<String>,
}

/// The atoms of a part by itself, if it has any that are rare.
fn known(written: &Written<'_>, part: &Range<usize>) -> Option<Vec<String>> {
    let source = written.regex.source.get(part.clone())?;
    let compiled = |view| regex::compile(source, &written.regex.flags, view).ok();
    let hir = compiled(View::Folded).or_else(|| compiled(View::Raw))?;
    let cover = atoms::cover(&hir)?;
    Some(cover.atoms().map(|(atom, _)| String::from_utf8_lossy(&atom.bytes).into_owned()).collect())
}

fn cause(written: &Written<'_>, ast: &Ast) -> Option<Cause> {
    match ast {
        Ast::Group(group) => cause(written, &group.ast),
        Ast::Concat(concat) => concat.asts.iter().find_map(|part| cause(written, part)),
        Ast::Repetition(repetition) if least(&repetition.op.kind) > 0 => cause(written, &repetition.ast),
        Ast::Alternation(alternation) => {
            let known: Vec<_> = alternation
                .asts
                .iter()
                .map(|branch| (branch, known(written, &range(branch.span()))))
                .collect();
            let atoms: Vec<String> = known.iter().filter_map(|(_, atoms)| atoms.clone()).flatten().collect();
            let (culprit, _) = known.iter().find(|(_, atoms)| atoms.is_none())?;
            if let Some(deeper) = cause(written, culprit) {
                return Some(deeper);
            }
            // Short atoms are marks that many texts have: the others are hardly better off.
            let are_words = !atoms.is_empty() && atoms.iter().all(|atom| atom.chars().count() >= MIN_WORD);
            are_words.then(|| Cause { part: range(culprit.span()), atoms })
        }
        Ast::Repetition(_)
        | Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => None,
    }
}

/// The fewest rounds of a repetition.
fn least(kind: &RepetitionKind) -> u32 {
    match kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => 0,
        RepetitionKind::OneOrMore => 1,
        RepetitionKind::Range(
            RepetitionRange::Exactly(least)
            | RepetitionRange::AtLeast(least)
            | RepetitionRange::Bounded(least, _),
        ) => *least,
    }
}
