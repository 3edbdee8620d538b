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
