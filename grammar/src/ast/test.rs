//! Tests: what is said, and what must come of it.

use super::{Literal, Name};
use crate::span::{Span, Spanned};

/// A test in a rule file.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: Name,
    /// Its lines.
    pub lines: Vec<Spanned<TestLine>>,
}

/// One line of a test.
#[derive(Clone, Debug, PartialEq)]
pub enum TestLine {
    /// `with action = block`.
    With(Name, Spanned<Literal>),
    /// `given now = "2026-05-04T22:10:00Z"`.
    Given(Name, Spanned<Literal>),
    /// `spent daily = $4.99`: what a rule's budget has been taken before.
    Spent(Name, Spanned<Literal>),
    /// `target "eu" {zero_data_retention = true}`.
    Target(Name, Vec<(Name, Spanned<Literal>)>),
    /// `header "x-user-id" = "u1"`.
    Header(Name, Name),
    /// `user "…"` and its like: who, and what.
    Said(Name, Name),
    /// `response "…"`.
    Response(Name),
    /// `call "send_email" "{…}"`: the function, and the arguments as they are written.
    Call(Name, Name),
    /// `expect …`: what must come of it.
    Expect {
        /// Where `todo` stands, if it does: this is known not to hold yet.
        todo: Option<Span>,
        /// What is expected.
        what: Expectation,
    },
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `block by rule code "…"`.
    Verdict(ExpectedVerdict),
    /// `text "…"`.
    Text(Name),
    /// `arguments "…"`.
    Arguments(Name),
    /// `targets ["eu"]`.
    Targets(Vec<Spanned<Literal>>),
    /// `reserved [daily]`: the rules that take something of their budgets.
    Reserved(Vec<Name>),
    /// `held <= 40`: the most bytes of the answer that may ever wait.
    Held(Spanned<usize>),
    /// `email in "…"`, or `no email in "…"`.
    Found {
        /// The pattern.
        pattern: Name,
        /// The text.
        text: Name,
        /// Whether it must be found.
        found: bool,
    },
}

/// An expected verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedVerdict {
    /// Its name.
    pub verdict: Name,
    /// The rule that must have reached it.
    pub rule: Option<Name>,
    /// The reason code that it must carry.
    pub code: Option<Name>,
}
