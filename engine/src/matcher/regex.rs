//! Regular expressions as rules write them: ASCII classes and boundaries, literals seen through the view.

use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerlKind, ClassSet,
    ClassSetItem, Concat, Flag, Flags, FlagsItem, FlagsItemKind, Group, GroupKind, Literal, LiteralKind,
    Span,
};
use regex_syntax::hir::Hir;

use super::view::View;

/// How deeply a regular expression may nest.
const NEST_LIMIT: u32 = 48;

/// Why a regular expression cannot be used, and which bytes of it are at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A sentence.
    pub message: String,
    /// Bytes of the expression's source.
    pub range: std::ops::Range<usize>,
}

/// The expression's meaning in a view.
///
/// `\d`, `\w`, `\s` and `\b` are ASCII, as everywhere in the rule language; letters outside ASCII are written as
/// themselves. Literals go through the view's own map, so that what is sought and what is seen are folded alike.
pub fn compile(source: &str, flags: &str, view: View) -> Result<Hir, Fault> {
    let whole = 0..source.len();
    if let Some(unknown) = flags.chars().find(|flag| !"ismx".contains(*flag)) {
        let message = format!("`{unknown}` is not a flag; the flags are i, s, m and x");
        return Err(Fault { message, range: whole });
    }
    let has = |flag| flags.contains(flag);
    if source.trim_start_matches([' ', '\t', '\r']).starts_with('\n') && !has('x') {
        let message = "an expression over several lines needs the flag `x`, with which line breaks and spaces in it mean nothing";
        return Err(Fault { message: message.into(), range: 0..0 });
    }
    let mut ast = regex_syntax::ast::parse::ParserBuilder::new()
        .nest_limit(NEST_LIMIT)
        .ignore_whitespace(has('x'))
        .build()
        .parse(source)
        .map_err(|error| fault(error.kind(), error.span()))?;
    if let Some(range) = unseen(&ast, view) {
        let message = format!(
            "the {} view shows these characters as others or not at all, so they would be missed",
            view.name()
        );
        return Err(Fault {
            message: format!("{message}; list single letters, or search `raw(…)`"), range
        });
    }
    rewrite(&mut ast, view);
    regex_syntax::hir::translate::TranslatorBuilder::new()
        .case_insensitive(has('i'))
        .dot_matches_new_line(has('s'))
        .multi_line(has('m'))
        .build()
        .translate(source, &ast)
        .map_err(|error| fault(error.kind(), error.span()))
}

fn fault(message: &impl ToString, span: &Span) -> Fault {
    Fault { message: message.to_string(), range: bytes(span) }
}

fn rewrite(ast: &mut Ast, view: View) {
    match ast {
        Ast::Literal(literal) => {
            if let Some(folded) = fold_literal(literal, view) {
                *ast = folded;
            }
        }
        Ast::Assertion(assertion) => {
            if is_word_boundary(&assertion.kind) {
                *ast = ascii_only(assertion);
            }
        }
        Ast::ClassPerl(class) => {
            let item = ClassSetItem::Ascii(ascii_class(&class.kind, class.negated, class.span));
            *ast = Ast::class_bracketed(ClassBracketed {
                span: class.span,
                negated: false,
                kind: ClassSet::Item(item),
            });
        }
        Ast::ClassBracketed(class) => rewrite_set(&mut class.kind, view),
        Ast::Repetition(repetition) => rewrite(&mut repetition.ast, view),
        Ast::Group(group) => rewrite(&mut group.ast, view),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(|ast| rewrite(ast, view)),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(|ast| rewrite(ast, view)),
        Ast::Empty(_) | Ast::Flags(_) | Ast::Dot(_) | Ast::ClassUnicode(_) => {}
    }
}

fn rewrite_set(set: &mut ClassSet, view: View) {
    match set {
        ClassSet::Item(item) => rewrite_item(item, view),
        ClassSet::BinaryOp(op) => {
            rewrite_set(&mut op.lhs, view);
            rewrite_set(&mut op.rhs, view);
        }
    }
}

fn rewrite_item(item: &mut ClassSetItem, view: View) {
    match item {
        ClassSetItem::Perl(class) => {
            *item = ClassSetItem::Ascii(ascii_class(&class.kind, class.negated, class.span));
        }
        ClassSetItem::Literal(literal) => {
            let mut mapped = folded(literal.c, view);
            if let (Some(c), None) = (mapped.next(), mapped.next()) {
                literal.c = c;
            }
        }
        ClassSetItem::Bracketed(class) => rewrite_set(&mut class.kind, view),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(|item| rewrite_item(item, view)),
        ClassSetItem::Empty(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_) => {}
    }
}

