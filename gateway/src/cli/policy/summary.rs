//! What a data set came to: how many lines had which verdict, and what each rule had to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::verdict::Verdict;
use serde_json::{Value, json};

use super::table::{Column, share, table};
use crate::rehearsal::exchange::Played;

/// What is counted of one line.
pub(super) struct Counted {
    verdict: Verdict,
    decides: Option<Rule>,
    finds: BTreeSet<Rule>,
}

/// A rule with its policy. A policy that could not run decides without a rule.
type Rule = (Arc<str>, Option<Arc<str>>);

/// Counts of a whole data set.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lines: usize,
    errors: usize,
    verdicts: BTreeMap<Verdict, usize>,
    rules: BTreeMap<Rule, Hits>,
}

/// On how many lines a rule had a part.
#[derive(Clone, Copy, Debug, Default)]
struct Hits {
    /// The verdict was its own.
    decides: usize,
    /// It found something.
    finds: usize,
}

impl Counted {
    pub(super) fn of(played: &Played) -> Self {
        let decision = &played.decision;
        let findings = played.report.policies.iter().flat_map(|policy| &policy.findings);
        let finder = |finding: &engine::verdict::Finding| {
            (Arc::clone(&finding.policy), Some(Arc::clone(&finding.rule)))
        };
        Self {
            verdict: decision.verdict,
            decides: decision.policy.clone().map(|policy| (policy, decision.rule.clone())),
            finds: findings.map(finder).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl Summary {
    /// Adds a line; nothing is known of one that could not be judged.
    pub(super) fn add(&mut self, line: Option<&Counted>) {
        self.lines += 1;
        let Some(line) = line else {
            self.errors += 1;
            return;
        };
        *self.verdicts.entry(line.verdict).or_default() += 1;
        if let Some(rule) = &line.decides {
            self.rules.entry(rule.clone()).or_default().decides += 1;
        }
        for rule in &line.finds {
            self.rules.entry(rule.clone()).or_default().finds += 1;
        }
    }

    /// How many lines there were.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// How many could not be judged.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The tables, for people.
    pub(super) fn text(&self) -> String {
        let mut out = self.verdict_table();
        if !self.rules.is_empty() {
            out.push('\n');
            out.push_str(&self.rule_table());
        }
        out
    }

    fn verdict_table(&self) -> String {
        let row =
            |what: &str, count: usize| vec![what.to_owned(), count.to_string(), share(count, self.lines)];
        let mut rows = vec![["verdict", "lines", "share"].map(str::to_owned).to_vec()];
        // The strongest verdict comes first.
        rows.extend(self.verdicts.iter().rev().map(|(verdict, count)| row(verdict.name(), *count)));
        if self.errors > 0 {
            rows.push(row("error", self.errors));
        }
        rows.push(row("total", self.lines));
        table(&[Column::Words, Column::Numbers, Column::Numbers], &rows)
    }

    fn rule_table(&self) -> String {
        let heading = ["policy", "rule", "decides", "share", "finds in", "share"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for ((policy, rule), hits) in self.by_hits() {
            rows.push(vec![
                policy.to_string(),
                rule.as_deref().unwrap_or("(could not run)").to_owned(),
                hits.decides.to_string(),
                share(hits.decides, self.lines),
                hits.finds.to_string(),
                share(hits.finds, self.lines),
            ]);
        }
        let number = Column::Numbers;
        table(&[Column::Words, Column::Words, number, number, number, number], &rows)
    }

    /// The rules, busiest first.
    fn by_hits(&self) -> Vec<(&Rule, Hits)> {
        let mut rules: Vec<(&Rule, Hits)> = self.rules.iter().map(|(rule, hits)| (rule, *hits)).collect();
        rules.sort_by_key(|(rule, hits)| (std::cmp::Reverse((hits.decides, hits.finds)), *rule));
        rules
    }

    /// The same as one object.
    pub(super) fn json(&self) -> Value {
        let verdicts: serde_json::Map<String, Value> = self
            .verdicts
            .iter()
            .rev()
            .map(|(verdict, count)| (verdict.name().to_owned(), Value::from(*count)))
            .collect();
        let rules: Vec<Value> = self
            .by_hits()
            .into_iter()
            .map(|((policy, rule), hits)| {
                json!({"policy": &**policy, "rule": rule.as_deref(), "decides": hits.decides, "finds_in": hits.finds})
            })
            .collect();
        json!({"lines": self.lines, "errors": self.errors, "verdicts": verdicts, "rules": rules})
    }
}
