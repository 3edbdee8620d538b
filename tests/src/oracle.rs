//! The meaning of redaction, slow and plain: each pattern's matches in the whole text, joined where they overlap. And policies
//! that it is held against.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use engine::{Program, Unit, compile};
use gateway::packs::Shelf;
use grammar::Sources;
use regex_automata::meta::Regex;

/// Sets of patterns that are awkward in different ways, each with an alphabet that its matches are made of.
pub const SETS: &[(&[&str], &str)] = &[
    (&["ab"], "abc"),
    (&["a+b"], "abc"),
    (&["ab+?c?"], "abc"),
    (&["a{1,3}", "b{2}"], "abc"),
    (&["abc|ab|b"], "abc"),
    (&["ab|abc"], "abc"),
    (&[r"\bab\b"], "ab "),
    (&[r"\ba", r"b\b"], "ab "),
    (&["(?m)^a$"], "ab\n"),
    (&["^a", "b$"], "abc"),
    (&["ab", "bc"], "abc"),
    (&["abca", "bc"], "abc"),
    (&["aab", "ab", "b"], "abc"),
    (&["a.{0,2}c", "b"], "abc"),
    (&["(?:ab){1,2}"], "abc"),
    (&["[^a]b"], "abé"),
    (&["bc", "ab"], "abc"),
    (&["aba", "bab"], "abc"),
    (&["a(?<value>b+)c?"], "abc"),
    (&[r"\Ba(?<value>b)|ab"], "ab "),
    (&[r"a(?:(?<value>b)\b|b)"], "ab "),
    (&[r"(?m)a(?:(?<value>b)$|b)c?"], "abc\n"),
];

/// A policy that redacts each pattern under its own name, sought in the text as it is.
pub fn program(patterns: &[&str]) -> Arc<Program> {
    let names: Vec<String> = (0..patterns.len()).map(|i| format!("p{i}")).collect();
    let mut text = String::from("policy streams\n");
    for (name, pattern) in names.iter().zip(patterns) {
        let capture = if pattern.contains("(?<value>") { "capture value" } else { "" };
        text.push_str(&format!("pattern {name} = /{}/ {capture}\n", pattern.replace("/", r"\/")));
    }
    let names = names.join(", ");
    text.push_str(&format!(
        "rule all_of_them on request, response {{ when text has ({names}) do redact }}\n"
    ));
    compiled(&text)
}

/// A policy that must compile.
pub fn compiled(text: &str) -> Arc<Program> {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("streams.ktr", text));
    let compiled = compile(&[unit], &Shelf, &mut sources);
    let told = grammar::render::render(&compiled.diagnostics, &sources, false);
    compiled.program.unwrap_or_else(|| panic!("{told}"))
}

/// Redacts whole texts.
pub struct Oracle {
    patterns: Vec<Regex>,
}

/// By what one name is taken of several: the longest match, and of equals the first pattern.
type Name = (Reverse<usize>, usize);

impl Oracle {
    /// The patterns, with ASCII classes and boundaries as in the rule language.
    pub fn new(patterns: &[&str]) -> Self {
        let ascii = |pattern: &&str| {
            let pattern = pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]");
            Regex::new(&pattern).unwrap()
        };
        Self { patterns: patterns.iter().map(ascii).collect() }
    }

    /// Every match, joined with those that it overlaps, under the name of the longest among them.
    pub fn spans(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut all: Vec<(Range<usize>, usize)> = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            for found in pattern.captures_iter(text) {
                let part = found.get_group_by_name("value").or_else(|| found.get_group(0));
                all.extend(part.map(|part| (part.range(), index)));
            }
        }
        all.sort_by_key(|(range, index)| (range.start, range.end, *index));
        let mut joined: Vec<(Range<usize>, Name)> = Vec::new();
        for (range, index) in all {
            let name = (Reverse(range.len()), index);
            match joined.last_mut() {
                Some((last, first)) if range.start < last.end => {
                    last.end = last.end.max(range.end);
                    *first = name.min(*first);
                }
                _ => joined.push((range, name)),
            }
        }
        joined.into_iter().map(|(range, (_, index))| (range, index)).collect()
    }

    /// The text with every match replaced by its pattern's label.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::new();
        let mut at = 0;
        for (range, index) in self.spans(text) {
            out.push_str(&text[at..range.start]);
            out.push_str(&format!("[P{index}]"));
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}
