//! A mapping that is read key by key: what is unknown or missing is told here.

use super::field::Field;
use super::reader::Reader;
use super::{Node, Value, join};
use crate::codes::{MISSING, UNKNOWN_KEY};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::span::Spanned;

/// A mapping that is read key by key.
pub(crate) struct Mapping<'n> {
    pub(crate) field: Field<'n>,
    entries: &'n [(Spanned<String>, Node)],
}

impl<'n> Mapping<'n> {
    pub(crate) fn new(field: Field<'n>, entries: &'n [(Spanned<String>, Node)]) -> Self {
        Self { field, entries }
    }

    /// The value of a key; a key with nothing behind it is as good as absent, so a layer can reset it.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'n>> {
        self.written(name).filter(|field| field.node.value != Value::Null)
    }

    /// The value of a key, be it nothing.
    pub(crate) fn written(&self, name: &str) -> Option<Field<'n>> {
        self.field.child(name)
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, reader: &mut Reader, name: &str, help: &str) -> Option<Field<'n>> {
        let field = self.get(name);
        if field.is_none() && !self.misspelt(name) {
            let message = format!("`{name}` is missing in {}", self.field.name());
            let found = match self.written(name) {
                Some(empty) => Diagnostic::error(MISSING, empty.key, message).label("there is nothing here"),
                None if self.field.path.is_empty() => Diagnostic::error(MISSING, self.field.key, message),
                None => Diagnostic::error(MISSING, self.field.key, message).label(format!("has no `{name}`")),
            };
            reader.report(found.help(help).path(join(&self.field.path, name)));
        }
        field
    }

    /// All fields with their keys, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Field<'n>, &'n Spanned<String>)> + use<'_, 'n> {
        self.entries
            .iter()
            .map(|(key, node)| (Field { key: key.span, node, path: join(&self.field.path, &key.value) }, key))
    }

    /// Whether a key that is not there was probably meant by another, which has its own finding.
    fn misspelt(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.value != name && nearest(&key.value, [name]).is_some())
    }

    pub(crate) fn unknown(
        &self,
        reader: &mut Reader,
        key: &Spanned<String>,
        field: &Field,
        names: &[&'static str],
    ) {
        if looks_secret(&key.value) {
            reader.hide(field.node.span);
        }
        let message = format!("`{}` is not a key of {}", key.value, self.field.name());
        let help = did_you_mean(&key.value, names.iter().copied()).unwrap_or_else(|| {
            match looks_secret(&key.value) && names.contains(&"secret_key_ref") {
                true => "keys never stand in this file: write `secret_key_ref: {env: NAME}`".to_owned(),
                false => format!("the keys here are {}", quoted(names.iter().copied())),
            }
        });
        let found = Diagnostic::error(UNKNOWN_KEY, key.span, message).label("unknown key");
        reader.report(found.help(help).path(field.path.as_str()));
    }
}

/// Whether a key's name says that its value must not be shown.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    let words = ["key", "keyref", "secret", "token", "password", "credential", "authorization"];
    words.iter().any(|word| name.trim_end_matches('s').ends_with(word))
}

/// `a`, `b` or `c`.
pub(crate) fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
