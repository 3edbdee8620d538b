//! What the YAML reader complains about, in the words of whoever wrote the file.

use serde_yaml::{Error, Location};

use super::parse::{MAX_ALIASES, MAX_DEPTH, MAX_NODES};
use crate::codes::BAD_YAML;
use crate::diagnostic::Diagnostic;
use crate::span::{SourceId, Span};

/// The scanner's words, ours, and what to do about it.
const SCANNER: &[(&str, &str, &str)] = &[
    ("tabs disallowed", "a tab cannot indent YAML", "indent with spaces"),
    ("start with a tab", "a tab cannot indent YAML", "indent with spaces"),
    ("found a tab", "a tab cannot indent YAML", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a `:` cannot stand here",
        "put text that contains `: ` in quotes, or check the indentation of this line",
    ),
    ("illegal placement of ':'", "a `:` cannot stand here", "a `]` or `}` may be missing before it"),
    ("unclosed bracket", "this bracket is never closed", "add the closing one"),
    ("unclosed quote", "this quote is never closed", "add the closing one"),
    ("unexpected character", "text cannot start with this character", "put the text in quotes"),
    (
        "did not find expected '-'",
        "this line does not belong to the list above it",
        "check its indentation, or start it with `- `",
    ),
    (
        "did not find expected key",
        "this line does not belong to the mapping above it",
        "check its indentation",
    ),
    (
        "unknown escape",
        "this text has a backslash that means nothing",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    ("surrogate", "half of a `\\ud…` pair cannot stand alone", "write both halves, or the character itself"),
    ("simple key", "a `:` is missing after this key", "write `key: value`"),
    ("could not find expected ':'", "a `:` is missing after this key", "write `key: value`"),
    ("unknown anchor", "this alias has no anchor", "write `&name` where the value first stands"),
    ("multiple YAML documents", "a second document starts here", "keep one document to a file"),
    (
        "merge keys",
        "merge keys (`<<`) are not supported",
        "repeat the keys, or layer a second file over this",
    ),
    ("unsupported tag", "this tag is not supported", "leave it out; values have the type they look like"),
    ("non-finite", "this is not a finite number", "write a number, or put text in quotes"),
    ("recursive references", "this alias contains itself", "write the value out"),
    ("expected string scalar", "a key must be text", "write `key: value` with a plain key"),
    ("null into string", "a key must be text", "put the key in quotes"),
];

/// What the reader says of a text that passes one of its limits.
const LIMITS: &[&str] = &["budget breached", "recursion limit", "alias replay", "nesting"];

/// A reader's error as a diagnostic.
pub(super) fn diagnostic(error: &Error, source: SourceId, text: &str) -> Diagnostic {
    let (start, length) = error.location().map_or((text.len(), 0), |location| bytes(&location, text));
    let span = Span::new(source, start, start + length);
    let said = error.to_string();
    if LIMITS.iter().any(|theirs| said.contains(theirs)) {
        return Diagnostic::error(BAD_YAML, span, "this file is too deep or too large to be read").help(
            format!("at most {MAX_DEPTH} levels, {MAX_NODES} values and {MAX_ALIASES} aliases are read"),
        );
    }
    if line(span, text).contains("${") {
        let message = "this is not valid YAML: `${…}` is not filled in";
        return Diagnostic::error(BAD_YAML, span, message)
            .help("write the name of the variable alone, as in `secret_key_ref: {env: NAME}`");
    }
    let span = if said.contains("tab") { tab(span, text) } else { span };
    match SCANNER.iter().find(|(theirs, ..)| said.contains(theirs)) {
        Some((_, ours, help)) => Diagnostic::error(BAD_YAML, span, *ours).help(*help),
        None => Diagnostic::error(BAD_YAML, span, plain(&said)),
    }
}

/// The line that a place is in.
fn line(span: Span, text: &str) -> &str {
    let (before, after) = text.split_at_checked(span.start).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = span.start + after.find('\n').unwrap_or(after.len());
    text.get(start..end).unwrap_or_default()
}

/// The tab that is meant: it may stand after the start of the text that it interrupts.
fn tab(span: Span, text: &str) -> Span {
    let line = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
    match text.get(line..).and_then(|rest| rest.find('\t')) {
        Some(at) => Span { start: line + at, end: line + at + 1, ..span },
        None => span,
    }
}

/// The sentence without its line and column, which the excerpt shows.
fn plain(said: &str) -> String {
    let sentence = said.split(" at line ").next().unwrap_or(said);
    format!("this is not valid YAML: {sentence}")
}

/// Start and length in bytes; the reader's errors count in characters only.
pub(super) fn bytes(location: &Location, text: &str) -> (usize, usize) {
    let span = location.span();
    if let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) {
        return (number(start), number(length));
    }
    let mut rest = text.char_indices().skip(number(span.offset()));
    match rest.next() {
        Some((start, c)) => (start, c.len_utf8()),
        None => (text.len(), 0),
    }
}

fn number(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
