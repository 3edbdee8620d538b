//! What the engine decides: verdicts, findings, edits, and the report of a whole exchange.

use std::ops::Range;
use std::sync::Arc;

pub use grammar::Verdict;

use crate::claim::Claim;
use crate::input::Channel;

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// In the request text with that index of [`crate::input::Request::texts`].
    Request(usize),
    /// In a channel of the answer.
    Response(Channel),
}

/// A match that a rule acted on. It says where and what, never the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the policy.
    pub policy: Arc<str>,
    /// Name of the rule.
    pub rule: Arc<str>,
    /// Label of the pattern, such as `EMAIL`.
    pub label: Arc<str>,
    /// Which text.
    pub site: Site,
    /// The bytes of that text, as it arrived.
    pub range: Range<usize>,
}

impl Finding {
    /// Whether it lies within another of the same rule: with the same label, or with any when `replaced`, as long as it is
    /// shorter.
    pub(crate) fn is_part_of(&self, whole: &Finding, replaced: bool) -> bool {
        let within = whole.range.start <= self.range.start && self.range.end <= whole.range.end;
        let same = self.label == whole.label || (replaced && self.range != whole.range);
        within && same && self.rule == whole.rule && self.policy == whole.policy && self.site == whole.site
    }
}

/// A verdict and who reached it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The strongest verdict.
    pub verdict: Verdict,
    /// Name of the policy that reached it; absent for `allow`.
    pub policy: Option<Arc<str>>,
    /// Name of the rule.
    pub rule: Option<Arc<str>>,
    /// The rule's reason code, such as `pii.detected`.
    pub reason_code: Option<Arc<str>>,
    /// The rule's message, filled in. It quotes labels and scores, never text of the exchange.
    pub message: Option<String>,
    /// The rule's score, when its condition compares one.
    pub score: Option<f64>,
    /// How grave the rule's author calls it: `low`, `medium`, `high` or `critical`.
    pub severity: Option<Arc<str>>,
    /// The rule's tags, such as `owasp:llm01`.
    pub tags: Vec<Arc<str>>,
}

/// A replacement in one text of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Index into [`crate::input::Request::texts`].
    pub text: usize,
    /// Bytes to replace. Edits come sorted and never overlap.
    pub range: Range<usize>,
    /// What stands there instead.
    pub replacement: String,
}

/// The outcome of the request phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestStep {
    /// The decision on the request.
    pub decision: Decision,
    /// Replacements to make before the request goes on.
    pub edits: Vec<Edit>,
    /// The targets that the request may go to, as indices of [`crate::input::Request::targets`]; absent when no rule says
    /// anything of them. Never empty: without any target left the decision is a block.
    pub targets: Option<Vec<usize>>,
    /// What it takes of budgets, in the order of the rules. All must be met before the request goes on.
    pub claims: Vec<Claim>,
}

/// Whether more of an answer may flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a stopped channel must not be fed or forwarded any further"]
pub enum Flow {
    /// Go on.
    Open,
    /// A rule stopped the answer: nothing held back may leave any more.
    Stopped,
}

/// What one policy of the chain came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and its strongest verdict was this.
    Ran(Verdict),
    /// It did not run, since a policy before it stopped the exchange.
    Skipped,
    /// It could not run; its `on_error` decided.
    Failed,
}

impl Outcome {
    /// As written in reports and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ran(verdict) => verdict.name(),
            Outcome::Skipped => "skipped",
            Outcome::Failed => "error",
        }
    }
}

/// One policy's part in an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyReport {
    /// Name of the policy.
    pub name: Arc<str>,
    /// What it came to.
    pub outcome: Outcome,
    /// Time spent on its rules, in nanoseconds of the session's clock.
    pub nanos: u64,
    /// What it found, request first.
    pub findings: Vec<Finding>,
    /// The rules that narrowed the targets of the request.
    pub routed: Vec<Arc<str>>,
}

/// The account of a whole exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The strongest decision of both phases.
    pub decision: Decision,
    /// Every policy of the chain, in order.
    pub policies: Vec<PolicyReport>,
}
