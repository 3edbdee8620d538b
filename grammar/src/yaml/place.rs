//! Places inside a text value: where in the file a part of it stands.

use std::ops::Range;

use super::{Node, Value};
use crate::span::{Source, Span};

impl Node {
    /// Where a part of this text stands in the file: exact for literal block scalars (`|`), line by line, and for text
    /// in which nothing was escaped or folded; otherwise the whole value. `range` is in bytes of the value.
    pub fn part(&self, range: Range<usize>, source: &Source) -> Span {
        let Value::Str(value) = &self.value else { return self.span };
        let Some(written) = source.text.get(self.span.start..self.span.end) else { return self.span };
        let place = match plain_start(written, value) {
            Some(at) => Some((self.span.start + at + range.start, self.span.start + at + range.end)),
            None => self.in_block(value, source, range.start).zip(self.in_block(value, source, range.end)),
        };
        place.map_or(self.span, |(start, end)| Span { start, end: end.max(start), ..self.span })
    }

    /// The offset in the file of an offset in a literal block scalar.
    fn in_block(&self, value: &str, source: &Source, offset: usize) -> Option<usize> {
        let before = value.get(..offset)?;
        let blank = value.len() - value.trim_start_matches('\n').len();
        let above = before.get(blank.min(before.len())..)?.matches('\n').count();
        let value_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = value.get(value_start..)?.lines().next().unwrap_or_default();
        let file_start = nth_line(&source.text, self.span.start, above)?;
        let written = source.text.get(file_start..)?.lines().next().unwrap_or_default();
        let indent = written.strip_suffix(line)?;
        indent.bytes().all(|byte| byte == b' ').then_some(file_start + indent.len() + offset - value_start)
    }
}

/// Where the value starts in what was written, when it was written as it is.
fn plain_start(written: &str, value: &str) -> Option<usize> {
    let quoted = written.starts_with(['"', '\'']);
    let inner = written.get(usize::from(quoted)..written.len() - usize::from(quoted))?;
    (inner == value && !inner.contains('\n')).then_some(usize::from(quoted))
}

/// The start of the line that is `count` lines below the one with the offset `from`.
fn nth_line(text: &str, from: usize, count: usize) -> Option<usize> {
    let first = text.get(..from)?.rfind('\n').map_or(0, |i| i + 1);
    (0..count).try_fold(first, |start, _| text.get(start..)?.find('\n').map(|i| start + i + 1))
}

#[cfg(test)]
mod tests {
    use crate::span::Sources;
    use crate::yaml::{Value, parse};

    /// Looks a word up in the value of `rule`, and shows what stands at its place in the file.
    fn found(text: &str, word: &str) -> String {
        let mut sources = Sources::new();
        let id = sources.add("f", text);
        let node = parse(id, text).unwrap().get("rule").unwrap().clone();
        let Value::Str(value) = &node.value else { panic!("not text") };
        let at = value.find(word).unwrap();
        let span = node.part(at..at + word.len(), sources.get(id).unwrap());
        let place = sources.place(span);
        format!("{}:{} {}", place.line, place.column, sources.text(span))
    }

    #[test]
    fn a_part_of_a_literal_block_stands_on_its_own_line() {
        let text = "# é\nrule: |\n\n  policy é {\n\n    when x\n  }\n\n\nafter: 1\n";
        assert_eq!(found(text, "policy"), "4:3 policy");
        assert_eq!(found(text, "{"), "4:12 {");
        assert_eq!(found(text, "when"), "6:5 when");
        assert_eq!(found(text, "}"), "7:3 }");
        assert_eq!(found("a: 1\r\nrule: |-\r\n   x\r\n   y z\r\n", "z"), "4:6 z");
        assert_eq!(found("rule: |2\n     x\n    y\n", "y"), "3:5 y");
    }

    #[test]
    fn a_part_of_plain_and_quoted_text_is_exact_until_something_is_escaped() {
        assert_eq!(found("rule: one two", "two"), "1:11 two");
        assert_eq!(found("rule: 'é two'", "two"), "1:10 two");
        assert_eq!(found(r#"rule: "a\u00e9 two""#, "two"), r#"1:7 "a\u00e9 two""#);
        assert_eq!(found("rule: >\n  one\n  two\n", "two"), "2:3 one\n  two");
    }
}
