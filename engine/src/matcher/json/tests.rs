//! What the lexer shows, and where it lets a redaction write.

use super::*;

/// What is shown, and the parts that may be replaced.
fn read(text: &str) -> (String, Vec<(&str, Place)>) {
    let (mut shown, mut at) = (String::new(), 0);
    let mut lexer = Lexer::default();
    let mut show = |c: char, raw: Range<usize>| {
        assert_eq!(raw.start, at, "characters come in order, and none is left out");
        at = raw.end;
        shown.push(c);
    };
    text.chars().for_each(|c| lexer.push(c, &mut show));
    lexer.finish(&mut show);
    assert_eq!(at, text.len());
    let runs = lexer.layout().runs(0..text.len());
    (shown, runs.map(|(range, place)| (text.get(range).unwrap(), place)).collect())
}

#[test]
fn escapes_of_strings_are_decoded() {
    let (shown, runs) = read(r#"{"a\u0040\n":["\"\\\/\b\f\r\t","\ud83d\uDE00é"]}"#);
    assert_eq!(shown, "{\"a@\n\":[\"\"\\/\u{8}\u{c}\r\t\",\"😀é\"]}");
    let content = |text| (text, Place::Content);
    assert_eq!(runs, [content(r"a\u0040\n"), content(r#"\"\\\/\b\f\r\t"#), content(r"\ud83d\uDE00é")]);
}

#[test]
fn halves_alone_cannot_be_shown() {
    for (text, shown) in [
        (r#""\ud83d""#, "\"\u{FFFD}\""),
        (r#""\ude00x""#, "\"\u{FFFD}x\""),
        (r#""\ud83d\ud83d\ude00""#, "\"\u{FFFD}😀\""),
        (r#""\ud83d\n""#, "\"\u{FFFD}\n\""),
        (r#""\ud83d"#, "\"\u{FFFD}"),
    ] {
        assert_eq!(read(text).0, shown, "{text}");
    }
}

#[test]
fn scalars_are_replaced_as_a_whole() {
    let (_, runs) = read(r#"[-1.5e+3, true ,{"a":null,"b":false},0]"#);
    let scalars: Vec<&str> =
        runs.iter().filter(|(_, place)| *place == Place::Scalar).map(|(text, _)| *text).collect();
    assert_eq!(scalars, ["-1.5e+3", "true", "null", "false", "0"]);
}

#[test]
fn several_values_may_follow_each_other() {
    for text in ["{} []\n\"a\" 1 ", "{\"a\":1}\n{\"a\":2}", "\"a\nb\"", "{\"a\":", "12"] {
        let runs = read(text).1;
        assert!(!runs.is_empty() && runs.iter().all(|(_, place)| *place != Place::Plain), "{text}");
    }
    for text in ["", " ", "[[["] {
        assert!(read(text).1.is_empty(), "{text}");
    }
}

#[test]
fn the_rest_is_plain_from_where_the_text_is_broken() {
    for (text, rest) in [
        (r#"["\n\q\n"]"#, r#"\q\n"]"#),
        (r#"["\n\u00g0\n"]"#, r#"\u00g0\n"]"#),
        (r#"["\ud83d\u00"#, r"\u00"),
        (r#"["a" "\n"]"#, r#""\n"]"#),
        (r#"{"a",1}"#, ",1}"),
        (r#"{1:2}"#, "1:2}"),
        ("[1,]", "]"),
        ("[01]", "01]"),
        ("[1.]", "1.]"),
        ("[1.", "1."),
        ("[-", "-"),
        ("[12a]", "12a]"),
        ("[trué]", "trué]"),
        ("[nul", "nul"),
        ("{}}", "}"),
        ("[}", "}"),
        ("[1 2]", "2]"),
        ("hello", "hello"),
        ("true story", "story"),
    ] {
        let (_, runs) = read(text);
        let plain: Vec<&str> =
            runs.iter().filter(|(_, place)| *place == Place::Plain).map(|(text, _)| *text).collect();
        assert_eq!(plain, [rest], "{text}");
    }
    assert_eq!(read(r#"["\n\q\n"]"#).0, "[\"\n\\q\\n\"]");
    assert_eq!(read(r#""\ud83d\u00g"#).0, "\"\u{FFFD}\\u00g");
}

#[test]
fn brackets_may_nest_deep_and_not_without_end() {
    let deep = "[".repeat(MAX_DEPTH);
    assert_eq!(read(&format!("{deep}\"a\"")).1, [("a", Place::Content)]);
    assert_eq!(read(&format!("{deep}[\"a\"")).1, [("[\"a\"", Place::Plain)]);
}

#[test]
fn parts_of_strings_read_as_they_are_written() {
    for text in ["plain", "a\"b\\c\n\t\u{1}\u{1F}é😀", ""] {
        let mut written = String::new();
        escape::write(text, &mut written);
        assert_eq!(escape::read(&written), text);
    }
    assert_eq!(escape::read(r"\u0041\q\u00"), r"A\q\u00");
}
