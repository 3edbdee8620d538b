//! Syntax errors in a person's words, and where the next item begins after one.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::{Rule, leading_word};
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::span::{SourceId, Span};

/// The words that begin an item.
const ITEMS: &[&str] = &[
    "policy", "library", "version", "use", "param", "pattern", "let", "fn", "score", "script", "rule", "test",
];

/// Whether an item begins with that word.
pub(super) fn begins_item(word: &str) -> bool {
    ITEMS.contains(&word)
}

/// How many expected things an error lists before it gives up.
const MAX_EXPECTED: usize = 6;

/// The error as a diagnostic, and the byte of the file where reading stopped.
pub(super) fn describe(
    source: SourceId,
    text: &str,
    item: usize,
    error: &Error<Rule>,
) -> (Diagnostic, usize) {
    let at = item
        + match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
    let rest = text.get(at..).unwrap_or_default();
    let span = Span::new(source, at, at + token(rest).len());
    let word = token(rest);
    if at == start_of_item(text, item) {
        return (unknown_item(span, word), at);
    }
    let diagnostic = Diagnostic::error(codes::SYNTAX, span, message(error, rest));
    let help = hint(text, at)
        .or_else(|| wants_clause(error).then(|| clause_hint(word)).flatten())
        .or_else(|| verdict_hint(text, at, error));
    (diagnostic.maybe_help(help), at)
}

/// The verdict that was likely meant: a word that is none is read as the name of a pattern, behind which `in` stands.
fn verdict_hint(text: &str, at: usize, error: &Error<Rule>) -> Option<String> {
    const VERDICTS: &[&str] = &["allow", "flag", "redact", "escalate", "block"];
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return None };
    if !positives.contains(&Rule::kw_in)
        || positives.iter().filter_map(|of| words(*of)).any(|of| of != "`in`")
    {
        return None;
    }
    let word = text.get(..at)?.split_whitespace().next_back()?;
    nearest(word, VERDICTS.iter().copied()).map(|near| format!("did you mean `{near}`?"))
}

fn wants_clause(error: &Error<Rule>) -> bool {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return false };
    positives.contains(&Rule::clause) || positives.contains(&Rule::when)
}

/// The clause that was likely meant: by its spelling, or by what other languages call it.
fn clause_hint(word: &str) -> Option<String> {
    const CLAUSES: &[&str] = &["when", "do", "code", "message", "severity", "tags"];
    let meant = match word {
        "if" | "where" | "condition" | "match" => "when",
        "then" | "action" | "effect" | "verdict" => "do",
        "msg" | "text" | "reason" => "message",
        "tag" | "labels" => "tags",
        _ => nearest(word, CLAUSES.iter().copied())?,
    };
    Some(match meant {
        "when" => "a condition begins with `when`".to_owned(),
        "do" => "what a rule does begins with `do`".to_owned(),
        other => format!("did you mean `{other}`?"),
    })
}

/// An error for brackets or operators that nest too deeply.
pub(super) fn too_deep(source: SourceId, at: usize) -> Diagnostic {
    Diagnostic::error(codes::LIMIT, Span::new(source, at, at + 1), "this nests too deeply")
        .help("name a part of it with `let`, join patterns in one `has (…)`, or split the rule")
}

/// Where the next item begins after an error at `failed_at` in the item at `item`: at the next line that opens with
/// an item's word. A closing brace that is forgotten makes reading stop at the next item, which is then not skipped.
pub(super) fn next_item(text: &str, item: usize, failed_at: usize) -> usize {
    let first = start_of_item(text, item);
    let line_start = text.get(..failed_at).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
    let mut at = if line_start > first { line_start } else { after_line(text, first) };
    while let Some(line) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if line.starts_with("///") || ITEMS.contains(&leading_word(line)) {
            return at;
        }
        at = after_line(text, at);
    }
    text.len()
}

/// The item's first byte after its documentation.
fn start_of_item(text: &str, item: usize) -> usize {
    let mut at = item;
    while let Some(rest) = text.get(at..) {
        if rest.starts_with("//") {
            at = after_line(text, at);
        } else if rest.starts_with(char::is_whitespace) {
            at += rest.len() - rest.trim_start().len();
        } else {
            break;
        }
    }
    at
}

fn after_line(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |i| at + i + 1)
}

/// The word or sign at the start of a text, for pointing at.
fn token(text: &str) -> &str {
    let word = leading_word(text);
    if !word.is_empty() {
        return word;
    }
    let len = text.chars().next().map_or(0, char::len_utf8);
    text.get(..len).unwrap_or_default()
}

