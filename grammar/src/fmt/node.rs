//! Tokens in their brackets.

use crate::parse::{Begins, Token, TokenKind};

/// A token, or a pair of brackets with what is in it.
#[derive(Clone, Debug)]
pub(super) enum Node<'t> {
    Token(Token<'t>),
    Group(Group<'t>),
}

/// A pair of brackets and what is in it.
#[derive(Clone, Debug)]
pub(super) struct Group<'t> {
    pub(super) open: Token<'t>,
    pub(super) inside: Vec<Node<'t>>,
    /// Missing only where brackets do not match, which a file without mistakes has not.
    pub(super) close: Option<Token<'t>>,
}

impl<'t> Node<'t> {
    /// Its first token.
    pub(super) fn first(&self) -> &Token<'t> {
        match self {
            Node::Token(token) => token,
            Node::Group(group) => &group.open,
        }
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self, Node::Token(token) if token.kind == TokenKind::Comment)
    }

    /// Whether it is a comment with nothing before it on its line.
    pub(super) fn is_comment_line(&self) -> bool {
        self.is_comment() && (self.first().breaks > 0 || self.first().start == 0)
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Node::Token(token) if token.kind == TokenKind::Sign && token.text == sign)
    }

    pub(super) fn as_group(&self) -> Option<&Group<'t>> {
        match self {
            Node::Token(_) => None,
            Node::Group(group) => Some(group),
        }
    }
}

impl<'t> Group<'t> {
    /// Whether it holds lines: the clauses of a rule, the lines of a test, the terms of a score.
    pub(super) fn is_body(&self) -> bool {
        self.open.text == "{" && self.inside.iter().any(|node| node.first().begins == Begins::Line)
    }

    /// Whether it was written on one line.
    pub(super) fn is_on_one_line(&self) -> bool {
        let inside = self.inside.iter().all(|node| {
            node.first().breaks == 0 && !node.is_comment() && node.as_group().is_none_or(Self::is_on_one_line)
        });
        inside && self.close.is_none_or(|close| close.breaks == 0)
    }

    /// The comments on the line of the opening bracket, and the rest.
    pub(super) fn beside_opening(&self) -> (&[Node<'t>], &[Node<'t>]) {
        let beside = self.inside.iter().take_while(|node| node.is_comment() && !node.is_comment_line());
        self.inside.split_at(beside.count())
    }

    /// The parts between commas, each with the comma behind it and the comments before it; comments below the last are
    /// a part too.
    pub(super) fn elements(&self) -> Vec<&[Node<'t>]> {
        let inside = self.beside_opening().1;
        let last = inside.iter().rev().find(|node| !node.is_comment()).map_or(0, |node| node.first().start);
        split(inside, |before, after| {
            before.is_sign(",") || after.is_comment_line() && before.first().start >= last
        })
    }

    /// Whether its author gave each of several elements a line.
    pub(super) fn is_one_a_line(&self) -> bool {
        let elements = self.elements();
        let breaks = |element: &&[Node<'t>]| {
            element.iter().find(|node| !node.is_comment()).map(|n| n.first().breaks > 0)
        };
        elements.iter().filter_map(breaks).count() > 1
            && elements.iter().filter_map(breaks).all(|breaks| breaks)
    }
}

/// Cuts where `between` says so of two neighbours. A comment behind the first on its line stays with it.
pub(super) fn split<'n, 't>(
    nodes: &'n [Node<'t>],
    mut between: impl FnMut(&Node<'t>, &Node<'t>) -> bool,
) -> Vec<&'n [Node<'t>]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let mut due = false;
    for (at, pair) in nodes.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        due |= between(before, after);
        if due && (!after.is_comment() || after.is_comment_line()) {
            parts.extend(nodes.get(start..=at));
            start = at + 1;
            due = false;
        }
    }
    parts.extend(nodes.get(start..).filter(|rest| !rest.is_empty()));
    parts
}

/// Puts tokens into their brackets.
pub(super) fn nest<'t>(tokens: &[Token<'t>]) -> Vec<Node<'t>> {
    let mut open: Vec<(Token<'t>, Vec<Node<'t>>)> = Vec::new();
    let mut nodes = Vec::new();
    for token in tokens {
        match (token.kind, token.text) {
            (TokenKind::Sign, "(" | "[" | "{") => open.push((*token, std::mem::take(&mut nodes))),
            (TokenKind::Sign, ")" | "]" | "}") if !open.is_empty() => {
                close(&mut open, &mut nodes, Some(*token))
            }
            _ => nodes.push(Node::Token(*token)),
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut nodes, None);
    }
    nodes
}

fn close<'t>(
    open: &mut Vec<(Token<'t>, Vec<Node<'t>>)>,
    nodes: &mut Vec<Node<'t>>,
    close: Option<Token<'t>>,
) {
    if let Some((token, outside)) = open.pop() {
        let inside = std::mem::replace(nodes, outside);
        nodes.push(Node::Group(Group { open: token, inside, close }));
    }
}
