//! Rules: which are new, gone, renamed or switched, and what of the others differs.

use std::sync::Arc;

use grammar::Span;

use super::changes::{ClauseChange, ConditionChange, Excerpt, Facet, Fate, RuleChange};
use super::conditions;
use super::joint::{Joint, Taken};
use super::wording::{Names, Wording};
use super::{Side, Two};
use crate::program::marker::{Marker, Shape};
use crate::program::outline::Outline;
use crate::program::{Effect, Piece, Rule};

/// A rule of one side: as written, and as compiled unless its params switch it off.
#[derive(Clone, Copy)]
struct Seen<'a> {
    outline: &'a Outline,
    rule: Option<&'a Rule>,
}

/// Compares the rules of one policy.
pub(super) struct Rules<'a, 'p> {
    pub(super) sides: Two<&'a Side<'p>>,
    pub(super) names: Two<&'a Names>,
    pub(super) taken: Two<Taken<'p>>,
    pub(super) joint: Joint,
}

impl<'a, 'p> Rules<'a, 'p> {
    /// The rules that differ: in the order of the policy as it was, new ones last.
    pub(super) fn compare(&mut self, before: usize, after: usize) -> Vec<RuleChange> {
        let (old, new) = (rules(self.sides.before, before), rules(self.sides.after, after));
        let named =
            |all: &[Seen<'a>], name: &Arc<str>| all.iter().copied().find(|seen| seen.outline.name == *name);
        let mut found = Vec::new();
        let mut gone = Vec::new();
        for was in &old {
            match named(&new, &was.outline.name) {
                Some(is) => found.extend(self.both(*was, is)),
                None => gone.push(*was),
            }
        }
        let mut fresh: Vec<Seen<'a>> =
            new.iter().copied().filter(|is| named(&old, &is.outline.name).is_none()).collect();
        for was in gone {
            let same = |is: &Seen<'a>| self.is_renamed(was, *is);
            let (fate, facets, condition) = match fresh.iter().position(same) {
                Some(at) => {
                    let is = fresh.remove(at);
                    let name = |seen: Seen<'_>| Some(seen.outline.name.to_string());
                    let mut facets: Vec<Facet> = Facet::of("name", name(was), name(is)).into_iter().collect();
                    facets.extend(self.facets(was.rule, is.rule));
                    (Fate::Renamed, facets, None)
                }
                None if was.rule.is_some() => (Fate::Removed, self.facets(was.rule, None), None),
                None => continue,
            };
            found.push(RuleChange { name: Arc::clone(&was.outline.name), fate, facets, condition });
        }
        for is in fresh.into_iter().filter(|is| is.rule.is_some()) {
            let facets = self.facets(None, is.rule);
            let name = Arc::clone(&is.outline.name);
            found.push(RuleChange { name, fate: Fate::Added, facets, condition: None });
        }
        found
    }

    /// A rule that both have.
    fn both(&mut self, was: Seen<'_>, is: Seen<'_>) -> Option<RuleChange> {
        let name = Arc::clone(&is.outline.name);
        let (fate, condition) = match (was.rule, is.rule) {
            (None, None) => return None,
            (Some(_), None) => (Fate::SwitchedOff, None),
            (None, Some(_)) => (Fate::SwitchedOn, None),
            (Some(old), Some(new)) => (Fate::Changed, self.condition(old, new, was.outline, is.outline)),
        };
        let mut facets = if fate == Fate::Changed { self.facets(was.rule, is.rule) } else { Vec::new() };
        if condition.is_some() {
            facets.retain(|facet| facet.part != "score");
        }
        let differs = fate != Fate::Changed || condition.is_some() || !facets.is_empty();
        differs.then_some(RuleChange { name, fate, facets, condition })
    }

    /// Whether two rules of different names ask the same and do the same.
    fn is_renamed(&mut self, was: Seen<'_>, is: Seen<'_>) -> bool {
        let (Some(old), Some(new)) = (was.rule, is.rule) else { return false };
        let conditions = self.conditions(old, new);
        let does = |facet: &Facet| matches!(facet.part, "on" | "do");
        conditions.before == conditions.after && !self.facets(was.rule, is.rule).iter().any(does)
    }

    fn conditions(&mut self, old: &Rule, new: &Rule) -> Two<crate::program::ir::NodeId> {
        Two {
            before: self.joint.take(&mut self.taken.before, old.condition),
            after: self.joint.take(&mut self.taken.after, new.condition),
        }
    }

    fn condition(&mut self, old: &Rule, new: &Rule, was: &Outline, is: &Outline) -> Option<ConditionChange> {
        let conditions = self.conditions(old, new);
        if conditions.before == conditions.after {
            return None;
        }
        let words = [self.names.before, self.names.after].map(|names| Wording { joint: &self.joint, names });
        let parts = conditions::compare(&self.joint, conditions.before, conditions.after, words);
        let clause = |part, was: Option<Span>, is: Option<Span>| {
            let before = was.map(|span| excerpt(self.sides.before, span));
            let after = is.map(|span| excerpt(self.sides.after, span));
            let text = |excerpt: &Option<Excerpt>| excerpt.as_ref().map(|excerpt| words_of(&excerpt.text));
            (text(&before) != text(&after)).then_some(ClauseChange { part, before, after })
        };
        let span = |outline: &Outline| outline.unless.as_ref().map(|clause| clause.span);
        let clauses =
            [clause("unless", span(was), span(is)), clause("when", Some(was.when.span), Some(is.when.span))];
        Some(ConditionChange {
            lost: parts.lost,
            gained: parts.gained,
            clauses: clauses.into_iter().flatten().collect(),
        })
    }

    /// What rules say beside their conditions, where it differs.
    fn facets(&mut self, was: Option<&Rule>, is: Option<&Rule>) -> Vec<Facet> {
        let old = was.map(|rule| self.sayings(rule, true)).unwrap_or_default();
        let new = is.map(|rule| self.sayings(rule, false)).unwrap_or_default();
        // A condition is compared part by part, and the score that is reported follows from it.
        let apart: &[&str] = if was.is_some() && is.is_some() { &["when"] } else { &["score"] };
        let told = PARTS.into_iter().filter(|part| !apart.contains(part));
        told.filter_map(|part| {
            let of = |said: &[Saying]| said.iter().find(|saying| saying.part == part).cloned();
            let (old, new) = (of(&old), of(&new));
            let key = |saying: &Option<Saying>| saying.as_ref().map(|saying| saying.key.clone());
            let differs = key(&old) != key(&new);
            differs.then(|| Facet { part, before: old.map(|old| old.text), after: new.map(|new| new.text) })
        })
        .collect()
    }

    /// What a rule says, part by part.
    fn sayings(&mut self, rule: &Rule, is_before: bool) -> Vec<Saying> {
        let (side, names, taken) = if is_before {
            (self.sides.before, self.names.before, &mut self.taken.before)
        } else {
            (self.sides.after, self.names.after, &mut self.taken.after)
        };
        let mut node = |id| {
            let id = self.joint.take(taken, id);
            (format!("n{}", id.0), Wording { joint: &self.joint, names }.of(id))
        };
        let (when_key, when) = node(rule.condition);
        let (do_key, action) = match &rule.effect {
            Some(Effect::To(globs)) => same(format!("route to {globs:?}")),
            Some(Effect::Exclude(condition)) => {
                let (key, condition) = node(*condition);
                (key, format!("exclude target x where {condition}"))
            }
            Some(Effect::Reserve(reserve)) => {
                let head = format!("reserve {} within ", reserve.meter.name());
                let (mut key, mut text) = (head.clone(), head);
                let mut part = |before: &str, id| {
                    let (own, said) = node(id);
                    (key, text) = (format!("{key}{before}{own}"), format!("{text}{before}{said}"));
                };
                part("", reserve.limit);
                for (index, id) in reserve.whose.iter().enumerate() {
                    part(if index == 0 { " for " } else { ", " }, *id);
                }
                if let Some(assuming) = reserve.assuming {
                    part(" assuming ", assuming);
                }
                let window = reserve.window.name();
                (format!("{key} per {window}"), format!("{text} per {window}"))
            }
            None => same(rule.verdict.name().to_owned()),
        };
        let (mut message_key, mut message) = (String::new(), String::new());
        for piece in &rule.message {
            let (key, text) = match piece {
                Piece::Text(text) => same(text.to_string()),
                Piece::Labels => same("{labels}".to_owned()),
                Piece::Phase => same("{phase}".to_owned()),
                Piece::Node(id) => {
                    let (key, text) = node(*id);
                    (format!("{{{key}}}"), format!("{{{text}}}"))
                }
            };
            message_key += &key;
            message += &text;
        }
        let mut said = vec![
            Saying::plain("on", phases(side, rule)),
            Saying { part: "when", key: when_key, text: when },
            Saying { part: "do", key: do_key, text: action },
            Saying::plain("code", rule.code.to_string()),
        ];
        said.extend((!message.is_empty()).then_some(Saying {
            part: "message",
            key: message_key,
            text: message,
        }));
        said.extend(rule.severity.as_ref().map(|severity| Saying::plain("severity", severity.to_string())));
        said.extend((rule.marker != Marker::default()).then(|| Saying::plain("with", marker(&rule.marker))));
        said.extend(rule.score.map(|score| {
            let (key, text) = node(score);
            Saying { part: "score", key, text }
        }));
        let mut tags: Vec<&str> = rule.tags.iter().map(|tag| &**tag).collect();
        tags.sort_unstable();
        said.extend((!tags.is_empty()).then(|| Saying::plain("tags", tags.join(", "))));
        said
    }
}

/// The parts of a rule, in the order in which they are told.
const PARTS: [&str; 9] = ["on", "when", "do", "with", "code", "message", "severity", "tags", "score"];

/// What a rule says in one of its parts.
#[derive(Clone, Debug)]
struct Saying {
    part: &'static str,
    /// What it means: the same for both where they mean the same, whatever they call it.
    key: String,
    /// For people.
    text: String,
}

impl Saying {
    fn plain(part: &'static str, text: String) -> Self {
        Self { part, key: text.clone(), text }
    }
}

/// A text that is its own meaning.
fn same(text: String) -> (String, String) {
    (text.clone(), text)
}

/// The rules of a policy, as written.
fn rules<'a>(side: &Side<'a>, policy: usize) -> Vec<Seen<'a>> {
    let program = side.program;
    let of_policy = program.outlines.iter().filter(|outline| outline.policy == policy);
    of_policy
        .map(|outline| Seen { outline, rule: outline.rule.and_then(|rule| program.rules.get(rule)) })
        .collect()
}

