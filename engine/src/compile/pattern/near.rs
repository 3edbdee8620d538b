//! `near … within N` in a declaration: what it means in a view, and how far it reaches.

use grammar::ast::{self, Literal, NearWhat};
use grammar::{Diagnostic, codes};
use regex_syntax::hir::Hir;

use super::written::{Source, empty_match, matches_empty, strings};
use super::{Beside, Patterns};
use crate::matcher::{View, near, words};

impl Patterns {
    /// What must stand near the matches of a pattern, and what that means in the view.
    pub(super) fn near(
        &mut self,
        name: &str,
        near: &[&ast::Near],
        view: View,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(Vec<Beside>, Vec<Hir>)> {
        let mut found = (Vec::new(), Vec::new());
        for near in near {
            let span = near.what.span;
            let (source, flags, offset) = match &near.what.value {
                NearWhat::Regex(regex) => (regex.source.clone(), regex.flags.clone(), 1),
                NearWhat::Words(list) => {
                    let list = strings(list, diagnostics);
                    (words::source(list.iter().map(String::as_str), 0), "i".to_owned(), 0)
                }
            };
            let reach = self.reach(near, diagnostics);
            let text = Source { text: &source, flags: &flags, span, offset, capture: None };
            let name = format!("what is near {name}");
            let meaning = self.compile(&name, &text, view, diagnostics)?;
            if matches_empty(&meaning) {
                self.refuse(empty_match(&name, span), diagnostics);
                return None;
            }
            found.0.push(Beside { source, flags, reach: reach? });
            found.1.push(meaning);
        }
        Some(found)
    }

    /// How many characters away something may stand.
    fn reach(&mut self, near: &ast::Near, diagnostics: &mut Vec<Diagnostic>) -> Option<usize> {
        let reach = match near.within.value {
            Literal::Int(reach) => usize::try_from(reach).ok(),
            _ => None,
        };
        let reach = reach.filter(|reach| (1..=near::MAX_REACH).contains(reach));
        if reach.is_none() {
            let message = "`within` wants a whole number of characters";
            let help = format!("give 1 to {}", near::MAX_REACH);
            self.refuse(
                Diagnostic::error(codes::BAD_VALUE, near.within.span, message).help(help),
                diagnostics,
            );
        }
        reach
    }
}
