//! Patterns: from what a rule file declares to detectors, each built once per view.

mod near;
mod written;

use std::collections::HashMap;
use std::sync::Arc;

use grammar::ast::{self, PatternBody};
use grammar::{Diagnostic, SourceId, Span, codes};
use regex_syntax::hir::Hir;

use super::resolve::Linked;
use super::typed::PatternUse;
use crate::matcher::scan::{Pattern, Scanner};
use crate::matcher::words::{self, WordList};
use crate::matcher::{self, Blueprint, Detector, Near, Search, Validator, View, regex};
use crate::program::ir::DetectorId;
use crate::value::Value;
use written::{
    Source, bad_capture, capture_without_regex, empty_match, matches_empty, strings, validators, word_list,
};

/// What makes two detectors one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    source: String,
    flags: String,
    view: View,
    label: Arc<str>,
    validators: Vec<Validator>,
    near: Vec<Beside>,
    capture: Option<Arc<str>>,
}

/// What must stand near a match: an expression with its flags, and how many characters away.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Beside {
    source: String,
    flags: String,
    reach: usize,
}

/// A detector that a use asks for.
struct Asked<'a> {
    name: &'a str,
    label: Arc<str>,
    validators: Vec<Validator>,
    near: &'a [&'a ast::Near],
    source: Source<'a>,
    words: Option<WordList>,
    view: View,
    /// Whether it may match empty text: a question about a plain string may, a search may not.
    empty: bool,
}

impl<'a> Asked<'a> {
    /// One that a rule writes where it asks.
    fn on_the_spot(name: &'a str, label: Arc<str>, source: Source<'a>, view: View) -> Self {
        Self { name, label, validators: Vec::new(), near: &[], source, words: None, view, empty: false }
    }
}

/// What a set says of its members.
#[derive(Clone, Default)]
struct Set<'l> {
    label: Option<Arc<str>>,
    near: Vec<&'l ast::Near>,
}

/// A detector to build.
struct Planned {
    key: Key,
    name: Arc<str>,
    words: Option<WordList>,
    hir: Hir,
    /// The meanings of what must stand near.
    near: Vec<Hir>,
    span: Span,
    streams: bool,
}

impl Planned {
    /// What must stand near its matches, built.
    fn near(&self) -> Result<Vec<Near>, String> {
        let both = self.key.near.iter().zip(&self.near);
        both.map(|(beside, hir)| Near::new(&beside.source, &beside.flags, self.key.view, beside.reach, hir))
            .collect()
    }
}

/// All detectors of a program in the making.
#[derive(Default)]
pub(super) struct Patterns {
    planned: Vec<Planned>,
    ids: HashMap<Key, DetectorId>,
    /// What was compiled: by expression, flags and map of the view.
    meanings: HashMap<(String, String, View), Hir>,
    /// Expressions that cannot be used, so that each is told once.
    refused: Vec<Span>,
}

/// The values that patterns of one policy depend on.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [Value],
    /// Letters that may differ, by pattern.
    pub(super) fuzzy: &'a HashMap<usize, usize>,
}

