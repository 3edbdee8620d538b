//! `secret_key_ref` and `key_ref`: where a key is found. A key that stands here by mistake is never shown.

use crate::codes::{BAD_CONFIG, BAD_VALUE, MISSING};
use crate::config::KeyRef;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::reader::Reader;
use crate::yaml::{Value, join};

/// Where the key comes from; never the key.
pub(super) fn key_ref(reader: &mut Reader, field: &Field) -> Option<KeyRef> {
    let name = field.name();
    let name = name.trim_matches('`');
    let help = format!(
        "write `{name}: {{env: NAME}}` with the name of an environment variable, or `{{file: PATH}}`"
    );
    let help = help.as_str();
    if !matches!(field.node.value, Value::Map(_)) {
        reader.hide(field.node.span);
        let message = format!("`{name}` says where the key is; the key itself must not stand in this file");
        reader.report(Diagnostic::error(BAD_VALUE, field.key, message).help(help).path(field.path.as_str()));
        return None;
    }
    let block = field.open(reader)?;
    for (other, key) in
        block.fields().filter(|(_, key)| !["env", "file", "store"].contains(&key.value.as_str()))
    {
        reader.hide(other.node.span);
        block.unknown(reader, key, &other, &["env", "file"]);
    }
    if let Some(store) = block.get("store") {
        let message = "key stores are not supported";
        reader.report(Diagnostic::error(BAD_VALUE, store.key, message).help(help).path(store.path));
        return None;
    }
    match (block.get("env"), block.get("file")) {
        (Some(env), None) => env_name(reader, &env, help).map(KeyRef::Env),
        (None, Some(file)) => file.text(reader).map(KeyRef::File),
        (Some(env), Some(file)) => {
            let found = Diagnostic::error(BAD_CONFIG, file.key, "the key cannot come from two places");
            reader
                .report(found.related(env.key, "the other one").help("keep `env` or `file`").path(file.path));
            None
        }
        (None, None) => {
            if block.fields().next().is_none() {
                let found = Diagnostic::error(MISSING, field.key, format!("`env` is missing in `{name}`"));
                reader.report(found.help(help).path(join(&field.path, "env")));
            }
            None
        }
    }
}

fn env_name(reader: &mut Reader, field: &Field, help: &str) -> Option<Spanned<String>> {
    let name = field.text(reader)?;
    let letters = name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_key = ["fw_", "sk_", "gsk_", "tgp_"].iter().any(|prefix| name.value.starts_with(prefix));
    if letters && !is_key && !name.value.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(name);
    }
    reader.hide(field.node.span);
    let found = Diagnostic::error(BAD_VALUE, field.key, "`env` must be the name of an environment variable");
    reader.report(found.help(help).path(field.path.as_str()));
    None
}
