//! Regular expressions of Go in the dialect of rule files.

/// An expression, and what it lost.
#[derive(Debug)]
pub(super) struct Translated {
    /// Between slashes.
    pub(super) source: String,
    /// Whether it has a group that is the secret.
    pub(super) captures: bool,
}

/// The name of the group that is the secret.
pub(super) const SECRET: &str = "secret";

/// Translates an expression; `group` says which of its groups is the secret, and 0 that it is the first.
pub(super) fn translate(regex: &str, group: usize) -> Translated {
    let wanted = group.max(1);
    let mut out = String::with_capacity(regex.len() + 16);
    let (mut rest, mut groups, mut captures) = (regex, 0, false);
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => escape(rest, &mut out),
            '[' => class(rest, &mut out),
            '(' => {
                let is_named = rest.starts_with("(?P<") || rest.starts_with("(?<");
                if rest.starts_with("(?") && !is_named {
                    out.push('(');
                    1
                } else {
                    groups += 1;
                    let head = if is_named { rest.find('>').map_or(1, |end| end + 1) } else { 1 };
                    captures |= groups == wanted;
                    out.push_str(if groups == wanted { "(?<secret>" } else { "(?:" });
                    head
                }
            }
            '{' if !is_count(rest) => {
                out.push_str("\\{");
                1
            }
            '/' => {
                out.push_str("\\/");
                1
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Translated { source: out, captures }
}

/// The same of an expression whose groups do not matter.
pub(super) fn without_groups(regex: &str) -> String {
    translate(regex, usize::MAX).source
}

/// A word as an expression that matches it.
pub(super) fn escaped(word: &str) -> String {
    regex_syntax::escape(word).replace('/', "\\/")
}

/// An escape; `\Q…\E` is written out.
fn escape(rest: &str, out: &mut String) -> usize {
    if let Some(quoted) = rest.strip_prefix("\\Q") {
        let text = quoted.split_once("\\E").map_or(quoted, |(text, _)| text);
        for c in text.chars() {
            if !c.is_alphanumeric() && c.is_ascii() && !c.is_ascii_whitespace() {
                out.push('\\');
            }
            out.push(c);
        }
        let ended = quoted.len() > text.len();
        return 2 + text.len() + if ended { 2 } else { 0 };
    }
    let length = rest.chars().take(2).map(char::len_utf8).sum();
    out.push_str(rest.get(..length).unwrap_or(rest));
    length
}

/// A class; in Go a bracket in it may stand for itself.
fn class(rest: &str, out: &mut String) -> usize {
    let mut at = 1;
    out.push('[');
    for first in ["^", "]"] {
        if rest.get(at..).is_some_and(|rest| rest.starts_with(first)) {
            out.push_str(if first == "]" { "\\]" } else { first });
            at += 1;
        }
    }
    while let Some(inner) = rest.get(at..).filter(|inner| !inner.is_empty()) {
        let named = inner
            .strip_prefix("[:")
            .and_then(|name| name.find(":]").filter(|end| is_class(name.get(..*end))));
        let c = inner.chars().next().unwrap_or_default();
        at += match (c, named) {
            (_, Some(end)) => {
                let length = end + 4;
                out.push_str(inner.get(..length).unwrap_or(inner));
                length
            }
            ('\\', None) => escape(inner, out),
            (']', None) => {
                out.push(']');
                return at + 1;
            }
            // What means a set operation or a nested class here means itself there.
            ('[' | '&' | '~', None) => {
                out.push('\\');
                out.push(c);
                1
            }
            ('/', None) => {
                out.push_str("\\/");
                1
            }
            (other, None) => {
                out.push(other);
                other.len_utf8()
            }
        };
    }
    at
}

/// Whether a brace begins a count, as in `{2,}`.
fn is_count(rest: &str) -> bool {
    let Some((inside, _)) = rest.get(1..).and_then(|rest| rest.split_once('}')) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match inside.split_once(',') {
        Some((low, high)) => is_number(low) && (high.is_empty() || is_number(high)),
        None => is_number(inside),
    }
}

/// Whether that is the name of a class such as `alpha` or `^digit`.
fn is_class(name: Option<&str>) -> bool {
    let name = name.map(|name| name.strip_prefix('^').unwrap_or(name));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(regex: &str) -> String {
        translate(regex, 0).source
    }

    #[test]
    fn the_first_group_is_the_secret() {
        assert_eq!(source("a(?:b)(c)(d)"), "a(?:b)(?<secret>c)(?:d)");
        assert_eq!(translate("(a)(?P<x>b)", 2).source, "(?:a)(?<secret>b)");
        assert!(!translate("a(?i:b)", 0).captures);
    }

    #[test]
    fn what_means_something_else_here_is_escaped() {
        assert_eq!(source(r"a/b[/&[]{x"), r"a\/b[\/\&\[]\{x");
        assert_eq!(source(r"a{2,}[[:alnum:]][]a]\Qa.b\E\(("), r"a{2,}[[:alnum:]][\]a]a\.b\((?<secret>");
    }
}
