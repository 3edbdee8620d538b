//! Patterns: what they match, and what else a match must be.

use super::{Expr, Literal, Name, Regex};
use crate::span::Spanned;

/// A named pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Its name.
    pub name: Name,
    /// What it matches.
    pub body: Spanned<PatternBody>,
    /// Its label in findings and markers; the name in capitals when absent.
    pub label: Option<Name>,
    /// The group of the expression that is what was found; the whole match when absent.
    pub capture: Option<Name>,
    /// What a match must pass, such as `luhn`.
    pub checks: Vec<Check>,
    /// What must stand near a match.
    pub near: Vec<Near>,
}

/// `near /\bpatient\b/ within 40`: what must stand near a match.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// What is looked for around the match.
    pub what: Spanned<NearWhat>,
    /// How many characters before and after the match it is looked for in.
    pub within: Spanned<Literal>,
}

/// What must stand near a match.
#[derive(Clone, Debug, PartialEq)]
pub enum NearWhat {
    /// A match of an expression.
    Regex(Regex),
    /// One of some words or phrases.
    Words(Vec<Spanned<Literal>>),
}

/// What a pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternBody {
    /// A regular expression.
    Regex(Regex),
    /// Whole words or phrases, in any case.
    Words {
        /// The words.
        words: Words,
        /// Entries of the list that are not looked for.
        except: Vec<Spanned<Literal>>,
        /// How many letters may differ.
        fuzzy: Option<Box<Expr>>,
    },
    /// Any of some patterns, or of the expressions in a param.
    AnyOf(Vec<Name>),
}

/// Where the words of a word pattern come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// Written here.
    List(Vec<Spanned<Literal>>),
    /// In a param of type `[string]`.
    Param(Name),
}

/// What a match must be, beside what its expression says.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// `luhn`, `entropy >= 3.5`.
    Validator {
        /// Its name.
        name: Name,
        /// What stands after `>=`: the least that it must measure, where it is one that measures.
        least: Option<Spanned<f64>>,
    },
    /// `has /\d/`, `not has /example/i`.
    Has {
        /// Whether `not` stands before it.
        denied: bool,
        /// Whether `match` stands before it: the whole match is looked at, and not the captured group alone.
        of_match: bool,
        /// What must match in it, or must not.
        regex: Spanned<Regex>,
    },
}
