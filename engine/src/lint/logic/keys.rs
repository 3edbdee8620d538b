//! Values by what they are computed from: two expressions with equal keys have equal values.

use std::fmt::Write as _;
use std::rc::Rc;

use grammar::ast::{Expr, ExprKind, Literal, Match, Name, PatternRef};
use grammar::print::quantity_name;

use super::read::Reader;
use crate::compile::declared;
use crate::lint::names::{Meaning, Scope};
use crate::value::Type;

impl<'f> Reader<'_, 'f> {
    /// The key of an expression; nothing when it is too large to look at.
    pub(in crate::lint) fn key(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>) -> Option<Rc<str>> {
        let mut out = String::new();
        self.write(expr, scope, &mut out)?;
        Some(out.into())
    }

    fn write(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        self.step(|| self.write_kind(expr, scope, out))
    }

    fn write_kind(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        match &expr.kind {
            ExprKind::Literal(literal) => {
                literal_key(literal, out);
                Some(())
            }
            ExprKind::Path(words) => self.write_name(words, scope, out),
            ExprKind::Call(name, args) => self.write_call(name, args, scope, out),
            ExprKind::List(items) => self.several("list", items, scope, out),
            ExprKind::Unary(op, inner) => {
                put(out, format_args!("{op:?} "))?;
                self.write(inner, scope, out)
            }
            ExprKind::Binary(op, left, right) => {
                out.push('(');
                self.write(left, scope, out)?;
                put(out, format_args!(" {} ", op.value.name()))?;
                self.write(right, scope, out)?;
                put(out, format_args!(")"))
            }
            ExprKind::Has(text, patterns) => {
                self.write(text, scope, out)?;
                patterns.iter().try_for_each(|pattern| write_pattern(&pattern.value, out))
            }
            ExprKind::Present(inner, present) => {
                put(out, format_args!("present {present} "))?;
                self.write(inner, scope, out)
            }
            ExprKind::If(a, b, c) => {
                out.push_str("if(");
                [a, b, c].into_iter().try_for_each(|part| {
                    self.write(part, scope, out)?;
                    put(out, format_args!(","))
                })
            }
            ExprKind::Match(choice) => self.write_match(choice, scope, out),
            ExprKind::Quantifier(quantifier) => {
                let name = quantity_name(quantifier.quantity);
                put(out, format_args!("{name}^{} ", scope.depth))?;
                self.write(&quantifier.list, scope, out)?;
                out.push(':');
                self.write(&quantifier.body, &self.names.inside(quantifier, scope), out)
            }
        }
    }

    fn write_name(&self, words: &'f [Name], scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        match self.names.meaning(words, scope)? {
            Meaning::Let(item) => self.write(&item.value, &Rc::new(Scope::at(scope.depth)), out),
            Meaning::Given(given, around, ty) => self.write_as(&ty, given, &around, out),
            Meaning::Element(depth, field, _) => put(out, format_args!("element^{depth}.{field}")),
            Meaning::Open(name, _) => put(out, format_args!("argument {name}")),
            Meaning::Param(param) => put(out, format_args!("param {}", param.name.value)),
            Meaning::Score(score) => put(out, format_args!("score {}", score.name.value)),
            Meaning::Field(field) => put(out, format_args!("{:?}", field.kind)),
            Meaning::Word(word) => put(out, format_args!("{word:?}")),
        }
    }

    /// A value where one of that type is wanted: a whole number is made a float there, and divides as one.
    fn write_as(&self, ty: &Type, expr: &'f Expr, scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        if *ty == Type::Float {
            out.push_str("float ");
        }
        self.write(expr, scope, out)
    }

    fn write_call(
        &self,
        name: &Name,
        args: &'f [Expr],
        scope: &Rc<Scope<'f>>,
        out: &mut String,
    ) -> Option<()> {
        if let Some((body, inside)) = self.names.body(name, args, scope) {
            let result = self.names.functions.get(name.value.as_str())?;
            return self.write_as(&declared(&result.result.value), body, &inside, out);
        }
        match args {
            // As a field that is a header has it.
            [Expr { kind: ExprKind::Literal(Literal::Str(header)), .. }] if name.value == "header" => {
                put(out, format_args!("Header({:?})", header.to_lowercase()))
            }
            args => self.several(&name.value, args, scope, out),
        }
    }

    fn write_match(&self, choice: &'f Match, scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        out.push_str("match(");
        self.write(&choice.subject, scope, out)?;
        for arm in &choice.arms {
            self.several(";", &arm.picks, scope, out)?;
            self.write(&arm.value, scope, out)?;
        }
        out.push(')');
        choice.otherwise.iter().try_for_each(|value| self.write(value, scope, out))
    }

    fn several(&self, name: &str, parts: &'f [Expr], scope: &Rc<Scope<'f>>, out: &mut String) -> Option<()> {
        put(out, format_args!("{name}("))?;
        for part in parts {
            self.write(part, scope, out)?;
            out.push(',');
        }
        put(out, format_args!(")"))
    }
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) -> Option<()> {
    out.write_fmt(words).ok()
}

fn write_pattern(pattern: &PatternRef, out: &mut String) -> Option<()> {
    match pattern {
        PatternRef::Name(name) => put(out, format_args!(" has {name}")),
        PatternRef::Regex(regex) => put(out, format_args!(" has /{}/{}", regex.source, regex.flags)),
        PatternRef::Phrase(text) => put(out, format_args!(" has {text:?}")),
    }
}

fn literal_key(literal: &Literal, out: &mut String) {
    let _ = match literal {
        Literal::Bool(value) => write!(out, "{value}"),
        Literal::Int(value) => write!(out, "{value}"),
        Literal::Float(value) => write!(out, "{value:?}"),
        Literal::Duration(millis) => write!(out, "{millis}ms"),
        Literal::Money(micros) => write!(out, "${micros}"),
        Literal::Str(text) | Literal::Word(text) => write!(out, "{text:?}"),
        Literal::Regex(regex) => write!(out, "/{}/{}", regex.source, regex.flags),
        Literal::List(items) => {
            out.push('[');
            for item in items {
                literal_key(&item.value, out);
                out.push(',');
            }
            out.write_char(']')
        }
        Literal::Map(entries) => {
            out.push('{');
            for (key, value) in entries {
                let _ = write!(out, "{:?}:", key.value);
                literal_key(&value.value, out);
                out.push(',');
            }
            out.write_char('}')
        }
    };
}
