//! A tree as JSON text.

use std::fmt::Write as _;

use super::{Node, Value};

impl Node {
    /// This value as JSON on one line, keys in the order written. Numbers keep their value, not their spelling.
    pub fn to_json_text(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        // The shortest digits that read back as the same number; `{:?}` keeps the `.0` of a whole one.
        Value::Float(value) => out.push_str(&format!("{value:?}")),
        Value::Str(value) => quote(value, out),
        Value::Seq(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                quote(&key.value, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use crate::span::SourceId;
    use crate::yaml::parse;

    fn json(text: &str) -> String {
        parse(SourceId::default(), text).unwrap().to_json_text()
    }

    #[test]
    fn json_comes_back_as_it_went_in() {
        let text = r#"{"a":"é \"q\" \\ /","b":[1,-2.5,null,true,1e300,0.1],"c":{},"d":[],"e":"\n\t\u0001"}"#;
        assert_eq!(json(text), text);
        assert_eq!(json(&json(text)), text);
    }

    #[test]
    fn json_escapes_mean_what_they_mean_in_json() {
        assert_eq!(json(r#"["\u00e9", "\ud83d\ude00", "\/", "\b\f"]"#), r#"["é","😀","/","\u0008\u000c"]"#);
        assert_eq!(json("{\n\t\"a\": 1,\n\t\"b\":[\n\t\t1E2\n\t]\n}\n"), r#"{"a":1,"b":[100.0]}"#);
    }
}
