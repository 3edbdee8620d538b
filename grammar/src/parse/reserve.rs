//! `do reserve`: what a rule takes of a budget.

use pest::iterators::Pair;

use super::{Reader, Rule, children};
use crate::ast::Reserve;
use crate::budget::{Meter, Window};
use crate::codes;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::span::Spanned;

impl Reader {
    /// A `reserve` pair.
    pub(super) fn reserve(&mut self, pair: Pair<'_, Rule>) -> Option<Reserve> {
        let mut parts = children(pair).into_iter();
        let meters = Meter::ALL.map(|meter| (meter.name(), meter));
        let meter = self.one_of(&parts.next()?, "something that is counted", &meters);
        let limit = self.expr(parts.next()?)?;
        let windows = Window::ALL.map(|window| (window.name(), window));
        let window = self.one_of(&parts.next()?, "a time for which a budget lasts", &windows);
        let (mut whose, mut assuming) = (Vec::new(), None);
        for part in parts {
            match part.as_rule() {
                Rule::whose => whose = self.exprs(part),
                _ => assuming = self.exprs(part).pop(),
            }
        }
        Some(Reserve { meter: meter?, limit, window: window?, whose, assuming })
    }

    fn one_of<T: Copy>(
        &mut self,
        pair: &Pair<'_, Rule>,
        what: &str,
        words: &[(&'static str, T)],
    ) -> Option<Spanned<T>> {
        let written = self.name(pair);
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written.value) {
            return Some(Spanned::new(*value, written.span));
        }
        let names = || words.iter().map(|(word, _)| *word);
        let help = did_you_mean(&written.value, names())
            .unwrap_or_else(|| format!("it can be {}", names().collect::<Vec<_>>().join(", ")));
        let message = format!("`{}` is not {what}", written.value);
        self.error(Diagnostic::error(codes::BAD_VALUE, written.span, message).help(help));
        None
    }
}
