//! Random JSON documents: redacted, they parse still, and each of their strings is what it would be by itself.

use std::sync::Arc;

use engine::input::{Channel, Request, Role, Text};
use engine::verdict::Flow;
use engine::{Program, Session};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tests::cut::pieces;
use tests::oracle::compiled;

/// The labels of the patterns, in the order of their rules.
const LABELS: [&str; 4] = ["SECRET", "MAIL", "DIGITS", "WORD"];

fn program() -> Arc<Program> {
    compiled(
        r#"policy documents
pattern secret = /secret[- "\\]?\d{2}/i
pattern mail = /[a-z.]{1,20}@[a-z]{1,20}\.org/
pattern digits = /\d{3,5}/
pattern word = /ru|ul|\n\t/
rule r0 on request, response { when text has secret do redact }
rule r1 on request, response { when text has mail do redact with "<\"[MAIL]\"\\>" }
rule r2 on request, response { when text has digits do redact }
rule r3 on request, response { when text has word do redact }
"#,
    )
}

fn edited(program: &Arc<Program>, text: Text<'_>) -> String {
    let request = Request { texts: vec![text], ..Request::default() };
    let step = Session::new(Arc::clone(program), || 0).request(&request);
    let mut edited = text.value.to_owned();
    for edit in step.edits.iter().rev() {
        edited.replace_range(edit.range.clone(), &edit.replacement);
    }
    edited
}

/// The document as it should be: every string, and every key, redacted by itself.
fn expected(program: &Arc<Program>, value: &Value) -> Value {
    let plain = |text: &str| edited(program, Text::plain(Role::Assistant, text));
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(items) => items.iter().map(|item| expected(program, item)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (plain(key), expected(program, value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        scalar => {
            let redacted = plain(&scalar.to_string());
            let label = LABELS.iter().find(|label| redacted.contains(&format!("[{label}]")));
            label.map_or_else(|| scalar.clone(), |label| Value::String(format!("[{label}]")))
        }
    }
}

fn leaves<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            out.push(key);
            leaves(value, out);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes a document, each character in one of the ways in which it may be written.
struct Scribe<'a> {
    choices: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    out: String,
}

impl Scribe<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.choices.next().copied().unwrap_or(0) % sides
    }

    fn space(&mut self) {
        let blank = ["", "", "", " ", "\n  ", "\t", "\r\n", ""];
        let at = usize::from(self.roll(8));
        self.out.push_str(blank[at]);
    }

    fn value(&mut self, value: &Value) {
        self.space();
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.value(item);
                }
                self.out.push(']');
            }
            Value::Object(members) => {
                self.out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.space();
                    self.string(key);
                    self.space();
                    self.out.push(':');
                    self.value(value);
                }
                self.out.push('}');
            }
            scalar => self.out.push_str(&scalar.to_string()),
        }
        self.space();
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let plain = serde_json::to_string(&c).unwrap();
            match (self.roll(4), c) {
                (0, c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                (1, c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04X}"));
                    }
                }
                (2, '/') => self.out.push_str(r"\/"),
                _ => self.out.push_str(&plain[1..plain.len() - 1]),
            }
        }
        self.out.push('"');
    }
}

fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[a-z ]{1,4}",
        1 => Just("secret12".to_owned()),
        1 => Just("Secret-34".to_owned()),
        1 => Just("secret\"56 secret\\78".to_owned()),
        1 => Just("ann.lee@mail.org".to_owned()),
        1 => "[0-9]{1,7}",
        1 => Just("true \n\t".to_owned()),
        1 => Just("ｓecr\u{200B}et90".to_owned()),
        1 => any::<char>().prop_map(String::from),
        1 => "[\"\\\\/:,{}]{1,3}",
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => string().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_i32..2000).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((string(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_redacted_document_parses_and_says_nothing_that_is_sought(
        document in document(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
        sizes in prop::collection::vec(1_usize..9, 1..20),
    ) {
        thread_local! {
            static PROGRAM: Arc<Program> = program();
        }
        let program = PROGRAM.with(Arc::clone);
        let mut scribe = Scribe { choices: choices.iter().cycle(), out: String::new() };
        scribe.value(&document);
        let text = scribe.out;
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &document, "{}", text);

        let whole = edited(&program, Text::json(Role::Assistant, &text));
        let (mut session, mut out) = (Session::new(Arc::clone(&program), || 0), String::new());
        let channel = Channel::arguments(1, 2);
        for piece in pieces(&text, &sizes) {
            prop_assert_eq!(session.feed(channel, &piece, &mut out), Flow::Open);
        }
        prop_assert_eq!(session.finish(channel, &mut out), Flow::Open);
        prop_assert_eq!(&out, &whole, "as an answer and as a request: {}", text);

        let parsed: Value = serde_json::from_str(&whole).unwrap_or_else(|error| panic!("{error}: {text} became {whole}"));
        prop_assert_eq!(&parsed, &expected(&program, &document), "{} became {}", text, whole);
        let mut strings = Vec::new();
        leaves(&parsed, &mut strings);
        for leaf in strings {
            prop_assert_eq!(&edited(&program, Text::plain(Role::Assistant, leaf)), leaf, "{} became {}", text, whole);
        }
    }
}
