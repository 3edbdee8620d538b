//! Patterns: from what a rule file declares to detectors, each built once per view.

use std::collections::HashMap;
use std::sync::Arc;

use grammar::ast::{Literal, Name, PatternBody, Words};
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, SourceId, Span, codes};
use regex_syntax::hir::Hir;

use super::resolve::{Linked, PatternDef};
use super::typed::PatternUse;
use crate::matcher::scan::Scanner;
use crate::matcher::{self, Blueprint, Detector, Validator, View, regex, validator, words};
use crate::program::ir::DetectorId;
use crate::value::Value;

/// What makes two detectors one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    source: String,
    flags: String,
    view: View,
    label: Arc<str>,
    validators: Vec<Validator>,
    capture: Option<Arc<str>>,
}

/// A detector to build.
struct Planned {
    key: Key,
    name: Arc<str>,
    hir: Hir,
    span: Span,
    streams: bool,
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
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [Value],
    /// Letters that may differ, by pattern.
    pub(super) fuzzy: &'a HashMap<usize, usize>,
}

impl Patterns {
    /// The detectors of a use in a view.
    pub(super) fn of_use(
        &mut self,
        linked: &Linked,
        pattern: &PatternUse,
        view: View,
        arguments: &Arguments<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<DetectorId> {
        match pattern {
            PatternUse::Declared(index) => {
                let mut ids = Vec::new();
                self.declared(linked, *index, None, view, arguments, diagnostics, &mut ids);
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
                self.plan(&regex.source, label, Vec::new(), source, view, diagnostics).into_iter().collect()
            }
            PatternUse::Phrase(text) => {
                let expression = words::source([text.as_str()], 0);
                let source =
                    Source { text: &expression, flags: "i", span: Span::default(), offset: 0, capture: None };
                self.plan(text, Arc::from("PHRASE"), Vec::new(), source, view, diagnostics)
                    .into_iter()
                    .collect()
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one recursive walk that carries its surroundings")]
    fn declared(
        &mut self,
        linked: &Linked,
        index: usize,
        set_label: Option<Arc<str>>,
        view: View,
        arguments: &Arguments<'_>,
        diagnostics: &mut Vec<Diagnostic>,
        ids: &mut Vec<DetectorId>,
    ) {
        let Some(def) = linked.patterns.get(index) else { return };
        let own_label = def.ast.label.as_ref().map(|label| Arc::from(label.value.as_str()));
        let label = set_label.or(own_label);
        for member in &def.members {
            self.declared(linked, *member, label.clone(), view, arguments, diagnostics, ids);
        }
        let name = &def.ast.name.value;
        let label = label.unwrap_or_else(|| Arc::from(name.to_uppercase()));
        let validators = validators(def, diagnostics);
        let span = def.ast.body.span;
        match &def.ast.body.value {
            PatternBody::Regex(regex) => {
                let capture = def.ast.capture.as_ref();
                let source = Source { text: &regex.source, flags: &regex.flags, span, offset: 1, capture };
                ids.extend(self.plan(name, label, validators, source, view, diagnostics));
            }
            PatternBody::Words { words, except, .. } => {
                let except = strings(except, diagnostics);
                let mut list = word_list(def, words, arguments, diagnostics);
                list.retain(|word| !except.contains(word));
                if !list.is_empty() {
                    let edits = arguments.fuzzy.get(&index).copied().unwrap_or_default();
                    let expression = words::source(list.iter().map(String::as_str), edits);
                    let source = Source { text: &expression, flags: "i", span, offset: 0, capture: None };
                    ids.extend(self.plan(name, label, validators, source, view, diagnostics));
                }
            }
            PatternBody::AnyOf(_) => {
                let values = def.params.iter().filter_map(|param| arguments.values.get(*param));
                for expression in values.filter_map(Value::as_list).flatten().filter_map(Value::as_str) {
                    let source = Source { text: expression, flags: "", span, offset: 0, capture: None };
                    ids.extend(self.plan(name, label.clone(), validators.clone(), source, view, diagnostics));
                }
            }
        }
    }

    fn plan(
        &mut self,
        name: &str,
        label: Arc<str>,
        validators: Vec<Validator>,
        source: Source<'_>,
        view: View,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<DetectorId> {
        let capture = source.capture.map(|group| Arc::from(group.value.as_str()));
        let key =
            Key { source: source.text.into(), flags: source.flags.into(), view, label, validators, capture };
        if let Some(id) = self.ids.get(&key) {
            return Some(*id);
        }
        let hir = self.compile(name, &source, view, diagnostics)?;
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
        self.planned.push(Planned { key, name: Arc::from(name), hir, span: source.span, streams: false });
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
        // What was decoded is seen as folded text.
        let map = if view == View::Decoded { View::Folded } else { view };
        let meaning = (source.text.to_owned(), source.flags.to_owned(), map);
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
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            let message = format!("`{name}` matches empty text, and so would match everywhere");
            self.refuse(
                Diagnostic::error(codes::EMPTY_MATCH, source.span, message)
                    .help("make at least one part of it required: `+` instead of `*`, no lone `?`"),
                diagnostics,
            );
            return None;
        }
        if let Some(fault) = source.capture.and_then(|group| bad_capture(name, group, &hir)) {
            self.refuse(fault, diagnostics);
            return None;
        }
        self.meanings.insert(meaning, hir.clone());
        Some(hir)
    }

    /// Whether an expression was compiled in any view, and nothing is wrong with it.
    fn is_known(&self, regex: &grammar::ast::Regex) -> bool {
        View::ALL
            .into_iter()
            .any(|view| self.meanings.contains_key(&(regex.source.clone(), regex.flags.clone(), view)))
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
                self.compile(&def.ast.name.value, &source, View::Raw, diagnostics);
            }
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
        let mut covers = Vec::new();
        let mut twins: HashMap<(&str, &str), Vec<(usize, usize)>> = HashMap::new();
        for (index, planned) in self.planned.iter().enumerate() {
            let alike = twins.entry((&planned.key.source, &planned.key.flags)).or_default();
            let same = |other: &usize| self.planned.get(*other).is_some_and(|other| other.hir == planned.hir);
            let twin =
                alike.iter().find(|(other, _)| same(other)).and_then(|(_, built)| detectors.get(*built));
            let cover = if gated { matcher::atoms::cover(&planned.hir) } else { None };
            let blueprint = Blueprint {
                name: planned.name.clone(),
                label: planned.key.label.clone(),
                view: planned.key.view,
                source: &planned.key.source,
                flags: &planned.key.flags,
                validators: planned.key.validators.clone(),
                capture: planned.key.capture.clone(),
                hir: &planned.hir,
                streams: planned.streams,
                twin,
                gated: cover.is_some(),
            };
            covers.push((planned.key.view, cover));
            match Detector::new(blueprint) {
                Ok(detector) => {
                    alike.push((index, detectors.len()));
                    detectors.push(detector);
                }
                Err(cause) => diagnostics.push(
                    Diagnostic::error(
                        codes::PATTERN_TOO_LARGE,
                        planned.span,
                        format!("the automaton of `{}` is too large: {cause}", planned.name),
                    )
                    .help("shorten its counted repetitions such as `{1,200}`, or split it into several patterns"),
                ),
            }
        }
        (detectors, Scanner::new(covers))
    }
}

/// What is wrong with a captured group, if anything.
fn bad_capture(pattern: &str, group: &Name, hir: &Hir) -> Option<Diagnostic> {
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
fn capture_without_regex(def: &PatternDef, diagnostics: &mut Vec<Diagnostic>) {
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
struct Source<'a> {
    text: &'a str,
    flags: &'a str,
    span: Span,
    /// The group that is what was found.
    capture: Option<&'a Name>,
    /// Bytes between the start of the span and the start of the text, when the text stands there as it is.
    offset: usize,
}

impl Source<'_> {
    /// The place of a part of the expression; the whole place when the text was derived or has escapes before it.
    fn part(&self, range: &std::ops::Range<usize>) -> Span {
        if self.offset == 0 || self.text.contains('/') {
            return self.span;
        }
        let start = self.span.start + self.offset;
        Span::new(self.span.source, start + range.start, start + range.end)
    }
}

fn validators(def: &PatternDef, diagnostics: &mut Vec<Diagnostic>) -> Vec<Validator> {
    let mut found = Vec::new();
    for name in &def.ast.validators {
        match validator::find(&name.value) {
            Some(validator) => found.push(validator),
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

fn word_list(
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
fn strings(list: &[grammar::Spanned<Literal>], diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
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
