//! Which patterns cover which: by walking their automata side by side, each pair once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use grammar::ast::{Literal, Pattern, PatternBody, Words};
use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::logic::{Covers, Finding, Sought};
use crate::matcher::example::examples;
use crate::matcher::inclusion::{Inclusion, Seeker, included};
use crate::matcher::{View, regex, words};

/// How many pairs are walked for one file.
const MAX_PAIRS: usize = 64;

/// What is known of patterns so far.
#[derive(Default)]
pub(super) struct Coverage {
    expressions: RefCell<HashMap<Key, Option<Rc<Expression>>>>,
    pairs: RefCell<HashMap<(Key, Key), Inclusion>>,
}

/// Source, flags and view.
type Key = (String, String, View);

/// An expression in a view.
struct Expression {
    meaning: Hir,
    engine: meta::Regex,
    /// Texts that it is made for.
    examples: Vec<String>,
    /// Its automaton, which is made when it is needed.
    seeker: OnceCell<Option<Seeker>>,
}

impl Covers for Coverage {
    fn covers(&self, narrow: &Finding<'_>, wide: &Finding<'_>) -> bool {
        narrow.pattern != wide.pattern
            && !has_conditions(wide.pattern)
            && self.inclusion(narrow, wide) == Some(Inclusion::Included)
    }
}

impl Coverage {
    /// Whether all that one expression finds another finds too, checks and surroundings left aside.
    pub(super) fn inclusion(&self, narrow: &Finding<'_>, wide: &Finding<'_>) -> Option<Inclusion> {
        let view = view_of(&narrow.text);
        let pair = (key(narrow.pattern, view)?, key(wide.pattern, view)?);
        if let Some(known) = self.pairs.borrow().get(&pair) {
            return Some(known.clone());
        }
        let (narrow, wide) = (self.expression(&pair.0)?, self.expression(&pair.1)?);
        if let Some(text) = narrow.examples.iter().find(|text| !wide.engine.is_match(text.as_str())) {
            return Some(Inclusion::Witness(text.clone()));
        }
        let mut pairs = self.pairs.borrow_mut();
        if pairs.len() >= MAX_PAIRS {
            return None;
        }
        let known = match (narrow.seeker(), wide.seeker()) {
            (Some(narrow), Some(wide)) => included(narrow, wide),
            _ => Inclusion::Unknown,
        };
        pairs.insert(pair, known.clone());
        Some(known)
    }

    fn expression(&self, key: &Key) -> Option<Rc<Expression>> {
        let mut known = self.expressions.borrow_mut();
        known.entry(key.clone()).or_insert_with(|| Expression::of(key).map(Rc::new)).clone()
    }
}

impl Expression {
    fn of((source, flags, view): &Key) -> Option<Self> {
        let meaning = regex::compile(source, flags, *view).ok()?;
        let engine = meta::Builder::new().build_from_hir(&meaning).ok()?;
        let mut examples = examples(&meaning).to_vec();
        examples.retain(|text| engine.is_match(text.as_str()));
        Some(Self { meaning, engine, examples, seeker: OnceCell::new() })
    }

    fn seeker(&self) -> Option<&Seeker> {
        self.seeker.get_or_init(|| Seeker::new(&self.meaning)).as_ref()
    }
}

/// Whether not all that a pattern matches counts.
fn has_conditions(pattern: Sought<'_>) -> bool {
    match pattern {
        Sought::Declared(pattern) => !pattern.checks.is_empty() || !pattern.near.is_empty(),
        Sought::Regex(..) | Sought::Phrase(_) => false,
        Sought::Elsewhere(_) => true,
    }
}

/// The view that a text is seen in, by its key.
fn view_of(text: &str) -> View {
    match text.split('(').next() {
        Some("raw") => View::Raw,
        Some("normalized") => View::Normalized,
        _ => View::Folded,
    }
}

fn key(pattern: Sought<'_>, view: View) -> Option<Key> {
    match pattern {
        Sought::Declared(pattern) => expression(pattern).map(|(source, flags)| (source, flags, view)),
        Sought::Regex(regex, _) => Some((regex.source.clone(), regex.flags.clone(), view)),
        Sought::Phrase(text) => Some((words::source([text], 0), "i".to_owned(), view)),
        Sought::Elsewhere(_) => None,
    }
}

/// The expression of a pattern and its flags, when it is all written in its declaration.
fn expression(pattern: &Pattern) -> Option<(String, String)> {
    match &pattern.body.value {
        PatternBody::Regex(regex) => Some((regex.source.clone(), regex.flags.clone())),
        PatternBody::Words { words: Words::List(list), except, fuzzy: None } if except.is_empty() => {
            let text = |item: &grammar::Spanned<Literal>| match &item.value {
                Literal::Str(text) => Some(text.clone()),
                _ => None,
            };
            let list: Vec<String> = list.iter().filter_map(text).collect();
            Some((words::source(list.iter().map(String::as_str), 0), "i".to_owned()))
        }
        PatternBody::Words { .. } | PatternBody::AnyOf(_) => None,
    }
}
