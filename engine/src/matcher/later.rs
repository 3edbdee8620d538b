//! An expression that is compiled when something is first searched with it.
//!
//! Most patterns are never searched for: their atoms stand in no text, or a probe says *no* wherever they do. What a search needs
//! is several times as large as the probe, so it is made when a probe first says *maybe*, and kept.

use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_syntax::hir::Hir;

use super::{MAX_AUTOMATON, View, regex};

/// See the module.
#[derive(Debug)]
pub(super) struct Later {
    source: Arc<str>,
    flags: Arc<str>,
    view: View,
    captures: WhichCaptures,
    /// Whether it skips ahead by itself to where a match may begin.
    skips_ahead: bool,
    made: OnceLock<meta::Regex>,
}

impl Later {
    /// An expression as written, in a view and with its meaning there, which [is small](is_small) or not; or why it cannot be compiled,
    /// which is known at once.
    pub(super) fn new(
        (source, flags): (&Arc<str>, &Arc<str>),
        view: View,
        (hir, is_small): (&Hir, bool),
        captures: WhichCaptures,
        skips_ahead: bool,
    ) -> Result<Self, String> {
        let (source, flags) = (Arc::clone(source), Arc::clone(flags));
        let later = Self { source, flags, view, captures, skips_ahead, made: OnceLock::new() };
        if !is_small {
            // Whether this can be compiled is known by doing it.
            drop(later.made.set(later.make(hir)?));
        }
        Ok(later)
    }

    /// Ready to search.
    pub(super) fn regex(&self) -> &meta::Regex {
        self.made.get_or_init(|| {
            let hir = regex::compile(&self.source, &self.flags, self.view).map_err(|fault| fault.message);
            #[expect(
                clippy::expect_used,
                reason = "it was compiled before, and found small enough to be made again"
            )]
            hir.and_then(|hir| self.make(&hir))
                .expect("an expression that was looked at when the program was made")
        })
    }

    fn make(&self, hir: &Hir) -> Result<meta::Regex, String> {
        build(hir, self.captures, self.skips_ahead)
    }
}

/// An expression that is only asked whether it matches.
pub fn question(hir: &Hir) -> Result<meta::Regex, String> {
    build(hir, WhichCaptures::Implicit, true)
}

fn build(hir: &Hir, captures: WhichCaptures, skips_ahead: bool) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .which_captures(captures)
        .auto_prefilter(skips_ahead)
        .nfa_size_limit(Some(MAX_AUTOMATON))
        .hybrid_cache_capacity(1 << 20);
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error| error.to_string())
}

/// Whether nothing that is made of an expression can become too large. What is made of it in the end is no larger than this.
pub(super) fn is_small(hir: &Hir) -> bool {
    [false, true].into_iter().all(|reverse| {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(MAX_AUTOMATON / 2))
            .reverse(reverse)
            .which_captures(WhichCaptures::None);
        thompson::Compiler::new().configure(config).build_from_hir(hir).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(source: &str) -> Result<Later, String> {
        let hir = regex::compile(source, "", View::Folded).unwrap();
        let written = (&Arc::from(source), &Arc::from(""));
        Later::new(written, View::Folded, (&hir, is_small(&hir)), WhichCaptures::Implicit, true)
    }

    #[test]
    fn it_is_made_when_it_is_first_needed() {
        let later = later("caf[é]|x+").unwrap();
        assert!(later.made.get().is_none());
        assert!(later.regex().is_match("a cafe") && later.made.get().is_some());
    }

    #[test]
    fn what_is_too_large_is_told_at_once() {
        assert!(later(r"(?:\pL{1,60} ){1,200}").is_err());
        let large = later(r"(?:\pL{1,6} ){1,60}");
        assert!(large.is_err() || large.unwrap().made.get().is_some(), "it may not be left for later");
    }
}
