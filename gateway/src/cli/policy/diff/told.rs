//! A comparison as people read it.

use std::fmt::Write as _;
use std::sync::Arc;

use engine::compare::changes::{
    Changed, ClauseChange, ConditionChange, Facet, Fate, ParamChange, PolicyChange, Presence, RuleChange,
};
use similar::{ChangeTag, TextDiff};

use super::data::{Differences, Group, Outcome, Place};
use super::{Comparison, json, patterns};
use crate::cli::Terminal;
use crate::cli::policy::table::{Column, table};

/// Writes with the colours of a terminal, where there is one.
pub(super) struct Teller<'t> {
    pub(super) terminal: &'t Terminal,
    pub(super) out: String,
}

/// The whole comparison. Of each kind of change in the data so many lines are named.
pub(super) fn text(compared: &Comparison, show: usize, terminal: &Terminal) -> String {
    let mut teller = Teller { terminal, out: String::new() };
    let changes = &compared.changes;
    if let Some(order) = &changes.order {
        teller.line(0, &format!("the chain has another order: {}", from_to(&arrows(order))));
        teller.blank();
    }
    for (at, policy) in changes.policies.iter().enumerate() {
        teller.policy(policy);
        // Those that are new or gone take a line each, with none between them.
        let is_told = |next: Option<&PolicyChange>| next.is_none_or(|next| next.presence == Presence::Both);
        if policy.presence == Presence::Both || is_told(changes.policies.get(at + 1)) {
            teller.blank();
        }
    }
    if !changes.patterns.is_empty() {
        teller.line(0, "patterns");
        changes.patterns.iter().for_each(|pattern| patterns::tell(pattern, &mut teller));
        teller.blank();
    }
    if let Some(data) = &compared.data {
        teller.data(data, show);
        teller.blank();
    }
    let end = match changes.count() {
        0 if !compared.is_same() => {
            "no change in the policies, and the data comes to something else".to_owned()
        }
        0 => "no change in behaviour".to_owned(),
        1 => "1 change in behaviour".to_owned(),
        count => format!("{count} changes in behaviour"),
    };
    teller.line(0, &end);
    teller.out
}

/// Two orders, each as one line.
fn arrows(order: &Changed<Vec<Arc<str>>>) -> (String, String) {
    (order.before.join(", "), order.after.join(", "))
}

fn from_to((before, after): &(String, String)) -> String {
    format!("{before} -> {after}")
}

