//! Pairs of patterns into the tree.

use pest::iterators::Pair;

use super::{Reader, Rule, children, literal};
use crate::ast::{Check, Near, NearWhat, Pattern, PatternBody, Words};
use crate::span::Spanned;

impl Reader {
    /// A `pattern` pair.
    pub(super) fn pattern(&mut self, pair: Pair<'_, Rule>) -> Option<Pattern> {
        let mut parts = children(pair).into_iter();
        let name = self.name(&parts.next()?);
        let body = self.pattern_body(parts.next()?)?;
        let (label, capture, checks, near) = (None, None, Vec::new(), Vec::new());
        let mut pattern = Pattern { name, body, label, capture, checks, near };
        for clause in parts {
            let clause = clause.into_inner().next()?;
            let clause_kind = clause.as_rule();
            if clause_kind == Rule::near {
                pattern.near.push(self.near(clause)?);
                continue;
            }
            let names = children(clause);
            match clause_kind {
                Rule::label => {
                    let label = names.first()?;
                    let label =
                        if label.as_rule() == Rule::string { self.string(label) } else { self.name(label) };
                    pattern.label = Some(label);
                }
                Rule::capture => pattern.capture = Some(self.name(names.first()?)),
                _ => {
                    for check in names {
                        pattern.checks.extend(self.check(check));
                    }
                }
            }
        }
        Some(pattern)
    }

    fn check(&mut self, pair: Pair<'_, Rule>) -> Option<Check> {
        let mut parts = children(pair).into_iter();
        let first = parts.next()?;
        if first.as_rule() == Rule::has_inside {
            let says = |wanted: Rule| first.clone().into_inner().any(|inner| inner.as_rule() == wanted);
            let (denied, of_match) = (says(Rule::kw_not), says(Rule::kw_match));
            let regex = children(first).pop()?;
            let regex = Spanned::new(literal::regex(regex.as_str()), self.span(&regex));
            return Some(Check::Has { denied, of_match, regex });
        }
        let name = self.name(&first);
        let least = match parts.next() {
            Some(number) => {
                let span = self.span(&number);
                Some(Spanned::new(self.bound(&number)?, span))
            }
            None => None,
        };
        Some(Check::Validator { name, least })
    }

    fn near(&mut self, pair: Pair<'_, Rule>) -> Option<Near> {
        let [what, within] = <[_; 2]>::try_from(children(pair)).ok()?;
        let span = self.span(&what);
        let what = match what.as_rule() {
            Rule::regex => NearWhat::Regex(literal::regex(what.as_str())),
            _ => NearWhat::Words(self.values(children(what).pop()?)),
        };
        Some(Near { what: Spanned::new(what, span), within: self.literal(within)? })
    }

    fn pattern_body(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<PatternBody>> {
        let span = self.span(&pair);
        let inner = pair.into_inner().next()?;
        let body = match inner.as_rule() {
            Rule::regex => PatternBody::Regex(literal::regex(inner.as_str())),
            Rule::words => self.words(inner)?,
            _ => PatternBody::AnyOf(children(inner).iter().map(|name| self.name(name)).collect()),
        };
        Some(Spanned::new(body, span))
    }

    fn words(&mut self, pair: Pair<'_, Rule>) -> Option<PatternBody> {
        let mut parts = children(pair).into_iter();
        let list = parts.next()?;
        let words = if list.as_rule() == Rule::value_list {
            Words::List(self.values(list))
        } else {
            Words::Param(self.name(&list))
        };
        let (mut except, mut fuzzy) = (Vec::new(), None);
        for part in parts {
            if part.as_rule() == Rule::except {
                except = children(part).into_iter().next().map_or(Vec::new(), |list| self.values(list));
            } else {
                fuzzy = Some(Box::new(self.exprs(part).pop()?));
            }
        }
        Some(PatternBody::Words { words, except, fuzzy })
    }
}
