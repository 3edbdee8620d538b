//! `rules:`: a rule file inside the configuration, in the same language and with places in this very file.

use crate::ast::ItemKind;
use crate::codes::{BAD_CONFIG, MISSING, WRONG_TYPE};
use crate::config::Inline;
use crate::span::{SourceId, Spanned};
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;
use crate::yaml::{Node, Value};

/// What the policy of `rules:` is called when it does not say.
const NAME: &str = "rules";

/// The rules of the configuration, and their place in the chain: at its end, unless the chain names them.
pub(super) fn read(
    reader: &mut Reader,
    root: &Mapping,
    chain: Option<&mut Vec<Spanned<String>>>,
) -> Option<Inline> {
    let field = root.get(NAME)?;
    let Value::Str(rules) = &field.node.value else {
        let found = field.error(WRONG_TYPE, format!("`rules` must be text, not {}", field.node.kind()));
        reader.report(
            found.help("write the rules in a block: `rules: |`, and below it, indented, `rule … { … }`"),
        );
        return None;
    };
    if rules.trim().is_empty() {
        let found = field.error(MISSING, "`rules` is empty");
        reader.report(found.help("write a rule, or remove the key"));
        return None;
    }
    let Some(mut text) = masked(reader, field.node, rules) else {
        let found = field.error(BAD_CONFIG, "`rules` must be a literal block");
        reader.report(found.help("write `rules: |`, and the rules below it, indented: in other forms places and line ends are lost"));
        return None;
    };
    let name = declared(rules).unwrap_or_else(|| {
        // At the end, where it moves no line.
        text.push_str(&format!("\npolicy {NAME}\n"));
        NAME.to_owned()
    });
    if let Some(chain) = chain
        && !chain.iter().any(|entry| entry.value == name)
    {
        chain.push(Spanned::new(name.clone(), field.key));
    }
    Some(Inline { name: Spanned::new(name, field.key), text })
}

/// The name of the policy that the rules declare, if they do.
fn declared(rules: &str) -> Option<String> {
    let (file, _) = crate::parse(SourceId::default(), rules);
    file.items.into_iter().find_map(|item| match item.kind {
        ItemKind::Header(header) => Some(header.name.value),
        _ => None,
    })
}

/// The configuration's text with everything but the rules blanked out, so that a place in it is a place in the file.
fn masked(reader: &Reader, node: &Node, rules: &str) -> Option<String> {
    let source = reader.source(node.span.source)?;
    let body = rules.trim_end_matches('\n');
    let mut text: String = source.text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    let mut at = 0;
    for line in body.split('\n') {
        if !line.is_empty() {
            let place = node.part(at..at + line.len(), source);
            if source.text.get(place.start..place.end) != Some(line) {
                return None;
            }
            text.replace_range(place.start..place.end, line);
        }
        at += line.len() + 1;
    }
    Some(text)
}