impl Teller<'_> {
    pub(super) fn line(&mut self, depth: usize, text: &str) {
        let indent = depth * 2;
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// What stands before something new, gone, changed, or only written otherwise.
    pub(super) fn sign(&self, presence: Presence) -> String {
        match presence {
            Presence::Added => self.terminal.good("+"),
            Presence::Removed => self.terminal.bad("-"),
            Presence::Both => "~".to_owned(),
        }
    }

    /// A line that is gone.
    pub(super) fn lost(&mut self, depth: usize, text: &str) {
        let line = self.terminal.bad(&format!("- {text}"));
        self.line(depth, &line);
    }

    /// A line that is new.
    pub(super) fn gained(&mut self, depth: usize, text: &str) {
        let line = self.terminal.good(&format!("+ {text}"));
        self.line(depth, &line);
    }

    fn policy(&mut self, policy: &PolicyChange) {
        match policy.presence {
            Presence::Added => return self.gained(0, &format!("policy {}", policy.name)),
            Presence::Removed => return self.lost(0, &format!("policy {}", policy.name)),
            Presence::Both => self.line(0, &format!("policy {}", policy.name)),
        }
        if let Some(changed) = &policy.on_error {
            let (before, after) = (json::on_error(changed.before), json::on_error(changed.after));
            self.line(1, &format!("~ on_error: {before} -> {after}"));
        }
        policy.params.iter().for_each(|param| self.param(param));
        if let Some(order) = &policy.order {
            self.line(1, &format!("~ order of the rules: {}", from_to(&arrows(order))));
        }
        policy.rules.iter().for_each(|rule| self.rule(rule));
        for score in &policy.scores {
            self.line(1, &format!("~ score {}, asked by {}", score.name, score.rules.join(", ")));
            score.clamp.iter().for_each(|clamp| self.facet(2, clamp));
            score.lost.iter().for_each(|term| self.lost(2, term));
            score.gained.iter().for_each(|term| self.gained(2, term));
        }
        for script in &policy.scripts {
            let users = script.rules.join(", ");
            self.line(1, &format!("~ script {}, called by {users}", script.name));
            self.line(2, "reads otherwise; what it computes was not compared");
        }
    }

    fn param(&mut self, param: &ParamChange) {
        let sign = self.sign(param.presence);
        self.line(1, &format!("{sign} param {}", param.name));
        param.facets.iter().for_each(|facet| self.facet(2, facet));
    }

    fn rule(&mut self, rule: &RuleChange) {
        let (presence, note) = match rule.fate {
            Fate::Added => (Presence::Added, ""),
            Fate::Removed => (Presence::Removed, ""),
            Fate::SwitchedOn => (Presence::Added, ": no longer switched off by its params"),
            Fate::SwitchedOff => (Presence::Removed, ": its params switch it off"),
            Fate::Renamed => (Presence::Both, ": has another name"),
            Fate::Changed => (Presence::Both, ""),
        };
        let sign = self.sign(presence);
        self.line(1, &format!("{sign} rule {}{note}", rule.name));
        rule.facets.iter().for_each(|facet| self.facet(2, facet));
        if let Some(condition) = &rule.condition {
            self.condition(condition);
        }
    }

    /// One line: what was and what is.
    pub(super) fn facet(&mut self, depth: usize, facet: &Facet) {
        let text = match (&facet.before, &facet.after) {
            (Some(before), Some(after)) => format!("{}: {before} -> {after}", facet.part),
            (None, Some(after)) => format!("{}: {after}", facet.part),
            (Some(before), None) => format!("{}: {before}", facet.part),
            (None, None) => return,
        };
        self.line(depth, &text);
    }

    fn condition(&mut self, condition: &ConditionChange) {
        self.line(2, "condition");
        condition.lost.iter().for_each(|part| self.lost(3, part));
        condition.gained.iter().for_each(|part| self.gained(3, part));
        if condition.clauses.is_empty() {
            self.line(3, "it is written as it was; what it names has changed");
        }
        condition.clauses.iter().for_each(|clause| self.clause(clause));
    }

    /// What was written and what is, line by line.
    fn clause(&mut self, clause: &ClauseChange) {
        let place = |excerpt: &Option<_>| -> Option<String> {
            let excerpt: &engine::compare::changes::Excerpt = excerpt.as_ref()?;
            Some(format!("{}:{}", excerpt.file, excerpt.line))
        };
        let places: Vec<String> =
            [place(&clause.before), place(&clause.after)].into_iter().flatten().collect();
        self.line(2, &format!("{}  {}", clause.part, places.join(" -> ")));
        let text = |excerpt: &Option<engine::compare::changes::Excerpt>| {
            let lines = excerpt.iter().flat_map(|excerpt| excerpt.text.lines());
            lines.map(|line| format!("{}\n", line.trim())).collect::<String>()
        };
        let (before, after) = (text(&clause.before), text(&clause.after));
        for change in TextDiff::from_lines(&before, &after).iter_all_changes() {
            let line = change.value().trim_end();
            match change.tag() {
                ChangeTag::Delete => self.lost(3, line),
                ChangeTag::Insert => self.gained(3, line),
                ChangeTag::Equal => self.line(3, &format!("  {line}")),
            }
        }
    }

    fn data(&mut self, data: &Differences, show: usize) {
        let (lines, changed) = (data.lines, data.count());
        let come = if changed == 1 { "comes" } else { "come" };
        let directions = match data.directions() {
            (0, 0) => String::new(),
            (stronger, 0) => format!(", {stronger} to a stronger verdict"),
            (0, weaker) => format!(", {weaker} to a weaker verdict"),
            (stronger, weaker) => format!(", {stronger} to a stronger verdict and {weaker} to a weaker one"),
        };
        self.line(0, &format!("data: of {lines} lines {changed} {come} to something else{directions}"));
        let rows: Vec<Vec<String>> = data.groups.iter().map(|group| row(group, show)).collect();
        for line in table(&[Column::Numbers, Column::Words, Column::Words], &rows).lines() {
            self.line(1, line);
        }
        if data.errors > 0 {
            let lines = if data.errors == 1 { "line" } else { "lines" };
            self.line(1, &format!("{} {lines} could not be judged by either", data.errors));
        }
    }
}

fn row(group: &Group, show: usize) -> Vec<String> {
    let (before, after) = (outcome(&group.kind.before), outcome(&group.kind.after));
    let codes = (&group.kind.before.reason_code, &group.kind.after.reason_code);
    let what = match (group.kind.other, codes) {
        (None, _) => format!("{before} -> {after}"),
        (Some(_), (Some(old), Some(new))) if old != new => {
            format!("{after}: reason code {old} -> {new}")
        }
        (Some(other), _) => format!("{after}: {other}"),
    };
    vec![group.count.to_string(), what, places(group, show)]
}

fn outcome(outcome: &Outcome) -> String {
    match &outcome.by {
        Some(by) => format!("{} by {by}", outcome.name()),
        None => outcome.name().to_owned(),
    }
}

fn places(group: &Group, show: usize) -> String {
    let place = |place: &Place| match &place.id {
        Some(id) => format!("{} ({id})", place.line),
        None => place.line.to_string(),
    };
    let mut shown: Vec<String> = group.lines.iter().take(show).map(place).collect();
    if shown.is_empty() {
        return String::new();
    }
    if group.count > shown.len() {
        shown.push("…".to_owned());
    }
    format!("line{} {}", if group.count == 1 { "" } else { "s" }, shown.join(", "))
}
