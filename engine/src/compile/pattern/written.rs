//! What a pattern says of itself beside its expression: its validators, its words, the group that it captures.

use grammar::ast::{self, Literal, Name, PatternBody, Words};
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, Spanned, codes};
use regex_syntax::hir::Hir;

use super::Arguments;
use crate::compile::resolve::PatternDef;
use crate::matcher::validator::Check;
use crate::matcher::{self, Validator, validator};
use crate::value::Value;

/// Whether an expression matches empty text.
pub(super) fn matches_empty(hir: &Hir) -> bool {
    hir.properties().minimum_len().unwrap_or(0) == 0
}

/// The mistake of a pattern that does.
pub(super) fn empty_match(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` matches empty text, and so would match everywhere");
    Diagnostic::error(codes::EMPTY_MATCH, span, message)
        .help("make at least one part of it required: `+` instead of `*`, no lone `?`")
}

/// What is wrong with a captured group, if anything.
pub(super) fn bad_capture(pattern: &str, group: &Name, hir: &Hir) -> Option<Diagnostic> {
    let groups = matcher::groups(hir);
    let name = &group.value;
    match groups.iter().find(|(known, _)| known == name) {
        Some((_, false)) => None,
        Some((_, true)) => {
            let message =
                format!("the group `{name}` of `{pattern}` can match empty text, and so would find nothing");
            let help = "make at least one part of the group required: `+` instead of `*`";
            Some(Diagnostic::error(codes::EMPTY_MATCH, group.span, message).help(help))
        }
        None => {
            let nearest = did_you_mean(name, groups.iter().map(|(known, _)| *known));
            let help = nearest.unwrap_or(format!("name a group of the expression: `(?<{name}>…)`"));
            let message = format!("`{pattern}` has no group called `{name}`");
            Some(Diagnostic::error(codes::UNKNOWN_GROUP, group.span, message).help(help))
        }
    }
}

/// Tells of a `capture` where there are no groups to name.
pub(super) fn capture_without_regex(def: &PatternDef, diagnostics: &mut Vec<Diagnostic>) {
    let Some(group) = &def.ast.capture else { return };
    let message = format!("`{}` is no regular expression, and so has no groups", def.ast.name.value);
    let told = diagnostics.iter().any(|told| told.span == group.span);
    if !matches!(def.ast.body.value, PatternBody::Regex(_)) && !told {
        diagnostics.push(
            Diagnostic::error(codes::UNKNOWN_GROUP, group.span, message)
                .help("move `capture` to the pattern that has the group, or leave it out"),
        );
    }
}

/// An expression and where it is written.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) flags: &'a str,
    pub(super) span: Span,
    /// The group that is what was found.
    pub(super) capture: Option<&'a Name>,
    /// Bytes between the start of the span and the start of the text, when the text stands there as it is.
    pub(super) offset: usize,
}

impl Source<'_> {
    /// The place of a part of the expression; the whole place when the text was derived or has escapes before it.
    pub(super) fn part(&self, range: &std::ops::Range<usize>) -> Span {
        if self.offset == 0 || self.text.contains('/') {
            return self.span;
        }
        let start = self.span.start + self.offset;
        Span::new(self.span.source, start + range.start, start + range.end)
    }
}

/// The validators among the checks of a pattern.
pub(super) fn validators(checks: &[&ast::Check], diagnostics: &mut Vec<Diagnostic>) -> Vec<Validator> {
    let mut found = Vec::new();
    for check in checks {
        let ast::Check::Validator { name, least } = check else { continue };
        match validator::find(&name.value) {
            Some(validator) => found.extend(measured(validator, name, least.as_ref(), diagnostics)),
            None => {
                let names = validator::ALL.iter().map(|validator| validator.name);
                let list = names.clone().collect::<Vec<_>>().join(", ");
                let help = did_you_mean(&name.value, names).unwrap_or(format!("there are {list}"));
                let diagnostic = Diagnostic::error(
                    codes::UNKNOWN_NAME,
                    name.span,
                    format!("there is no validator `{}`", name.value),
                );
                if !diagnostics.iter().any(|told| told.span == name.span) {
                    diagnostics.push(diagnostic.help(help));
                }
            }
        }
    }
    found
}

/// The validator with what it must measure, if it is one that measures.
fn measured(
    validator: Validator,
    name: &ast::Name,
    least: Option<&Spanned<f64>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Validator> {
    let (message, help) = match (validator.check, least) {
        (Check::Holds(_), None) => return Some(validator),
        (Check::Measures(measure, _), Some(least)) => {
            return Some(Validator { check: Check::Measures(measure, least.value), ..validator });
        }
        (Check::Holds(_), Some(_)) => (
            format!("`{}` holds or does not, and takes no number", name.value),
            format!("write `where {}`", name.value),
        ),
        (Check::Measures(..), None) => (
            format!("`{}` wants to know how much", name.value),
            format!("write `where {} >= 3.0`", name.value),
        ),
    };
    if !diagnostics.iter().any(|told| told.span == name.span) {
        diagnostics.push(Diagnostic::error(codes::TYPE_MISMATCH, name.span, message).help(help));
    }
    None
}

pub(super) fn word_list(
    def: &PatternDef,
    words: &Words,
    arguments: &Arguments<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<String> {
    match words {
        Words::List(list) => strings(list, diagnostics),
        Words::Param(_) => {
            let values = def.params.iter().filter_map(|param| arguments.values.get(*param));
            values.filter_map(Value::as_list).flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    }
}

/// The strings of a list of words.
pub(super) fn strings(list: &[grammar::Spanned<Literal>], diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
    let text = |item: &grammar::Spanned<Literal>| match &item.value {
        Literal::Str(text) => Some(text.clone()),
        _ => None,
    };
    if let Some(stranger) = list.iter().find(|item| text(item).is_none()) {
        diagnostics.push(
            Diagnostic::error(codes::WRONG_TYPE, stranger.span, "words are strings in double quotes")
                .help("write [\"one\", \"two words\"]"),
        );
    }
    list.iter().filter_map(text).collect()
}
