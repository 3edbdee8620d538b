//! Literals: numbers, strings, regular expressions, lists.

use pest::iterators::Pair;

use super::{Reader, Rule, children};
use crate::ast::{Literal, Name, Regex};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::quantity;
use crate::span::{Span, Spanned};

impl Reader {
    /// A `value` pair.
    pub(super) fn value(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Literal>> {
        let inner = pair.into_inner().next()?;
        self.literal(inner)
    }

    /// Any pair that is a literal by itself.
    pub(super) fn literal(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Literal>> {
        let span = self.span(&pair);
        let literal = match pair.as_rule() {
            Rule::boolean => Literal::Bool(pair.as_str() == "true"),
            Rule::number => self.number(&pair)?,
            Rule::duration => self.quantity(&pair, quantity::duration, Literal::Duration)?,
            Rule::money => self.quantity(&pair, quantity::money, Literal::Money)?,
            Rule::string => Literal::Str(self.string(&pair).value),
            Rule::regex => Literal::Regex(regex(pair.as_str())),
            Rule::value_map => Literal::Map(self.entries(pair)),
            Rule::value_list => Literal::List(self.values(pair)),
            _ => Literal::Word(pair.as_str().to_owned()),
        };
        Some(Spanned::new(literal, span))
    }

    /// The values of a `value_list` pair.
    pub(super) fn values(&mut self, pair: Pair<'_, Rule>) -> Vec<Spanned<Literal>> {
        children(pair).into_iter().filter_map(|value| self.value(value)).collect()
    }

    /// The entries of a `value_map` pair, each key once.
    fn entries(&mut self, pair: Pair<'_, Rule>) -> Vec<(Name, Spanned<Literal>)> {
        let mut entries: Vec<(Name, Spanned<Literal>)> = Vec::new();
        for entry in children(pair) {
            let Ok([key, value]) = <[_; 2]>::try_from(children(entry)) else { continue };
            let key = if key.as_rule() == Rule::string { self.string(&key) } else { self.name(&key) };
            if let Some((first, _)) = entries.iter().find(|(known, _)| known.value == key.value) {
                let message = format!("`{}` stands here twice", key.value);
                let first = first.span;
                self.error(
                    Diagnostic::error(codes::DUPLICATE, key.span, message)
                        .related(first, "first here")
                        .help("keep one"),
                );
                continue;
            }
            entries.extend(self.value(value).map(|value| (key, value)));
        }
        entries
    }

    fn number(&mut self, pair: &Pair<'_, Rule>) -> Option<Literal> {
        let text = pair.as_str().replace('_', "");
        let number = if text.contains('.') {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Float)
        } else {
            text.parse().ok().map(Literal::Int)
        };
        if number.is_none() {
            let message = format!("`{}` is too large for a number", pair.as_str());
            self.error(Diagnostic::error(codes::BAD_VALUE, self.span(pair), message));
        }
        number
    }

    fn quantity(
        &mut self,
        pair: &Pair<'_, Rule>,
        read: fn(&str) -> Option<i64>,
        literal: fn(i64) -> Literal,
    ) -> Option<Literal> {
        let read = read(pair.as_str());
        if read.is_none() {
            let message = format!("`{}` cannot be read", pair.as_str());
            let help = if pair.as_rule() == Rule::money {
                "money has at most six digits after the point, as in `$0.000250`"
            } else {
                "a duration goes from long units to short ones, each once, as in `1d12h` or `1m30s`"
            };
            self.error(Diagnostic::error(codes::BAD_VALUE, self.span(pair), message).help(help));
        }
        read.map(literal)
    }

    /// The number as a float, for ranges.
    pub(super) fn bound(&mut self, pair: &Pair<'_, Rule>) -> Option<f64> {
        match self.number(pair)? {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a bound past 2^53 is no bound that anybody writes"
            )]
            Literal::Int(number) => Some(number as f64),
            Literal::Float(number) => Some(number),
            Literal::Bool(_)
            | Literal::Duration(_)
            | Literal::Money(_)
            | Literal::Str(_)
            | Literal::Word(_)
            | Literal::Regex(_)
            | Literal::List(_)
            | Literal::Map(_) => None,
        }
    }

    /// A `string` pair without quotes, its escapes resolved.
    pub(super) fn string(&mut self, pair: &Pair<'_, Rule>) -> Name {
        let span = self.span(pair);
        let inner = pair.as_str().strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or_default();
        let mut out = String::with_capacity(inner.len());
        let mut rest = inner;
        while let Some(at) = rest.find('\\') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let (decoded, len) = escape(from);
            match decoded {
                Some(c) => out.push(c),
                None => {
                    let start = span.start + 1 + (inner.len() - from.len());
                    self.error(unknown_escape(Span::new(span.source, start, start + len), from));
                }
            }
            rest = from.get(len..).unwrap_or_default();
        }
        out.push_str(rest);
        Spanned::new(out, span)
    }
}

fn unknown_escape(span: Span, from: &str) -> Diagnostic {
    let shown: String = from.chars().take(2).collect();
    Diagnostic::error(codes::SYNTAX, span, format!("`{shown}` is not an escape"))
        .help("the escapes are \\\" \\\\ \\n \\r \\t \\/ and \\u{1F600}; a backslash itself is \\\\")
}

/// The character of an escape, and the escape's length in bytes.
fn escape(from: &str) -> (Option<char>, usize) {
    let mut chars = from.chars();
    chars.next();
    let Some(letter) = chars.next() else { return (None, from.len()) };
    let len = 1 + letter.len_utf8();
    match letter {
        '"' | '\\' | '/' => (Some(letter), len),
        'n' => (Some('\n'), len),
        'r' => (Some('\r'), len),
        't' => (Some('\t'), len),
        'u' => {
            let digits = chars.as_str().strip_prefix('{').and_then(|rest| rest.split_once('}'));
            match digits {
                Some((hex, _)) => {
                    let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                    (c, len + hex.len() + 2)
                }
                None => (None, len),
            }
        }
        _ => (None, len),
    }
}

/// A `regex` pair's text without slashes.
pub(super) fn regex(text: &str) -> Regex {
    let body = text.strip_prefix('/').unwrap_or(text);
    let (source, flags) = body.rsplit_once('/').unwrap_or((body, ""));
    Regex { source: source.replace("\\/", "/"), flags: flags.to_owned() }
}
