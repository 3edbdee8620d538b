//! Writing out what is named: a `let` at its place of use, and a function with its arguments put in.

use std::rc::Rc;
use std::sync::Arc;

use crate::compile::typed::{Kind, Typed};

/// The expression with its arguments put in, for a place that stands inside of `depth` quantifiers. The elements of its own
/// quantifiers count from there; the arguments come from that place, and stay as they are.
pub(super) fn inline(typed: &Typed, args: &[Typed], depth: u8) -> Typed {
    let one = |inner: &Rc<Typed>| Rc::new(inline(inner, args, depth));
    let all = |items: &[Typed]| items.iter().map(|item| inline(item, args, depth)).collect();
    let kind = match &typed.kind {
        Kind::Argument(index) => match args.get(*index) {
            Some(arg) => return Typed { ty: typed.ty.clone(), ..arg.clone() },
            None => Kind::Argument(*index),
        },
        Kind::Element(own, field) => Kind::Element(own.saturating_add(depth), *field),
        Kind::Part(own, path) => Kind::Part(own.saturating_add(depth), path.clone()),
        Kind::Each { quantity, list, depth: own, body } => Kind::Each {
            quantity: *quantity,
            list: one(list),
            depth: own.saturating_add(depth),
            body: one(body),
        },
        Kind::Quantifier { quantity, list, depth: own, body } => Kind::Quantifier {
            quantity: *quantity,
            list: *list,
            depth: own.saturating_add(depth),
            body: one(body),
        },
        Kind::Const(_)
        | Kind::Param(_)
        | Kind::Field(_)
        | Kind::List(_)
        | Kind::Header(_)
        | Kind::Label(_)
        | Kind::Texts(_)
        | Kind::Score(_) => typed.kind.clone(),
        Kind::HeaderOf(name) => Kind::HeaderOf(one(name)),
        Kind::View(view, inner) => Kind::View(*view, one(inner)),
        Kind::Items(items) => Kind::Items(all(items)),
        Kind::Has(text, patterns) => Kind::Has(one(text), patterns.clone()),
        Kind::Not(inner) => Kind::Not(one(inner)),
        Kind::And(a, b) => Kind::And(one(a), one(b)),
        Kind::Or(a, b) => Kind::Or(one(a), one(b)),
        Kind::Compare(op, a, b) => Kind::Compare(*op, one(a), one(b)),
        Kind::Arith(op, a, b) => Kind::Arith(*op, one(a), one(b)),
        Kind::Test(test, a, b) => Kind::Test(*test, one(a), one(b)),
        Kind::Glob(a, b) => Kind::Glob(one(a), one(b)),
        Kind::Within(a, b) => Kind::Within(one(a), one(b)),
        Kind::In(a, b) => Kind::In(one(a), one(b)),
        Kind::Coalesce(a, b) => Kind::Coalesce(one(a), one(b)),
        Kind::Present(inner) => Kind::Present(one(inner)),
        Kind::If(a, b, c) => Kind::If(one(a), one(b), one(c)),
        Kind::Script(index, items) => Kind::Script(*index, all(items)),
        Kind::Language(text, least) => Kind::Language(one(text), one(least)),
        Kind::Call(function, inner) => Kind::Call(*function, one(inner)),
        Kind::Model(model, text) => Kind::Model(Arc::clone(model), one(text)),
        Kind::Marker(a, b, c) => Kind::Marker(one(a), one(b), one(c)),
    };
    Typed { ty: typed.ty.clone(), span: typed.span, kind }
}
