//! Writes tokens with the right space between them.

use super::node::Node;
use crate::parse::{Token, TokenKind};

/// The text so far, and what was written last.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer<'t> {
    pub(super) text: String,
    last: Option<Token<'t>>,
    /// How far lines are indented that begin because a comment ended the one before.
    pub(super) hanging: usize,
}

impl<'t> Writer<'t> {
    /// An empty line's beginning, as after what this writer wrote last.
    pub(super) fn after(&self) -> Self {
        Self { text: String::new(), last: self.last, hanging: 0 }
    }

    pub(super) fn token(&mut self, token: &Token<'t>) {
        let is_comment_line = token.kind == TokenKind::Comment && token.breaks > 0;
        if self.last.is_some() && (is_comment_line || self.ends_in_comment()) {
            self.line(self.hanging);
        }
        if self.last.is_some_and(|last| space(&last, token)) {
            self.text.push(' ');
        }
        self.text.push_str(token.text);
        self.last = Some(*token);
    }

    /// All of it, one after the other.
    pub(super) fn nodes(&mut self, nodes: &[Node<'t>]) {
        for node in nodes {
            match node {
                Node::Token(token) => self.token(token),
                Node::Group(group) => {
                    self.token(&group.open);
                    self.nodes(&group.inside);
                    if let Some(close) = &group.close {
                        self.token(close);
                    }
                }
            }
        }
    }

    /// Begins a line, if something stands on this one.
    pub(super) fn line(&mut self, indent: usize) {
        if self.last.take().is_some() {
            self.text.push('\n');
            self.text.push_str(&" ".repeat(indent));
        }
    }

    /// Leaves a line blank above the one that begins next.
    pub(super) fn blank(&mut self) {
        if self.last.is_some() {
            self.text.push('\n');
        }
    }

    /// Whether nothing more can stand on this line.
    pub(super) fn ends_in_comment(&self) -> bool {
        self.last.is_some_and(|last| last.kind == TokenKind::Comment)
    }

    /// How far the line has come, in characters.
    pub(super) fn column(&self) -> usize {
        self.last_line().chars().count()
    }

    pub(super) fn last_line(&self) -> &str {
        self.text.rsplit('\n').next().unwrap_or_default()
    }
}

/// Whether a space stands between two tokens of one line.
fn space(before: &Token<'_>, after: &Token<'_>) -> bool {
    let signs =
        |token: &Token<'_>, wanted: &[&str]| token.kind == TokenKind::Sign && wanted.contains(&token.text);
    if after.kind == TokenKind::Comment {
        return true;
    }
    let joins = signs(after, &[",", ")", "]", ":", ".", "..", "?"])
        || signs(before, &["(", "[", ".", ".."])
        || before.kind == TokenKind::Minus
        || signs(before, &["{"]) && signs(after, &["}"])
        || signs(after, &["("]) && before.kind == TokenKind::Word
        || after.tight && wordish(before) && wordish(after);
    !joins
}

/// Whether a token could run into its neighbour, so that one that stands close was meant to.
fn wordish(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Keyword | TokenKind::Word | TokenKind::Dotted | TokenKind::Literal)
}
