//! The text of a rule file as words and signs, comments among them: what the formatter lays out and editors colour.

use pest::Parser;
use pest::iterators::Pair;

use super::pest_parser::{Rule, RuleParser};
use super::{errors, skip_gap};

/// A word, sign, literal or comment, and how it stood in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// As written.
    pub text: &'t str,
    /// Its first byte.
    pub start: usize,
    /// What it is.
    pub kind: TokenKind,
    /// What begins with it.
    pub begins: Begins,
    /// Line breaks before it.
    pub breaks: usize,
    /// Whether nothing stands between it and the one before.
    pub tight: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word of the language, after which a bracket stands apart: `has (a, b)`.
    Keyword,
    /// A name, or a word that a bracket belongs to: `count(…)`.
    Word,
    /// A name with dots, which no call can have.
    Dotted,
    /// A string, number, regular expression or text in triple quotes.
    Literal,
    /// `(`, `==` and their like.
    Sign,
    /// A minus before a value.
    Minus,
    /// `/// …`
    Doc,
    /// `// …`
    Comment,
}

/// What begins with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Begins {
    /// Nothing that layout cares about.
    Nothing,
    /// A param's default.
    Default,
    /// A part of an item that may have a line of its own: `label`, `where`, `alias`.
    Part,
    /// A clause, a line of a test, a term of a score.
    Line,
    /// An item, with its documentation.
    Item,
}

/// The tokens of a file without syntax errors, or nothing when it has some.
pub fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found = Vec::new();
    let mut scan = Scan { text, at: 0, breaks: 0, end_of_last: 0, found: &mut found };
    let mut at = skip_gap(text, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let item = RuleParser::parse(Rule::item, rest).ok()?.next()?;
        let end = at + item.as_span().end().max(1);
        scan.item(item, at);
        at = skip_gap(text, end);
    }
    scan.until(text.len());
    Some(found)
}

/// The rules of the grammar that may have a line of their own, by name: a line of a body, or a part of an item.
const LINES: [&str; 5] = ["clause", "test_line", "term", "arm", "otherwise"];
const PARTS: [&str; 7] = ["pattern_clause", "except", "fuzzy", "alias", "unless", "whose", "assuming"];

/// What begins with the first token of a pair.
fn begins(of: Rule) -> Begins {
    let name = format!("{of:?}");
    match of {
        Rule::item => Begins::Item,
        Rule::default => Begins::Default,
        _ if LINES.contains(&name.as_str()) => Begins::Line,
        _ if PARTS.contains(&name.as_str()) => Begins::Part,
        _ => Begins::Nothing,
    }
}

/// What a pair without inner pairs is, when it is one token. Others are taken apart, sign by sign.
fn whole(of: Rule, text: &str) -> Option<TokenKind> {
    let mut chars = text.chars();
    let (first, second) = (chars.next()?, chars.next());
    let is_word = first.is_ascii_alphanumeric() || first == '_';
    match of {
        Rule::doc => Some(TokenKind::Doc),
        Rule::neg => Some(TokenKind::Minus),
        Rule::money => Some(TokenKind::Literal),
        _ if first == '"' || first == '/' && second.is_some() => Some(TokenKind::Literal),
        _ if first == '-' && second.is_some_and(|c| c.is_ascii_digit()) => Some(TokenKind::Literal),
        _ if !is_word || text.contains(char::is_whitespace) => None,
        Rule::dotted => Some(TokenKind::Dotted),
        Rule::kw_enum | Rule::kw_record => Some(TokenKind::Word),
        _ if first.is_ascii_digit() => Some(TokenKind::Literal),
        keyword if errors::is_keyword(keyword) => Some(TokenKind::Keyword),
        _ => Some(TokenKind::Word),
    }
}

/// Signs of more than one character.
const LONG_SIGNS: [&str; 9] = ["->", "=>", "..", "??", "==", "!=", "<=", ">=", "::"];

/// A walk over the text: what the parser names is taken whole, what lies between is signs, space and comments.
struct Scan<'t, 'f> {
    text: &'t str,
    at: usize,
    breaks: usize,
    end_of_last: usize,
    found: &'f mut Vec<Token<'t>>,
}

impl<'t> Scan<'t, '_> {
    fn item(&mut self, item: Pair<'_, Rule>, offset: usize) {
        let mut pending: Vec<(usize, Begins)> = Vec::new();
        for pair in std::iter::once(item.clone()).chain(item.into_inner().flatten()) {
            let start = offset + pair.as_span().start();
            pending.push((start, begins(pair.as_rule())));
            let words = pair.as_str().trim_end();
            let is_leaf = pair.clone().into_inner().next().is_none();
            let Some(kind) = whole(pair.as_rule(), words).filter(|_| is_leaf) else { continue };
            let first_of = self.found.len();
            self.until(start);
            self.token(kind, words.len());
            self.mark(first_of, &pending);
            pending.clear();
        }
    }

    /// Says of the tokens from `first` on what begins with them.
    fn mark(&mut self, first: usize, pending: &[(usize, Begins)]) {
        for token in self.found.iter_mut().skip(first) {
            let here = pending.iter().filter(|(start, _)| *start == token.start).map(|(_, begins)| *begins);
            token.begins = here.max().unwrap_or(Begins::Nothing);
        }
    }

    /// Takes what stands before `end`: signs, comments, and words that no rule of the grammar names.
    fn until(&mut self, end: usize) {
        while let Some(rest) = self.text.get(self.at..end).filter(|rest| !rest.is_empty()) {
            let first = rest.chars().next().unwrap_or_default();
            if first.is_whitespace() {
                self.breaks += usize::from(first == '\n');
                self.at += first.len_utf8();
            } else if rest.starts_with("//") {
                self.token(TokenKind::Comment, rest.find('\n').unwrap_or(rest.len()));
            } else if first.is_ascii_alphanumeric() || first == '_' {
                self.token(TokenKind::Keyword, super::leading_word(rest).len());
            } else {
                let long = LONG_SIGNS.iter().find(|sign| rest.starts_with(**sign));
                self.token(TokenKind::Sign, long.map_or(first.len_utf8(), |sign| sign.len()));
            }
        }
    }

    fn token(&mut self, kind: TokenKind, length: usize) {
        let text = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.found.push(Token {
            text: text.trim_end(),
            start: self.at,
            kind,
            begins: Begins::Nothing,
            breaks: self.breaks,
            tight: self.at == self.end_of_last,
        });
        self.at += length;
        self.end_of_last = self.at;
        self.breaks = 0;
    }
}
