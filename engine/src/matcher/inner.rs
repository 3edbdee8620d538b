//! `where [not] has /…/`: what must match inside of a match for it to count, or must not.
//!
//! The expression sees what was found and nothing around it: `^` and `$` are its ends, and so are boundaries. So the
//! answer is a function of the match, and the same wherever a stream was cut.

use std::sync::Arc;

use regex_automata::{Input, meta};

/// An expression that is asked of what was found.
#[derive(Debug)]
pub struct Inner {
    /// The expression, for people.
    pub source: Arc<str>,
    /// Its flags.
    pub flags: Arc<str>,
    /// Whether it must not match.
    pub denied: bool,
    /// Whether it is asked of the whole match, and not of the captured group alone.
    pub of_match: bool,
    /// What several patterns ask is built once.
    pub(crate) regex: Arc<meta::Regex>,
}

impl Inner {
    /// Whether a match passes, of which `part` was found.
    pub fn passes(&self, matched: &str, part: &str) -> bool {
        let text = if self.of_match { matched } else { part };
        self.regex.is_match(Input::new(text)) != self.denied
    }

    /// As written after `where`.
    pub fn written(&self) -> String {
        let denied = if self.denied { "not " } else { "" };
        let of_match = if self.of_match { "match " } else { "" };
        format!("{denied}{of_match}has /{}/{}", self.source.replace('/', "\\/"), self.flags)
    }
}