/// The first part that the view never shows as it is written: an invisible character, or a range of letters that become
/// others.
fn unseen(ast: &Ast, view: View) -> Option<std::ops::Range<usize>> {
    match ast {
        Ast::ClassBracketed(class) => unseen_set(&class.kind, view),
        Ast::Repetition(repetition) => unseen(&repetition.ast, view),
        Ast::Group(group) => unseen(&group.ast, view),
        Ast::Alternation(alternation) => alternation.asts.iter().find_map(|ast| unseen(ast, view)),
        Ast::Concat(concat) => concat.asts.iter().find_map(|ast| unseen(ast, view)),
        Ast::Literal(literal) => folded(literal.c, view).next().is_none().then_some(bytes(&literal.span)),
        _ => None,
    }
}

fn bytes(span: &Span) -> std::ops::Range<usize> {
    span.start.offset..span.end.offset
}

fn unseen_set(set: &ClassSet, view: View) -> Option<std::ops::Range<usize>> {
    match set {
        ClassSet::Item(item) => unseen_item(item, view),
        ClassSet::BinaryOp(op) => unseen_set(&op.lhs, view).or_else(|| unseen_set(&op.rhs, view)),
    }
}

fn unseen_item(item: &ClassSetItem, view: View) -> Option<std::ops::Range<usize>> {
    match item {
        ClassSetItem::Range(range) => {
            let changed = |c: char| !c.is_ascii() && !folded(c, view).eq([c]);
            let is_unseen = changed(range.start.c) || changed(range.end.c);
            is_unseen.then_some(bytes(&range.span))
        }
        ClassSetItem::Literal(literal) => {
            (folded(literal.c, view).count() != 1).then_some(bytes(&literal.span))
        }
        ClassSetItem::Bracketed(class) => unseen_set(&class.kind, view),
        ClassSetItem::Union(union) => union.items.iter().find_map(|item| unseen_item(item, view)),
        _ => None,
    }
}

fn folded(c: char, view: View) -> std::vec::IntoIter<char> {
    let mut mapped = Vec::new();
    _ = view.map(c, |part| mapped.push(part));
    mapped.into_iter()
}

/// The literal as the view shows it; `None` when it stays what it is.
fn fold_literal(literal: &Literal, view: View) -> Option<Ast> {
    if literal.c.is_ascii() || view == View::Raw {
        return None;
    }
    let one = |c| Ast::literal(Literal { span: literal.span, kind: LiteralKind::Verbatim, c });
    let asts: Vec<Ast> = folded(literal.c, view).map(one).collect();
    Some(group(literal.span, None, Ast::concat(Concat { span: literal.span, asts })))
}

fn group(span: Span, flags: Option<Flag>, inner: Ast) -> Ast {
    let item = |kind| FlagsItem { span, kind };
    let items =
        flags.map_or(Vec::new(), |flag| vec![item(FlagsItemKind::Negation), item(FlagsItemKind::Flag(flag))]);
    Ast::group(Group { span, kind: GroupKind::NonCapturing(Flags { span, items }), ast: Box::new(inner) })
}

/// The assertion with Unicode switched off: a boundary that an automaton decides from one byte of context.
fn ascii_only(assertion: &Assertion) -> Ast {
    let inner = Ast::assertion(assertion.clone());
    group(assertion.span, Some(Flag::Unicode), inner)
}

fn is_word_boundary(kind: &AssertionKind) -> bool {
    use AssertionKind as K;
    matches!(
        kind,
        K::WordBoundary
            | K::NotWordBoundary
            | K::WordBoundaryStart
            | K::WordBoundaryEnd
            | K::WordBoundaryStartAngle
            | K::WordBoundaryEndAngle
            | K::WordBoundaryStartHalf
            | K::WordBoundaryEndHalf
    )
}

fn ascii_class(kind: &ClassPerlKind, negated: bool, span: Span) -> ClassAscii {
    let kind = match kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassAscii { span, kind, negated }
}

/// The text as a regular expression that matches it literally.
pub fn escape(text: &str) -> String {
    regex_syntax::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(source: &str, flags: &str, text: &str) -> bool {
        let hir = compile(source, flags, View::Folded).unwrap();
        let regex = regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap();
        regex.is_match(View::Folded.apply(text).as_str())
    }

    #[test]
    fn classes_are_ascii_and_letters_are_themselves() {
        assert!(finds(r"^\w+$", "", "abc_1") && !finds(r"^\w+$", "", "жжж"));
        assert!(finds(r"а?игнорируй", "i", "ИГНОРИРУЙ"));
        assert!(finds(r"caf[é]", "", "café"));
        assert!(finds(r"[^\d]", "", "é"));
    }

    #[test]
    fn faults_say_where() {
        assert_eq!(compile("a(b", "", View::Raw).unwrap_err().range, 1..2);
        assert!(compile("a(?=b)", "", View::Raw).unwrap_err().message.contains("look-around"));
        assert!(compile("a", "g", View::Raw).is_err());
    }
}
