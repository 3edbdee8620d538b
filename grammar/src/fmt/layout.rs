//! Where lines break: items, the lines of bodies, long conditions, long lists.

use super::WIDTH;
use super::node::{Group, Node, nest, split};
use super::writer::Writer;
use crate::parse::{Begins, Token, TokenKind};

/// A level of indentation.
const STEP: usize = 2;

/// A whole file.
pub(super) fn file(tokens: &[Token<'_>]) -> String {
    let nodes = nest(tokens);
    let entries = lines(&nodes, Begins::Item);
    let mut above: Option<Shape> = None;
    let mut text = String::new();
    for (entry, wants) in entries.iter().zip(wants(&entries)) {
        let mut out = Writer::default();
        item(&mut out, entry);
        let apart = above
            .is_some_and(|above| above != Shape::Comment && (above == Shape::Body || wants != Shape::Line));
        if above.is_some() && (apart || breaks(entry) > 1) {
            text.push('\n');
        }
        text.push_str(&out.text);
        text.push('\n');
        above = Some(if is_comment(entry) { Shape::Comment } else { wants });
    }
    text
}

/// The shape of every entry; of a comment that of what stands below it.
fn wants(entries: &[&[Node<'_>]]) -> Vec<Shape> {
    let mut below = Shape::Line;
    let mut found: Vec<Shape> = Vec::with_capacity(entries.len());
    for entry in entries.iter().rev() {
        if !is_comment(entry) {
            below = shape(entry);
        }
        found.push(below);
    }
    found.reverse();
    found
}

/// How much room an item wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A comment by itself.
    Comment,
    /// No more than its author gave it.
    Line,
    /// It has documentation: a blank line above.
    Documented,
    /// It has a body of several lines: blank lines on both sides.
    Body,
}

fn shape(entry: &[Node<'_>]) -> Shape {
    let mut out = Writer::default();
    item(&mut out, entry);
    let has_body = entry.iter().filter_map(Node::as_group).any(Group::is_body);
    let text = out.text.lines().filter(|line| !line.starts_with("//"));
    if has_body && text.count() > 1 {
        Shape::Body
    } else if entry.iter().any(|node| node.first().kind == TokenKind::Doc) {
        Shape::Documented
    } else {
        Shape::Line
    }
}

fn is_comment(entry: &[Node<'_>]) -> bool {
    entry.iter().all(Node::is_comment)
}

fn breaks(entry: &[Node<'_>]) -> usize {
    entry.first().map_or(0, |node| node.first().breaks)
}

/// Cuts into the lines that begin with `begins`, and the comments that stand by themselves between them.
fn lines<'n, 't>(nodes: &'n [Node<'t>], begins: Begins) -> Vec<&'n [Node<'t>]> {
    // A comment by itself belongs to the line in whose middle it stands, if the next token begins no line.
    let (mut alone, mut next_begins) = (Vec::with_capacity(nodes.len()), true);
    for node in nodes.iter().rev() {
        if !node.is_comment() {
            next_begins = node.first().begins >= begins;
        }
        alone.push(next_begins && (node.is_comment_line() || !node.is_comment()));
    }
    alone.reverse();
    let mut cuts = alone.into_iter().skip(1);
    split(nodes, |_, _| cuts.next().unwrap_or_default())
}

/// Documentation line by line, then the item.
fn item<'t>(out: &mut Writer<'t>, nodes: &[Node<'t>]) {
    let is_above = |node: &Node<'_>| node.first().kind == TokenKind::Doc || node.is_comment_line();
    let above = nodes.iter().take_while(|node| is_above(node)).count();
    for (at, node) in nodes.iter().take(above).enumerate() {
        if at > 0 {
            if node.first().breaks > 1 && node.is_comment() {
                out.blank();
            }
            out.line(0);
        }
        out.token(node.first());
    }
    let rest = nodes.get(above..).unwrap_or_default();
    if !rest.is_empty() {
        out.line(0);
        lay(out, rest, 0);
    }
}

/// One logical line, broken where it must be.
fn lay<'t>(out: &mut Writer<'t>, nodes: &[Node<'t>], indent: usize) {
    out.hanging = indent + STEP;
    let ahead = nodes.iter().take_while(|node| node.is_comment_line()).count();
    let (above, nodes) = nodes.split_at(ahead);
    for comment in above {
        out.line(indent);
        out.token(comment.first());
    }
    if nodes.is_empty() {
        return;
    }
    if ahead > 0 {
        out.line(indent);
    }
    let behind = nodes.iter().rev().take_while(|node| node.is_comment()).count();
    let (nodes, comments) = nodes.split_at(nodes.len() - behind);
    if fits(out, nodes) {
        out.nodes(nodes);
    } else if let Some(at) = nodes.iter().position(|node| node.as_group().is_some_and(Group::is_body)) {
        let (head, rest) = nodes.split_at(at);
        lay(out, head, indent);
        if let Some((Node::Group(group), tail)) = rest.split_first() {
            body(out, group, indent);
            lay(out, tail, indent);
        }
    } else {
        broken(out, nodes, indent);
    }
    out.hanging = indent + STEP;
    out.nodes(comments);
}

/// The lines of a body.
fn body<'t>(out: &mut Writer<'t>, group: &Group<'t>, indent: usize) {
    out.hanging = indent;
    out.token(&group.open);
    let (beside, inside) = group.beside_opening();
    out.nodes(beside);
    for (at, line) in lines(inside, Begins::Line).into_iter().enumerate() {
        if at > 0 && breaks(line) > 1 {
            out.blank();
        }
        out.line(indent + STEP);
        lay(out, line, indent + STEP);
    }
    out.line(indent);
    group.close.iter().for_each(|close| out.token(close));
}

/// Where a line may break, from the loosest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seam {
    Part,
    Branch,
    Or,
    And,
    Default,
}

const SEAMS: [Seam; 5] = [Seam::Part, Seam::Branch, Seam::Or, Seam::And, Seam::Default];

fn seam(node: &Node<'_>) -> Option<Seam> {
    let token = node.first();
    match (token.begins, token.kind, token.text) {
        (Begins::Part, _, _) => Some(Seam::Part),
        (Begins::Default, _, _) => Some(Seam::Default),
        (_, TokenKind::Keyword, "then" | "else") => Some(Seam::Branch),
        (_, TokenKind::Keyword, "or") => Some(Seam::Or),
        (_, TokenKind::Keyword, "and") => Some(Seam::And),
        _ => None,
    }
}

/// Whether it may and should stand on one line, from where the writer is.
fn fits<'t>(out: &Writer<'t>, nodes: &[Node<'t>]) -> bool {
    !are_broken(nodes) && out.column() + width(out, nodes) <= WIDTH
}

/// The width of what stands on one line: of the first, where a text in triple quotes has several.
fn width<'t>(out: &Writer<'t>, nodes: &[Node<'t>]) -> usize {
    let mut flat = out.after();
    flat.nodes(nodes);
    flat.text.lines().next().unwrap_or_default().chars().count()
}

/// Whether its author broke a line here on purpose, or a comment does.
fn is_broken(node: &Node<'_>) -> bool {
    let Node::Group(group) = node else {
        return node.is_comment()
            || node.first().breaks > 0 && seam(node).is_some_and(|seam| seam != Seam::Default);
    };
    if group.is_body() { !group.is_on_one_line() } else { group.is_one_a_line() || are_broken(&group.inside) }
}

/// The same of a whole line. How its first token came to where it stands does not matter.
fn are_broken(nodes: &[Node<'_>]) -> bool {
    let Some((first, rest)) = nodes.split_first() else { return false };
    let starts = first.as_group().is_some() || first.is_comment();
    starts && is_broken(first) || rest.iter().any(is_broken)
}

/// Breaks at the loosest seam; without one, inside the widest brackets.
fn broken<'t>(out: &mut Writer<'t>, nodes: &[Node<'t>], indent: usize) {
    for wanted in SEAMS {
        let parts = split(nodes, |_, after| seam(after) == Some(wanted));
        let fit = |part: &&[Node<'t>]| {
            !are_broken(part) && indent + STEP + width(&Writer::default(), part) <= WIDTH
        };
        // A default has a line of its own only where that is enough.
        if parts.len() > 1 && (wanted != Seam::Default || parts.iter().all(fit)) {
            return seams(out, &parts, indent);
        }
    }
    let groups =
        nodes.iter().enumerate().filter(|(_, node)| node.as_group().is_some_and(|g| !g.inside.is_empty()));
    let widest = groups
        .max_by_key(|(_, node)| (is_broken(node), width(&Writer::default(), std::slice::from_ref(*node))));
    let Some((at, Node::Group(group))) = widest else { return out.nodes(nodes) };
    let (before, after) = nodes.split_at(at);
    out.nodes(before);
    brackets(out, group, indent);
    lay(out, after.get(1..).unwrap_or_default(), indent);
}

/// Every part on a line of its own, unless the one above ends in nothing but brackets.
fn seams<'t>(out: &mut Writer<'t>, parts: &[&[Node<'t>]], indent: usize) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 && !(hangs(out, indent) && fits_behind(out, part)) {
            out.line(indent + STEP);
            lay(out, part, indent + STEP);
        } else {
            lay(out, part, indent);
        }
    }
}

/// Whether the line is nothing but closing brackets, no further in than the line that it belongs to.
fn hangs(out: &Writer<'_>, indent: usize) -> bool {
    let brackets = out.last_line().trim_start_matches(' ');
    let is_there = !brackets.is_empty() && out.last_line().len() - brackets.len() == indent;
    is_there && brackets.chars().all(|c| matches!(c, ')' | ']' | '}'))
}

/// Whether it fits behind closing brackets; where its author broke the line before it does not matter.
fn fits_behind<'t>(out: &Writer<'t>, part: &[Node<'t>]) -> bool {
    !are_broken(part) && out.column() + 1 + width(&Writer::default(), part) <= WIDTH
}

/// Brackets on lines of their own around what is in them.
fn brackets<'t>(out: &mut Writer<'t>, group: &Group<'t>, indent: usize) {
    out.hanging = indent + STEP;
    out.token(&group.open);
    out.nodes(group.beside_opening().0);
    let elements = group.elements();
    if let ([only], true) = (elements.as_slice(), hugs(group)) {
        lay(out, only, indent);
    } else {
        let one_a_line = group.is_one_a_line();
        for (at, element) in elements.iter().enumerate() {
            let room = out.column() + 1 + width(&Writer::default(), element) <= WIDTH;
            if at == 0 || one_a_line || !room || out.ends_in_comment() || element.iter().any(Node::is_comment)
            {
                if at > 0 && one_a_line && breaks(element) > 1 {
                    out.blank();
                }
                out.line(indent + STEP);
            }
            lay(out, element, indent + STEP);
        }
        out.line(indent);
    }
    group.close.iter().for_each(|close| out.token(close));
}

/// Whether brackets hold nothing but other brackets to break, as in `[enum(…)]`.
fn hugs(group: &Group<'_>) -> bool {
    let holds = group.inside.iter().any(|node| node.as_group().is_some());
    holds && !group.inside.iter().any(|node| node.is_comment() || seam(node).is_some())
}
