//! Texts as patterns see them, and where patterns match: one regular expression at a time, over the whole text.

use std::ops::Range;

use grammar::ast;
use regex::{Regex, RegexBuilder};

use super::json::JsonText;

/// How a pattern looks at a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// With disguises taken off.
    Folded,
    /// As it is.
    Raw,
    /// As JSON text, with disguises taken off.
    Json,
}

/// A text, and whether all patterns see it as JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) is_json: bool,
}

impl Said<'_> {
    /// Whether it is seen as JSON by one who looks like that.
    pub(super) fn reads_json(&self, look: Look) -> bool {
        self.is_json || look == Look::Json
    }
}

/// A character that no reader sees; the folded view drops it.
pub(super) const UNSEEN: char = '\u{200B}';

/// A pattern, ready to be looked for.
#[derive(Clone)]
pub(super) struct Finder {
    pub(super) label: String,
    regex: Regex,
    any_case: bool,
    /// What must match in a match, or must not where `true` stands.
    inner: Vec<(Regex, bool)>,
    /// What must stand near a match, and how many characters away.
    near: Vec<(Regex, usize)>,
}

impl Finder {
    /// The finder of a regular expression of the rule language, whose classes and boundaries are ASCII.
    pub(super) fn of_regex(regex: &ast::Regex, label: &str) -> Self {
        let source = regex.source.replace(r"\b", r"(?-u:\b)");
        let source =
            source.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\s", r"[\t\n\v\f\r ]");
        let any_case = regex.flags.contains('i');
        let regex = RegexBuilder::new(&source).case_insensitive(any_case).build();
        let regex = regex.expect("generated expressions are valid");
        Self { label: label.to_owned(), regex, any_case, inner: Vec::new(), near: Vec::new() }
    }

    /// The finder of whole words and phrases, in any case; of two that begin alike the longer one wins.
    pub(super) fn of_words(words: &[String], label: &str) -> Self {
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let one = |word: &&String| {
            let parts: Vec<String> = word.split_whitespace().map(regex::escape).collect();
            format!(r"(?-u:\b){}(?-u:\b)", parts.join(r"[\t\n\v\f\r ]{1,4}"))
        };
        let source = words.iter().map(one).collect::<Vec<_>>().join("|");
        let regex = RegexBuilder::new(&source).case_insensitive(true).build();
        let regex = regex.expect("escaped words are valid");
        Self { label: label.to_owned(), regex, any_case: true, inner: Vec::new(), near: Vec::new() }
    }

    /// The same finder, whose matches count only where the other finds something so near.
    pub(super) fn near(mut self, other: &Self, reach: usize) -> Self {
        self.near.push((other.regex.clone(), reach));
        self
    }

    /// The same finder, whose matches count only where the other finds something in them, or nothing where it is denied.
    pub(super) fn asking(mut self, other: &Self, denied: bool) -> Self {
        self.inner.push((other.regex.clone(), denied));
        self
    }

    /// Whether it is the same finder under the same label.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.label == other.label
            && self.regex.as_str() == other.regex.as_str()
            && self.any_case == other.any_case
            && self.inner.len() == other.inner.len()
            && self.inner.iter().zip(&other.inner).all(|(a, b)| a.0.as_str() == b.0.as_str() && a.1 == b.1)
            && self.near.len() == other.near.len()
            && self.near.iter().zip(&other.near).all(|(a, b)| a.0.as_str() == b.0.as_str() && a.1 == b.1)
    }

    /// Every match in a text, as bytes of the text as it arrived.
    pub(super) fn find(&self, said: Said<'_>, look: Look) -> Vec<Range<usize>> {
        let seen = Seen::of(said, look);
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(found) = self.regex.find_at(&seen.text, at) {
            let failed =
                self.inner.iter().filter(|(regex, denied)| regex.is_match(found.as_str()) == *denied);
            // What is let pass is let pass as a whole; what lacks something may have it where it begins later.
            match failed.map(|(_, denied)| *denied).reduce(|one, other| one || other) {
                Some(false) => at = found.start() + found.as_str().chars().next().map_or(1, char::len_utf8),
                Some(true) => at = found.end(),
                None => {
                    at = found.end();
                    all.extend(self.is_near(&seen.text, &found.range()).then(|| seen.raw(found.range())));
                }
            }
        }
        all
    }

    /// Whether everything that must be near stands wholly in the characters before the match, or in those after it.
    fn is_near(&self, text: &str, matched: &Range<usize>) -> bool {
        self.near.iter().all(|(regex, reach)| {
            let before = text[..matched.start].char_indices().rev().take(*reach).last();
            let from = before.map_or(matched.start, |(at, _)| at);
            let upto =
                text[matched.end..].char_indices().nth(*reach).map_or(text.len(), |(at, _)| matched.end + at);
            stands_in(regex, text, from..matched.start) || stands_in(regex, text, matched.end..upto)
        })
    }
}

/// Whether an expression, all matches of which are of one length, matches within a part of a text.
fn stands_in(regex: &Regex, text: &str, part: Range<usize>) -> bool {
    let starts = part.clone().filter(|at| text.is_char_boundary(*at));
    starts
        .filter_map(|at| regex.find_at(text, at).filter(|found| found.start() == at))
        .any(|f| f.end() <= part.end)
}

/// A text in a view: each byte with the bytes that it came from.
struct Seen {
    text: String,
    origin: Vec<Range<usize>>,
}

impl Seen {
    fn of(said: Said<'_>, look: Look) -> Self {
        let characters = if said.reads_json(look) {
            JsonText::of(said.text).shown
        } else {
            said.text.char_indices().map(|(at, c)| (c, at..at + c.len_utf8())).collect()
        };
        let mut seen = Self { text: String::new(), origin: Vec::new() };
        for (c, raw) in characters {
            if let Some(shown) = if look == Look::Raw { Some(c) } else { folded(c) } {
                seen.text.push(shown);
                seen.origin.extend((0..shown.len_utf8()).map(|_| raw.clone()));
            }
        }
        seen
    }

    fn raw(&self, range: Range<usize>) -> Range<usize> {
        self.origin[range.start].start..self.origin[range.end - 1].end
    }
}

/// The folded view of the characters that generated texts are made of.
fn folded(c: char) -> Option<char> {
    match c {
        UNSEEN => None,
        'ａ'..='ｚ' => char::from_u32(c as u32 - 'ａ' as u32 + 'a' as u32),
        c => Some(c),
    }
}
