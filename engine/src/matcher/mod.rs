//! Patterns, ready to look for matches: in whole texts, and byte by byte.

pub mod atoms;
mod automaton;
pub mod decode;
pub mod glob;
pub mod regex;
pub mod scan;
#[cfg(test)]
mod scan_tests;
pub mod validator;
pub mod view;
mod window;
pub mod words;

use std::ops::Range;
use std::sync::Arc;

use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input, meta};
use regex_syntax::hir::{Hir, HirKind};

pub use automaton::{Automaton, MAX_AUTOMATON};
pub use regex::Fault;
pub use validator::Validator;
pub use view::View;

/// A pattern in one view.
#[derive(Debug)]
pub struct Detector {
    /// The pattern's name, or its source when it was written on the spot.
    pub name: Arc<str>,
    /// Its label in findings and markers.
    pub label: Arc<str>,
    /// How it sees texts.
    pub view: View,
    /// The regular expression, for people.
    pub source: Arc<str>,
    /// Checks that a match must pass.
    pub validators: Vec<Validator>,
    /// The longest match in bytes of the view; `None` when there is no bound.
    pub longest: Option<usize>,
    whole: meta::Regex,
    /// Present when the expression has a group called `value`: of a match, that part is what was found.
    value: Option<meta::Regex>,
    /// Present when a rule looks for it in answers.
    pub stream: Option<Automaton>,
}

/// What makes a detector.
pub struct Blueprint<'a> {
    /// The pattern's name.
    pub name: Arc<str>,
    /// Its label.
    pub label: Arc<str>,
    /// How it sees texts.
    pub view: View,
    /// The regular expression as written.
    pub source: &'a str,
    /// Its checks.
    pub validators: Vec<Validator>,
    /// Its meaning in the view.
    pub hir: &'a Hir,
    /// Whether it will be stepped over answers.
    pub streams: bool,
    /// A detector of the same meaning, whose way to search whole texts serves this one too.
    pub twin: Option<&'a Detector>,
    /// Whether it is searched only where a scan says that it may match, and so need not skip ahead by itself.
    pub gated: bool,
}

impl Detector {
    /// The detector of a pattern, or why its automaton cannot be built.
    pub fn new(blueprint: Blueprint<'_>) -> Result<Self, String> {
        let (whole, value) = match blueprint.twin {
            Some(twin) => (twin.whole.clone(), twin.value.clone()),
            None => (build(blueprint.hir, WhichCaptures::Implicit, !blueprint.gated)?, value(blueprint.hir)?),
        };
        let stream = if blueprint.streams { Some(Automaton::new(blueprint.hir)?) } else { None };
        Ok(Self {
            name: blueprint.name,
            label: blueprint.label,
            view: blueprint.view,
            source: Arc::from(blueprint.source),
            validators: blueprint.validators,
            longest: blueprint.hir.properties().maximum_len(),
            whole,
            value,
            stream,
        })
    }

    /// What was found in a match that passes the pattern's checks, or after how many bytes the search goes on when it
    /// does not: one character, or the whole match where the check says so.
    pub fn judge(&self, matched: &str) -> Result<Range<usize>, usize> {
        let part = self.part(matched);
        let found = matched.get(part.clone()).unwrap_or(matched);
        let mut failed = self.validators.iter().filter(|validator| !(validator.check)(found)).peekable();
        if failed.peek().is_none() {
            return Ok(part);
        }
        let whole = failed.any(|validator| validator.whole);
        Err(if whole { matched.len().max(1) } else { matched.chars().next().map_or(1, char::len_utf8) })
    }

    /// The part of a match that its group `value` took; the whole match where there is none.
    fn part(&self, matched: &str) -> Range<usize> {
        let group = self.value.as_ref().and_then(|regex| {
            let mut captures = regex.create_captures();
            regex.captures(Input::new(matched).anchored(Anchored::Yes), &mut captures);
            captures.get_group_by_name(VALUE).map(|span| span.range())
        });
        group.filter(|part| !part.is_empty()).unwrap_or(0..matched.len())
    }

    /// Whether there is a match anywhere in a plain text, seen in this detector's view.
    pub fn occurs_in(&self, text: &str) -> bool {
        let mut found = false;
        if self.view == View::Decoded {
            decode::decode(text).iter().for_each(|run| self.find_all(&run.text, |_| found = true));
        } else {
            self.find_all(&self.view.apply(text), |_| found = true);
        }
        found
    }

    /// Every match in a text of this detector's view: leftmost first, none overlapping; the search goes on after a
    /// match, and as [`Detector::judge`] says after one that fails its checks.
    pub fn find_all(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        let mut at = 0;
        while let Some(matched) = self.whole.find(Input::new(text).range(at..)) {
            let range = matched.range();
            match self.judge(text.get(range.clone()).unwrap_or_default()) {
                Ok(part) => {
                    at = range.end.max(range.start + 1);
                    found(range.start + part.start..range.start + part.end);
                }
                Err(skip) => at = range.start + skip,
            }
            if at > text.len() {
                break;
            }
        }
    }
}

/// The name of the group that takes the part of a match that counts.
const VALUE: &str = "value";

/// What finds the group called `value` in a match, where there is one.
fn value(hir: &Hir) -> Result<Option<meta::Regex>, String> {
    if has_value(hir) { build(hir, WhichCaptures::All, false).map(Some) } else { Ok(None) }
}

fn build(hir: &Hir, captures: WhichCaptures, skips_ahead: bool) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .which_captures(captures)
        .auto_prefilter(skips_ahead)
        .nfa_size_limit(Some(MAX_AUTOMATON))
        .hybrid_cache_capacity(1 << 20);
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error| error.to_string())
}

/// Whether a group called `value` can match empty text.
pub fn has_empty_value(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let is_value = capture.name.as_deref() == Some(VALUE);
            is_value && capture.sub.properties().minimum_len() == Some(0) || has_empty_value(&capture.sub)
        }
        HirKind::Repetition(repetition) => has_empty_value(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_empty_value),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Whether an expression has a group called `value`.
fn has_value(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.as_deref() == Some(VALUE) || has_value(&capture.sub),
        HirKind::Repetition(repetition) => has_value(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_value),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, validators: &[&str], text: &str) -> Vec<String> {
        let hir = regex::compile(source, "", View::Raw).unwrap();
        let blueprint = Blueprint {
            name: "p".into(),
            label: "P".into(),
            view: View::Raw,
            source,
            validators: validators.iter().filter_map(|name| validator::find(name)).collect(),
            hir: &hir,
            streams: true,
            twin: None,
            gated: false,
        };
        let mut out = Vec::new();
        Detector::new(blueprint)
            .unwrap()
            .find_all(text, |range| out.push(text.get(range).unwrap().to_owned()));
        out
    }

    #[test]
    fn a_group_called_value_is_what_counts() {
        assert_eq!(found(r"id: (?<value>\d+)", &[], "id: 12, id: 345."), ["12", "345"]);
        assert_eq!(found(r"id: (?<other>\d+)", &[], "id: 12"), ["id: 12"]);
    }

    #[test]
    fn a_failed_check_passes_over_a_character_or_the_whole() {
        assert_eq!(found(r"\d(?:\.\d){3,5}", &["ipv4"], "1.2.3.4.5 and 1.2.3.4"), ["1.2.3.4"]);
        assert_eq!(found(r"\d{4}", &["mixed_digits"], "11112"), ["1112"]);
    }
}