/// The parts that may follow an item, and how each is written: one that cannot be read looks like an item of its own.
const PARTS: &[(&str, &str)] = &[
    ("label", "write `label NAME`"),
    ("where", "write `where` and a check, as in `where luhn` or `where not has /example/i`"),
    ("capture", "write `capture` and the name of a group, as in `capture number`"),
    (
        "near",
        "write `near` with what must stand there and how far away, as in `near /\\bpatient\\b/i within 40`",
    ),
    ("within", "`within` belongs behind `near`, as in `near /\\bpatient\\b/i within 40`"),
    ("except", "write `except` and a list, as in `except [\"one\", \"two\"]`"),
    ("fuzzy", "write `fuzzy` and how many letters may differ, as in `fuzzy 1`"),
    ("alias", "write `alias` and another key, as in `alias response.action`"),
    ("clamp", "write `clamp` and a range, as in `clamp 0.0..1.0`"),
];

/// How items are written: of one whose first words cannot be read, no more is known than how it begins.
const SHAPES: &[(&str, &str)] = &[
    ("policy", "`policy name`"),
    ("library", "`library name`"),
    ("version", "`version \"1.0.0\"`"),
    ("use", "`use std.pii (email, credit_card)`"),
    ("param", "`param name: string = \"value\"`"),
    ("pattern", "`pattern name = /regex/ label LABEL`"),
    ("let", "`let name = model == \"gpt-4o\"`"),
    ("fn", "`fn name(limit: int) -> bool = limit > 5`"),
    ("score", "`score name = sum { 0.5 if text has \"words\" }`"),
    ("script", "`script name(value: string) -> bool from \"file.rhai\"`"),
    ("rule", "`rule name on request { when text has \"words\" do block }`"),
    ("test", "`test \"what it shows\" { user \"words\" expect block }`"),
];

/// Signs that begin no item, and what they likely are.
const SIGNS: &[(&str, &str)] = &[
    ("#", "comments begin with `//`"),
    (";", "nothing stands behind an item: leave it out"),
    ("\u{FEFF}", "this is a byte order mark, which nobody sees: save the file as UTF-8 without one"),
];

fn unknown_item(span: Span, word: &str) -> Diagnostic {
    if let Some((_, shape)) = SHAPES.iter().find(|(item, _)| *item == word) {
        let message = format!("this `{word}` is not written as one");
        return Diagnostic::error(codes::SYNTAX, span, message).help(format!("write it as in {shape}"));
    }
    if let Some((_, help)) = PARTS.iter().find(|(part, _)| *part == word) {
        let message = format!("this `{word}` is not finished, or does not belong to the item above");
        return Diagnostic::error(codes::SYNTAX, span, message).help(*help);
    }
    let diagnostic = if word.is_empty() {
        Diagnostic::error(codes::SYNTAX, span, "a `///` comment at the end describes nothing")
    } else {
        Diagnostic::error(codes::SYNTAX, span, format!("no item of a rule file begins with `{word}`"))
    };
    let parts = PARTS.iter().map(|(part, _)| *part);
    let sign = SIGNS.iter().find(|(sign, _)| *sign == word);
    let help = match (sign, nearest(word, ITEMS.iter().copied().chain(parts))) {
        (Some((_, help)), _) => (*help).to_owned(),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => {
            "items begin with `policy`, `use`, `param`, `pattern`, `let`, `fn`, `score`, `script`, `rule` or `test`"
                .into()
        }
    };
    diagnostic.help(help)
}

fn message(error: &Error<Rule>, rest: &str) -> String {
    let found = match token(rest) {
        "" => "the file ends here".to_owned(),
        "\n" | "\r" => "the line ends here".to_owned(),
        word => format!("`{word}` cannot stand here"),
    };
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return found };
    let after_operand = positives.contains(&Rule::kw_and);
    let mut expected: Vec<&str> = positives.iter().filter_map(|wanted| words(*wanted)).collect();
    if after_operand {
        expected.retain(|words| *words != "`in`" && *words != "`with`");
        expected.push("an operator such as `and` or `==`");
    }
    if expected.contains(&VALUE) {
        expected.retain(|words| *words == VALUE);
    }
    expected.sort_unstable();
    expected.dedup();
    match expected.as_slice() {
        [] => found,
        list if list.len() > MAX_EXPECTED => found,
        [one] => format!("{found}; expected {one}"),
        [many @ .., last] => format!("{found}; expected {} or {last}", many.join(", ")),
    }
}

