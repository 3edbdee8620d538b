//! The words of the language by the place where they may stand, each with a sentence.

/// A word and what it does.
pub(super) type Word = (&'static str, &'static str);

/// What an item begins with.
pub(super) const ITEMS: &[Word] = &[
    ("policy", "names this file as a policy"),
    ("library", "names this file as a library of patterns"),
    ("version", "the version, for people and reports"),
    ("use", "takes patterns from a library or another file"),
    ("param", "an argument that the configuration sets"),
    ("pattern", "something to look for"),
    ("let", "a name for an expression"),
    ("fn", "an expression with arguments"),
    ("score", "a weighted sum"),
    ("script", "a function in rhai"),
    ("rule", "what to look for, and what to do about it"),
    ("test", "an example that must hold"),
];

/// What a line of a rule begins with.
pub(super) const CLAUSES: &[Word] = &[
    ("when", "the condition"),
    ("do", "the verdict"),
    ("do route to", "the targets that the request may go to, by name"),
    ("do exclude target", "the targets that it may not go to, by a condition"),
    ("do reserve", "what the request takes of a budget: `do reserve cost within $5 per day for key.name`"),
    ("code", "the reason code; `<policy>.<rule>` without it"),
    ("message", "a sentence for people; `{name}` is filled in"),
    ("severity", "low, medium, high or critical; for the audit record"),
    ("tags", "strings for reports"),
];

/// What a line of a test begins with.
pub(super) const TEST_LINES: &[Word] = &[
    ("with", "sets a param, or says what a redaction leaves behind"),
    ("given", "what stands around the request, as in `given now = \"2026-05-04T22:10:00Z\"`"),
    ("spent", "what the budget of a rule has been taken before: `spent daily = $4.99`"),
    ("target", "a target that the request could go to"),
    ("header", "a request header"),
    ("model", "the model that the client asked for"),
    ("user", "a message of the user"),
    ("request", "the request; in a test a message of the user"),
    ("system", "a message of the system"),
    ("assistant", "an earlier answer"),
    ("tool", "the result of a tool"),
    ("response", "the answer"),
    ("call", "a tool call in the answer: `call \"send_email\" \"{…}\"`, its function and its arguments"),
    ("expect", "what must come of it"),
    ("todo expect", "what is known not to come of it yet: passes while it fails"),
];

/// What may follow `expect` beside a verdict and a pattern.
pub(super) const EXPECTATIONS: &[Word] = &[
    ("text", "what gets through"),
    ("arguments", "what gets through of the arguments of a tool call"),
    ("targets", "the targets that the request may still go to"),
    ("reserved", "the rules that take something of their budgets"),
    ("held <=", "the most bytes of the answer that may ever wait"),
    ("no", "what a pattern must not find"),
];

/// What a rule comes to, from the strongest.
pub(super) const VERDICTS: &[Word] = &[
    ("block", "stops the exchange"),
    ("escalate", "stops the exchange, for a person to look at"),
    ("redact", "replaces what was found and goes on"),
    ("flag", "goes on, and the audit record says so"),
    ("allow", "nothing was found"),
];

/// Where rules run.
pub(super) const PHASES: &[Word] =
    &[("request", "before the request goes on"), ("response", "while the answer comes back")];

/// How grave a rule is.
pub(super) const SEVERITIES: &[Word] =
    &[("low", "hardly"), ("medium", "somewhat"), ("high", "grave"), ("critical", "the gravest")];

/// The types of params.
pub(super) const TYPES: &[Word] = &[
    ("bool", "`true` or `false`"),
    ("int", "whole numbers, as in `int in 1..10`"),
    ("float", "numbers, as in `float in 0.0..1.0`"),
    ("string", "text"),
    ("regex", "a regular expression"),
    ("enum", "one of some words"),
    ("map", "strings to strings"),
];

/// What a pattern is made of, and its clauses.
pub(super) const PATTERNS: &[Word] = &[
    ("words", "whole words and phrases, in any case"),
    ("any of", "any of some patterns"),
    ("label", "how findings and markers call it"),
    ("where", "what a match must pass: validators, and `has /…/` or `not has /…/`"),
    ("capture", "the group of the expression that is what is found"),
    ("buffered", "the rule waits for the whole answer, which is held until then"),
    ("near", "what must stand near a match: `near /\\bpatient\\b/i within 40`"),
    ("within", "how many characters away it may stand"),
    ("fuzzy", "how many letters may differ"),
    ("except", "words that are taken out of a list"),
];

/// What may stand after `where` besides validators.
pub(super) const CHECKS: &[Word] = &[
    ("has", "what must match in what was found: `has /\\d/`"),
    ("not has", "what must not match in what was found: `not has /example/i`"),
    ("match has", "what must match in the whole match, and not in the captured group alone"),
    ("not match has", "what must not match in the whole match"),
];

/// What may stand after `not` there.
pub(super) const DENIED: &[Word] = &[
    ("has", "what must not match in what was found"),
    ("match has", "what must not match in the whole match"),
];

/// What expressions are made of.
pub(super) const EXPRESSIONS: &[Word] = &[
    ("has", "whether a pattern occurs in a text"),
    ("and", "both"),
    ("or", "at least one"),
    ("not", "the opposite"),
    ("in", "whether a list holds it"),
    ("is present", "whether an optional has a value"),
    ("is absent", "whether an optional has none"),
    ("contains", "whether a string holds another, byte by byte"),
    ("starts with", "whether a string begins with another"),
    ("ends with", "whether a string ends with another"),
    ("matches", "whether a regular expression finds something, or a glob fits"),
    ("if", "`if c then a else b`: one of two values"),
    ("match", "`match x { a => 1  else => 2 }`: a value for every choice"),
    ("then", "the value when the condition holds"),
    ("else", "the value when it does not"),
    ("any", "`any x in list: …`: whether it holds for some element"),
    ("all", "`all x in list: …`: whether it holds for every element"),
    ("count", "`count(x in list: …)`: for how many elements it holds"),
    ("true", "yes"),
    ("false", "no"),
];

/// Words that belong to one construct and need no completion of their own.
const OTHERS: &[Word] = &[
    ("on", "the phases in which a rule runs"),
    ("unless", "when the rule does not apply"),
    ("alias", "other YAML keys for the same param"),
    ("clamp", "the range in which a sum is kept"),
    ("sum", "adds up the terms whose conditions hold"),
    ("log", "another word for `flag`"),
    ("by", "the rule that must have reached the verdict"),
    ("is", "asks whether an optional is `present` or `absent`"),
];

/// The sentence on a word.
pub(super) fn doc(word: &str) -> Option<&'static str> {
    let all = [
        ITEMS,
        CLAUSES,
        TEST_LINES,
        EXPECTATIONS,
        VERDICTS,
        PHASES,
        SEVERITIES,
        TYPES,
        PATTERNS,
        EXPRESSIONS,
        OTHERS,
    ];
    let first = |known: &str| known.split(' ').next() == Some(word);
    all.into_iter().flatten().find(|(known, _)| first(known)).map(|(_, doc)| *doc)
}
