//! An explanation as people read it.

use std::fmt::Write as _;
use std::ops::Range;

use engine::explain::{Account, Line, Outcome, Part};
use engine::program::outline::ClauseKind;
use engine::value::Value;
use engine::verdict::Site;
use grammar::ast::Phase;
use grammar::{Sources, Span};

use crate::cli::Terminal;
use crate::rehearsal::played::Played;

/// How many characters of a clause are shown on its line.
const SHOWN: usize = 96;

/// The whole explanation. In full every clause of every rule is told; else those of rules that held, and of the others
/// what they failed for.
pub(super) fn text(played: &Played, sources: &Sources, in_full: bool, terminal: &Terminal) -> String {
    let mut out = format!("{}\n", decision(played));
    let mut heading = None;
    for account in &played.accounts {
        if heading != Some((account.phase, &account.policy)) {
            heading = Some((account.phase, &account.policy));
            let _ = writeln!(out, "\n{} on the {}", account.policy, account.phase.name());
        }
        rule(account, sources, in_full, terminal, &mut out);
    }
    if !played.reserved.is_empty() {
        out.push_str("\nreserved before the request is sent\n");
    }
    for reserved in &played.reserved {
        let (policy, rule) = (reserved.claim.policy(), reserved.claim.rule());
        let _ = writeln!(out, "  {policy}.{rule}: {}", reserved.sentence());
    }
    findings(played, terminal, &mut out);
    if let Some(output) = &played.output {
        let what =
            if played.said.is_empty() { "the last text as it is sent" } else { "the answer as it is sent" };
        let _ = writeln!(
            out,
            "\n{what}\n  {}",
            output.escape_debug().to_string().replace("\\n", "\n  ").replace("\\\"", "\"")
        );
    }
    costs(played, &mut out);
    out
}

/// The first line: what came of it all, and why.
fn decision(played: &Played) -> String {
    let decision = &played.decision;
    let mut line = decision.verdict.name().to_owned();
    if let (Some(policy), Some(rule)) = (&decision.policy, &decision.rule) {
        let _ = write!(line, " by {policy}.{rule}");
    }
    if let Some(code) = &decision.reason_code {
        let _ = write!(line, " ({code})");
    }
    if let Some(message) = &decision.message {
        let _ = write!(line, ": {message}");
    }
    line
}

fn rule(account: &Account, sources: &Sources, in_full: bool, terminal: &Terminal, out: &mut String) {
    let place = sources.place(account.span);
    let verdict = match account.outcome {
        Outcome::Held(verdict) => terminal.bad(verdict.name()),
        Outcome::DidNot => "no".to_owned(),
        Outcome::NotAsked => "not asked".to_owned(),
        Outcome::Off => "switched off by its params".to_owned(),
    };
    let _ = writeln!(out, "  {}: {verdict}    {}:{}", account.rule, place.file, place.line);
    match account.outcome {
        _ if in_full => account.lines.iter().for_each(|line| clause(line, sources, line.depth, out)),
        Outcome::Held(_) => reasons(&account.lines).for_each(|line| clause(line, sources, line.depth, out)),
        Outcome::DidNot => failed(&account.lines, |line, depth| clause(line, sources, depth, out)),
        Outcome::NotAsked | Outcome::Off => {}
    }
}

/// Of a rule that held: all but clauses that were not asked, terms of scores that did not count, and what is in them.
fn reasons(lines: &[Line]) -> impl Iterator<Item = &Line> {
    let mut hidden = usize::MAX;
    lines.iter().filter(move |line| {
        if line.depth > hidden {
            return false;
        }
        hidden = if counts(line) { usize::MAX } else { line.depth };
        hidden == usize::MAX
    })
}

/// Of a rule that did not hold: the clauses that it failed for, each with the values that it compares.
fn failed(lines: &[Line], mut tell: impl FnMut(&Line, usize)) {
    let mut deciding = None;
    for line in lines {
        if line.decides {
            deciding = Some(line.depth);
            tell(line, 0);
        } else if deciding.is_some_and(|depth| line.depth == depth + 1) && line.kind == ClauseKind::Value {
            tell(line, 1);
        } else if deciding.is_some_and(|depth| line.depth <= depth) {
            deciding = None;
        }
    }
}

/// Whether a clause says something of why a rule held.
fn counts(line: &Line) -> bool {
    let held = line.value.as_ref().and_then(Value::as_bool) != Some(false);
    line.value.is_some() && (held || !matches!(line.part, Part::Term(_)))
}

fn clause(line: &Line, sources: &Sources, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 2);
    let sign = match (&line.value, line.kind) {
        (None, _) => "  -".to_owned(),
        (Some(Value::Bool(true)), _) => "yes".to_owned(),
        (Some(Value::Bool(false)), _) => " no".to_owned(),
        (Some(value), _) => format!("  = {}", shown(value)),
    };
    let part = match &line.part {
        Part::Unless if line.depth == 0 => "unless ".to_owned(),
        Part::Term(Some(weight)) if line.kind != ClauseKind::Value => format!("{weight:+} if "),
        Part::When | Part::Unless | Part::Term(_) => String::new(),
    };
    let found =
        if line.found.is_empty() { String::new() } else { format!("    found {}", line.found.join(", ")) };
    let _ = writeln!(out, "{indent}{sign}  {part}{}{found}", excerpt(line.span, sources));
    for gram in &line.weighed {
        let _ = writeln!(out, "{indent}       {:+.2} {:?}", gram.adds, gram.text);
    }
}

/// A value on a line; what is long is cut.
fn shown(value: &Value) -> String {
    match value {
        Value::Absent => "absent".to_owned(),
        other => cut(&other.to_string()),
    }
}

/// What was written, on one line.
fn excerpt(span: Span, sources: &Sources) -> String {
    cut(&sources.text(span).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn findings(played: &Played, terminal: &Terminal, out: &mut String) {
    let findings = played.findings();
    let mut sites: Vec<Site> = findings.iter().map(|finding| finding.site).collect();
    sites.dedup();
    for site in sites {
        let (name, text) = played.text(site);
        let of_site = findings.iter().filter(|finding| finding.site == site);
        let marks: Vec<(Range<usize>, String)> = of_site
            .map(|finding| {
                (finding.range.clone(), format!("{} by {}.{}", finding.label, finding.policy, finding.rule))
            })
            .collect();
        let _ = writeln!(out, "\n{}", grammar::render::marked(&name, text, &marks, terminal.out_colours()));
    }
}

fn costs(played: &Played, out: &mut String) {
    out.push('\n');
    for (phase, cost) in &played.costs {
        let phase = match phase {
            Phase::Request => "request",
            Phase::Response => "answer",
        };
        let (nodes, texts, bytes) = (cost.nodes, cost.texts, cost.bytes);
        let texts = format!("{texts} text{}", if texts == 1 { "" } else { "s" });
        let nodes = format!("{nodes} node{}", if nodes == 1 { "" } else { "s" });
        let _ = writeln!(out, "{phase}: {nodes} evaluated, {texts} of {bytes} bytes");
        for (name, calls, operations) in &cost.scripts {
            let calls = format!("{calls} call{}", if *calls == 1 { "" } else { "s" });
            let _ = writeln!(out, "  script {name}: {calls}, {operations} operations");
        }
    }
    let Some(held) = &played.held else { return };
    let by =
        held.by.as_ref().map_or("a rule that waits for the whole answer".to_owned(), |by| format!("`{by}`"));
    let _ = writeln!(out, "held back: at most {} bytes, by {by}: {:?}", held.bytes, cut(&held.text));
}
