//! What a person wrote in a rule file: plain data, every node with its place.

mod expr;
mod pattern;
mod test;

pub use expr::{Arm, BinaryOp, Expr, ExprKind, Match, PatternRef, Quantifier, Quantity, UnaryOp};
pub use pattern::{Check, Near, NearWhat, Pattern, PatternBody, Words};
pub use test::{Expectation, ExpectedVerdict, Test, TestLine};

use crate::budget::{Meter, Window};
use crate::span::{Span, Spanned};

/// A name and its place.
pub type Name = Spanned<String>;

/// A rule file: a policy, or a library of patterns for policies to use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The items, in the order written.
    pub items: Vec<Item>,
}

/// One item of a file, with the `///` lines above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The documentation, one line each, without the slashes.
    pub doc: Vec<String>,
    /// The whole item.
    pub span: Span,
    /// The same with its documentation.
    pub documented: Span,
    /// What it declares.
    pub kind: ItemKind,
}

/// What an item declares.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `policy NAME` or `library NAME`.
    Header(Header),
    /// `version "1.0.0"`.
    Version(Name),
    /// `use std.pii (email)`.
    Use(Use),
    /// `param action: enum(redact, block) = redact`.
    Param(Param),
    /// `pattern mrn = /…/`.
    Pattern(Pattern),
    /// `let body = untrusted.text`.
    Let(Let),
    /// `fn dear(model: string, limit: int) -> bool = …`.
    Function(Function),
    /// `score injection = sum { … }`.
    Score(Score),
    /// `script fn tier(user: string) -> enum(gold, free) from "tier.rhai"`.
    Script(Script),
    /// `rule personal_data on request { … }`.
    Rule(Box<Rule>),
    /// `test "…" { … }`.
    Test(Test),
}

/// The first item of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Whether it is a library: patterns only, for other files to use.
    pub library: bool,
    /// Its name.
    pub name: Name,
}

/// Names taken from another file.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// `std.pii`, or a path relative to this file.
    pub from: Name,
    /// Whether `from` was written as a quoted path.
    pub is_path: bool,
    /// The names.
    pub names: Vec<Name>,
}

/// A typed argument of the policy, given in `policy-config.yaml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name; dots stand for nested YAML keys.
    pub name: Name,
    /// Its type.
    pub ty: Spanned<Type>,
    /// Its value when the YAML does not say; required when absent.
    pub default: Option<Spanned<Literal>>,
    /// Other YAML keys for the same param.
    pub aliases: Vec<Name>,
}

/// The type of a param or of a script's argument or result.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number, inclusive range.
    Int(Option<(i64, i64)>),
    /// A number, inclusive range.
    Float(Option<(f64, f64)>),
    /// Text.
    String,
    /// A regular expression.
    Regex,
    /// A mapping from strings to strings.
    Map,
    /// A mapping from strings to values of one type.
    MapOf(Box<Type>),
    /// Named values, each of its own type.
    Record(Vec<Member>),
    /// A length of time.
    Duration,
    /// US dollars.
    Money,
    /// One of some words.
    Enum(Vec<Name>),
    /// A list.
    List(Box<Type>),
    /// A value that may be left out.
    Optional(Box<Type>),
}

/// A named value of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Spanned<Type>,
    /// Its value where none is given; required when absent.
    pub default: Option<Spanned<Literal>>,
}

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// `1h30m`, in milliseconds.
    Duration(i64),
    /// `$0.50`, in millionths of a dollar.
    Money(i64),
    /// Text in quotes.
    Str(String),
    /// A bare word, a choice of an enum.
    Word(String),
    /// `/…/i`.
    Regex(Regex),
    /// `[a, b]`.
    List(Vec<Spanned<Literal>>),
    /// `{a: 1, "b c": 2}`, in the order written.
    Map(Vec<(Name, Spanned<Literal>)>),
}

/// A regular expression as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Regex {
    /// Between the slashes, `\/` already `/`.
    pub source: String,
    /// The letters after the second slash.
    pub flags: String,
}

/// A name for an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: Name,
    /// What it stands for.
    pub value: Expr,
}

/// A named expression with arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its arguments with their types.
    pub args: Vec<(Name, Spanned<Type>)>,
    /// The type of its result.
    pub result: Spanned<Type>,
    /// What a call stands for.
    pub body: Expr,
}

/// A weighted sum of evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: Name,
    /// The terms.
    pub terms: Vec<Term>,
    /// The range that the sum is kept in.
    pub clamp: Option<(f64, f64)>,
}

/// One term of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it adds.
    pub weight: Expr,
    /// When.
    pub condition: Option<Expr>,
}

/// A function written in rhai.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Its name.
    pub name: Name,
    /// Its arguments with their types.
    pub args: Vec<(Name, Spanned<Type>)>,
    /// The type of its result.
    pub result: Spanned<Type>,
    /// Where its text is.
    pub body: ScriptBody,
}

/// Where a script's text is.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptBody {
    /// In a file beside this one.
    File(Name),
    /// Here, between triple quotes.
    Inline(Name),
}

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the request goes on.
    Request,
    /// While the answer comes back.
    Response,
}

impl Phase {
    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Request => "request",
            Phase::Response => "response",
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// When it runs.
    pub phases: Vec<Spanned<Phase>>,
    /// Where `buffered` stands, if it does: the rule waits for the whole answer.
    pub buffered: Option<Span>,
    /// When it does not apply.
    pub unless: Option<Expr>,
    /// The condition.
    pub when: Option<Expr>,
    /// What it does.
    pub action: Option<Action>,
    /// What it does in place of a verdict: where it lets the request go, or what it takes of a budget.
    pub effect: Option<Effect>,
    /// Its reason code.
    pub code: Option<Name>,
    /// Its message, with `{places}` to fill in.
    pub message: Option<Name>,
    /// How grave it is.
    pub severity: Option<Name>,
    /// Tags for reports.
    pub tags: Vec<Spanned<Literal>>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// A verdict, or an expression that is constant at load and gives one.
    pub verdict: Expr,
    /// What a redaction leaves behind.
    pub with: Option<Expr>,
}

/// What a rule does in place of a verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// `route to "eu-*"`: to targets of these names, and no others.
    To(Expr),
    /// `exclude target t where t.retention_days is absent`: not to those of which this holds.
    Exclude {
        /// What a target is called in the condition.
        target: Name,
        /// The condition.
        condition: Expr,
    },
    /// `reserve cost within $5 per day for key.name`: takes what the request may need of a budget.
    Reserve(Box<Reserve>),
}

impl Effect {
    /// Its expressions.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Effect::To(expr) | Effect::Exclude { condition: expr, .. } => vec![expr],
            Effect::Reserve(reserve) => {
                std::iter::once(&reserve.limit).chain(&reserve.whose).chain(&reserve.assuming).collect()
            }
        }
    }
}

/// A budget, and what a request takes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reserve {
    /// What is counted.
    pub meter: Spanned<Meter>,
    /// How much of it there is.
    pub limit: Expr,
    /// For how long it must last.
    pub window: Spanned<Window>,
    /// Whose it is: each combination of these has its own. One for all where there are none.
    pub whose: Vec<Expr>,
    /// The tokens of an answer of whose length the request says nothing.
    pub assuming: Option<Expr>,
}
