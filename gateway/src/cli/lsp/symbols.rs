//! The outline of a document.

use lsp_types::DocumentSymbol;

use super::names::{Declared, declared};
use super::place;

pub(super) fn of(text: &str) -> Vec<DocumentSymbol> {
    declared(text).into_iter().map(|item| symbol(item, text)).collect()
}

#[expect(deprecated, reason = "the protocol's type has a field that must be filled and not be used")]
fn symbol(item: Declared, text: &str) -> DocumentSymbol {
    DocumentSymbol {
        name: if item.name.is_empty() { "test".into() } else { item.name },
        detail: item.doc.first().cloned(),
        kind: item.kind.symbol(),
        tags: None,
        deprecated: None,
        range: place::range(text, item.span.start, item.span.end),
        selection_range: place::range(text, item.at.start, item.at.end),
        children: None,
    }
}
