//! Test cases as data: what goes into the gateway, and what must come out.

use crate::codes::BAD_TEST;
use crate::diagnostic::Diagnostic;
use crate::span::{Sources, Span, Spanned};
use crate::verdict::{Verdict, WORDS};
use crate::yaml::field::Field;
use crate::yaml::reader::Reader;
use crate::yaml::{Node, Value};

/// A golden case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: Spanned<String>,
    /// A mapping, still untyped: the gateway decodes its values as it decodes traffic. Its keys are among
    /// [`INPUT_KEYS`].
    pub input: Node,
    /// What must come out.
    pub expected: Expected,
    /// The whole case, for what is wrong with all of it.
    pub span: Span,
}

/// What must come out; what is absent is not checked.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The verdict.
    pub verdict: Option<Spanned<Verdict>>,
    /// The reason code.
    pub reason_code: Option<Spanned<String>>,
    /// The policy that decides.
    pub policy: Option<Spanned<String>>,
    /// The rule that decides.
    pub rule: Option<Spanned<String>>,
    /// The text that is let through, redactions applied.
    pub output: Option<Spanned<String>>,
}

/// What a case's input may have: the exchange, and the fields of a request.
pub const INPUT_KEYS: &[&str] = &[
    "text",
    "messages",
    "headers",
    "given",
    "response",
    "upstream_response",
    "stream_chunks",
    "model",
    "prompt",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "user",
    "metadata",
];

/// Reads a file of cases: one, a list of them, or `cases:` with a list. JSON is read as the YAML that it is. The cases
/// that are sound are there even when others are not.
pub fn decode(node: &Node, sources: &Sources) -> (Vec<Case>, Vec<Diagnostic>) {
    let mut reader = Reader::new(sources);
    let root = Field::root(node);
    let items = if matches!(node.value, Value::Seq(_)) {
        root.items()
    } else if root.child("cases").is_some() {
        listed(&mut reader, &root).unwrap_or_default()
    } else {
        vec![root]
    };
    let cases = items.iter().filter_map(|item| read(&mut reader, item)).collect();
    (cases, reader.finish())
}

fn listed<'n>(reader: &mut Reader, root: &Field<'n>) -> Option<Vec<Field<'n>>> {
    let block = root.mapping(reader, &["name", "description", "cases"])?;
    block.require(reader, "cases", "list the cases")?.list(reader)
}

/// Reads one case; there is none when anything is wrong with it, since half a case would pass too easily.
pub(crate) fn read(reader: &mut Reader, field: &Field) -> Option<Case> {
    let before = reader.count();
    let block = field.mapping(reader, &["name", "description", "input", "expected"])?;
    let name = block.require(reader, "name", "say what the case shows").and_then(|f| f.text(reader));
    let input = block.require(reader, "input", "write `input: {messages: [{role: user, content: …}]}`");
    let input = input.and_then(|field| input_block(reader, &field));
    let expected = block.require(reader, "expected", "write `expected: {verdict: block}`");
    let expected = expected.and_then(|field| expected_block(reader, &field));
    let case = Case { name: name?, input: input?, expected: expected?, span: field.node.span };
    (reader.count() == before).then_some(case)
}

fn input_block(reader: &mut Reader, field: &Field) -> Option<Node> {
    let block = field.mapping(reader, INPUT_KEYS)?;
    if block.fields().next().is_none() {
        reader.report(
            field.error(BAD_TEST, "`input` is empty, so there is nothing to test").help("add `messages`"),
        );
        return None;
    }
    for name in ["messages", "tools", "functions", "stream_chunks"] {
        _ = block.get(name).and_then(|field| field.list(reader));
    }
    for name in ["headers", "given", "upstream_response", "metadata"] {
        _ = block.get(name).and_then(|field| field.open(reader));
    }
    Some(field.node.clone())
}

fn expected_block(reader: &mut Reader, field: &Field) -> Option<Expected> {
    let block = field.mapping(reader, &["verdict", "reason_code", "policy", "rule", "output"])?;
    let text = |reader: &mut Reader, name| block.get(name).and_then(|field| field.text(reader));
    if block.fields().next().is_none() {
        let message = "`expected` is empty, so the case can never fail";
        reader.report(field.error(BAD_TEST, message).help("add `verdict`"));
        return None;
    }
    Some(Expected {
        verdict: block.get("verdict").and_then(|field| field.choice(reader, WORDS)),
        reason_code: text(reader, "reason_code"),
        policy: text(reader, "policy"),
        rule: text(reader, "rule"),
        output: text(reader, "output"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::render;
    use crate::yaml::parse;

    fn cases(text: &str) -> (Vec<Case>, String) {
        let mut sources = Sources::new();
        let node = parse(sources.add("cases.json", text), text).unwrap();
        let (cases, found) = decode(&node, &sources);
        (cases, render(&found, &sources, false))
    }

    #[test]
    fn a_golden_case_in_json() {
        let text = r#"{"name":"caf\u00e9 \ud83d\ude00","input":{"messages":[{"role":"user","content":"a\n\"b\" \u0000"}],
            "headers":{},"upstream_response":{}},"expected":{"verdict":"block","reason_code":"prompt_injection.detected"}}"#;
        let (cases, said) = cases(text);
        assert_eq!(said, "");
        assert_eq!(cases[0].name.value, "café 😀");
        assert_eq!(cases[0].expected.verdict.as_ref().unwrap().value, Verdict::Block);
        assert_eq!(
            cases[0].input.get("messages").unwrap().to_json_text(),
            r#"[{"role":"user","content":"a\n\"b\" \u0000"}]"#
        );
    }

    #[test]
    fn lists_and_blocks_of_cases() {
        let case = "{name: a, input: {text: hi}, expected: {verdict: allow, reason_code: null}}";
        for text in [format!("- {case}\n- {case}\n"), format!("cases:\n  - {case}\n  - {case}\n")] {
            let (cases, said) = cases(&text);
            assert_eq!((cases.len(), said.as_str()), (2, ""));
            assert!(cases[0].expected.reason_code.is_none());
        }
    }

    #[test]
    fn a_broken_case_is_told_and_the_others_remain() {
        let text = "- {name: a, input: {text: hi}, expected: {veredict: allow}}\n\
                    - {name: b, input: {text: hi}, expected: {verdict: flag}}\n- {name: c, expects: {}}\n- 7\n";
        let (cases, said) = cases(text);
        assert_eq!(cases.iter().map(|case| case.name.value.as_str()).collect::<Vec<_>>(), ["b"]);
        insta::assert_snapshot!(said);
    }
}
