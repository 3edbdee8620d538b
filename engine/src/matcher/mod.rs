//! Patterns, ready to look for matches: in whole texts, and byte by byte.

mod automaton;
pub mod decode;
pub mod glob;
pub mod regex;
pub mod validator;
pub mod view;
pub mod words;

use std::ops::Range;
use std::sync::Arc;

use regex_automata::{Input, meta};
use regex_syntax::hir::Hir;

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
}

impl Detector {
    /// The detector of a pattern, or why its automaton cannot be built.
    pub fn new(blueprint: Blueprint<'_>) -> Result<Self, String> {
        let whole = meta::Builder::new()
            .configure(
                meta::Config::new()
                    .which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit)
                    .nfa_size_limit(Some(MAX_AUTOMATON))
                    .hybrid_cache_capacity(1 << 20),
            )
            .build_from_hir(blueprint.hir)
            .map_err(|error| error.to_string())?;
        let stream = if blueprint.streams { Some(Automaton::new(blueprint.hir)?) } else { None };
        Ok(Self {
            name: blueprint.name,
            label: blueprint.label,
            view: blueprint.view,
            source: Arc::from(blueprint.source),
            validators: blueprint.validators,
            longest: blueprint.hir.properties().maximum_len(),
            whole,
            stream,
        })
    }

    /// Whether a match passes the pattern's checks.
    pub fn accepts(&self, matched: &str) -> bool {
        self.validators.iter().all(|validator| (validator.check)(matched))
    }

    /// Every match in a text of this detector's view: leftmost first, none overlapping; after a match that fails
    /// its checks the search goes on one character further.
    pub fn find_all(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        let mut at = 0;
        while let Some(matched) = self.whole.find(Input::new(text).range(at..)) {
            let range = matched.range();
            if text.get(range.clone()).is_some_and(|matched| self.accepts(matched)) {
                at = range.end.max(range.start + 1);
                found(range);
            } else {
                at = range.start + text.get(range.start..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
            }
            if at > text.len() {
                break;
            }
        }
    }
}
