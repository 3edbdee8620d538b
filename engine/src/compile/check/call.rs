//! Calls: the built-in functions, and scripts.

use std::rc::Rc;
use std::sync::Arc;

use grammar::ast::{Expr, Name};
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, codes};

use super::expr::constant_text;
use super::{Checker, declared, fits};
use crate::compile::resolve::Symbol;
use crate::compile::typed::{Kind, Typed};
use crate::matcher::View;
use crate::program::ir::Function;
use crate::value::{Type, Value};

/// The built-in functions by name, each with what it takes and gives.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("header", "header(\"x-name\"): a request header, or absent; also header(param), of a name"),
    ("glob", "glob(\"shell_*\"): a file-name pattern for `matches`; also glob(param), of a list of them"),
    ("cidr", "cidr(\"10.0.0.0/8\", …): networks for `matches`; also cidr(param), of a list of strings"),
    ("raw", "raw(text): the text as it arrived"),
    ("normalized", "normalized(text): folded, but look-alike letters of other scripts stay"),
    ("decoded", "decoded(text): what base64, hex and percent runs of the text say"),
    ("json", "json(text): the text read as JSON, escapes in its strings decoded; redactions keep it JSON"),
    ("lower", "lower(string): the string in lower case"),
    ("length", "length(string, list or map): characters, elements or entries"),
    (
        "language",
        "language(text, certainty): the code of the language that a text is in, or absent; without a certainty 0.5",
    ),
    (
        "model",
        "model(\"injection\", text): how much the text looks like what the model was trained to see, 0.0 to 1.0",
    ),
    (
        "marker",
        "marker(format, preserve_length, custom): what a redaction leaves behind; the last two may be left out",
    ),
];

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &Name, args: &[Expr], span: Span) -> Option<Typed> {
        if let Some(Symbol::Script(index)) = self.symbol(&name.value) {
            return self.script_call(index, args, span);
        }
        if let Some(Symbol::Function(index)) = self.symbol(&name.value) {
            return self.function_call(index, args, span);
        }
        match (name.value.as_str(), args) {
            ("header", [arg]) => {
                let arg = self.typed(arg, &Type::Str, "a header's name")?;
                let kind = match &arg.kind {
                    Kind::Param(_) | Kind::Part(..) | Kind::Argument(_) => Kind::HeaderOf(Rc::new(arg)),
                    _ => Kind::Header(self.constant(&arg)?.to_lowercase().into()),
                };
                Some(Typed { ty: Type::Optional(Box::new(Type::Str)), span, kind })
            }
            ("glob", [arg]) => {
                let list = Type::List(Box::new(Type::Str));
                let arg = self.expr(arg, Some(&Type::Str))?;
                if arg.ty != list && !fits(&arg.ty, &Type::Str) {
                    self.mismatch(arg.span, &arg.ty, "a string or a list of strings", "what `glob` takes");
                    return None;
                }
                Some(Typed { ty: Type::Glob, span, kind: arg.kind })
            }
            ("cidr", [_, ..]) => self.networks(args, span),
            ("raw", [arg]) => self.view(View::Raw, arg, span),
            ("normalized", [arg]) => self.view(View::Normalized, arg, span),
            ("decoded", [arg]) => self.view(View::Decoded, arg, span),
            ("json", [arg]) => self.view(View::Json, arg, span),
            ("lower", [arg]) => {
                let arg = self.typed(arg, &Type::Str, "what `lower` takes")?;
                Some(Typed { ty: Type::Str, span, kind: Kind::Call(Function::Lower, Rc::new(arg)) })
            }
            ("length", [arg]) => {
                let arg = self.expr(arg, None)?;
                let has_length = match &arg.ty {
                    Type::List(_) => !matches!(arg.kind, Kind::List(_)),
                    Type::Map | Type::MapOf(_) => true,
                    other => fits(other, &Type::Str),
                };
                if !has_length {
                    self.mismatch(
                        arg.span,
                        &arg.ty,
                        "a string, a list of values or a map",
                        "what `length` takes",
                    );
                    return None;
                }
                Some(Typed { ty: Type::Int, span, kind: Kind::Call(Function::Length, Rc::new(arg)) })
            }
            ("language", [text, rest @ ..]) if rest.len() <= 1 => self.language(text, rest.first(), span),
            ("model", [name, text]) => self.model(name, text, span),
            ("marker", [format, rest @ ..]) if rest.len() <= 2 => self.marker(format, rest, span),
            (known, _) => {
                self.unknown_call(known, name.span, span);
                None
            }
        }
    }

    /// `language(text)`, and how certain it must be.
    fn language(&mut self, text: &Expr, least: Option<&Expr>, span: Span) -> Option<Typed> {
        let text = self.expr(text, Some(&Type::Text));
        let least = match least {
            Some(least) => self.typed(least, &Type::Float, "how certain a language must be"),
            None => Some(Typed { ty: Type::Float, span, kind: Kind::Const(Value::Float(0.5)) }),
        };
        let (text, least) = (text?, least?);
        if text.ty != Type::Text && !fits(&text.ty, &Type::Str) {
            self.mismatch(text.span, &text.ty, "a text", "what `language` takes");
            return None;
        }
        let kind = Kind::Language(Rc::new(text), Rc::new(least));
        Some(Typed { ty: Type::Optional(Box::new(Type::Str)), span, kind })
    }

    /// `marker(format)`, and what may follow: whether the length is kept, and markers by label.
    fn marker(&mut self, format: &Expr, rest: &[Expr], span: Span) -> Option<Typed> {
        let formats = Type::choices(&["label", "asterisks", "partial"]);
        let constant = |ty, value| Some(Typed { ty, span, kind: Kind::Const(value) });
        let format = self.typed(format, &formats, "the format of a marker");
        let keep = match rest.first() {
            Some(keep) => self.typed(keep, &Type::Bool, "`preserve_length`"),
            None => constant(Type::Bool, Value::Bool(false)),
        };
        let custom = match rest.get(1) {
            Some(custom) => self.typed(custom, &Type::Map, "the custom markers"),
            None => constant(Type::Map, Value::Map(Arc::from([]))),
        };
        let kind = Kind::Marker(Rc::new(format?), Rc::new(keep?), Rc::new(custom?));
        Some(Typed { ty: Type::Marker, span, kind })
    }

    fn unknown_call(&mut self, name: &str, at: Span, span: Span) {
        if let Some((_, usage)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
            let message = format!("`{name}` is called with the wrong number of arguments");
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, span, message).help((*usage).to_owned()));
            return;
        }
        let scripts = self.unit.scripts.iter().map(|script| script.name.value.as_str());
        let functions = self.unit.functions.iter().map(|function| function.name.value.as_str());
        let known = FUNCTIONS.iter().map(|(known, _)| *known).chain(scripts).chain(functions);
        let help = did_you_mean(name, known);
        self.error(
            Diagnostic::error(codes::UNKNOWN_NAME, at, format!("there is no function `{name}`"))
                .help(help.unwrap_or_else(|| "`kt policy functions` lists the functions".into())),
        );
    }

    pub(super) fn constant(&mut self, typed: &Typed) -> Option<Arc<str>> {
        let text = constant_text(typed);
        if text.is_none() {
            self.error(
                Diagnostic::error(codes::NOT_CONSTANT, typed.span, "this must be known before traffic")
                    .help("write it as a string in double quotes"),
            );
        }
        text
    }

    fn view(&mut self, view: View, arg: &Expr, span: Span) -> Option<Typed> {
        let arg = self.typed(arg, &Type::Text, &format!("what `{}` takes", view.name()))?;
        Some(Typed { ty: Type::Text, span, kind: Kind::View(view, Rc::new(arg)) })
    }

    fn script_call(&mut self, index: usize, args: &[Expr], span: Span) -> Option<Typed> {
        let unit = self.unit;
        let script = unit.scripts.get(index)?;
        if script.args.len() != args.len() {
            self.wrong_count(&script.name, script.args.len(), args.len(), span);
            return None;
        }
        let mut typed = Vec::new();
        for (arg, (name, ty)) in args.iter().zip(&script.args) {
            typed.push(self.typed(arg, &declared(&ty.value), &format!("argument `{}`", name.value)));
        }
        let args: Option<Vec<Typed>> = typed.into_iter().collect();
        Some(Typed { ty: declared(&script.result.value), span, kind: Kind::Script(index, args?) })
    }
}
