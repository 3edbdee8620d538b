//! Decisions as the audit log has them, the newest first, with filters.

use serde_json::{Value, json};

use super::query::Query;
use crate::audit::Record;
use crate::audit::lately::Kept;
use crate::gateway::Gateway;
use crate::wire::{Endpoint, Fault};

/// Most records of one reply.
const MOST: u64 = 500;

/// How many when nobody says.
const USUAL: u64 = 100;

const FILTERS: [&str; 9] = ["after", "limit", "verdict", "policy", "rule", "model", "target", "user", "q"];

/// Those behind the number `after` that fit the filters.
pub(super) fn told(gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
    query.only(&FILTERS)?;
    let after = query.number("after", 0..=u64::MAX, 0)?;
    let limit = usize::try_from(query.number("limit", 1..=MOST, USUAL)?).unwrap_or(usize::MAX);
    let wanted = Wanted::of(query);
    let page = gateway.audit.lately().page(after, limit, |record| wanted.fits(record));
    Ok(json!({
        "records": page.records.iter().map(|kept| record(kept)).collect::<Vec<_>>(),
        "last_seq": page.last_seq,
        "oldest_seq": page.oldest_seq,
        "seen": page.seen,
        "fitting": page.fitting,
    }))
}

/// The one with the number `seq`, while it is kept.
pub(super) fn one(gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
    query.only(&["seq"])?;
    query.required("seq")?;
    let seq = query.number("seq", 0..=u64::MAX, 0)?;
    let kept = gateway.audit.lately().find(seq).ok_or_else(|| {
        Fault::new(
            hyper::StatusCode::NOT_FOUND,
            "invalid_request_error",
            "not_found",
            "this record is no longer in memory; the audit log has it",
        )
    })?;
    Ok(record(&kept))
}

fn record(kept: &Kept) -> Value {
    let mut record = serde_json::to_value(&kept.record).unwrap_or_default();
    if let Value::Object(fields) = &mut record {
        fields.insert("hash".into(), json!(kept.hash));
        fields.insert("findings_left_out".into(), json!(kept.findings_left_out));
    }
    record
}

/// What is asked for.
struct Wanted<'q> {
    verdict: Option<&'q str>,
    policy: Option<&'q str>,
    rule: Option<&'q str>,
    target: Option<&'q str>,
    /// In lower case, as the next two.
    model: Option<String>,
    user: Option<String>,
    text: Option<String>,
}

impl<'q> Wanted<'q> {
    fn of(query: &'q Query) -> Self {
        let lower = |name| query.text(name).map(str::to_lowercase);
        Self {
            verdict: query.text("verdict"),
            policy: query.text("policy"),
            rule: query.text("rule"),
            target: query.text("target"),
            model: lower("model"),
            user: lower("user"),
            text: lower("q"),
        }
    }

    fn fits(&self, record: &Record) -> bool {
        let holds = |text: &str, part: &String| text.to_lowercase().contains(part);
        let any =
            |texts: &[Option<&str>], part: &String| texts.iter().flatten().any(|text| holds(text, part));
        let (user, key) = (record.user_id.as_deref(), record.key.as_deref());
        self.verdict.is_none_or(|verdict| record.verdict == verdict)
            && self.policy.is_none_or(|policy| has_part(record, policy))
            && self.rule.is_none_or(|rule| has_rule(record, rule))
            && self.target.is_none_or(|target| record.target.as_deref() == Some(target))
            && self.model.as_ref().is_none_or(|model| any(&[record.model.as_deref()], model))
            && self.user.as_ref().is_none_or(|part| any(&[user, key], part))
            && self.text.as_ref().is_none_or(|text| {
                let named = [
                    Some(record.id.as_str()),
                    Some(record.request_id.as_str()),
                    record.reason_code.as_deref(),
                    record.error.as_deref(),
                    record.endpoint.map(Endpoint::path),
                    Some(record.outcome.name()),
                    user,
                    key,
                ];
                any(&named, text) || record.tags.iter().any(|tag| holds(tag, text))
            })
    }
}

/// Whether the policy decided or had anything to say.
fn has_part(record: &Record, policy: &str) -> bool {
    let said = |result: &str| result != "allow" && result != "skipped";
    let mut policies = record.policies_evaluated.iter();
    record.policy.as_deref() == Some(policy)
        || policies.any(|of| of.name == policy && (said(of.result) || !of.findings.is_empty()))
}

/// Whether the rule decided or found anything.
fn has_rule(record: &Record, rule: &str) -> bool {
    let mut findings = record.policies_evaluated.iter().flat_map(|policy| &policy.findings);
    record.rule.as_deref() == Some(rule) || findings.any(|found| found.rule == rule)
}
