//! Params: what they are declared as, and what they are in force.

use std::sync::Arc;

use grammar::ast::{File, ItemKind, Literal, Param, Type};
use grammar::print::{literal, type_text};

use super::changes::{Facet, ParamChange, Presence};
use crate::program::Policy;
use crate::value::Value;

/// A policy's params with the file that declares them.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) policy: &'a Policy,
    pub(super) file: Option<&'a File>,
}

/// One param of one policy.
struct Seen<'a> {
    value: &'a Value,
    declared: Option<&'a Param>,
}

/// The params that differ: in the order of the policy as it was, new ones last.
pub(super) fn compare(before: Declared<'_>, after: Declared<'_>) -> Vec<ParamChange> {
    let mut found = Vec::new();
    for (name, _) in &before.policy.params {
        let (Some(was), is) = (before.find(name), after.find(name)) else { continue };
        let presence = if is.is_some() { Presence::Both } else { Presence::Removed };
        found.extend(change(name, presence, Some(&was), is.as_ref()));
    }
    for (name, _) in &after.policy.params {
        if before.find(name).is_none() {
            found.extend(change(name, Presence::Added, None, after.find(name).as_ref()));
        }
    }
    found
}

impl<'a> Declared<'a> {
    fn find(self, name: &str) -> Option<Seen<'a>> {
        let (_, value) = self.policy.params.iter().find(|(known, _)| &**known == name)?;
        let items = self.file.into_iter().flat_map(|file| &file.items);
        let mut params = items.filter_map(|item| match &item.kind {
            ItemKind::Param(param) => Some(param),
            _ => None,
        });
        Some(Seen { value, declared: params.find(|param| param.name.value == name) })
    }
}

fn change(
    name: &Arc<str>,
    presence: Presence,
    was: Option<&Seen<'_>>,
    is: Option<&Seen<'_>>,
) -> Option<ParamChange> {
    let facet =
        |part, of: fn(&Seen<'_>) -> Option<String>| Facet::of(part, was.and_then(of), is.and_then(of));
    let default = facet("default", |seen| default(seen.declared?));
    let value = facet("value", |seen| Some(in_force(seen.value, seen.declared.map(|param| &param.ty.value))));
    // Where nothing else is set, the value is the default, and is told once.
    let told = |value: &Facet| {
        default
            .as_ref()
            .is_none_or(|default| (&default.before, &default.after) != (&value.before, &value.after))
    };
    let value = value.filter(told);
    let ty = facet("type", |seen| Some(type_text(&seen.declared?.ty.value)));
    let facets: Vec<Facet> = [value, default, ty, facet("alias", aliases)].into_iter().flatten().collect();
    (!facets.is_empty()).then(|| ParamChange { name: Arc::clone(name), presence, facets })
}

fn aliases(seen: &Seen<'_>) -> Option<String> {
    let mut names: Vec<&str> = seen.declared?.aliases.iter().map(|alias| alias.value.as_str()).collect();
    names.sort_unstable();
    (!names.is_empty()).then(|| names.join(", "))
}

/// A value as its param's author writes it: a choice is a bare word.
fn in_force(value: &Value, ty: Option<&Type>) -> String {
    match (value, ty) {
        (Value::Str(word), Some(Type::Enum(_))) => word.to_string(),
        (Value::List(items), Some(Type::List(inner))) => {
            let items: Vec<String> = items.iter().map(|item| in_force(item, Some(inner))).collect();
            format!("[{}]", items.join(", "))
        }
        _ => value.to_string(),
    }
}

/// A default as its value is shown.
fn default(param: &Param) -> Option<String> {
    Some(shown(&param.default.as_ref()?.value))
}

fn shown(default: &Literal) -> String {
    match default {
        // The flags of a regular expression stand inside of the value.
        Literal::Regex(regex) if !regex.flags.is_empty() => {
            Value::Regex(format!("(?{}){}", regex.flags, regex.source).into()).to_string()
        }
        Literal::Regex(regex) => Value::Regex(regex.source.as_str().into()).to_string(),
        Literal::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Literal::Bool(_)
        | Literal::Int(_)
        | Literal::Float(_)
        | Literal::Duration(_)
        | Literal::Money(_)
        | Literal::Str(_)
        | Literal::Word(_)
        | Literal::Map(_) => literal(default),
    }
}
