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

#[cfg(test)]
mod tests {
    use engine::{Unit, compile};
    use grammar::Sources;

    use super::*;
    use crate::packs::Shelf;

    #[test]
    fn one_object_with_all_that_is_known() {
        let text = "policy p\npattern a = /secret\\d+/ label A\npattern b = /\\w{3}/\n\
                    rule r on request, response { when text has a do flag }\n\
                    rule s on request { when text has b or stream do flag }\n";
        let mut sources = Sources::new();
        let program = compile(&[Unit::of(sources.add("p.ktr", text))], &Shelf, &mut sources).program.unwrap();
        let mut stats = program.stats();
        let bytes = stats.patterns.iter().filter_map(|pattern| pattern.automaton).sum::<usize>();
        assert!(bytes > 0 && bytes == stats.automata && stats.scanner > 0);
        (stats.automata, stats.scanner) = (0, 0);
        if let Some(pattern) = stats.patterns.first_mut() {
            pattern.automaton = Some(1);
        }
        assert_eq!(
            json(&stats),
            json!({
                "patterns": [
                    {"name": "a", "label": "A", "view": "folded", "tier": "gated", "atoms": ["secret"],
                     "longest": null, "automaton_bytes": 1, "holdback": 4096},
                    {"name": "b", "label": "B", "view": "folded", "tier": "always-on", "atoms": [],
                     "longest": 3, "automaton_bytes": null, "holdback": null},
                ],
                "rules": [
                    {"name": "p.r", "nodes": 1, "per_element": 0, "per_byte": 2, "scripts": 0},
                    {"name": "p.s", "nodes": 3, "per_element": 0, "per_byte": 1, "scripts": 0},
                ],
                "nodes": 4,
                "automata_bytes": 0,
                "scanner_bytes": 0,
            })
        );
    }
}
