//! One line of the audit log: what was decided and why, never what was said.

use engine::verdict::{Finding, Report, Site};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::Endpoint;

use super::chain::Hash;
use super::event::canonical_number;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client got the whole answer.
    Complete,
    /// A rule stopped the request or the answer.
    Blocked,
    /// The request was no good.
    Refused,
    /// The provider or the gateway failed.
    Failed,
    /// The client went away first.
    ClientDisconnect,
}

impl Outcome {
    /// As written in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::Blocked => "blocked",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::ClientDisconnect => "client_disconnect",
        }
    }
}

/// A word of the log's own.
type Word = &'static str;

/// All of them.
const WORDS: &[Word] =
    &["allow", "block", "decision", "error", "escalate", "estimate", "flag", "provider", "redact", "skipped"];

/// A record of one request. Its fields stand in the order of their names, as canonical JSON has them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are the log's own words; the book explains them")]
pub struct Record {
    pub attempts: Vec<Attempt>,
    pub config_hash: String,
    pub config_version: String,
    #[serde(serialize_with = "canonical")]
    pub cost_usd: Option<f64>,
    #[serde(serialize_with = "path", deserialize_with = "of_path")]
    pub endpoint: Option<Endpoint>,
    pub error: Option<String>,
    #[serde(deserialize_with = "known")]
    pub event_type: Word,
    pub id: String,
    pub input_tokens: Option<u64>,
    pub key: Option<String>,
    pub latency_ms: u64,
    pub model: Option<String>,
    pub outcome: Outcome,
    pub output_tokens: Option<u64>,
    pub policies_evaluated: Vec<Evaluated>,
    pub policy: Option<String>,
    pub prev_hash: Hash,
    pub provider: Option<String>,
    pub reason_code: Option<String>,
    pub request_id: String,
    pub rule: Option<String>,
    pub seq: u64,
    pub severity: Option<String>,
    pub status: u16,
    pub stream: bool,
    pub tags: Vec<String>,
    pub target: Option<String>,
    pub timestamp: String,
    pub trace_id: Option<String>,
    #[serde(deserialize_with = "known_or_none")]
    pub usage_source: Option<Word>,
    pub user_id: Option<String>,
    #[serde(deserialize_with = "known")]
    pub verdict: Word,
}

fn canonical<S: serde::Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.and_then(canonical_number).serialize(serializer)
}

/// A target that was asked, and what it failed with, if it did.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are the log's own words; the book explains them")]
pub struct Attempt {
    pub failure: Option<String>,
    pub target: String,
}

/// One policy's part.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are the log's own words; the book explains them")]
pub struct Evaluated {
    pub findings: Vec<Found>,
    pub latency_us: u64,
    pub name: String,
    #[serde(deserialize_with = "known")]
    pub result: Word,
}

/// One finding: where and what, never the text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are the log's own words; the book explains them")]
pub struct Found {
    pub end: usize,
    pub label: String,
    pub rule: String,
    pub site: String,
    pub start: usize,
}

impl Record {
    /// Takes over what the session decided.
    pub(crate) fn judge(&mut self, report: &Report) {
        let decision = &report.decision;
        let endpoint = self.endpoint.unwrap_or(Endpoint::Chat);
        self.verdict = decision.verdict.name();
        self.reason_code = decision.reason_code.as_deref().map(str::to_owned);
        self.policy = decision.policy.as_deref().map(str::to_owned);
        self.rule = decision.rule.as_deref().map(str::to_owned);
        self.severity = decision.severity.as_deref().map(str::to_owned);
        self.tags = decision.tags.iter().map(|tag| tag.to_string()).collect();
        let evaluated = report.policies.iter().map(|policy| Evaluated {
            name: policy.name.to_string(),
            result: policy.outcome.name(),
            latency_us: policy.nanos / 1_000,
            findings: policy.findings.iter().map(|finding| Found::of(endpoint, finding)).collect(),
        });
        self.policies_evaluated = evaluated.collect();
    }
}

impl Found {
    fn of(endpoint: Endpoint, finding: &Finding) -> Self {
        Self {
            rule: finding.rule.to_string(),
            label: finding.label.to_string(),
            site: place(endpoint, finding.site),
            start: finding.range.start,
            end: finding.range.end,
        }
    }
}

fn place(endpoint: Endpoint, site: Site) -> String {
    match site {
        Site::Request(text) => format!("request.texts[{text}]"),
        Site::Response(channel) => endpoint.site(channel),
    }
}

fn path<S: Serializer>(endpoint: &Option<Endpoint>, serializer: S) -> Result<S::Ok, S::Error> {
    endpoint.map(Endpoint::path).serialize(serializer)
}

fn of_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Endpoint>, D::Error> {
    let Some(path) = <Option<&str>>::deserialize(deserializer)? else { return Ok(None) };
    let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == path);
    endpoint.map(Some).ok_or_else(|| D::Error::custom("no endpoint"))
}

fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    known_or_none(deserializer)?.ok_or_else(|| D::Error::custom("no word"))
}

fn known_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Word>, D::Error> {
    let Some(word) = <Option<&str>>::deserialize(deserializer)? else { return Ok(None) };
    let known = WORDS.iter().find(|known| **known == word).copied();
    known.map(Some).ok_or_else(|| D::Error::custom("an unknown word"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::input::Channel;
    use engine::verdict::Outcome as Came;
    use grammar::Verdict;

    #[test]
    fn every_word_that_is_written_can_be_read() {
        let ran = [Verdict::Allow, Verdict::Flag, Verdict::Redact, Verdict::Escalate, Verdict::Block];
        let outcomes = ran.map(Came::Ran).into_iter().chain([Came::Skipped, Came::Failed]);
        for word in outcomes.map(Came::name).chain(["decision", "provider", "estimate"]) {
            assert!(WORDS.contains(&word), "{word}");
        }
    }

    #[test]
    fn a_finding_says_where_and_what() {
        let site = Site::Response(Channel::content(1));
        let finding =
            Finding { policy: "p".into(), rule: "r".into(), label: "EMAIL".into(), site, range: 3..9 };
        let text = serde_json::to_string(&Found::of(Endpoint::Chat, &finding)).unwrap();
        assert_eq!(
            text,
            r#"{"end":9,"label":"EMAIL","rule":"r","site":"response.choices[1].content","start":3}"#
        );
        assert_eq!(place(Endpoint::Chat, Site::Request(2)), "request.texts[2]");
    }
}
