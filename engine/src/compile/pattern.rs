//! Patterns: from what a rule file declares to detectors, each built once per view.

mod inner;
mod near;
mod planned;
mod written;

use std::collections::HashMap;
use std::sync::Arc;

use grammar::ast::{self, PatternBody};
use grammar::{Diagnostic, SourceId, Span, codes};
use regex_syntax::hir::Hir;

use super::resolve::Linked;
use super::typed::PatternUse;
use crate::matcher::words::{self, WordList};
use crate::matcher::{self, View, regex};
use crate::program::ir::DetectorId;
use crate::value::Value;
use planned::{Beside, Key, Planned};
use written::{
    Source, bad_capture, capture_without_regex, empty_match, matches_empty, strings, validators, word_list,
};

/// A detector that a use asks for.
struct Asked<'a> {
    name: &'a str,
    label: Arc<str>,
    checks: &'a [&'a ast::Check],
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
        Self { name, label, checks: &[], near: &[], source, words: None, view, empty: false }
    }
}

/// What a set says of its members.
#[derive(Clone, Default)]
struct Set<'l> {
    label: Option<Arc<str>>,
    checks: Vec<&'l ast::Check>,
    near: Vec<&'l ast::Near>,
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
        let checks: Vec<&ast::Check> = set.checks.into_iter().chain(&def.ast.checks).collect();
        let near: Vec<&ast::Near> = set.near.into_iter().chain(&def.ast.near).collect();
        for member in &def.members {
            let set = Set { label: label.clone(), checks: checks.clone(), near: near.clone() };
            self.declared(linked, *member, set, view, arguments, diagnostics, ids);
        }
        let (name, checks, near) = (&def.ast.name.value, checks.as_slice(), near.as_slice());
        let label = label.unwrap_or_else(|| Arc::from(name.to_uppercase()));
        let span = def.ast.body.span;
        match &def.ast.body.value {
            PatternBody::Regex(regex) => {
                let capture = def.ast.capture.as_ref();
                let source = Source { text: &regex.source, flags: &regex.flags, span, offset: 1, capture };
                let asked = Asked { name, label, checks, near, source, words: None, view, empty: false };
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
                    let asked = Asked { name, label, checks, near, source, words, view, empty: false };
                    ids.extend(self.plan(asked, diagnostics));
                }
            }
            PatternBody::AnyOf(_) => {
                let values = def.params.iter().filter_map(|param| arguments.values.get(*param));
                for expression in values.filter_map(Value::as_list).flatten().filter_map(Value::as_str) {
                    let source = Source { text: expression, flags: "", span, offset: 0, capture: None };
                    let label = label.clone();
                    let asked = Asked { name, label, checks, near, source, words: None, view, empty: false };
                    ids.extend(self.plan(asked, diagnostics));
                }
            }
        }
    }

    fn plan(&mut self, asked: Asked<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<DetectorId> {
        let Asked { name, label, checks, near, source, words, view, empty } = asked;
        let capture = source.capture.map(|group| Arc::from(group.value.as_str()));
        let validators = validators(checks, diagnostics);
        let (inner, inner_meanings) = self.inner(name, checks, view, diagnostics)?;
        let (near, near_meanings) = self.near(name, near, view, diagnostics)?;
        let (text, flags) = (source.text.into(), source.flags.into());
        let key = Key { source: text, flags, view, label, validators, inner, near, capture };
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
        let tries_on = key.validators.iter().any(|validator| !validator.whole)
            || key.inner.iter().any(|asking| !asking.denied);
        if endless && tries_on {
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
        let (inner, near) = (inner_meanings, near_meanings);
        self.planned.push(Planned { key, name, words, hir, inner, near, span, streams: false });
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
            let checks: Vec<&ast::Check> = def.ast.checks.iter().collect();
            validators(&checks, diagnostics);
            self.inner(&def.ast.name.value, &checks, View::Raw, diagnostics);
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
}
