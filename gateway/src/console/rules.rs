//! Rules as their authors wrote them. Rule files hold no secrets; of the configuration nothing is shown but rules.

use grammar::ast::ItemKind;
use grammar::{SourceId, Span};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::query::Query;
use crate::gateway::Gateway;
use crate::packs::{Pack, shipped};
use crate::wire::Fault;

/// Most lines of one rule that are shown.
const MOST_LINES: usize = 200;

/// The text of a rule of the chain that is in force, and where it stands.
pub(super) fn told(gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
    query.only(&["policy", "rule"])?;
    let (policy, rule) = (query.required("policy")?, query.required("rule")?);
    let pack = &gateway.pack;
    let mut written = pack.program.written_rules();
    let found = written.find(|(of, name, _)| *of == policy && *name == rule);
    let whole = found.and_then(|(_, _, name)| whole(pack, name)).ok_or_else(|| {
        let message = "no such rule is in force now";
        Fault::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
    })?;
    let place = pack.sources.place(whole);
    let lines: Vec<&str> = pack.sources.text(whole).lines().collect();
    Ok(json!({
        "policy": policy,
        "rule": rule,
        "file": place.file,
        "line": place.line,
        "text": lines.iter().take(MOST_LINES).copied().collect::<Vec<_>>().join("\n"),
        "lines_left_out": lines.len().saturating_sub(MOST_LINES),
        "config_hash": pack.hash(),
    }))
}

/// The whole rule of which that is the name, with its documentation.
fn whole(pack: &Pack, name: Span) -> Option<Span> {
    let (file, _) = grammar::parse(name.source, &pack.sources.get(name.source)?.text);
    file.items.into_iter().find_map(|item| match item.kind {
        ItemKind::Rule(rule) if rule.name.span == name => Some(item.documented),
        _ => None,
    })
}

/// Rule files to start from: those in force that are the operator's own, and the shipped ones.
pub(super) fn all(gateway: &Gateway) -> Value {
    let pack = &gateway.pack;
    let mut files: Vec<Value> = Vec::new();
    let mut known: Vec<SourceId> = Vec::new();
    for (policy, _, span) in pack.program.written_rules() {
        let Some(source) = pack.sources.get(span.source).filter(|_| !known.contains(&span.source)) else {
            continue;
        };
        known.push(span.source);
        if shipped::KINDS.iter().any(|kind| kind.text == source.text) {
            continue;
        }
        // Rules in a configuration stand behind as many blank lines as it has before them.
        let text = source.text.trim_start_matches(['\n', '\r', ' ']);
        files.push(json!({"name": policy, "file": source.name, "origin": "in_force", "text": text}));
    }
    let shipped = shipped::KINDS
        .iter()
        .map(|kind| json!({"name": kind.name, "file": kind.path, "origin": "shipped", "text": kind.text}));
    files.extend(shipped);
    json!({"files": files})
}
