//! What the reader makes of YAML, place by place, and what it refuses.

use std::fmt::Write as _;

use super::{Node, Value, parse};
use crate::render::render;
use crate::span::{SourceId, Sources, Span};

/// Every key and value with the text under its span.
fn places(text: &str) -> String {
    let mut sources = Sources::new();
    let node = parse(sources.add("f.yaml", text), text).expect("reads");
    let mut out = String::new();
    walk(&node, &sources, 0, &mut out);
    out
}

fn walk(node: &Node, sources: &Sources, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let under = |span: Span| format!("{:?}", sources.text(span));
    match &node.value {
        Value::Seq(items) => {
            writeln!(out, "{indent}list {}", under(node.span)).unwrap();
            items.iter().for_each(|item| walk(item, sources, depth + 1, out));
        }
        Value::Map(entries) => {
            writeln!(out, "{indent}mapping {}", under(node.span)).unwrap();
            for (key, value) in entries {
                writeln!(out, "{indent} {:?} {}", key.value, under(key.span)).unwrap();
                walk(value, sources, depth + 1, out);
            }
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)) => {
            writeln!(out, "{indent}{scalar:?} {}", under(node.span)).unwrap();
        }
    }
}

/// The rendered complaints about a text.
fn refused(text: &str) -> String {
    let mut sources = Sources::new();
    let found = parse(sources.add("f.yaml", text), text).expect_err("is refused");
    render(&found, &sources, false)
}

#[test]
fn spans_are_exact_in_bytes() {
    let text = "a: é x  # c\n\"b\": \"é\\u00e9 q\" # x\nc: 'it''s'\nd: [1, 2.0, {x: y, z: }, []  # ]\n  ]\n\
                e: |\n  éline 1\n  line 2\n\nf: >-\n   fold\n   ed\n\ng: multi\n  line plain\nh:\ni: ~\n";
    insta::assert_snapshot!(places(text));
}

#[test]
fn collections_end_with_their_last_value_or_bracket() {
    let text = "a:\n- b\n-\n  c: 1\n- - x\nd: &n {k: [v]}\ne: [*n, *n]\nf: *n\n";
    insta::assert_snapshot!(places(text));
}

#[test]
fn plain_values_have_the_type_they_look_like() {
    let text = "1: x\ntrue: 3\non: yes\n1.0: k\nv: 1.0.0\nv2: 1.0\nh: 0x1F\nu: 1_000\nz: 007\ne: 1e3\nd: 2024-01-01\n\
                t: 1:30\nb: True\ns: 'true'\ny: no\nn: null\nq: '~'\n";
    insta::assert_snapshot!(places(text));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_trouble() {
    insta::assert_snapshot!(places("\u{feff}a: é\r\nb: |\r\n  x\r\n  y\r\nc: 2\r\n"));
}

#[test]
fn keys_that_stand_twice_are_all_told_with_their_first_place() {
    insta::assert_snapshot!(refused("é: 1\nb: {x: 1, y: 2, x: 3}\né: 2\né: 3\n"));
}

#[test]
fn what_is_not_yaml_is_told_at_its_place() {
    let texts = [
        "a:\n\t- b\n",
        "é: [1, 2\nb: 3\n",
        "a: b: c\n",
        "a: 'é\nb: 1\n",
        "a: @é\n",
        "- a\nb: 1\n",
        "a: 1\n b: 2\n",
        "a: \"\\q\"\n",
        "é: {\n",
        "a: 1\nkey\nb: 2\n",
    ];
    insta::assert_snapshot!(texts.map(refused).concat());
}

#[test]
fn what_is_yaml_but_unwise_is_refused() {
    let texts = [
        "a: 1\n---\nb: 2\n",
        "a: &x {k: 1}\nb:\n  <<: *x\n",
        "a: *nope\n",
        "a: &a [*a]\n",
        "a: !ruby/object x\n",
        "? [a]\n: b\n",
        "~: x\n",
        "a: .inf\n",
        "a: 18446744073709551616\nb: 9223372036854775808\n",
    ];
    insta::assert_snapshot!(texts.map(refused).concat());
}

#[test]
fn bombs_are_refused_before_they_grow() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ('a'..'i').zip('b'..='i') {
        let list = vec![format!("*{from}"); 9].join(", ");
        writeln!(laughs, "{to}: &{to} [{list}]").unwrap();
    }
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let wide = "- x\n".repeat(150_000);
    let long = "x".repeat(super::MAX_BYTES + 1);
    let blocks = (0..100).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
    for text in [laughs, deep, wide, long, blocks] {
        let found = parse(SourceId::default(), &text).expect_err("is refused");
        assert_eq!(found.len(), 1);
        let message = &found[0].message;
        assert!(
            message == "this file is too deep or too large to be read" || message.contains("KiB"),
            "{message}"
        );
    }
}

#[test]
fn the_deepest_tree_that_is_read_is_read() {
    let text = format!("{}1{}", "[".repeat(super::MAX_DEPTH), "]".repeat(super::MAX_DEPTH));
    assert_eq!(places(&text).lines().count(), super::MAX_DEPTH + 1);
}
