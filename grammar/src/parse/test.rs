//! Tests, line by line.

use pest::iterators::Pair;

use super::{Reader, Rule, children, take};
use crate::ast::{Expectation, ExpectedVerdict, Literal, Test, TestLine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;

impl Reader {
    /// A `test` pair.
    pub(super) fn test(&mut self, pair: Pair<'_, Rule>) -> Option<Test> {
        let mut parts = children(pair).into_iter();
        let name = self.string(&parts.next()?);
        let mut lines = Vec::new();
        for line in parts {
            let span = self.span(&line);
            lines.push(Spanned::new(self.test_line(line.into_inner().next()?)?, span));
        }
        Some(Test { name, lines })
    }

    fn test_line(&mut self, pair: Pair<'_, Rule>) -> Option<TestLine> {
        let shape = pair.as_rule();
        if shape == Rule::test_expect {
            return self.expect(pair);
        }
        let mut parts = children(pair).into_iter();
        let first = parts.next()?;
        Some(match shape {
            Rule::test_with => TestLine::With(self.name(&first), self.value(parts.next()?)?),
            Rule::test_spent => TestLine::Spent(self.name(&first), self.value(parts.next()?)?),
            Rule::test_given => TestLine::Given(self.name(&first), self.value(parts.next()?)?),
            Rule::test_target => {
                let mut settings = Vec::new();
                for part in parts {
                    let [name, value] = <[_; 2]>::try_from(children(part)).ok()?;
                    settings.push((self.name(&name), self.value(value)?));
                }
                TestLine::Target(self.string(&first), settings)
            }
            Rule::test_header => TestLine::Header(self.string(&first), self.string(&parts.next()?)),
            Rule::test_said => TestLine::Said(self.name(&first), self.string(&parts.next()?)),
            Rule::test_call => TestLine::Call(self.string(&first), self.string(&parts.next()?)),
            _ => TestLine::Response(self.string(&first)),
        })
    }

    fn expect(&mut self, pair: Pair<'_, Rule>) -> Option<TestLine> {
        let mut parts = pair.clone().into_inner();
        let todo = take(&mut parts, Rule::kw_todo).map(|word| self.span(&word));
        let what = self.expectation(children(pair).into_iter().next()?)?;
        Some(TestLine::Expect { todo, what })
    }

    fn expectation(&mut self, pair: Pair<'_, Rule>) -> Option<Expectation> {
        let shape = pair.as_rule();
        if shape == Rule::expect_reserved {
            let names = children(pair).iter().map(|name| self.name(name)).collect();
            return Some(Expectation::Reserved(names));
        }
        let found = !pair.clone().into_inner().any(|inner| inner.as_rule() == Rule::kw_no);
        let mut parts = children(pair).into_iter();
        let first = parts.next()?;
        match shape {
            Rule::expect_text => Some(Expectation::Text(self.string(&first))),
            Rule::expect_arguments => Some(Expectation::Arguments(self.string(&first))),
            Rule::expect_targets => Some(Expectation::Targets(self.values(first))),
            Rule::expect_held => self.bytes(first).map(Expectation::Held),
            Rule::expect_found => {
                let text = self.string(&parts.next()?);
                Some(Expectation::Found { pattern: self.name(&first), text, found })
            }
            _ => {
                let mut expected = ExpectedVerdict { verdict: self.name(&first), rule: None, code: None };
                for part in parts {
                    if part.as_rule() == Rule::string {
                        expected.code = Some(self.string(&part));
                    } else {
                        expected.rule = Some(self.name(&part));
                    }
                }
                Some(Expectation::Verdict(expected))
            }
        }
    }

    /// A number of bytes.
    fn bytes(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<usize>> {
        let Spanned { value, span } = self.literal(pair)?;
        let bytes = if let Literal::Int(number) = value { usize::try_from(number).ok() } else { None };
        if bytes.is_none() {
            let message = "what is held is counted in bytes, and this is no number of them";
            self.error(
                Diagnostic::error(codes::BAD_VALUE, span, message)
                    .help("write a whole number, as in `held <= 40`"),
            );
        }
        bytes.map(|bytes| Spanned::new(bytes, span))
    }
}
