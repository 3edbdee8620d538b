//! Expressions, as written.

use super::{Literal, Name, Regex};
use crate::span::{Span, Spanned};

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal; never a word or an empty map.
    Literal(Literal),
    /// `user.text`: one word or several.
    Path(Vec<Name>),
    /// `header("x-user-id")`.
    Call(Name, Vec<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `not a`, `-a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a and b`.
    Binary(Spanned<BinaryOp>, Box<Expr>, Box<Expr>),
    /// `text has (email, phone)`.
    Has(Box<Expr>, Vec<Spanned<PatternRef>>),
    /// `x is present`; the flag is false for `is absent`.
    Present(Box<Expr>, bool),
    /// `if a then b else c`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `match tier { gold => 0.5  else => 0.1 }`.
    Match(Box<Match>),
    /// `any m in messages: …`.
    Quantifier(Box<Quantifier>),
}

/// A choice by the value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// What is looked at.
    pub subject: Expr,
    /// The arms, in the order written.
    pub arms: Vec<Arm>,
    /// What holds when no arm does.
    pub otherwise: Option<Expr>,
}

/// One arm of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The values that it is for: literals and words.
    pub picks: Vec<Expr>,
    /// What the `match` is then.
    pub value: Expr,
}

/// A pattern at its place of use.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternRef {
    /// By name.
    Name(String),
    /// A regular expression on the spot.
    Regex(Regex),
    /// A phrase on the spot.
    Phrase(String),
}

/// `any`, `all` or `count` over a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantifier {
    /// Which.
    pub quantity: Quantity,
    /// The name of the element.
    pub element: Name,
    /// The list.
    pub list: Expr,
    /// What must hold of the element.
    pub body: Expr,
}

/// Which quantifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// At least one.
    Any,
    /// Every one.
    All,
    /// How many.
    Count,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `not`.
    Not,
    /// `-`.
    Neg,
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`.
    Or,
    /// `and`.
    And,
    /// `??`: the left, or the right where the left is absent.
    Coalesce,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// `contains`.
    Contains,
    /// `starts with`.
    StartsWith,
    /// `ends with`.
    EndsWith,
    /// `matches`.
    Matches,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Rem,
}

impl BinaryOp {
    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Coalesce => "??",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::In => "in",
            BinaryOp::NotIn => "not in",
            BinaryOp::Contains => "contains",
            BinaryOp::StartsWith => "starts with",
            BinaryOp::EndsWith => "ends with",
            BinaryOp::Matches => "matches",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
        }
    }
}
