//! What a parser must survive: nesting and chains without end, and any bytes at all.

use super::parse;
use crate::ast::File;
use crate::codes::Code;
use crate::span::SourceId;

fn read(text: &str) -> (File, Vec<Code>) {
    let (file, errors) = parse(SourceId::default(), text);
    (file, errors.into_iter().map(|error| error.code).collect())
}

fn rule(condition: &str) -> String {
    format!(
        "policy p\nrule r on request {{\n  when {condition}\n  do block\n}}\nrule s on request {{ when true do flag }}\n"
    )
}

#[test]
fn what_nests_or_goes_on_too_far_is_refused_and_the_next_item_is_read() {
    let long = 20_000;
    for condition in [
        format!("{}true{}", "(".repeat(long), ")".repeat(long)),
        "not ".repeat(long) + "true",
        "-".repeat(long) + "1 > 0",
        "stream or ".repeat(long) + "true",
        "if stream then ".repeat(long) + "true" + &" else true".repeat(long),
        "any m in messages: ".repeat(long) + "true",
        format!("{}1{}", "[".repeat(long), "]".repeat(long)),
        format!("text has /\"/ and {}true", "(".repeat(long)),
        format!(r"text has /a\// and {}true", "(".repeat(long)),
    ] {
        let (_, errors) = read(&rule(&condition));
        assert!(
            errors.contains(&crate::codes::LIMIT),
            "{errors:?} for {}",
            condition.chars().take(20).collect::<String>()
        );
    }
    let (file, _) = read(&rule(&("not ".repeat(long) + "true")));
    assert_eq!(file.items.len(), 2, "the policy and the last rule");
}

#[test]
fn what_is_long_but_flat_is_read() {
    let words: Vec<String> = (0..5000).map(|i| format!("\"not (any) {i}\"")).collect();
    let (file, errors) = read(&format!("policy p\npattern w = words [{}]\n", words.join(", ")));
    assert_eq!((file.items.len(), errors.len()), (2, 0));
    let (_, errors) = read(&rule(&("stream or ".repeat(200) + "true")));
    assert_eq!(errors, []);
}

#[test]
fn no_cut_and_no_stray_byte_is_too_much() {
    let text = include_str!("../../../tests/suite/tree/everything.ktr");
    let ends = text.char_indices().map(|(at, _)| at).step_by(7);
    for end in ends {
        let (before, after) = text.split_at(end);
        read(before);
        for stray in ["\"", "/", "{", ")", "\u{0}", "é", "///"] {
            read(&format!("{before}{stray}{after}"));
        }
    }
}

/// What is told of a text, with what helps.
fn told(text: &str) -> Vec<(String, String)> {
    let (_, errors) = parse(SourceId::default(), text);
    errors.into_iter().map(|error| (error.message, error.help.unwrap_or_default())).collect()
}

#[test]
fn what_beginners_write_is_told_with_what_helps() {
    let block = |condition: &str| format!("rule r on request {{ when {condition} do block }}");
    for (text, help) in [
        ("# a comment".to_owned(), "comments begin with `//`"),
        ("policy p;".into(), "leave it out"),
        ("\u{FEFF}policy p".into(), "byte order mark"),
        ("param most = 5".into(), "`param name: string = \"value\"`"),
        ("test \"t\" expect block".into(), "`test \"what it shows\" {"),
        ("test \"t\" { user \"x\" expect blocked }".into(), "did you mean `block`?"),
        ("rule r on request: when stream do block".into(), "between `{` and `}`"),
        ("pattern p = words [\"a\" \"b\"]".into(), "commas"),
        ("pattern p = words \"a\"".into(), "`words [\"one\", \"two\"]`"),
        (block("text has “x”"), "straight double quotes"),
        (block("text has \"x\"; "), "leave it out"),
        (block("text has [\"x\", \"y\"]"), "round brackets"),
        (block("text has \"x\", \"y\""), "round brackets"),
        (block("text has \"x"), "does not end on its line"),
    ] {
        let told = told(&text);
        assert!(told.iter().any(|(_, told)| told.contains(help)), "{text}: {told:?}");
        // No help speaks of what is not so.
        let is_open = told.iter().any(|(_, told)| told.contains("does not end"));
        assert_eq!(is_open, help.contains("does not end"), "{text}: {told:?}");
    }
    for text in ["rule r on request { when stream do block severity \"high\" }", "pattern p = \"a\" label A"]
    {
        assert!(
            told(text).iter().all(|(_, help)| !help.contains("does not end")),
            "{text}: {:?}",
            told(text)
        );
    }
    assert!(told("param x = 5").iter().all(|(message, _)| !message.contains("no item")), "it is one");
}
