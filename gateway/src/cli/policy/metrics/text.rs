//! The tables as text.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Metrics;
use super::count::{Confusion, Rule, SetCounts};
use super::interval::Share;
use super::spans::Matches;
use crate::cli::policy::table::{Column, table};

/// Which thresholds of a curve are shown.
const SHOWN: [f64; 10] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

pub(super) fn text(metrics: &Metrics) -> String {
    let mut out = String::new();
    if metrics.all.lines.lines() > 0 {
        out.push_str(&sets(metrics));
        rules(metrics, &mut out);
    }
    if metrics.all.spans.lines > 0 {
        if !out.is_empty() {
            out.push('\n');
        }
        spans(metrics, &mut out);
    }
    if out.is_empty() {
        out.push_str("no line could be judged\n");
    } else {
        out.push_str("\nIn brackets: Wilson's interval of 95 %, in percent.\n");
    }
    out
}

/// The sets, and all of them together where there are several.
pub(super) fn named(metrics: &Metrics) -> impl Iterator<Item = (&str, &SetCounts)> {
    let all = (metrics.sets.len() > 1).then_some(("all", &metrics.all));
    metrics.sets.iter().map(|(name, set)| (name.as_str(), set)).chain(all)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A share in percent with its interval.
pub(super) fn percent(share: Option<Share>) -> String {
    share.map_or("-".to_owned(), |share| {
        format!("{:.1} [{:.1} {:.1}]", share.value * 100.0, share.low * 100.0, share.high * 100.0)
    })
}

fn columns(words: usize, numbers: usize) -> Vec<Column> {
    let mut columns = vec![Column::Words; words];
    columns.resize(words + numbers, Column::Numbers);
    columns
}

/// The heads of a table of [`shares`], behind two of its own.
fn heads(first: [&str; 2]) -> Vec<String> {
    let shares = ["caught", "missed", "wrong", "passed", "precision", "recall", "F1", "false positives"];
    words(&[&first[..], &shares].concat())
}

fn shares(counts: &Confusion) -> Vec<String> {
    let mut cells =
        [counts.right, counts.missed, counts.wrong, counts.passed].map(|count| count.to_string()).to_vec();
    cells.extend(
        [counts.precision(), counts.recall(), counts.f1(), counts.false_positives()].into_iter().map(percent),
    );
    cells
}

fn sets(metrics: &Metrics) -> String {
    let mut rows = vec![heads(["set", "lines"])];
    for (name, set) in named(metrics).filter(|(_, set)| set.lines.lines() > 0) {
        let mut row = vec![name.to_owned(), set.lines.lines().to_string()];
        row.extend(shares(&set.lines));
        rows.push(row);
    }
    table(&columns(1, 9), &rows)
}

fn rules(metrics: &Metrics, out: &mut String) {
    let mut rows = vec![heads(["rule", "set"])];
    for rule in metrics.all.rules.keys() {
        for (name, set) in named(metrics) {
            let Some(counts) = set.rules.get(rule) else { continue };
            let mut row = vec![called(rule), name.to_owned()];
            row.extend(shares(&counts.confusion));
            rows.push(row);
        }
    }
    if rows.len() > 1 {
        let _ = write!(out, "\n{}", table(&columns(2, 8), &rows));
    }
    for (rule, counts) in &metrics.all.rules {
        let Some(scores) = &counts.scores else { continue };
        let mut rows = vec![words(&["threshold", "precision", "recall", "F1", "false positives"])];
        for (threshold, counts) in scores.curve() {
            if SHOWN.iter().any(|shown| (shown - threshold).abs() < 1e-9) {
                let shares = [counts.precision(), counts.recall(), counts.f1(), counts.false_positives()];
                let mut row = vec![format!("{threshold:.2}")];
                row.extend(shares.into_iter().map(percent));
                rows.push(row);
            }
        }
        let _ = write!(out, "\nthe score of {}\n{}", called(rule), table(&columns(0, 5), &rows));
    }
}

pub(super) fn called(rule: &Rule) -> String {
    format!("{}.{}", rule.0, rule.1)
}

fn span_row(name: &str, label: &str, matches: &Matches) -> Vec<String> {
    let mut row = vec![name.to_owned(), label.to_owned()];
    row.extend([matches.gold, matches.found, matches.touched, matches.exact].map(|count| count.to_string()));
    row.extend(
        [matches.precision(), matches.recall(), matches.f1(), matches.exact_f1()].into_iter().map(percent),
    );
    row
}

fn spans(metrics: &Metrics, out: &mut String) {
    let mut rows = vec![words(&[
        "set",
        "label",
        "spans",
        "found",
        "touched",
        "exact",
        "precision",
        "recall",
        "F1",
        "exact F1",
    ])];
    for (name, set) in named(metrics).filter(|(_, set)| set.spans.lines > 0) {
        for (label, matches) in &set.spans.by_label {
            rows.push(span_row(name, label, matches));
        }
        rows.push(span_row(name, "(all)", &set.spans.all()));
    }
    out.push_str(&table(&columns(2, 8), &rows));
    let others = &metrics.all.spans.not_sought;
    if !others.is_empty() {
        let list: Vec<String> = others.iter().map(|(ty, count)| format!("{ty} {count}")).collect();
        let _ = writeln!(out, "not looked for: {}", list.join(", "));
    }
}

/// The labels of a set with how they fared, and all together.
pub(super) fn span_rows(set: &SetCounts) -> Vec<(Arc<str>, Matches)> {
    let mut rows: Vec<(Arc<str>, Matches)> =
        set.spans.by_label.iter().map(|(label, matches)| (Arc::clone(label), *matches)).collect();
    rows.push((Arc::from("(all)"), set.spans.all()));
    rows
}