/// What usually helps, judged by the text around the place.
fn hint(text: &str, at: usize) -> Option<String> {
    let rest = text.get(at..)?;
    let before = text.get(..at)?.trim_end();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let hint = if rest.starts_with("&&") {
        "write `and`"
    } else if rest.starts_with("||") {
        "write `or`"
    } else if rest.starts_with('!') {
        "write `not`, or `!=` to compare"
    } else if rest.starts_with('=') && !rest.starts_with("==") {
        "to compare, write `==`"
    } else if rest.starts_with('"') && !is_closed(rest) {
        "this string does not end on its line: close it with `\"`, and write a quote inside it as `\\\"`"
    } else if rest.starts_with('"') && before.ends_with('[') {
        "between the elements of a list stand commas"
    } else if rest.starts_with('"') && line.ends_with("words") {
        "they are a list: `words [\"one\", \"two\"]`"
    } else if rest.starts_with('\'') {
        "strings are written in double quotes"
    } else if rest.starts_with(['“', '”', '„', '‘', '’']) {
        "strings are written in straight double quotes: `\"`"
    } else if rest.starts_with('[') && line.ends_with("has")
        || rest.starts_with(',') && line.contains(" has ")
    {
        "several stand in round brackets: `has (\"one\", \"two\")`"
    } else if rest.starts_with(':') && line.trim_start().starts_with("rule ") && !line.contains('{') {
        "the clauses of a rule stand between `{` and `}`"
    } else if rest.starts_with(';') {
        "nothing stands between clauses: leave it out"
    } else if rest.starts_with('/') {
        "a regular expression ends with `/` on its own line; a slash inside it is written `\\/`"
    } else if ITEMS.contains(&leading_word(rest)) && before.lines().count() > 0 && starts_line(text, at) {
        "the item above is not finished: a closing `}` may be missing"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// Whether the string that a text begins with ends on its line.
fn is_closed(text: &str) -> bool {
    let mut is_escaped = false;
    text.lines().next().unwrap_or_default().chars().skip(1).any(|c| {
        let closes = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        closes
    })
}

fn starts_line(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.ends_with('\n'))
}

/// Whether a rule is a keyword's own, which carries no meaning beyond its presence.
pub(super) fn is_keyword(of: Rule) -> bool {
    format!("{of:?}").starts_with("kw_")
}

/// What stands where an expression may stand.
const VALUE: &str = "a condition or value";

/// What a grammar rule is called by people. Silent for rules that say nothing to them.
fn words(wanted: Rule) -> Option<&'static str> {
    Some(match wanted {
        Rule::expr
        | Rule::path
        | Rule::call
        | Rule::group
        | Rule::list
        | Rule::conditional
        | Rule::matching
        | Rule::quantifier => VALUE,
        Rule::name | Rule::word | Rule::dotted | Rule::kind => "a name",
        Rule::string => "a string in double quotes",
        Rule::block => "a text in triple quotes",
        Rule::regex => "a regular expression between slashes",
        Rule::number
        | Rule::duration
        | Rule::money
        | Rule::boolean
        | Rule::value
        | Rule::value_list
        | Rule::value_map => "a value",
        Rule::phase => "`request` or `response`",
        Rule::type_name
        | Rule::list_type
        | Rule::map_type
        | Rule::record_type
        | Rule::enum_type
        | Rule::simple_type
        | Rule::type_word => {
            "a type: bool, int, float, duration, money, string, regex, map, enum(…), record(…) or [type]"
        }
        Rule::check | Rule::has_inside => "a validator such as `luhn`, or `has` and an expression",
        Rule::member => "a value of the record: `name: type`",
        Rule::entry => "an entry: `name: value`",
        Rule::words | Rule::any_of | Rule::pattern_body => "a pattern: /regex/, words […] or any of …",
        Rule::verdict => "a verdict: allow, flag, redact, escalate or block",
        Rule::clause | Rule::when | Rule::action => "a clause: when, do, code, message, severity or tags",
        Rule::test_line | Rule::test_with | Rule::test_said | Rule::test_expect | Rule::speaker => {
            "a line of a test: user, system, tool, response, call, header, given, spent, target, with, expect or todo"
        }
        Rule::present | Rule::absent => "`present` or `absent`",
        Rule::range => "`in` and a range",
        Rule::pick | Rule::arm => "a value and `=>`",
        Rule::default => "`=`",
        Rule::kw_on => "`on`",
        Rule::kw_in => "`in`",
        Rule::kw_of => "`of`",
        Rule::kw_sum => "`sum`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::kw_to => "`to`",
        Rule::kw_target => "`target`",
        Rule::kw_where => "`where`",
        Rule::setting => "a setting such as `retention_days = 30`",
        Rule::kw_with => "`with`",
        Rule::kw_within => "`within`",
        Rule::kw_per => "`per`",
        Rule::kw_from => "`from`",
        Rule::kw_expect => "`expect`",
        _ => return None,
    })
}
