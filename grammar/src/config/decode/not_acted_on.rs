//! Settings that this version reads but does not act on yet. Whoever makes one work removes its line here.

use crate::codes::NOT_ACTED_ON;
use crate::diagnostic::Diagnostic;
use crate::yaml::Value;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// Where each stands (`[]`: in every item of the list), and what does not happen yet.
const BLOCKS: &[(&str, &str)] =
    &[("providers.max_concurrency", "the number of requests under way is not limited")];

/// Warns of every such block that is present.
pub(super) fn warn(reader: &mut Reader, root: &Mapping) {
    for (path, instead) in BLOCKS {
        let parts: Vec<_> = path.split('.').collect();
        for field in find(&root.field, &parts) {
            let message = format!("{} is read but not acted on yet: {instead}", field.name());
            reader.report(Diagnostic::warning(NOT_ACTED_ON, field.key, message).path(field.path.as_str()));
        }
    }
}

/// Every field at a path, as far as the tree has the shape for it; what has not is reported elsewhere.
fn find<'n>(from: &Field<'n>, parts: &[&str]) -> Vec<Field<'n>> {
    let Some((part, rest)) = parts.split_first() else { return vec![from.clone()] };
    let (key, each) = part.strip_suffix("[]").map_or((*part, false), |key| (key, true));
    let Some(field) = from.child(key).filter(|field| field.node.value != Value::Null) else {
        return Vec::new();
    };
    let fields = if each { field.items() } else { vec![field] };
    fields.iter().flat_map(|field| find(field, rest)).collect()
}
