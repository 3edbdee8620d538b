//! An explanation as data.

use engine::Claim;
use engine::explain::{Account, Line, Outcome, Part};
use engine::value::Value as Plain;
use engine::verdict::Verdict;
use grammar::Sources;
use grammar::ast::Phase;
use grammar::budget::Meter;
use serde_json::{Value, json};

use super::played::{Cost, Played, Reserved};

/// The whole explanation.
pub(crate) fn object(played: &Played, sources: &Sources) -> Value {
    let decision = &played.decision;
    let rules: Vec<Value> = played.accounts.iter().map(|account| rule(account, sources)).collect();
    let findings = played.findings().into_iter().map(|finding| {
        let (text, _) = played.text(finding.site);
        json!({
            "policy": &*finding.policy,
            "rule": &*finding.rule,
            "label": &*finding.label,
            "in": text,
            "start": finding.range.start,
            "end": finding.range.end,
        })
    });
    json!({
        "verdict": decision.verdict.name(),
        "policy": decision.policy.as_deref(),
        "rule": decision.rule.as_deref(),
        "reason_code": decision.reason_code.as_deref(),
        "message": decision.message,
        "score": decision.score,
        "rules": rules,
        "findings": findings.collect::<Vec<_>>(),
        "reservations": played.reserved.iter().map(reservation).collect::<Vec<_>>(),
        "output": played.output,
        "cost": played.costs.iter().map(cost).collect::<Vec<_>>(),
        "held": played.held.as_ref().map(|held| json!({"bytes": held.bytes, "by": held.by, "text": held.text})),
    })
}

/// What is taken of a budget: money as US dollars.
fn reservation(reserved: &Reserved) -> Value {
    let Claim { meter, limit, window, whose, .. } = &reserved.claim;
    #[expect(clippy::cast_precision_loss, reason = "no budget has so many digits")]
    let amount = |amount: u64| match meter {
        Meter::Cost => json!(amount as f64 / 1e9),
        Meter::Tokens => json!(amount),
    };
    json!({
        "policy": reserved.claim.policy(),
        "rule": reserved.claim.rule(),
        "meter": match meter {
            Meter::Cost => "cost_usd",
            Meter::Tokens => "tokens",
        },
        "amount": reserved.amount.map(amount),
        "limit": amount(*limit),
        "window": window.name(),
        "whose": whose.iter().map(Option::as_deref).collect::<Vec<_>>(),
        "text": reserved.sentence(),
    })
}

fn rule(account: &Account, sources: &Sources) -> Value {
    let place = sources.place(account.span);
    json!({
        "policy": &*account.policy,
        "rule": &*account.rule,
        "phase": account.phase.name(),
        "file": place.file,
        "line": place.line,
        "outcome": outcome(account.outcome),
        "clauses": account.lines.iter().map(|line| clause(line, sources)).collect::<Vec<_>>(),
    })
}

fn clause(line: &Line, sources: &Sources) -> Value {
    let place = sources.place(line.span);
    let (part, weight) = match &line.part {
        Part::When => ("when", None),
        Part::Unless => ("unless", None),
        Part::Term(weight) => ("term", *weight),
    };
    json!({
        "depth": line.depth,
        "part": part,
        "weight": weight,
        "text": sources.text(line.span),
        "line": place.line,
        "value": line.value.as_ref().map(plain),
        "decides": line.decides,
        "found": line.found.iter().map(|label| &**label).collect::<Vec<_>>(),
        "weighed": line.weighed.iter().map(|gram| json!({"text": gram.text, "adds": gram.adds})).collect::<Vec<_>>(),
    })
}

/// Numbers, bools and strings as such; what JSON has no word for as it is written in rules.
fn plain(value: &Plain) -> Value {
    match value {
        Plain::Bool(value) => json!(value),
        Plain::Int(value) => json!(value),
        Plain::Float(value) => json!(value),
        Plain::Str(value) => json!(&**value),
        Plain::Absent => json!("absent"),
        Plain::Duration(_)
        | Plain::Money(_)
        | Plain::Regex(_)
        | Plain::List(_)
        | Plain::Map(_)
        | Plain::Table(_) => json!(value.to_string()),
    }
}

fn cost((phase, cost): &(Phase, Cost)) -> Value {
    let scripts: Vec<Value> = cost
        .scripts
        .iter()
        .map(|(name, calls, operations)| json!({"script": name, "calls": calls, "operations": operations}))
        .collect();
    json!({
        "phase": phase.name(),
        "nodes": cost.nodes,
        "texts": cost.texts,
        "bytes": cost.bytes,
        "scripts": scripts,
    })
}

/// What a verdict is called in JSON and text alike.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held(verdict) => Verdict::name(verdict),
        Outcome::DidNot => "no",
        Outcome::NotAsked => "not_asked",
        Outcome::Off => "off",
    }
}
