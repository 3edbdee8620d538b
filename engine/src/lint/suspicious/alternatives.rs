//! Alternatives at the end of an expression that never win, since an earlier one is the beginning of them.

use regex_syntax::ast::Ast;

use super::Doubt;
use crate::lint::expressions::{range, shown};

/// Looks at the alternatives after which nothing follows.
pub(super) fn look(ast: &Ast, source: &str, found: &mut Vec<Doubt>) {
    match ast {
        Ast::Group(group) => look(&group.ast, source, found),
        Ast::Concat(concat) => {
            concat.asts.last().into_iter().for_each(|last| look(last, source, found));
        }
        Ast::Alternation(alternation) => {
            for (at, late) in alternation.asts.iter().enumerate() {
                let mut before = alternation.asts.iter().take(at);
                match before.find(|early| begins_with(late, early, source)) {
                    Some(early) => found.extend(doubt(early, late, source)),
                    None => look(late, source, found),
                }
            }
        }
        // Another round may follow.
        Ast::Repetition(_)
        | Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => {}
    }
}

fn doubt(early: &Ast, late: &Ast, source: &str) -> Option<Doubt> {
    let (first, second) = (shown(source.get(range(early.span()))?), shown(source.get(range(late.span()))?));
    let (message, help) = if first == second {
        (format!("`{second}` stands twice"), "leave one out".to_owned())
    } else {
        (
            format!("`{second}` never wins: `{first}` before it is its beginning, and is taken first"),
            format!("put `{second}` before `{first}`, or end both with `\\b`"),
        )
    };
    Some(Doubt { range: range(late.span()), message, help })
}

/// Whether an alternative begins with all the parts of another, as they are written.
fn begins_with(late: &Ast, early: &Ast, source: &str) -> bool {
    let (early, late) = (parts(early), parts(late));
    let text = |ast: &Ast| source.get(range(ast.span()));
    early.len() <= late.len()
        && !early.is_empty()
        && early.iter().zip(late).all(|(one, other)| text(one).is_some() && text(one) == text(other))
}

fn parts(ast: &Ast) -> &[Ast] {
    match ast {
        Ast::Concat(concat) => &concat.asts,
        Ast::Empty(_) => &[],
        one => std::slice::from_ref(one),
    }
}
