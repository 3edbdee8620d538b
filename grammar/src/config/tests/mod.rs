//! What configurations mean, and what is said about those that are wrong.

mod access;
mod meaning;
mod mistakes;
mod seed;

use super::{Config, decode};
use crate::diagnostic::Diagnostic;
use crate::render::render;
use crate::span::Sources;
use crate::yaml::{merge, parse};

/// The smallest sound start of a file; targets can be listed below it.
const START: &str = "pack: {name: p, version: 1.0.0}\npolicies: {chain: []}\nproviders:\n  targets:\n";

/// Layers, read and merged as the gateway does it.
fn read(texts: &[&str]) -> (Option<Config>, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let mut nodes = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let name = if index == 0 { "policy-config.yaml".to_owned() } else { format!("layer-{index}.yaml") };
        let source = sources.add(name, *text);
        match parse(source, text) {
            Ok(node) => nodes.push(node),
            Err(found) => return (None, found, sources),
        }
    }
    let node = nodes.into_iter().reduce(merge).expect("a layer");
    let (config, found) = decode(&node, &sources);
    (config, found, sources)
}

/// A configuration without any finding.
fn clean(texts: &[&str]) -> Config {
    let (config, found, sources) = read(texts);
    assert!(found.is_empty(), "{}", render(&found, &sources, false));
    config.expect("a configuration")
}

/// What is said about a text, with paths.
fn said(text: &str) -> String {
    said_of(&[text])
}

fn said_of(texts: &[&str]) -> String {
    let (config, found, sources) = read(texts);
    assert_eq!(config.is_none(), found.iter().any(Diagnostic::is_error), "{found:?}");
    let paths: Vec<_> = found.iter().map(|d| d.path.as_deref().unwrap_or("?")).collect();
    format!("{}paths: {}\n", render(&found, &sources, false), paths.join(", "))
}

/// The path and message of each finding.
fn brief(text: &str) -> Vec<String> {
    let (_, found, _) = read(&[text]);
    found
        .iter()
        .map(|d| format!("{} {}: {}", d.code.id, d.path.as_deref().unwrap_or("?"), d.message))
        .collect()
}
