//! Word boundaries where no word can begin or end, or where one must in a way that is seldom meant.

use regex_syntax::ast::{
    AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, GroupKind, RepetitionKind,
    RepetitionRange,
};

use super::Doubt;
use crate::lint::expressions::range;

/// What stands beside a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// A letter, digit or `_`.
    Word,
    /// Something else, or the end of the text.
    Other,
    /// The one or the other.
    Either,
    /// Nothing: the expression begins or ends here, and anything may stand there.
    Open,
}

/// Looks at every boundary of an expression.
pub(super) fn look(tree: &Ast, source: &str, found: &mut Vec<Doubt>) {
    inside(tree, Side::Open, Side::Open, source, found);
}

/// Looks at the boundaries of a part, between what stands around it.
fn inside(ast: &Ast, before: Side, after: Side, source: &str, found: &mut Vec<Doubt>) {
    match ast {
        Ast::Group(group) => inside(&group.ast, before, after, source, found),
        Ast::Alternation(alternation) => {
            alternation.asts.iter().for_each(|branch| inside(branch, before, after, source, found));
        }
        // Before and after a round another one may stand.
        Ast::Repetition(repetition) => inside(&repetition.ast, Side::Either, Side::Either, source, found),
        Ast::Concat(concat) => {
            for (at, part) in concat.asts.iter().enumerate() {
                let (head, tail) = concat.asts.split_at(at);
                let left = head.iter().rev().find_map(|part| edge(part, true)).unwrap_or(before);
                let right = tail.iter().skip(1).find_map(|part| edge(part, false)).unwrap_or(after);
                match part {
                    Ast::Assertion(assertion) => {
                        found.extend(doubt(&assertion.kind, part, left, right, source))
                    }
                    other => inside(other, left, right, source, found),
                }
            }
        }
        Ast::Assertion(assertion) => found.extend(doubt(&assertion.kind, ast, before, after, source)),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => {}
    }
}

fn doubt(kind: &AssertionKind, ast: &Ast, left: Side, right: Side, source: &str) -> Option<Doubt> {
    use Side::{Open, Other, Word};
    let range = range(ast.span());
    let sign = source.get(range.clone())?;
    let is_boundary = match kind {
        AssertionKind::WordBoundary => true,
        AssertionKind::NotWordBoundary => false,
        _ => return None,
    };
    let (message, help) = match (is_boundary, left, right) {
        (true, Word, Word) | (true, Other, Other) | (false, Word, Other) | (false, Other, Word) => {
            let between = if left == right { "two of one kind" } else { "a word and something else" };
            (format!("`{sign}` never holds here: it stands between {between}"), "leave it out".to_owned())
        }
        (true, Open, Other) => (
            format!(
                "`{sign}` wants a letter or digit right before what follows it here, and so finds nothing after a space"
            ),
            "leave it out; to ask for no letter or digit there write `\\B`".to_owned(),
        ),
        (true, Other, Open) => (
            format!(
                "`{sign}` wants a letter or digit right after what stands before it, and so finds nothing before a space"
            ),
            "leave it out; to ask for no letter or digit there write `\\B`".to_owned(),
        ),
        _ => return None,
    };
    Some(Doubt { range, message, help })
}

/// What a part ends with, or begins with; nothing when it takes no text.
fn edge(ast: &Ast, last: bool) -> Option<Side> {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) => None,
        Ast::Assertion(assertion) => match assertion.kind {
            AssertionKind::StartText | AssertionKind::StartLine if last => Some(Side::Other),
            AssertionKind::EndText | AssertionKind::EndLine if !last => Some(Side::Other),
            _ => None,
        },
        Ast::Literal(literal) => Some(side(is_word(literal.c))),
        Ast::Dot(_) | Ast::ClassUnicode(_) => Some(Side::Either),
        Ast::ClassPerl(class) => Some(of_perl(class)),
        Ast::ClassBracketed(class) if class.negated => Some(Side::Either),
        Ast::ClassBracketed(class) => Some(of_set(&class.kind)),
        Ast::Group(group) => match group.kind {
            GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } | GroupKind::NonCapturing(_) => {
                edge(&group.ast, last)
            }
        },
        Ast::Repetition(repetition) => match &repetition.op.kind {
            RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => Some(Side::Either),
            RepetitionKind::Range(
                RepetitionRange::Exactly(0) | RepetitionRange::AtLeast(0) | RepetitionRange::Bounded(0, _),
            ) => Some(Side::Either),
            RepetitionKind::OneOrMore | RepetitionKind::Range(_) => edge(&repetition.ast, last),
        },
        Ast::Alternation(alternation) => {
            let sides: Vec<Side> =
                alternation.asts.iter().map(|branch| edge(branch, last).unwrap_or(Side::Either)).collect();
            Some(same(&sides))
        }
        Ast::Concat(concat) => {
            let mut parts: Vec<&Ast> = concat.asts.iter().collect();
            if last {
                parts.reverse();
            }
            parts.into_iter().find_map(|part| edge(part, last))
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn side(word: bool) -> Side {
    if word { Side::Word } else { Side::Other }
}

/// The side that all of them are.
fn same(sides: &[Side]) -> Side {
    let first = sides.first().copied().unwrap_or(Side::Either);
    if sides.iter().all(|side| *side == first) { first } else { Side::Either }
}

fn of_perl(class: &ClassPerl) -> Side {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Word | ClassPerlKind::Digit, false) => Side::Word,
        (ClassPerlKind::Space, false) | (ClassPerlKind::Word, true) => Side::Other,
        (ClassPerlKind::Digit | ClassPerlKind::Space, true) => Side::Either,
    }
}

fn of_set(set: &ClassSet) -> Side {
    match set {
        ClassSet::Item(item) => of_item(item),
        ClassSet::BinaryOp(_) => Side::Either,
    }
}

fn of_item(item: &ClassSetItem) -> Side {
    match item {
        ClassSetItem::Literal(literal) => side(is_word(literal.c)),
        ClassSetItem::Range(range) => {
            let (low, high) = (range.start.c, range.end.c);
            let of_one_kind = [('a', 'z'), ('A', 'Z'), ('0', '9')]
                .iter()
                .any(|(first, last)| *first <= low && high <= *last);
            if of_one_kind { Side::Word } else { Side::Either }
        }
        ClassSetItem::Perl(class) => of_perl(class),
        ClassSetItem::Bracketed(class) if !class.negated => of_set(&class.kind),
        ClassSetItem::Union(union) => same(&union.items.iter().map(of_item).collect::<Vec<_>>()),
        ClassSetItem::Empty(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Bracketed(_) => Side::Either,
    }
}
