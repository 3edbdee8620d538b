//! Which patterns cover which: by walking their automata side by side, each pair once.

use std::cell::RefCell;
use std::collections::HashMap;

use grammar::ast::{Literal, Pattern, PatternBody, Words};

use super::logic::{Covers, Finding, Sought};
use crate::matcher::inclusion::{Inclusion, Seeker, included};
use crate::matcher::{View, regex, words};

/// How many pairs are walked for one file.
const MAX_PAIRS: usize = 64;

/// What is known of patterns so far.
#[derive(Default)]
pub(super) struct Coverage {
    /// By source, flags and view.
    seekers: RefCell<HashMap<Key, Option<Seeker>>>,
    pairs: RefCell<HashMap<(Key, Key), Inclusion>>,
}

type Key = (String, String, View);

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
        let (narrow, wide) = (key(narrow.pattern, view)?, key(wide.pattern, view)?);
        let pair = (narrow, wide);
        if let Some(known) = self.pairs.borrow().get(&pair) {
            return Some(known.clone());
        }
        if self.pairs.borrow().len() >= MAX_PAIRS {
            return None;
        }
        let mut seekers = self.seekers.borrow_mut();
        for key in [&pair.0, &pair.1] {
            if !seekers.contains_key(key) {
                let seeker = regex::compile(&key.0, &key.1, key.2).ok().and_then(|hir| Seeker::new(&hir));
                seekers.insert(key.clone(), seeker);
            }
        }
        let known = match (seekers.get(&pair.0), seekers.get(&pair.1)) {
            (Some(Some(narrow)), Some(Some(wide))) => included(narrow, wide),
            _ => Inclusion::Unknown,
        };
        self.pairs.borrow_mut().insert(pair, known.clone());
        Some(known)
    }
}

/// Whether not all that a pattern matches counts.
fn has_conditions(pattern: Sought<'_>) -> bool {
    match pattern {
        Sought::Declared(pattern) => !pattern.validators.is_empty() || !pattern.near.is_empty(),
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