/// The names of a policy's rules that can hold, in order.
pub(super) fn order(side: &Side<'_>, policy: usize) -> Vec<Arc<str>> {
    let can_hold = rules(side, policy).into_iter().filter(|seen| seen.rule.is_some());
    can_hold.map(|seen| Arc::clone(&seen.outline.name)).collect()
}

fn phases(side: &Side<'_>, rule: &Rule) -> String {
    let mut names: Vec<&str> = rule.phases.iter().map(|phase| phase.name()).collect();
    names.sort_unstable();
    let index = side.program.rules.iter().position(|known| std::ptr::eq(known, rule));
    let buffered = index.is_some_and(|index| side.program.buffered.contains(&index));
    format!("{}{}", names.join(", "), if buffered { " buffered" } else { "" })
}

fn marker(marker: &Marker) -> String {
    let mut text = match &marker.shape {
        Shape::Label => "the label".to_owned(),
        Shape::Asterisks => "asterisks".to_owned(),
        Shape::Partial => "all but the end in asterisks".to_owned(),
        Shape::Fixed(words) => format!("{words:?}"),
    };
    if marker.preserve_length {
        text.push_str(", as long as before");
    }
    for (label, marker) in &marker.custom {
        text.push_str(&format!(", {label} as {marker:?}"));
    }
    text
}

fn excerpt(side: &Side<'_>, span: Span) -> Excerpt {
    let place = side.sources.place(span);
    Excerpt { file: place.file, line: place.line, text: side.sources.text(span).to_owned() }
}

/// A text whatever its white space.
fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
