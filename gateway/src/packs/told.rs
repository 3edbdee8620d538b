//! What loading found, for programs that read it.

use grammar::{Diagnostic, Sources};
use serde_json::{Value, json};

/// A diagnostic as a JSON object.
pub(crate) fn as_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let place = sources.place(diagnostic.span);
    let path = diagnostic.path.clone().unwrap_or_else(|| place.file.clone());
    json!({
        "code": diagnostic.code.id,
        "path": path,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": diagnostic.message,
        "suggestion": diagnostic.help,
    })
}

/// A diagnostic as a line of a log.
pub(crate) fn as_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = sources.place(diagnostic.span);
    let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    let (code, message) = (diagnostic.code.id, &diagnostic.message);
    format!("{}:{}:{}: [{code}] {message}{help}", place.file, place.line, place.column)
}
