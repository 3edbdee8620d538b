//! `kt policy compile --print stats --json`: what a program costs, for other programs.

use engine::program::stats::{PatternStats, RuleStats, Stats};
use serde_json::{Value, json};

/// The stats as one object.
pub(super) fn json(stats: &Stats) -> Value {
    json!({
        "patterns": stats.patterns.iter().map(pattern).collect::<Vec<_>>(),
        "rules": stats.rules.iter().map(rule).collect::<Vec<_>>(),
        "nodes": stats.nodes,
        "automata_bytes": stats.automata,
        "scanner_bytes": stats.scanner,
    })
}

fn pattern(pattern: &PatternStats) -> Value {
    json!({
        "name": &*pattern.name,
        "label": &*pattern.label,
        "view": pattern.view,
        "tier": pattern.tier,
        "atoms": pattern.atoms,
        "longest": pattern.longest,
        "automaton_bytes": pattern.automaton,
        "holdback": pattern.holdback(),
    })
}

fn rule(rule: &RuleStats) -> Value {
    json!({
        "name": rule.name,
        "nodes": rule.nodes,
        "per_element": rule.per_element,
        "per_byte": rule.per_byte,
        "scripts": rule.scripts,
    })
}
