//! Names and fields: what a path of words stands for.

use std::sync::Arc;

use grammar::ast::Name;
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, codes};

use super::inline::inline;
use super::{Checker, declared};
use crate::compile::resolve::Symbol;
use crate::compile::typed::{Kind, Typed};
use crate::program::ir::ListField;
use crate::schema::{ElementField, FieldKind, LABELS, element_fields};
use crate::value::{Type, Value};

impl Checker<'_> {
    /// A path of words: a choice where one is wanted, an element's field, a declared name, or a field.
    pub(super) fn path(&mut self, words: &[Name], span: Span, wanted: Option<&Type>) -> Option<Typed> {
        let (first, rest) = words.split_first()?;
        if let ([], Some(Type::Enum(choices))) = (rest, wanted)
            && let Some(choice) = choices.iter().find(|choice| ***choice == *first.value)
        {
            let ty = Type::Enum(choices.clone());
            return Some(Typed { ty, span, kind: Kind::Const(Value::Str(choice.clone())) });
        }
        if let Some(depth) = self.elements.iter().rposition(|(name, _)| *name == first.value) {
            return self.element(depth, rest, span);
        }
        if let ([], Some(argument)) = (rest, self.argument(&first.value, span)) {
            return Some(argument);
        }
        let full = words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(".");
        if let Some(symbol) = self.symbol(&full) {
            return self.declared(symbol, &full, span);
        }
        if let Some(field) = self.fields.iter().find(|field| field.name == full) {
            let kind = match field.kind {
                FieldKind::Texts(scope) => Kind::Texts(scope),
                FieldKind::Messages => Kind::List(ListField::Messages),
                FieldKind::Tools => Kind::List(ListField::Tools),
                FieldKind::ToolCalls => Kind::List(ListField::ToolCalls),
                FieldKind::Targets => Kind::List(ListField::Targets),
                FieldKind::Header(name) => Kind::Header(name.into()),
                scalar => Kind::Field(scalar),
            };
            return Some(Typed { ty: field.ty.clone(), span, kind });
        }
        if let Some(label) = full.strip_prefix(LABELS).filter(|label| !label.contains('.')) {
            let ty = Type::Optional(Box::new(Type::Str));
            return Some(Typed { ty, span, kind: Kind::Label(label.into()) });
        }
        self.unknown(&full, span, wanted);
        None
    }

    fn element(&mut self, depth: usize, rest: &[Name], span: Span) -> Option<Typed> {
        let (name, ty) = self.elements.get(depth)?.clone();
        if !ty.is_of_traffic() {
            return self.part(depth, &name, ty, rest, span);
        }
        let fields = element_fields(&ty);
        let names = fields.iter().map(|(name, ..)| *name);
        let [field] = rest else {
            let list = names.map(|field| format!("`{name}.{field}`")).collect::<Vec<_>>().join(", ");
            self.error(
                Diagnostic::error(codes::UNKNOWN_FIELD, span, format!("`{name}` is a whole {ty}"))
                    .help(format!("read one of {list}")),
            );
            return None;
        };
        let Some((_, ty, field)) = fields.iter().find(|(known, ..)| *known == field.value) else {
            let message = format!("a {ty} has no field `{}`", field.value);
            let help = did_you_mean(&field.value, names.clone())
                .unwrap_or_else(|| format!("it has {}", names.collect::<Vec<_>>().join(", ")));
            self.error(Diagnostic::error(codes::UNKNOWN_FIELD, field.span, message).help(help));
            return None;
        };
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        debug_assert!(*ty != Type::Text || *field == ElementField::Text, "only messages have texts");
        Some(Typed { ty: ty.clone(), span, kind: Kind::Element(depth, *field) })
    }

    /// What the quantifier over an argument is at, or a member of it.
    fn part(&mut self, depth: usize, name: &str, ty: Type, rest: &[Name], span: Span) -> Option<Typed> {
        let (mut ty, mut path) = (ty, Vec::new());
        for word in rest {
            let members: &[(Arc<str>, Type)] = if let Type::Record(members) = &ty { members } else { &[] };
            let Some(at) = members.iter().position(|(member, _)| **member == *word.value) else {
                let message = format!("a {ty} has no field `{}`", word.value);
                let names = || members.iter().map(|(member, _)| &**member);
                let help = did_you_mean(&word.value, names())
                    .unwrap_or_else(|| format!("it has {}", names().collect::<Vec<_>>().join(", ")));
                let found = Diagnostic::error(codes::UNKNOWN_FIELD, word.span, message);
                self.error(if members.is_empty() { found } else { found.help(help) });
                return None;
            };
            path.push(at);
            ty = members.get(at)?.1.clone();
        }
        if let Type::Record(members) = &ty {
            let list: Vec<String> = members.iter().map(|(member, _)| format!("`{name}.{member}`")).collect();
            self.error(
                Diagnostic::error(codes::UNKNOWN_FIELD, span, format!("`{name}` is a whole record"))
                    .help(format!("read one of {}", list.join(", "))),
            );
            return None;
        }
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        Some(Typed { ty, span, kind: Kind::Part(depth, path) })
    }

    fn declared(&mut self, symbol: Symbol, name: &str, span: Span) -> Option<Typed> {
        let unit = self.unit;
        match symbol {
            Symbol::Param(index) => {
                let ty = declared(&unit.params.get(index)?.ty.value);
                Some(Typed { ty, span, kind: Kind::Param(index) })
            }
            Symbol::Let(index) => {
                let value = self.lets.get(&index).cloned();
                if value.is_none()
                    && unit.lets.get(index).is_some_and(|item| item.value.span.start > span.start)
                {
                    let message = format!("`{name}` is declared further down");
                    self.error(
                        Diagnostic::error(codes::UNKNOWN_NAME, span, message)
                            .help("declare it before its first use"),
                    );
                }
                let (value, extent) = value?;
                self.extend(extent);
                let depth = u8::try_from(self.elements.len()).unwrap_or(u8::MAX);
                let value = if depth == 0 { (*value).clone() } else { inline(&value, &[], depth) };
                Some(Typed { span, ..value })
            }
            Symbol::Score(index) if index >= self.scores.len() => {
                let message = format!("score `{name}` is declared further down, or reads itself");
                self.error(
                    Diagnostic::error(codes::UNKNOWN_NAME, span, message)
                        .help("declare a score before its first use"),
                );
                None
            }
            Symbol::Score(index) => {
                self.extend(self.score_extents.get(index).copied().unwrap_or_default());
                Some(Typed { ty: Type::Float, span, kind: Kind::Score(index) })
            }
            Symbol::Pattern(_) => {
                let message = format!("`{name}` is a pattern, not a value");
                self.error(
                    Diagnostic::error(codes::TYPE_MISMATCH, span, message)
                        .help(format!("look for it with `text has {name}`")),
                );
                None
            }
            Symbol::Script(_) | Symbol::Function(_) => {
                let message = format!("`{name}` is a function and takes arguments");
                self.error(
                    Diagnostic::error(codes::TYPE_MISMATCH, span, message)
                        .help(format!("call it: `{name}(…)`")),
                );
                None
            }
        }
    }

    fn unknown(&mut self, name: &str, span: Span, wanted: Option<&Type>) {
        if let Some(Type::Enum(choices)) = wanted {
            let list = choices.join(", ");
            let help = did_you_mean(name, choices.iter().map(|choice| &**choice));
            self.error(
                Diagnostic::error(codes::BAD_VALUE, span, format!("`{name}` is not one of {list}"))
                    .maybe_help(help),
            );
            return;
        }
        let dotted = name.contains('.');
        let fields = self.fields.iter().map(|field| field.name);
        let names = self
            .unit
            .names
            .keys()
            .map(String::as_str)
            .chain(self.elements.iter().chain(&self.args).map(|(name, _)| name.as_str()));
        let help = did_you_mean(name, fields.chain(names));
        let (code, what) =
            if dotted { (codes::UNKNOWN_FIELD, "field") } else { (codes::UNKNOWN_NAME, "name") };
        let fallback =
            if dotted { "`kt policy fields` lists the fields" } else { "a text is written in double quotes" };
        self.error(
            Diagnostic::error(code, span, format!("there is no {what} `{name}`"))
                .help(help.unwrap_or_else(|| fallback.to_owned())),
        );
    }
}
