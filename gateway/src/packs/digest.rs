//! What is in force, as a digest: the rules as they are compiled, and the whole configuration.

use grammar::yaml::{Node, Value};
use sha2::{Digest as _, Sha256};

/// The digest of a merged configuration whose rules have that digest. It says which configuration it was and not how it was
/// written: comments, places and the order of keys are nothing to it. Secrets are not in a configuration, only where they
/// are.
pub(super) fn of(config: &Node, rules: &str) -> String {
    let mut sha = Sha256::new();
    sha.update(rules);
    add(&mut sha, config);
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add(sha: &mut Sha256, node: &Node) {
    match &node.value {
        Value::Null => sha.update("n"),
        Value::Bool(value) => sha.update(if *value { "t" } else { "f" }),
        Value::Int(value) => sha.update(format!("i{value};")),
        Value::Float(value) => sha.update(format!("d{value:?};")),
        Value::Str(text) => string(sha, text),
        Value::Seq(items) => {
            sha.update(format!("l{};", items.len()));
            items.iter().for_each(|item| add(sha, item));
        }
        Value::Map(pairs) => {
            sha.update(format!("m{};", pairs.len()));
            let mut pairs: Vec<_> = pairs.iter().collect();
            pairs.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
            for (key, value) in pairs {
                string(sha, &key.value);
                add(sha, value);
            }
        }
    }
}

fn string(sha: &mut Sha256, text: &str) {
    sha.update(format!("s{};", text.len()));
    sha.update(text);
}

#[cfg(test)]
mod tests {
    use grammar::{SourceId, yaml};

    fn digest(text: &str) -> String {
        super::of(&yaml::parse(SourceId::default(), text).unwrap(), "rules")
    }

    #[test]
    fn how_it_is_written_is_nothing_to_it_and_what_it_says_is_all() {
        let one = digest("a: {b: 1, c: [x, y]}");
        assert_eq!(one, digest("# a comment\na:\n  c:\n  - x\n  - \"y\"\n  b: 1\n"));
        for other in ["a: {b: 2, c: [x, y]}", "a: {b: 1, c: [y, x]}", "a: {b: '1', c: [x, y]}", "a: {b: 1}"] {
            assert_ne!(one, digest(other), "{other}");
        }
        assert_ne!(digest("a: [b, c]"), digest("a: [bc]"));
    }
}