impl Patterns {
    /// The detectors of a use in a view. An expression that is asked of a plain string may match empty text.
    pub(super) fn of_use(
        &mut self,
        linked: &Linked,
        pattern: &PatternUse,
        view: View,
        of_value: bool,
        arguments: &Arguments<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<DetectorId> {
        match pattern {
            PatternUse::Declared(index) => {
                let mut ids = Vec::new();
                self.declared(linked, *index, Set::default(), view, arguments, diagnostics, &mut ids);
                ids
            }
            PatternUse::Regex(regex, span) => {
                let label = Arc::from("MATCH");
                let source = Source {
                    text: &regex.source,
                    flags: &regex.flags,
                    span: *span,
                    offset: 1,
                    capture: None,
                };
                let asked = Asked::on_the_spot(&regex.source, label, source, view);
                self.plan(Asked { empty: of_value, ..asked }, diagnostics).into_iter().collect()
            }
            PatternUse::Phrase(text, span) => {
                let expression = words::source([text.as_str()], 0);
                let source = Source { text: &expression, flags: "i", span: *span, offset: 0, capture: None };
                let words = Some(WordList { words: vec![text.clone()], edits: 0 });
                let asked = Asked::on_the_spot(text, Arc::from("PHRASE"), source, view);
                self.plan(Asked { words, ..asked }, diagnostics).into_iter().collect()
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one recursive walk that carries its surroundings")]
    fn declared<'l>(
        &mut self,
        linked: &'l Linked,
        index: usize,
        set: Set<'l>,
        view: View,
        arguments: &Arguments<'_>,
        diagnostics: &mut Vec<Diagnostic>,
        ids: &mut Vec<DetectorId>,
    ) {
        let Some(def) = linked.patterns.get(index) else { return };
        let own_label = def.ast.label.as_ref().map(|label| Arc::from(label.value.as_str()));
        let label = set.label.or(own_label);
        let near: Vec<&ast::Near> = set.near.into_iter().chain(&def.ast.near).collect();
        for member in &def.members {
            let set = Set { label: label.clone(), near: near.clone() };
            self.declared(linked, *member, set, view, arguments, diagnostics, ids);
        }
        let (name, near) = (&def.ast.name.value, near.as_slice());
        let label = label.unwrap_or_else(|| Arc::from(name.to_uppercase()));
        let validators = validators(def, diagnostics);
        let span = def.ast.body.span;
        match &def.ast.body.value {
            PatternBody::Regex(regex) => {
                let capture = def.ast.capture.as_ref();
                let source = Source { text: &regex.source, flags: &regex.flags, span, offset: 1, capture };
                let asked = Asked { name, label, validators, near, source, words: None, view, empty: false };
                ids.extend(self.plan(asked, diagnostics));
            }
            PatternBody::Words { words, except, .. } => {
                let except = strings(except, diagnostics);
                let mut list = word_list(def, words, arguments, diagnostics);
                list.retain(|word| !except.contains(word));
                if !list.is_empty() {
                    let edits = arguments.fuzzy.get(&index).copied().unwrap_or_default();
                    let expression = words::source(list.iter().map(String::as_str), edits);
                    let source = Source { text: &expression, flags: "i", span, offset: 0, capture: None };
                    let words = Some(WordList { words: list, edits });
                    let asked = Asked { name, label, validators, near, source, words, view, empty: false };
                    ids.extend(self.plan(asked, diagnostics));
                }
            }
            PatternBody::AnyOf(_) => {
                let values = def.params.iter().filter_map(|param| arguments.values.get(*param));
                for expression in values.filter_map(Value::as_list).flatten().filter_map(Value::as_str) {
                    let source = Source { text: expression, flags: "", span, offset: 0, capture: None };
                    let (label, validators) = (label.clone(), validators.clone());
                    let asked =
                        Asked { name, label, validators, near, source, words: None, view, empty: false };
                    ids.extend(self.plan(asked, diagnostics));
                }
            }
        }
    }

    fn plan(&mut self, asked: Asked<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<DetectorId> {
        let Asked { name, label, validators, near, source, words, view, empty } = asked;
        let capture = source.capture.map(|group| Arc::from(group.value.as_str()));
        let (near, near_meanings) = self.near(name, near, view, diagnostics)?;
        let (text, flags) = (source.text.into(), source.flags.into());
        let key = Key { source: text, flags, view, label, validators, near, capture };
        if let Some(id) = self.ids.get(&key).copied() {
            let hollow = self.planned.get(id.index()).is_some_and(|known| matches_empty(&known.hir));
            if hollow && !empty {
                self.refuse(empty_match(name, source.span), diagnostics);
                return None;
            }
            return Some(id);
        }
        let hir = self.compile(name, &source, view, diagnostics)?;
        if matches_empty(&hir) && !empty {
            self.refuse(empty_match(name, source.span), diagnostics);
            return None;
        }
        let endless = hir.properties().maximum_len().is_none_or(|longest| longest > matcher::MAX_MATCH);
        if endless && key.validators.iter().any(|validator| !validator.whole) {
            let message =
                format!("`{name}` has no end, and a check that tries every start of it could take for ever");
            self.refuse(
                Diagnostic::error(codes::LIMIT, source.span, message).help(format!(
                    "bound its repetitions, as in `{{1,64}}`, to {} bytes in all",
                    matcher::MAX_MATCH
                )),
                diagnostics,
            );
            return None;
        }
        let id = DetectorId(u32::try_from(self.planned.len()).unwrap_or(u32::MAX));
        self.ids.insert(key.clone(), id);
        let (name, span) = (Arc::from(name), source.span);
        self.planned.push(Planned { key, name, words, hir, near: near_meanings, span, streams: false });
        Some(id)
    }

    /// The expression's meaning; what is wrong with it is told once.
    fn compile(
        &mut self,
        name: &str,
        source: &Source<'_>,
        view: View,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Hir> {
        let meaning = (source.text.to_owned(), source.flags.to_owned(), view.folding());
        if let Some(hir) = self.meanings.get(&meaning).cloned() {
            if let Some(fault) = source.capture.and_then(|group| bad_capture(name, group, &hir)) {
                self.refuse(fault, diagnostics);
                return None;
            }
            return Some(hir);
        }
        let hir = match regex::compile(source.text, source.flags, view) {
            Ok(hir) => hir,
            Err(fault) => {
                let message = format!("this regular expression cannot be used: {}", fault.message);
                self.refuse(
                    Diagnostic::error(codes::BAD_REGEX, source.part(&fault.range), message),
                    diagnostics,
                );
                return None;
            }
        };
        if let Some(fault) = source.capture.and_then(|group| bad_capture(name, group, &hir)) {
            self.refuse(fault, diagnostics);
            return None;
        }
        self.meanings.insert(meaning, hir.clone());
        Some(hir)
    }

    /// Whether an expression was compiled in any view, and nothing is wrong with it.
    fn is_known(&self, regex: &grammar::ast::Regex) -> bool {
        View::ALL.into_iter().any(|view| {
            let known = self.meanings.get(&(regex.source.clone(), regex.flags.clone(), view));
            known.is_some_and(|hir| !matches_empty(hir))
        })
    }

    fn refuse(&mut self, diagnostic: Diagnostic, diagnostics: &mut Vec<Diagnostic>) {
        if !self.refused.contains(&diagnostic.span) {
            self.refused.push(diagnostic.span);
            diagnostics.push(diagnostic);
        }
    }

    /// The detectors, when all of them can be stepped over an answer that is still coming.
    pub(super) fn can_stream(&self, detectors: Vec<DetectorId>) -> Result<Vec<DetectorId>, String> {
        let decodes = |id: &DetectorId| {
            self.planned.get(id.index()).is_some_and(|planned| planned.key.view == View::Decoded)
        };
        if detectors.iter().any(decodes) {
            return Err("`decoded(…)` needs the whole text".into());
        }
        Ok(detectors)
    }

    /// Tells the mistakes of patterns that no rule uses; those that are used are told where they are built.
    pub(super) fn check(&mut self, linked: &Linked, file: SourceId, diagnostics: &mut Vec<Diagnostic>) {
        for def in linked.patterns.iter().filter(|def| def.source == file) {
            validators(def, diagnostics);
            capture_without_regex(def, diagnostics);
            if let PatternBody::Regex(regex) = &def.ast.body.value
                && !self.is_known(regex)
            {
                let (span, capture) = (def.ast.body.span, def.ast.capture.as_ref());
                let source = Source { text: &regex.source, flags: &regex.flags, span, offset: 1, capture };
                let name = &def.ast.name.value;
                if self.compile(name, &source, View::Raw, diagnostics).is_some_and(|hir| matches_empty(&hir))
                {
                    self.refuse(empty_match(name, span), diagnostics);
                }
            }
            let near: Vec<&ast::Near> = def.ast.near.iter().collect();
            self.near(&def.ast.name.value, &near, View::Raw, diagnostics);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.planned.len()
    }

    /// Keeps those that are live.
    pub(super) fn retain(&mut self, live: &[bool]) {
        let mut marks = live.iter();
        self.planned.retain(|_| marks.next().copied().unwrap_or(false));
    }

    /// Notes that answers are searched for it.
    pub(super) fn streams(&mut self, id: DetectorId) {
        if let Some(planned) = self.planned.get_mut(id.index()) {
            planned.streams = true;
        }
    }

    /// Builds every detector, and the scanner that says where they may match.
    pub(super) fn build(self, gated: bool, diagnostics: &mut Vec<Diagnostic>) -> (Vec<Detector>, Scanner) {
        let mut detectors: Vec<Detector> = Vec::new();
        let mut sought = Vec::new();
        let mut twins: HashMap<(&str, &str), Vec<(usize, usize)>> = HashMap::new();
        for (index, planned) in self.planned.iter().enumerate() {
            let alike = twins.entry((&planned.key.source, &planned.key.flags)).or_default();
            let same = |other: &usize| self.planned.get(*other).is_some_and(|other| other.hir == planned.hir);
            let twin =
                alike.iter().find(|(other, _)| same(other)).and_then(|(_, built)| detectors.get(*built));
            let cover = if gated { matcher::atoms::cover(&planned.hir) } else { None };
            let blueprint = planned.near().map(|near| Blueprint {
                name: planned.name.clone(),
                label: planned.key.label.clone(),
                view: planned.key.view,
                source: &planned.key.source,
                flags: &planned.key.flags,
                validators: planned.key.validators.clone(),
                near,
                capture: planned.key.capture.clone(),
                words: planned.words.clone(),
                hir: &planned.hir,
                streams: planned.streams,
                twin,
                search: match (gated, &cover) {
                    (true, Some(_)) => Search::Gated,
                    (true, None) => Search::Probed,
                    (false, _) => Search::Plain,
                },
            });
            match blueprint.and_then(Detector::new) {
                Ok(detector) => {
                    alike.push((index, detectors.len()));
                    sought.push(Pattern { cover, probe: detector.probe.clone() });
                    detectors.push(detector);
                }
                Err(cause) => diagnostics.push(
                    Diagnostic::error(
                        codes::PATTERN_TOO_LARGE,
                        planned.span,
                        format!("the automaton of `{}` is too large: {cause}", planned.name),
                    )
                    .help("shorten its counted repetitions such as `{1,200}`, let fewer letters differ, or split it into several patterns"),
                ),
            }
        }
        (detectors, Scanner::new(sought))
    }
}
