//! `where [not] has /…/` in a declaration: what it means in a view.

use grammar::Diagnostic;
use grammar::ast;
use regex_syntax::hir::Hir;

use super::Patterns;
use super::planned::Asking;
use super::written::{Source, empty_match};
use crate::matcher::{self, View};

impl Patterns {
    /// What must match inside of a pattern's matches, or must not, and what that means in the view.
    pub(super) fn inner(
        &mut self,
        name: &str,
        checks: &[&ast::Check],
        view: View,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(Vec<Asking>, Vec<Hir>)> {
        let mut found = (Vec::new(), Vec::new());
        for check in checks {
            let ast::Check::Has { denied, of_match, regex } = check else { continue };
            let (span, source, flags) = (regex.span, &regex.value.source, &regex.value.flags);
            let text = Source { text: source, flags, span, offset: 1, capture: None };
            let name = format!("what is asked of {name}");
            let meaning = self.compile(&name, &text, view, diagnostics)?;
            if matches_everywhere(&meaning) {
                self.refuse(empty_match(&name, span), diagnostics);
                return None;
            }
            let (source, flags) = (source.clone(), flags.clone());
            found.0.push(Asking { source, flags, denied: *denied, of_match: *of_match });
            found.1.push(meaning);
        }
        Some(found)
    }
}

/// Whether an expression matches empty text in any text, so that asking it says nothing. `^[a-z]*$` matches empty text,
/// and says something all the same.
fn matches_everywhere(hir: &Hir) -> bool {
    // A character that no expression speaks of, so that what matches here matches for nothing.
    const STRANGE: &str = "\u{1}";
    let is_empty = hir.properties().minimum_len().unwrap_or(0) == 0;
    let found = || matcher::question(hir).ok()?.find(STRANGE);
    is_empty && found().is_some_and(|found| found.is_empty())
}
