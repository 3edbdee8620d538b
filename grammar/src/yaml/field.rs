//! A value under its key: types, ranges and choices are checked here, in one wording for all files.

use std::ops::RangeInclusive;

use super::mapping::{Mapping, quoted};
use super::reader::Reader;
use super::{Node, Value, join};
use crate::codes::{BAD_VALUE, Code, WRONG_TYPE};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::span::{Span, Spanned};

/// A value under its key or index.
#[derive(Clone)]
pub(crate) struct Field<'n> {
    /// Where to point when the value itself is no good place: the key.
    pub(crate) key: Span,
    pub(crate) node: &'n Node,
    /// Such as `providers.targets[0].id`; empty for the whole file.
    pub(crate) path: String,
}

impl<'n> Field<'n> {
    /// The whole tree.
    pub(crate) fn root(node: &'n Node) -> Self {
        Self { key: head(node), node, path: String::new() }
    }

    /// Where a finding about the value points: at a scalar itself, at the key of a collection or of nothing.
    pub(crate) fn place(&self) -> Span {
        match self.node.value {
            Value::Null | Value::Seq(_) | Value::Map(_) => self.key,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => self.node.span,
        }
    }

    /// The last part of the path in backticks.
    pub(crate) fn name(&self) -> String {
        match self.path.rsplit('.').next().filter(|last| !last.is_empty()) {
            Some(last) => format!("`{last}`"),
            None => "this file".to_owned(),
        }
    }

    pub(crate) fn error(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.place(), message).path(self.path.as_str())
    }

    fn wrong_type(&self, wanted: &str) -> Diagnostic {
        let message = format!("{} must be {wanted}, not {}", self.name(), self.node.kind());
        self.error(WRONG_TYPE, message).label(format!("expected {wanted}"))
    }

    /// Text that is not empty.
    pub(crate) fn text(&self, reader: &mut Reader) -> Option<Spanned<String>> {
        match &self.node.value {
            Value::Str(text) if text.trim().is_empty() => {
                reader.report(self.error(BAD_VALUE, format!("{} must not be empty", self.name())));
                None
            }
            Value::Str(text) => Some(Spanned::new(text.clone(), self.node.span)),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                reader.report(self.wrong_type("text").help("put it in quotes"));
                None
            }
            Value::Null | Value::Seq(_) | Value::Map(_) => {
                reader.report(self.wrong_type("text"));
                None
            }
        }
    }

    /// Text or a number, as written: `1.0` stays `1.0`.
    pub(crate) fn as_written(&self, reader: &mut Reader) -> Option<Spanned<String>> {
        match self.node.value {
            Value::Int(_) | Value::Float(_) => {
                Some(Spanned::new(reader.text(self.node.span).to_owned(), self.node.span))
            }
            Value::Null | Value::Bool(_) | Value::Str(_) | Value::Seq(_) | Value::Map(_) => self.text(reader),
        }
    }

    pub(crate) fn flag(&self, reader: &mut Reader) -> Option<Spanned<bool>> {
        if let Value::Bool(value) = self.node.value {
            return Some(Spanned::new(value, self.node.span));
        }
        reader.report(self.wrong_type("`true` or `false`").maybe_help(self.meant_flag()));
        None
    }

    fn meant_flag(&self) -> Option<String> {
        let Value::Str(text) = &self.node.value else { return None };
        let meant = match text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => "true",
            "no" | "off" | "n" | "false" => "false",
            _ => return None,
        };
        Some(format!("write `{meant}`, without quotes"))
    }

    /// A whole number in a range.
    pub(crate) fn whole(&self, reader: &mut Reader, range: RangeInclusive<u32>) -> Option<u32> {
        let Value::Int(value) = self.node.value else {
            reader.report(self.wrong_type("a whole number").maybe_help(self.meant_number()));
            return None;
        };
        let fits = u32::try_from(value).ok().filter(|value| range.contains(value));
        if fits.is_none() {
            let message = format!("{} must be from {} to {}", self.name(), range.start(), range.end());
            reader.report(self.error(BAD_VALUE, message).label("out of range"));
        }
        fits
    }

    /// A number that is not negative.
    pub(crate) fn amount(&self, reader: &mut Reader) -> Option<f64> {
        let value = match self.node.value {
            #[expect(clippy::cast_precision_loss, reason = "weights and prices are far below 2^53")]
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
            Value::Null | Value::Bool(_) | Value::Str(_) | Value::Seq(_) | Value::Map(_) => {
                reader.report(self.wrong_type("a number").maybe_help(self.meant_number()));
                return None;
            }
        };
        if value < 0.0 {
            let message = format!("{} must not be negative", self.name());
            reader.report(self.error(BAD_VALUE, message).label("below 0"));
        }
        (value >= 0.0).then_some(value)
    }

    fn meant_number(&self) -> Option<String> {
        let Value::Str(text) = &self.node.value else { return None };
        let digits = text.replace('_', "");
        digits.parse::<f64>().ok().map(|_| format!("write `{digits}`, without quotes"))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, reader: &mut Reader, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let written = self.text(reader)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == written.value) {
            return Some(written.map(|_| *value));
        }
        let words = || choices.iter().map(|(word, _)| *word);
        let help =
            did_you_mean(&written.value, words()).unwrap_or_else(|| format!("it can be {}", quoted(words())));
        let message = format!("{} cannot be `{}`", self.name(), written.value);
        reader.report(self.error(BAD_VALUE, message).help(help));
        None
    }

    /// The items of a list; of one that is no list, none.
    pub(crate) fn list(&self, reader: &mut Reader) -> Option<Vec<Field<'n>>> {
        if matches!(self.node.value, Value::Seq(_)) {
            return Some(self.items());
        }
        reader.report(self.wrong_type("a list").help("write `[a, b]`, or one `- item` to a line"));
        None
    }

    /// The items, when it is a list.
    pub(crate) fn items(&self) -> Vec<Field<'n>> {
        let Value::Seq(items) = &self.node.value else { return Vec::new() };
        let field = |(i, node)| Field { key: head(node), node, path: format!("{}[{i}]", self.path) };
        items.iter().enumerate().map(field).collect()
    }

    /// The value of a key, when it is a mapping that has it.
    pub(crate) fn child(&self, name: &str) -> Option<Field<'n>> {
        let Value::Map(entries) = &self.node.value else { return None };
        let (key, node) = entries.iter().find(|(key, _)| key.value == name)?;
        Some(Field { key: key.span, node, path: join(&self.path, name) })
    }

    /// A mapping whose keys are all among `names`; the others are reported.
    pub(crate) fn mapping(&self, reader: &mut Reader, names: &[&'static str]) -> Option<Mapping<'n>> {
        let mapping = self.open(reader)?;
        for field in mapping.fields() {
            if !names.contains(&field.1.value.as_str()) {
                mapping.unknown(reader, field.1, &field.0, names);
            }
        }
        Some(mapping)
    }

    /// A mapping with any keys.
    pub(crate) fn open(&self, reader: &mut Reader) -> Option<Mapping<'n>> {
        let Value::Map(entries) = &self.node.value else {
            let help = (!self.path.is_empty()).then(|| "write `key: value` lines below it".to_owned());
            reader.report(self.wrong_type("a mapping").maybe_help(help));
            return None;
        };
        Some(Mapping::new(self.clone(), entries))
    }
}

/// The place that stands for a value: the first key of a mapping, else all of it.
fn head(node: &Node) -> Span {
    match &node.value {
        Value::Map(entries) => entries.first().map_or(node.span, |(key, _)| key.span),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Seq(_) => {
            node.span
        }
    }
}
