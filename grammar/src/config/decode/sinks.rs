//! `audit.sinks[]`: the places that get all audit records besides the log itself.

use super::key::key_ref;
use super::telemetry::{COLLECTOR, collector};
use super::{serving, unique};
use crate::codes::BAD_VALUE;
use crate::config::{Database, Sink, SinkPlace};
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// Longest name of a sink, which is part of a file's name.
const MAX_ID: usize = 60;

/// What every sink has.
const COMMON: [&str; 5] = ["id", "type", "batch_records", "interval_ms", "max_backoff_ms"];

#[derive(Clone, Copy)]
enum Kind {
    Otlp,
    Postgres,
}

const KINDS: &[(&str, Kind)] = &[("otlp", Kind::Otlp), ("postgres", Kind::Postgres)];

/// All sinks, in order.
pub(super) fn read(reader: &mut Reader, field: &Field) -> Vec<Sink> {
    let Some(items) = field.list(reader) else { return Vec::new() };
    let sinks = items.iter().filter_map(|item| sink(reader, item)).collect();
    unique(reader, items.iter().filter_map(|item| item.child("id")), "sink");
    sinks
}

fn sink(reader: &mut Reader, field: &Field) -> Option<Sink> {
    let kind = field.open(reader)?.require(reader, "type", "write `type: otlp` or `type: postgres`");
    let kind = kind.and_then(|kind| kind.choice(reader, KINDS))?.value;
    let own: &[&'static str] = match kind {
        Kind::Otlp => &COLLECTOR,
        Kind::Postgres => &["url", "schema", "timeout_seconds", "allow_insecure", "tls"],
    };
    let block = field.mapping(reader, &[&COMMON[..], own].concat())?;
    let id = block.require(reader, "id", "give the sink a name, such as `siem`");
    let id = id.and_then(|field| {
        let id = field.text(reader)?;
        let is_name =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if id.value.len() > MAX_ID || !id.value.bytes().all(is_name) {
            let message = format!("`id` must have at most {MAX_ID} lower-case letters, digits, `-` and `_`");
            reader.report(
                field
                    .error(BAD_VALUE, message)
                    .help("the position of the sink is kept in a file of that name"),
            );
            return None;
        }
        Some(id)
    });
    let number = |reader: &mut Reader, name, range, default| {
        block.get(name).and_then(|field: Field| field.whole(reader, range)).unwrap_or(default)
    };
    let batch_records = number(reader, "batch_records", 1..=10_000, 500);
    let interval_ms = number(reader, "interval_ms", 10..=60_000, 1000);
    let max_backoff_ms = number(reader, "max_backoff_ms", 100..=3_600_000, 60_000);
    let to = match kind {
        Kind::Otlp => SinkPlace::Otlp(collector(reader, &block, 10)?),
        Kind::Postgres => SinkPlace::Postgres(database(reader, &block)?),
    };
    Some(Sink { id: id?, to, batch_records, interval_ms, max_backoff_ms })
}

fn database(reader: &mut Reader, block: &Mapping) -> Option<Database> {
    let help = "write `url: {env: NAME}`; the variable holds `postgres://user:password@host/database`";
    let url = block.require(reader, "url", help).and_then(|field| key_ref(reader, &field));
    let schema = block.get("schema").and_then(|field| schema(reader, &field));
    let allow_insecure = block.get("allow_insecure").and_then(|field| field.flag(reader));
    let timeout_seconds = block.get("timeout_seconds").and_then(|field| field.whole(reader, 1..=300));
    let tls = serving::target_tls(reader, block, None);
    Some(Database {
        url: url?,
        schema: schema.unwrap_or_else(|| "kt".to_owned()),
        allow_insecure: allow_insecure.is_some_and(|flag| flag.value),
        timeout_seconds: timeout_seconds.unwrap_or(10),
        tls,
    })
}

/// A name that needs no quotes in SQL.
fn schema(reader: &mut Reader, field: &Field) -> Option<String> {
    let name = field.text(reader)?.value;
    let is_plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    if !is_plain || !begins || name.len() > 63 || name.starts_with("pg_") {
        let message = format!("{} must be a name of lower-case letters, digits and `_`", field.name());
        reader.report(field.error(BAD_VALUE, message).help("such as `kt`, of at most 63 bytes, not `pg_…`"));
        return None;
    }
    Some(name)
}
