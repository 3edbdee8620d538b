//! Layers of configuration: what a later file changes in an earlier one.

use super::{Node, Value};
use crate::span::Spanned;

/// Two layers as one: the later overrides the earlier key by key, at every depth; anything but a mapping is replaced
/// whole, lists too. Keys keep the order of the earlier layer; a value that was overridden has the later one's place.
pub fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(later)) => {
            for (key, node) in later {
                lay(&mut entries, key, node);
            }
            Node { span: over.span, value: Value::Map(entries) }
        }
        (_, value) => Node { span: over.span, value },
    }
}

fn lay(entries: &mut Vec<(Spanned<String>, Node)>, key: Spanned<String>, node: Node) {
    match entries.iter_mut().find(|(k, _)| k.value == key.value) {
        Some((k, old)) => {
            let base = std::mem::replace(old, Node::new(node.span, Value::Null));
            *old = merge(base, node);
            *k = key;
        }
        None => entries.push((key, node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Sources;
    use crate::yaml::parse;

    fn layers(texts: &[&str]) -> String {
        let mut sources = Sources::new();
        let mut nodes = texts.iter().map(|text| parse(sources.add("layer", *text), text).unwrap());
        let base = nodes.next().unwrap();
        nodes.fold(base, merge).to_json_text()
    }

    #[test]
    fn later_layers_override_key_by_key() {
        let merged = layers(&["a: {x: 1, y: 2}\nb: keep\n", "a: {y: 3, z: 4}\nc: new\n"]);
        assert_eq!(merged, r#"{"a":{"x":1,"y":3,"z":4},"b":"keep","c":"new"}"#);
    }

    #[test]
    fn lists_are_replaced_not_joined() {
        assert_eq!(layers(&["a: [1, 2]\n", "a: [3]\n"]), r#"{"a":[3]}"#);
        assert_eq!(layers(&["a: [1, 2]\n", "a: {b: 1}\n", "a: ~\n"]), r#"{"a":null}"#);
    }

    #[test]
    fn an_overridden_value_stands_in_its_layer() {
        let (mut sources, texts) = (Sources::new(), ["a: {x: 1, y: 2}\n", "# over\na: {y: 3}\n"]);
        let ids = texts.map(|text| sources.add("layer", text));
        let [base, over] = [0, 1].map(|i| parse(ids[i], texts[i]).unwrap());
        let merged = merge(base, over);
        let spans = ["x", "y"].map(|key| merged.get("a").unwrap().get(key).unwrap().span);
        assert_eq!(spans.map(|span| span.source), ids);
        assert_eq!(spans.map(|span| sources.text(span)), ["1", "3"]);
    }
}
