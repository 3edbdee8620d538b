//! From a YAML tree to a [`Config`]: everything that is wrong is told in one run, each thing once.

mod access;
mod address;
mod audit;
mod key;
mod policies;
mod providers;
mod proxy;
mod rates;
mod resilience;
mod rules;
mod serving;
mod sinks;
mod state;
mod target;
mod telemetry;

pub use address::is_loopback;

use super::{Config, Pack, Policies, Suite};
use crate::case;
use crate::codes::{DUPLICATE, MISSING, PACK_DISABLED};
use crate::diagnostic::Diagnostic;
use crate::span::{Sources, Span, Spanned};
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;
use crate::yaml::{Node, Value};

/// The keys at the top of the file.
const KEYS: &[&str] = &[
    "pack",
    "policies",
    "policy",
    "providers",
    "routing",
    "testing",
    "auth",
    "rules",
    "audit",
    "telemetry",
    "reload",
    "state",
    "tls",
    "rate_limits",
    "cors",
    "ip_allowlist",
    "trusted_proxies",
    "size_limits",
    "media",
    "admin",
];

/// Reads a configuration whose layers are merged. There is one when nothing worse than a warning was found. `sources`
/// are the texts that the spans of `node` are of.
pub fn decode(node: &Node, sources: &Sources) -> (Option<Config>, Vec<Diagnostic>) {
    let mut reader = Reader::new(sources);
    let config = whole(&mut reader, node);
    let found = reader.finish();
    (config.filter(|_| !found.iter().any(Diagnostic::is_error)), found)
}

/// The policies alone, as far as they can be read: for checking them although the configuration around them has
/// mistakes, which [`decode`] tells.
pub fn chain(node: &Node, sources: &Sources) -> Policies {
    let mut reader = Reader::new(sources);
    let Some(root) = Field::root(node).mapping(&mut reader, KEYS) else { return Policies::default() };
    policies::read(&mut reader, &root).unwrap_or_default()
}

fn whole(reader: &mut Reader, node: &Node) -> Option<Config> {
    let root = Field::root(node);
    if root.node.value == Value::Null {
        let found = root.error(MISSING, "this file is empty");
        reader.report(found.help("a configuration has at least `pack` and `policies`; `kt init` writes one"));
        return None;
    }
    let root = root.mapping(reader, KEYS)?;
    let pack = root.require(reader, "pack", "write `pack: {name: my-pack, version: 1.0.0}`");
    let pack = pack.and_then(|field| pack_block(reader, &field));
    let policies = policies::read(reader, &root);
    let providers = providers::read(reader, &root);
    let suites = root.get("testing").map(|field| suites(reader, &field)).unwrap_or_default();
    let access = access::read(reader, &root);
    let audit = audit::read(reader, &root, policies.as_ref());
    let state = state::read(reader, &root);
    let telemetry = telemetry::read(reader, &root);
    let reload = serving::reload(reader, &root);
    let tls = serving::server_tls(reader, &root);
    let admin = serving::admin(reader, &root);
    Some(Config {
        pack: pack?,
        policies: policies?,
        providers,
        suites,
        access,
        audit,
        telemetry,
        state,
        reload,
        tls,
        admin,
    })
}

fn pack_block(reader: &mut Reader, field: &Field) -> Option<Pack> {
    let block = field.mapping(reader, &["name", "version", "enabled", "description"])?;
    let name = block.require(reader, "name", "name the pack").and_then(|f| f.text(reader));
    let version = block.require(reader, "version", "such as `1.0.0`").and_then(|f| f.as_written(reader));
    let enabled = block.get("enabled").and_then(|f| f.flag(reader));
    if let Some(enabled) = enabled.as_ref().filter(|enabled| !enabled.value) {
        let found =
            Diagnostic::warning(PACK_DISABLED, enabled.span, "the pack is disabled: no policy is applied");
        reader.report(found.label("every request passes").path("pack.enabled"));
    }
    let description = description(reader, &block);
    let enabled = enabled.unwrap_or(Spanned::new(true, field.key));
    Some(Pack { name: name?, version: version?, enabled, description })
}

fn description(reader: &mut Reader, block: &Mapping) -> Option<String> {
    block.get("description").and_then(|field| field.text(reader)).map(|text| text.value)
}

fn suites(reader: &mut Reader, field: &Field) -> Vec<Suite> {
    let Some(block) = field.mapping(reader, &["suites"]) else { return Vec::new() };
    let items = block.get("suites").and_then(|field| field.list(reader)).unwrap_or_default();
    items.iter().filter_map(|item| suite(reader, item)).collect()
}

fn suite(reader: &mut Reader, field: &Field) -> Option<Suite> {
    let block = field.mapping(reader, &["name", "description", "cases"])?;
    description(reader, &block);
    let name = block.require(reader, "name", "name the suite").and_then(|f| f.text(reader));
    let cases = block.require(reader, "cases", "list the cases").and_then(|f| f.list(reader))?;
    let cases = cases.iter().filter_map(|item| case::read(reader, item)).collect();
    Some(Suite { name: name?, cases })
}

/// Reports each text that stands a second time.
fn unique<'n>(reader: &mut Reader, fields: impl Iterator<Item = Field<'n>>, what: &str) {
    let mut seen: Vec<(&String, Span)> = Vec::new();
    for field in fields {
        let Value::Str(text) = &field.node.value else { continue };
        match seen.iter().find(|(first, _)| *first == text) {
            Some((_, first)) => {
                let found = field.error(DUPLICATE, format!("the {what} `{text}` stands twice"));
                reader.report(found.label("again here").related(*first, "first here"));
            }
            None => seen.push((text, field.node.span)),
        }
    }
}
