//! A comparison as data.

use std::sync::Arc;

use engine::OnError;
use engine::compare::changes::{
    Changed, ConditionChange, Excerpt, Facet, Fate, Moved, ParamChange, PatternChange, PolicyChange,
    Presence, Reach, RuleChange,
};
use serde_json::{Value, json};

use super::data::{Differences, Group, Outcome};
use super::{Comparison, Diff};

/// The whole comparison.
pub(super) fn object(asked: &Diff, compared: &Comparison) -> Value {
    let changes = &compared.changes;
    json!({
        "before": asked.before,
        "after": asked.after,
        "same": compared.is_same(),
        "changes": changes.count(),
        "order": changes.order.as_ref().map(order),
        "policies": changes.policies.iter().map(policy).collect::<Vec<_>>(),
        "patterns": changes.patterns.iter().map(pattern).collect::<Vec<_>>(),
        "data": compared.data.as_ref().map(|found| data(found, asked.show)),
    })
}

fn policy(policy: &PolicyChange) -> Value {
    let list = |changes: Vec<Value>| Value::from(changes);
    json!({
        "policy": &*policy.name,
        "change": presence(policy.presence),
        "on_error": policy.on_error.as_ref().map(|changed| {
            json!({"before": on_error(changed.before), "after": on_error(changed.after)})
        }),
        "order": policy.order.as_ref().map(order),
        "params": list(policy.params.iter().map(param).collect()),
        "rules": list(policy.rules.iter().map(rule).collect()),
        "scores": list(policy.scores.iter().map(|score| json!({
            "score": &*score.name,
            "rules": names(&score.rules),
            "lost": score.lost,
            "gained": score.gained,
            "facets": score.clamp.iter().map(facet).collect::<Vec<_>>(),
        })).collect()),
        "scripts": list(policy.scripts.iter().map(|script| json!({
            "script": &*script.name,
            "rules": names(&script.rules),
        })).collect()),
    })
}

fn names(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

fn order(order: &Changed<Vec<Arc<str>>>) -> Value {
    json!({"before": names(&order.before), "after": names(&order.after)})
}

fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Added => "added",
        Presence::Removed => "removed",
        Presence::Both => "changed",
    }
}

/// As written in configurations.
pub(super) fn on_error(on_error: OnError) -> &'static str {
    match on_error {
        OnError::Block => "block",
        OnError::Allow => "allow",
    }
}

fn param(param: &ParamChange) -> Value {
    json!({"param": &*param.name, "change": presence(param.presence), "facets": facets(&param.facets)})
}

fn facets(facets: &[Facet]) -> Vec<Value> {
    facets.iter().map(facet).collect()
}

fn facet(facet: &Facet) -> Value {
    json!({"part": facet.part, "before": facet.before, "after": facet.after})
}

fn rule(rule: &RuleChange) -> Value {
    let change = match rule.fate {
        Fate::Added => "added",
        Fate::Removed => "removed",
        Fate::SwitchedOn => "switched_on",
        Fate::SwitchedOff => "switched_off",
        Fate::Renamed => "renamed",
        Fate::Changed => "changed",
    };
    json!({
        "rule": &*rule.name,
        "change": change,
        "facets": facets(&rule.facets),
        "condition": rule.condition.as_ref().map(condition),
    })
}

fn condition(condition: &ConditionChange) -> Value {
    let clauses = condition.clauses.iter().map(|clause| {
        json!({
            "part": clause.part,
            "before": clause.before.as_ref().map(excerpt),
            "after": clause.after.as_ref().map(excerpt),
        })
    });
    json!({"lost": condition.lost, "gained": condition.gained, "clauses": clauses.collect::<Vec<_>>()})
}

fn excerpt(excerpt: &Excerpt) -> Value {
    json!({"file": excerpt.file, "line": excerpt.line, "text": excerpt.text})
}

fn pattern(pattern: &PatternChange) -> Value {
    json!({
        "pattern": &*pattern.name,
        "was": pattern.was.as_deref(),
        "label": &*pattern.label,
        "view": pattern.view,
        "change": presence(pattern.presence),
        "relation": pattern.finds.relation().name(),
        "same": pattern.is_same(),
        "rules": names(&pattern.rules),
        "facets": facets(&pattern.facets),
        "words": {"lost": pattern.lost_words, "gained": pattern.gained_words},
        "gained": reach(&pattern.finds.gained),
        "lost": reach(&pattern.finds.lost),
        "moved": moved(&pattern.finds.moved),
    })
}

/// `proved` says whether it is certain: of an example always, of none only where there can be none.
fn reach(reach: &Reach) -> Value {
    match reach {
        Reach::Nothing => json!({"example": null, "proved": true}),
        Reach::Example(text) => json!({"example": text, "proved": true}),
        Reach::Open => json!({"example": null, "proved": false}),
    }
}

fn moved(moved: &Moved) -> Value {
    match moved {
        Moved::Nothing => json!({"example": null, "proved": true}),
        Moved::Example { text, before, after } => {
            json!({"example": {"text": text, "before": before, "after": after}, "proved": true})
        }
        Moved::Open => json!({"example": null, "proved": false}),
    }
}

fn data(found: &Differences, show: usize) -> Value {
    let (stronger, weaker) = found.directions();
    json!({
        "lines": found.lines,
        "changed": found.count(),
        "stronger": stronger,
        "weaker": weaker,
        "errors": found.errors,
        "groups": found.groups.iter().map(|of| group(of, show)).collect::<Vec<_>>(),
    })
}

fn group(group: &Group, show: usize) -> Value {
    let lines: Vec<Value> =
        group.lines.iter().take(show).map(|place| json!({"line": place.line, "id": place.id})).collect();
    json!({
        "count": group.count,
        "before": outcome(&group.kind.before),
        "after": outcome(&group.kind.after),
        "other": group.kind.other,
        "lines": lines,
    })
}

fn outcome(outcome: &Outcome) -> Value {
    json!({"verdict": outcome.name(), "by": outcome.by, "reason_code": outcome.reason_code})
}
