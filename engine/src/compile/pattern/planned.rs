//! What becomes a detector: what makes two of them one, and how they are built.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use grammar::{Diagnostic, Span, codes};
use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::Patterns;
use crate::matcher::scan::{Pattern, Scanner};
use crate::matcher::words::WordList;
use crate::matcher::{self, Blueprint, Detector, Inner, Near, Search, Validator, View};

/// What makes two detectors one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: String,
    pub(super) flags: String,
    pub(super) view: View,
    pub(super) label: Arc<str>,
    pub(super) validators: Vec<Validator>,
    pub(super) inner: Vec<Asking>,
    pub(super) near: Vec<Beside>,
    pub(super) capture: Option<Arc<str>>,
}

/// What must stand near a match: an expression with its flags, and how many characters away.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Beside {
    pub(super) source: String,
    pub(super) flags: String,
    pub(super) reach: usize,
}

/// What must match inside of a match, or must not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    pub(super) source: String,
    pub(super) flags: String,
    pub(super) denied: bool,
    pub(super) of_match: bool,
}

/// A detector to build.
pub(super) struct Planned {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) words: Option<WordList>,
    pub(super) hir: Hir,
    /// The meanings of what is asked of its matches.
    pub(super) inner: Vec<Hir>,
    /// The meanings of what must stand near.
    pub(super) near: Vec<Hir>,
    pub(super) span: Span,
    pub(super) streams: bool,
}

/// Expressions that are asked of matches, each built once: by source, flags and map of the view.
type Asked<'p> = HashMap<(&'p str, &'p str, View), Arc<meta::Regex>>;

impl Planned {
    /// What must stand near its matches, built.
    fn near(&self) -> Result<Vec<Near>, String> {
        let both = self.key.near.iter().zip(&self.near);
        both.map(|(beside, hir)| Near::new(&beside.source, &beside.flags, self.key.view, beside.reach, hir))
            .collect()
    }

    /// What is asked of its matches, built.
    fn inner<'p>(&'p self, built: &mut Asked<'p>) -> Result<Vec<Inner>, String> {
        let one = |(asking, hir): (&'p Asking, &Hir)| -> Result<Inner, String> {
            let regex = match built.entry((&asking.source, &asking.flags, self.key.view.folding())) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(place) => Arc::clone(place.insert(Arc::new(matcher::question(hir)?))),
            };
            let Asking { source, flags, denied, of_match } = asking;
            let (source, flags) = (Arc::from(source.as_str()), Arc::from(flags.as_str()));
            Ok(Inner { source, flags, denied: *denied, of_match: *of_match, regex })
        };
        self.key.inner.iter().zip(&self.inner).map(one).collect()
    }

    /// The detector of it.
    fn detector<'p>(
        &'p self,
        twin: Option<&Detector>,
        search: Search,
        built: &mut Asked<'p>,
    ) -> Result<Detector, String> {
        Detector::new(Blueprint {
            name: self.name.clone(),
            label: self.key.label.clone(),
            view: self.key.view,
            source: &self.key.source,
            flags: &self.key.flags,
            validators: self.key.validators.clone(),
            inner: self.inner(built)?,
            near: self.near()?,
            capture: self.key.capture.clone(),
            words: self.words.clone(),
            hir: &self.hir,
            streams: self.streams,
            twin,
            search,
        })
    }
}

impl Patterns {
    /// Builds every detector, and the scanner that says where they may match.
    pub(in crate::compile) fn build(
        self,
        gated: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Vec<Detector>, Scanner) {
        let mut detectors: Vec<Detector> = Vec::new();
        let mut sought = Vec::new();
        let mut twins: HashMap<(&str, &str), Vec<(usize, usize)>> = HashMap::new();
        let mut asked = Asked::new();
        for (index, planned) in self.planned.iter().enumerate() {
            let alike = twins.entry((&planned.key.source, &planned.key.flags)).or_default();
            let same = |other: &usize| self.planned.get(*other).is_some_and(|other| other.hir == planned.hir);
            let twin =
                alike.iter().find(|(other, _)| same(other)).and_then(|(_, built)| detectors.get(*built));
            let covers = if gated { matcher::atoms::cover_and_heads(&planned.hir) } else { None };
            let (cover, head) = covers.unzip();
            let search = match (gated, &cover) {
                (true, Some(_)) => Search::Gated,
                (true, None) => Search::Probed,
                (false, _) => Search::Plain,
            };
            match planned.detector(twin, search, &mut asked) {
                Ok(detector) => {
                    alike.push((index, detectors.len()));
                    let need = if gated { matcher::needs::Need::of(&planned.hir) } else { None };
                    sought.push(Pattern { cover, head: head.flatten(), probe: detector.probe.clone(), need });
                    detectors.push(detector);
                }
                // The cause is in words of the library that has the limit.
                Err(_) => diagnostics.push(
                    Diagnostic::error(
                        codes::PATTERN_TOO_LARGE,
                        planned.span,
                        format!("the automaton of `{}` is too large", planned.name),
                    )
                    .help("shorten its counted repetitions such as `{1,200}`, let fewer letters differ, or split it into several patterns"),
                ),
            }
        }
        (detectors, Scanner::new(sought))
    }
}
