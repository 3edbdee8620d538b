//! `policies.chain`, and `policy:` at either of its two places.

use super::{rules, unique};
use crate::codes::{BAD_CONFIG, MISSING};
use crate::config::{Arguments, OnError, Policies};
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;
use crate::yaml::{Node, Value};

const ON_ERROR: &[(&str, OnError)] = &[("block", OnError::Block), ("allow", OnError::Allow)];

/// The chain, the arguments of its policies, and the rules written here. Nothing when the chain cannot be read.
pub(super) fn read(reader: &mut Reader, root: &Mapping) -> Option<Policies> {
    let block = root.require(reader, "policies", "write `policies: {chain: []}` to run no policy");
    let block = block.and_then(|field| field.mapping(reader, &["chain", "policy"]));
    let mut chain = block.as_ref().and_then(|block| chain(reader, block));
    let inline = rules::read(reader, root, chain.as_mut());
    let inside = block.as_ref().and_then(|block| block.get("policy"));
    let outside = root.get("policy");
    if let (Some(inside), Some(outside)) = (&inside, &outside) {
        let found = Diagnostic::error(BAD_CONFIG, inside.key, "`policy` stands in two places")
            .label("inside `policies`")
            .related(outside.key, "and at the top")
            .help("keep one of them; both mean the same")
            .path(inside.path.as_str());
        reader.report(found);
    }
    let arguments = outside.or(inside).map(|field| arguments(reader, &field)).unwrap_or_default();
    Some(Policies { chain: chain?, arguments, inline })
}

fn chain(reader: &mut Reader, block: &Mapping) -> Option<Vec<Spanned<String>>> {
    let help = "list the kinds in the order they run, or write `chain: []` to run none";
    let field = block.require(reader, "chain", help)?;
    let items = field.list(reader)?;
    let mut kinds = Vec::with_capacity(items.len());
    for item in &items {
        if item.node.value == Value::Null {
            reader.report(item.error(MISSING, "this entry of the chain is empty").help(help));
        } else {
            kinds.extend(item.text(reader));
        }
    }
    unique(reader, items.iter().cloned(), "policy");
    (kinds.len() == items.len()).then_some(kinds)
}

fn arguments(reader: &mut Reader, field: &Field) -> Vec<Arguments> {
    let Some(block) = field.open(reader) else { return Vec::new() };
    block.fields().filter_map(|(field, kind)| one(reader, &field, kind)).collect()
}

fn one(reader: &mut Reader, field: &Field, kind: &Spanned<String>) -> Option<Arguments> {
    let kind = kind.clone();
    if field.node.value == Value::Null {
        let node = Node::new(field.node.span, Value::Map(Vec::new()));
        return Some(Arguments { kind, node, on_error: None });
    }
    let block = field.open(reader)?;
    let on_error = block.get("on_error").and_then(|field| field.choice(reader, ON_ERROR));
    let Value::Map(entries) = &field.node.value else { return None };
    let others = entries.iter().filter(|(key, _)| key.value != "on_error").cloned().collect();
    Some(Arguments { kind, node: Node::new(field.node.span, Value::Map(others)), on_error })
}
