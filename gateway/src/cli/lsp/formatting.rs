//! Formatting: the same as `kt policy fmt`.

use grammar::SourceId;
use lsp_types::TextEdit;

use super::place;

/// The edit that lays the document out; nothing when it has mistakes.
pub(super) fn edits(text: &str) -> Option<Vec<TextEdit>> {
    let result = grammar::fmt::format(SourceId::default(), text).ok()?;
    if result == text {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: place::range(text, 0, text.len()), new_text: result }])
}
