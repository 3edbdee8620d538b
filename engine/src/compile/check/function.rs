//! Functions of the file: checked once where they are declared, written out where they are called.

use std::collections::HashSet;
use std::rc::Rc;

use grammar::ast::{self, Expr};
use grammar::{Diagnostic, Span, codes};

use super::inline::inline;
use super::{Checker, Extent, declared, expr};
use crate::compile::typed::{Kind, Typed};
use crate::value::Type;

impl Checker<'_> {
    /// Checks a function where it is declared, so that one nobody calls is checked too.
    pub(super) fn function(&mut self, index: usize, function: &ast::Function) {
        self.arguments(function);
        let args = function.args.iter();
        self.args = args.map(|(name, ty)| (name.value.clone(), declared(&ty.value))).collect();
        let wanted = declared(&function.result.value);
        let what = format!("the result of `{}`", function.name.value);
        let (body, extent) =
            self.measure(function.name.span, |checker| checker.typed(&function.body, &wanted, &what));
        self.args.clear();
        if let Some(body) = body.filter(|_| extent.is_bounded()) {
            self.functions.insert(index, (Rc::new(Typed { ty: wanted, ..body }), extent));
        }
    }

    /// Whether the names of its arguments differ, and their types are ones that expressions compute with.
    fn arguments(&mut self, function: &ast::Function) {
        let mut seen = HashSet::new();
        for (name, ty) in &function.args {
            if !seen.insert(name.value.as_str()) {
                let message = format!("`{}` has two arguments `{}`", function.name.value, name.value);
                self.error(
                    Diagnostic::error(codes::DUPLICATE, name.span, message)
                        .help("give one of them another name"),
                );
            }
            if matches!(declared(&ty.value), Type::Regex | Type::Map | Type::MapOf(_) | Type::Record(_)) {
                let message = format!("argument `{}` cannot be a {}", name.value, declared(&ty.value));
                self.error(
                    Diagnostic::error(codes::TYPE_MISMATCH, ty.span, message)
                        .help("functions take bool, int, float, string, enum(…) and lists of these"),
                );
            }
        }
    }

    /// An argument of the function in hand.
    pub(super) fn argument(&self, name: &str, span: Span) -> Option<Typed> {
        let index = self.args.iter().position(|(arg, _)| arg == name)?;
        let (_, ty) = self.args.get(index)?;
        Some(Typed { ty: ty.clone(), span, kind: Kind::Argument(index) })
    }

    /// A call: the body with the arguments put in.
    pub(super) fn function_call(&mut self, index: usize, args: &[Expr], span: Span) -> Option<Typed> {
        let unit = self.unit;
        let function = unit.functions.get(index)?;
        if function.args.len() != args.len() {
            self.wrong_count(&function.name, function.args.len(), args.len(), span);
            return None;
        }
        let before = self.extent.size;
        let mut typed = Vec::new();
        for (arg, (name, ty)) in args.iter().zip(&function.args) {
            let wanted = declared(&ty.value);
            let found = self.typed(arg, &wanted, &format!("argument `{}`", name.value));
            typed.push(found.map(|found| expr::widen(found, &wanted)));
        }
        let args: Option<Vec<Typed>> = typed.into_iter().collect();
        let Some((body, extent)) = self.functions.get(&index).cloned() else {
            self.not_yet(function, span);
            return None;
        };
        let args_size = self.extent.size.saturating_sub(before);
        let size = extent.size.saturating_add(uses(&body).saturating_mul(args_size));
        self.extend(Extent { size, depth: extent.depth.saturating_add(args_size) });
        if !self.extent.is_bounded() {
            return None;
        }
        let depth = u8::try_from(self.elements.len()).unwrap_or(u8::MAX);
        Some(Typed { span, ..inline(&body, &args?, depth) })
    }

    /// A function without a checked body: declared further down, in itself, or with a mistake that is told already.
    fn not_yet(&mut self, function: &ast::Function, span: Span) {
        let name = &function.name.value;
        let body = function.body.span;
        let (message, help) = if body.start <= span.start && span.end <= body.end {
            (format!("`{name}` calls itself"), "functions always end: say it without a call of itself")
        } else if function.name.span.start > span.start {
            (format!("`{name}` is declared further down"), "declare a function before its first call")
        } else {
            return;
        };
        self.error(
            Diagnostic::error(codes::UNKNOWN_NAME, span, message)
                .related(function.name.span, "declared here")
                .help(help),
        );
    }

    /// A call of a function or script with too many or too few arguments.
    pub(super) fn wrong_count(&mut self, name: &ast::Name, wanted: usize, given: usize, span: Span) {
        let message = format!("`{}` wants {wanted} argument(s), and this gives {given}", name.value);
        self.error(
            Diagnostic::error(codes::TYPE_MISMATCH, span, message).related(name.span, "declared here"),
        );
    }
}

/// At how many places a body reads its arguments.
fn uses(body: &Typed) -> usize {
    let mut count = usize::from(matches!(body.kind, Kind::Argument(_)));
    body.children(&mut |child| count = count.saturating_add(uses(child)));
    count
}
