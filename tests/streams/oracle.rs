//! The meaning of redaction, slow and plain: each pattern's matches in the whole text, joined where they overlap.

use std::cmp::Reverse;
use std::ops::Range;

use regex_automata::meta::Regex;

/// Redacts whole texts.
pub(crate) struct Oracle {
    patterns: Vec<Regex>,
}

impl Oracle {
    /// The patterns, with ASCII classes and boundaries as in the rule language.
    pub(crate) fn new(patterns: &[&str]) -> Self {
        let ascii = |pattern: &&str| {
            let pattern = pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]");
            Regex::new(&pattern).unwrap()
        };
        Self { patterns: patterns.iter().map(ascii).collect() }
    }

    /// Every match, joined with those that it overlaps, under the name of the longest among them.
    pub(crate) fn spans(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut all: Vec<(Range<usize>, usize)> = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            for found in pattern.captures_iter(text) {
                let part = found.get_group_by_name("value").or_else(|| found.get_group(0));
                all.extend(part.map(|part| (part.range(), index)));
            }
        }
        all.sort_by_key(|(range, index)| (range.start, range.end, *index));
        let mut joined: Vec<(Range<usize>, (Reverse<usize>, usize))> = Vec::new();
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
    pub(crate) fn redact(&self, text: &str) -> String {
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
