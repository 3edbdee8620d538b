//! What a program costs: how each pattern is searched for, how much of an answer it can hold, and what a rule asks for.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Program;
use super::ir::{DetectorId, Node, NodeId, TextRef};
use crate::matcher::MAX_MATCH;

/// How many atoms of a pattern are shown.
const SHOWN: usize = 6;

/// The cost of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// By pattern and view.
    pub patterns: Vec<PatternStats>,
    /// By rule.
    pub rules: Vec<RuleStats>,
    /// Nodes in all; rules share them.
    pub nodes: usize,
    /// Bytes of all automata that are stepped over answers.
    pub automata: usize,
    /// Bytes of the automata that find atoms in whole texts.
    pub scanner: usize,
}

/// The cost of one pattern in one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternStats {
    /// Its name.
    pub name: Arc<str>,
    /// Its label.
    pub label: Arc<str>,
    /// The view's name.
    pub view: &'static str,
    /// `literal`, `gated` or `always-on`.
    pub tier: &'static str,
    /// Texts of which every match has one, in lower case; none when it is always on.
    pub atoms: Vec<String>,
    /// The longest match in bytes of the view; `None` without a bound.
    pub longest: Option<usize>,
    /// Bytes after a match that must be known, since what must be near may stand there.
    pub beyond: usize,
    /// Bytes of its automaton, when answers are searched for it.
    pub automaton: Option<usize>,
}

impl PatternStats {
    /// The most bytes of an answer's view that wait for it; `None` when answers are not searched for it.
    pub fn holdback(&self) -> Option<usize> {
        self.automaton.map(|_| self.longest.unwrap_or(MAX_MATCH).min(MAX_MATCH) + self.beyond)
    }
}

/// The cost of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStats {
    /// `<policy>.<rule>`.
    pub name: String,
    /// Nodes of its condition, each evaluated at most once.
    pub nodes: usize,
    /// Of these, the ones that are evaluated once for each element of a list.
    pub per_element: usize,
    /// How often a byte of a request's text is read at most: once by the walk, and once for each pattern. Checks that
    /// fail may have a part of a match read again.
    pub per_byte: usize,
    /// Calls of scripts.
    pub scripts: usize,
    /// Models that weigh texts; each reads a byte once more.
    pub models: usize,
}

/// The cost of the program.
pub(super) fn stats(program: &Program) -> Stats {
    let patterns: Vec<PatternStats> =
        (0..program.detectors.len()).filter_map(|index| pattern(program, index)).collect();
    let rule = |rule: &super::Rule| {
        let policy = program.policies.get(rule.policy).map_or("", |policy| &policy.name);
        rule_stats(program, format!("{policy}.{}", rule.name), rule.condition)
    };
    Stats {
        rules: program.rules.iter().map(rule).collect(),
        nodes: program.nodes.len(),
        automata: patterns.iter().filter_map(|pattern| pattern.automaton).sum(),
        scanner: program.scanner.memory(),
        patterns,
    }
}

fn pattern(program: &Program, index: usize) -> Option<PatternStats> {
    let detector = program.detectors.get(index)?;
    let atoms = program.scanner.atoms(index).iter();
    Some(PatternStats {
        name: Arc::clone(&detector.name),
        label: Arc::clone(&detector.label),
        view: detector.view.name(),
        tier: program.scanner.tier(index).name(),
        atoms: atoms.map(|atom| atom.escape_ascii().to_string()).collect(),
        longest: detector.longest,
        beyond: if detector.near.is_empty() { 0 } else { detector.looks_behind() },
        automaton: detector.stream.as_ref().map(crate::matcher::Automaton::memory),
    })
}

fn rule_stats(program: &Program, name: String, condition: NodeId) -> RuleStats {
    let mut sought: Vec<DetectorId> = Vec::new();
    let mut stats = RuleStats { name, nodes: 0, per_element: 0, per_byte: 0, scripts: 0, models: 0 };
    program.each_under(condition, &mut |id, node| {
        stats.nodes += 1;
        stats.per_element += usize::from(program.reads_element.get(id.index()) == Some(&true));
        match node {
            Node::Has(TextRef::Texts(_) | TextRef::Element(_), detectors) => sought.extend(detectors),
            Node::Script(..) => stats.scripts += 1,
            Node::Model(..) => stats.models += 1,
            _ => {}
        }
    });
    sought.sort_unstable();
    sought.dedup();
    let walked = |id: &&DetectorId| program.scanner.gates(id.index());
    stats.per_byte = sought.len() + usize::from(sought.iter().any(|id| walked(&id)));
    stats
}

impl Stats {
    /// The tables, for people.
    pub fn print(&self) -> String {
        let mut out = String::new();
        for pattern in &self.patterns {
            let _ = writeln!(
                out,
                "pattern {} [{}] {}: {}",
                pattern.name, pattern.label, pattern.view, pattern.tier
            );
            if !pattern.atoms.is_empty() {
                let _ = writeln!(out, "  atoms {}", shown(&pattern.atoms));
            }
            let longest = pattern.longest.map_or("unbounded".into(), |bytes| format!("{bytes} bytes"));
            let _ = writeln!(out, "  longest match {longest}");
            if let Some(bytes) = pattern.automaton {
                let _ = writeln!(out, "  automaton {bytes} bytes, holds {}", held(pattern));
            }
        }
        for rule in &self.rules {
            let _ = write!(out, "rule {}: nodes {}", rule.name, rule.nodes);
            let _ = writeln!(out, "{}", cost(rule));
        }
        let _ = writeln!(
            out,
            "total: patterns {}, rules {}, nodes {}, bytes of automata {}, bytes of scanner {}",
            self.patterns.len(),
            self.rules.len(),
            self.nodes,
            self.automata,
            self.scanner
        );
        out
    }
}

fn shown(atoms: &[String]) -> String {
    let mut list: Vec<String> = atoms.iter().take(SHOWN).map(|atom| format!("`{atom}`")).collect();
    if atoms.len() > SHOWN {
        list.push(format!("and {} more", atoms.len() - SHOWN));
    }
    list.join(", ")
}

fn held(pattern: &PatternStats) -> String {
    let held = held_by_match(pattern);
    if pattern.beyond == 0 {
        return held;
    }
    format!("{held}, and {} after it that must be known", pattern.beyond)
}

fn held_by_match(pattern: &PatternStats) -> String {
    match pattern.longest {
        None => format!("without a bound of its own, stopped at {MAX_MATCH}"),
        Some(longest) if longest > MAX_MATCH => format!("{longest} bytes, stopped at {MAX_MATCH}"),
        Some(longest) => format!("{longest} bytes at most"),
    }
}

fn cost(rule: &RuleStats) -> String {
    let mut out = String::new();
    for (what, count) in [
        ("for each element of a list", rule.per_element),
        ("reads of each byte of text", rule.per_byte),
        ("scripts", rule.scripts),
        ("models", rule.models),
    ] {
        if count > 0 {
            let _ = write!(out, ", {what} {count}");
        }
    }
    out
}
