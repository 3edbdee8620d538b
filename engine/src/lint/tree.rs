//! Walks over the trees of regular expressions.

use regex_syntax::ast::Ast;

/// Hands a tree and every tree inside of it to `visit`, outer ones first.
pub(super) fn each<'t>(ast: &'t Ast, visit: &mut dyn FnMut(&'t Ast)) {
    visit(ast);
    parts(ast).iter().for_each(|part| each(part, visit));
}

/// The trees right inside of a tree.
fn parts(ast: &Ast) -> &[Ast] {
    match ast {
        Ast::Repetition(repetition) => std::slice::from_ref(&*repetition.ast),
        Ast::Group(group) => std::slice::from_ref(&*group.ast),
        Ast::Alternation(alternation) => &alternation.asts,
        Ast::Concat(concat) => &concat.asts,
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => &[],
    }
}
