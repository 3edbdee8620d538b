//! A data set judged by both sides: which lines come to something else, and in what way.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use engine::verdict::{Decision, Finding, Verdict};
use serde_json::Value;

use crate::cli::policy::data::DataSet;
use crate::cli::policy::lines::Line;
use crate::packs::Pack;
use crate::rehearsal::exchange::{Exchange, Played};

/// The most lines of one kind that are kept, so that a large data set does not fill the memory.
const MAX_KEPT: usize = 10_000;

/// What a data set comes to otherwise.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// How many lines there were.
    pub(super) lines: usize,
    /// How many neither side could judge.
    pub(super) errors: usize,
    /// By kind of change, the lines; the commonest kind first.
    pub(super) groups: Vec<Group>,
}

/// Lines that change in the same way.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: Kind,
    /// How many there are.
    pub(super) count: usize,
    /// The first of them.
    pub(super) lines: Vec<Place>,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its number.
    pub(super) line: usize,
    /// Its id, when it states one.
    pub(super) id: Option<Value>,
}

/// A way in which a line changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// What it came to.
    pub(super) before: Outcome,
    /// What it comes to.
    pub(super) after: Outcome,
    /// What differs where both come to the same: the reason code, the output.
    pub(super) other: Option<&'static str>,
}

/// What a line came to on one side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    /// The verdict; absent where it could not be judged.
    pub(super) verdict: Option<Verdict>,
    /// Policy and rule that decided.
    pub(super) by: Option<String>,
    /// The reason code.
    pub(super) reason_code: Option<String>,
}

/// A line that was judged by both.
struct Judged {
    place: Place,
    failed: bool,
    kind: Option<Kind>,
}

impl Differences {
    /// Whether every line comes to what it came to.
    pub(super) fn are_none(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many lines come to something else.
    pub(super) fn count(&self) -> usize {
        self.groups.iter().map(|group| group.count).sum()
    }

    /// How many lines come to a stronger verdict, and how many to a weaker one.
    pub(super) fn directions(&self) -> (usize, usize) {
        let of = |way: Ordering| -> usize {
            let groups = self.groups.iter().filter(|group| group.kind.direction() == Some(way));
            groups.map(|group| group.count).sum()
        };
        (of(Ordering::Greater), of(Ordering::Less))
    }
}

impl Kind {
    /// Whether the verdict is stronger or weaker than it was; unknown where one side could not judge.
    fn direction(&self) -> Option<Ordering> {
        Some(self.after.verdict?.cmp(&self.before.verdict?))
    }
}

impl Outcome {
    /// The verdict in a word.
    pub(super) fn name(&self) -> &'static str {
        self.verdict.map_or("error", Verdict::name)
    }
}

/// Judges every line with both.
pub(super) fn compare(data: &mut DataSet, before: &Pack, after: &Pack) -> Result<Differences, String> {
    let mut found = Differences::default();
    let mut groups: BTreeMap<Kind, (usize, Vec<Place>)> = BTreeMap::new();
    loop {
        let batch = data.judged(|line| judge(line, before, after))?;
        if batch.is_empty() {
            break;
        }
        for judged in batch {
            found.lines += 1;
            found.errors += usize::from(judged.failed);
            if let Some(kind) = judged.kind {
                let (count, lines) = groups.entry(kind).or_default();
                *count += 1;
                if lines.len() < MAX_KEPT {
                    lines.push(judged.place);
                }
            }
        }
    }
    found.groups = groups.into_iter().map(|(kind, (count, lines))| Group { kind, count, lines }).collect();
    found.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(found)
}

fn judge(line: &Line, before: &Pack, after: &Pack) -> Judged {
    let mut id = Value::Null;
    // Both see the same moment: the clock is read once.
    let exchange = Exchange::of_line(line.bytes.as_deref(), &mut id);
    let play = |pack: &Pack| exchange.clone().and_then(|exchange| exchange.play(pack));
    let (was, is) = (play(before), play(after));
    let place = Place { line: line.number, id: (!id.is_null()).then_some(id) };
    Judged { place, failed: was.is_err() && is.is_err(), kind: kind(&was, &is) }
}

/// How two outcomes differ, if they do.
fn kind(was: &Result<Played, String>, is: &Result<Played, String>) -> Option<Kind> {
    let (before, after) = (outcome(was), outcome(is));
    let other = match (was, is) {
        (Ok(was), Ok(is)) if (before.verdict, &before.by) == (after.verdict, &after.by) => {
            Some(difference(was, is)?)
        }
        (Err(_), Err(_)) => return None,
        _ => None,
    };
    Some(Kind { before, after, other })
}

fn outcome(played: &Result<Played, String>) -> Outcome {
    match played {
        Ok(played) => Outcome {
            verdict: Some(played.decision.verdict),
            by: by(&played.decision),
            reason_code: played.decision.reason_code.as_deref().map(str::to_owned),
        },
        Err(_) => Outcome { verdict: None, by: None, reason_code: None },
    }
}

fn by(decision: &Decision) -> Option<String> {
    let policy = decision.policy.as_deref()?;
    Some(decision.rule.as_deref().map_or_else(|| policy.to_owned(), |rule| format!("{policy}.{rule}")))
}

/// What differs between two that the same rule decided in the same way, the weightiest first.
fn difference(was: &Played, is: &Played) -> Option<&'static str> {
    let found = |played: &Played| -> Vec<Finding> {
        played.report.policies.iter().flat_map(|policy| policy.findings.clone()).collect()
    };
    let routed = |played: &Played| -> Vec<_> {
        played.report.policies.iter().flat_map(|policy| policy.routed.clone()).collect()
    };
    if was.decision.reason_code != is.decision.reason_code {
        Some("another reason code")
    } else if was.output != is.output {
        Some("another output")
    } else if was.decision.message != is.decision.message {
        Some("another message")
    } else if routed(was) != routed(is) {
        Some("narrowed by other rules")
    } else if found(was) != found(is) {
        Some("other findings")
    } else {
        None
    }
}
