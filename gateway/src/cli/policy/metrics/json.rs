//! The same as one JSON object.

use serde_json::{Map, Value, json};

use super::Metrics;
use super::count::{Confusion, SetCounts};
use super::interval::Share;
use super::spans::Matches;
use super::text::called;

/// Everything, the whole curves too.
pub(super) fn object(metrics: &Metrics) -> Value {
    let sets: Map<String, Value> =
        metrics.sets.iter().map(|(name, set)| (name.clone(), of_set(set))).collect();
    json!({"interval": "Wilson, 95 %", "sets": sets, "all": of_set(&metrics.all)})
}

fn share(share: Option<Share>) -> Value {
    share.map_or(Value::Null, |share| json!({"value": share.value, "low": share.low, "high": share.high}))
}

fn confusion(counts: &Confusion) -> Value {
    json!({
        "true_positives": counts.right,
        "false_negatives": counts.missed,
        "false_positives": counts.wrong,
        "true_negatives": counts.passed,
        "precision": share(counts.precision()),
        "recall": share(counts.recall()),
        "f1": share(counts.f1()),
        "false_positive_rate": share(counts.false_positives()),
    })
}

fn of_set(set: &SetCounts) -> Value {
    let rules: Map<String, Value> = set
        .rules
        .iter()
        .map(|(rule, counts)| {
            let mut told = confusion(&counts.confusion);
            if let (Some(scores), Some(fields)) = (&counts.scores, told.as_object_mut()) {
                let points = scores.curve().into_iter().map(|(threshold, counts)| {
                    json!({
                        "threshold": threshold,
                        "true_positives": counts.right,
                        "false_positives": counts.wrong,
                        "false_negatives": counts.missed,
                        "true_negatives": counts.passed,
                    })
                });
                fields.insert("curve".into(), points.collect());
            }
            (called(rule), told)
        })
        .collect();
    let labels: Map<String, Value> =
        set.spans.by_label.iter().map(|(label, matches)| (label.to_string(), spans(matches))).collect();
    json!({
        "lines": set.lines.lines() + set.spans.lines,
        "errors": set.errors,
        "verdict": if set.lines.lines() > 0 { confusion(&set.lines) } else { Value::Null },
        "rules": rules,
        "spans": if set.spans.lines > 0 {
            json!({"labels": labels, "all": spans(&set.spans.all()), "not_looked_for": set.spans.not_sought})
        } else {
            Value::Null
        },
    })
}

fn spans(matches: &Matches) -> Value {
    json!({
        "spans": matches.gold,
        "found": matches.found,
        "touched": matches.touched,
        "exact": matches.exact,
        "precision": share(matches.precision()),
        "recall": share(matches.recall()),
        "f1": share(matches.f1()),
        "exact_f1": share(matches.exact_f1()),
    })
}
