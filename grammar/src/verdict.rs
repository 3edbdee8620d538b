//! Verdicts: the words for what happens to an exchange, the same in rules, test cases and reports.

/// What happens to an exchange; a later variant is stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nothing was found.
    #[default]
    Allow,
    /// Let through, and noted.
    Flag,
    /// Let through with parts replaced.
    Redact,
    /// Held back for a person to look at.
    Escalate,
    /// Held back.
    Block,
}

impl Verdict {
    /// As written in rule files, reports and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Flag => "flag",
            Verdict::Redact => "redact",
            Verdict::Escalate => "escalate",
            Verdict::Block => "block",
        }
    }

    /// Whether the exchange stops here.
    pub fn stops(self) -> bool {
        self >= Verdict::Escalate
    }
}

/// Every word for a verdict; `log` is another word for `flag`.
pub const WORDS: &[(&str, Verdict)] = &[
    ("block", Verdict::Block),
    ("escalate", Verdict::Escalate),
    ("redact", Verdict::Redact),
    ("flag", Verdict::Flag),
    ("log", Verdict::Flag),
    ("allow", Verdict::Allow),
];

/// The verdict that a word names.
pub fn named(word: &str) -> Option<Verdict> {
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, verdict)| *verdict)
}
