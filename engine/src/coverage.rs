//! Coverage: which rules, conditions and patterns of rule files have been tried, and how they came out.

use std::collections::BTreeMap;
use std::sync::Arc;

use grammar::ast::{File, ItemKind, PatternBody, Phase};
use grammar::{SourceId, Span};

use crate::program::Program;
use crate::program::ir::DetectorId;
use crate::program::outline::{Clause, ClauseKind, Outline};
use crate::run::tally::{Seen, Tally};

/// What has been tried of one rule file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Rules by where their names stand: whether each has held.
    rules: BTreeMap<Place, (Arc<str>, bool)>,
    /// Conditions by where they stand: how each has come out.
    conditions: BTreeMap<Place, Seen>,
    /// Patterns by where their names stand: whether each has found anything.
    patterns: BTreeMap<Place, (Arc<str>, bool)>,
    source: SourceId,
}

/// First byte and one past the last.
type Place = (usize, usize);

/// What was never tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// A rule that has never held.
    Rule(Arc<str>),
    /// A condition that has never come out so.
    Condition(bool),
    /// A pattern that has never found anything.
    Pattern(Arc<str>),
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tried.
    pub tried: usize,
    /// All.
    pub all: usize,
}

impl Share {
    /// Hundredths, rounded down: 100 means all. Of nothing all is tried.
    pub fn percent(self) -> usize {
        (self.tried * 100).checked_div(self.all).unwrap_or(100)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Share) -> Share {
        Share { tried: self.tried + other.tried, all: self.all + other.all }
    }
}

impl Coverage {
    /// Nothing tried yet of a rule file.
    pub fn new(source: SourceId, file: &File) -> Self {
        let mut coverage = Self { source, ..Self::default() };
        for item in &file.items {
            match &item.kind {
                ItemKind::Rule(rule) => {
                    let name = Arc::from(rule.name.value.as_str());
                    coverage.rules.insert(place(rule.name.span), (name, false));
                }
                // What a set finds its members find.
                ItemKind::Pattern(pattern) if !matches!(pattern.body.value, PatternBody::AnyOf(_)) => {
                    let name = Arc::from(pattern.name.value.as_str());
                    coverage.patterns.insert(place(pattern.name.span), (name, false));
                }
                _ => {}
            }
        }
        coverage
    }

    /// The rule file.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// Adds what a watched session has seen.
    pub fn add(&mut self, program: &Program, tally: &Tally) {
        let own = |outline: &&Outline| outline.span.source == self.source;
        let outlines: Vec<&Outline> = program.outlines.iter().filter(own).collect();
        for outline in outlines {
            for phase in &outline.phases {
                self.rule(program, outline, *phase, tally);
            }
        }
        for (id, detector) in (0..).map(DetectorId).zip(&program.detectors) {
            let found =
                [Phase::Request, Phase::Response].into_iter().any(|phase| tally.of(phase).has_found(id));
            if found {
                self.found(&detector.name);
            }
        }
    }

    /// Adds what was seen of the same file elsewhere.
    pub fn absorb(&mut self, other: &Coverage) {
        for (place, (_, held)) in &other.rules {
            self.rules.entry(*place).and_modify(|(_, known)| *known |= held);
        }
        for (place, (_, found)) in &other.patterns {
            self.patterns.entry(*place).and_modify(|(_, known)| *known |= found);
        }
        for (place, seen) in &other.conditions {
            let known = self.conditions.entry(*place).or_default();
            *known = known.or(*seen);
        }
    }

    /// Adds that a pattern has found something.
    pub fn found(&mut self, name: &str) {
        self.patterns.values_mut().filter(|(of, _)| **of == *name).for_each(|(_, found)| *found = true);
    }

    fn rule(&mut self, program: &Program, outline: &Outline, phase: Phase, tally: &Tally) {
        let trace = tally.of(phase);
        let condition = outline.rule.and_then(|rule| program.rules.get(rule)).map(|rule| rule.condition);
        if let Some((_, held)) = self.rules.get_mut(&place(outline.span)) {
            *held |= condition.is_some_and(|condition| trace.truth_of(condition, program).yes);
        }
        let mut note = |clause: &Clause| self.note(clause, trace.seen(clause));
        outline.when.walk(&mut note);
        outline.unless.iter().for_each(|unless| unless.walk(&mut note));
        let scores = program.score_outlines.iter().filter(|score| score.policy == outline.policy);
        for condition in scores.flat_map(|score| &score.terms).filter_map(|(_, condition)| condition.as_ref())
        {
            condition.walk(&mut note);
        }
    }

    /// Conditions without conditions in them are what counts: the others follow from them.
    fn note(&mut self, clause: &Clause, seen: Seen) {
        let counts = matches!(clause.kind, ClauseKind::Test | ClauseKind::Each);
        if counts && clause.span.source == self.source {
            let known = self.conditions.entry(place(clause.span)).or_default();
            *known = known.or(seen);
        }
    }

    /// How many rules have held.
    pub fn rules(&self) -> Share {
        Share { tried: self.rules.values().filter(|(_, held)| *held).count(), all: self.rules.len() }
    }

    /// How many outcomes of conditions have come about; each has two.
    pub fn conditions(&self) -> Share {
        let tried = |seen: &Seen| usize::from(seen.yes) + usize::from(seen.no);
        Share { tried: self.conditions.values().map(tried).sum(), all: self.conditions.len() * 2 }
    }

    /// How many patterns have found something.
    pub fn patterns(&self) -> Share {
        Share { tried: self.patterns.values().filter(|(_, found)| *found).count(), all: self.patterns.len() }
    }

    /// What was never tried, in the order of the file.
    pub fn missed(&self) -> Vec<(Span, Missed)> {
        let mut missed = Vec::new();
        let span = |place: &Place| Span::new(self.source, place.0, place.1);
        for (at, (name, _)) in self.rules.iter().filter(|(_, (_, held))| !held) {
            missed.push((span(at), Missed::Rule(Arc::clone(name))));
        }
        for (at, seen) in &self.conditions {
            let never = [(true, seen.yes), (false, seen.no)].into_iter().filter(|(_, seen)| !seen);
            missed.extend(never.map(|(outcome, _)| (span(at), Missed::Condition(outcome))));
        }
        for (at, (name, _)) in self.patterns.iter().filter(|(_, (_, found))| !found) {
            missed.push((span(at), Missed::Pattern(Arc::clone(name))));
        }
        missed.sort_by_key(|(span, _)| (span.start, span.end));
        missed
    }
}

fn place(span: Span) -> Place {
    (span.start, span.end)
}

#[cfg(test)]
mod tests {
    use grammar::Sources;

    use super::*;
    use crate::Unit;

    struct Nothing;

    impl crate::Library for Nothing {
        fn library(&self, _: &str) -> Option<(String, String)> {
            None
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }

        fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
            Err(format!("no file `{path}`"))
        }
    }

    /// What is missed of a file, as `text: what`.
    fn missed(text: &str) -> (Coverage, Vec<String>) {
        let mut sources = Sources::new();
        let unit = Unit::of(sources.add("t.ktr", text));
        let mut results = Vec::new();
        let coverage = crate::case::cover(&unit, &Nothing, &mut sources, &mut |_| true, &mut |result| {
            results.push(result)
        });
        assert!(results.iter().all(crate::case::TestResult::passed), "{results:?}");
        let told = |(span, missed)| match missed {
            Missed::Rule(name) => format!("rule {name}"),
            Missed::Pattern(name) => format!("pattern {name}"),
            Missed::Condition(outcome) => format!("{}: never {outcome}", sources.text(span)),
        };
        let all = coverage.missed().into_iter().map(told).collect();
        (coverage, all)
    }

    #[test]
    fn what_no_test_has_tried_is_missed() {
        let (coverage, missed) = missed(
            r#"policy p
param old: bool = false
pattern a = words ["alpha"]
pattern b = words ["beta"]
rule one on request, response { when text has a and (stream or model == "x") do block }
rule two on request { when old and text has b do flag }
score s = sum { 0.5 if text has b } clamp 0.0..1.0
rule three on response { when s > 0.1 do flag }
test "1" { model "x" user "alpha" expect block }
test "2" { user "hello" expect allow }
"#,
        );
        assert_eq!(
            missed,
            [
                "pattern b",
                "stream: never true",
                "rule two",
                "old: never true",
                "text has b: never true",
                "text has b: never false",
                "text has b: never true",
                "text has b: never false",
                "rule three",
                "s > 0.1: never true",
                "s > 0.1: never false"
            ]
        );
        assert_eq!(coverage.rules(), Share { tried: 1, all: 3 });
        assert_eq!(coverage.patterns(), Share { tried: 1, all: 2 });
        assert_eq!(coverage.conditions().all, 14);
    }

    #[test]
    fn a_test_of_a_param_and_of_an_answer_counts() {
        let (coverage, missed) = missed(
            r#"policy p
param old: bool = false
pattern b = words ["beta"]
rule two on request, response { when old and text has b do redact }
test "1" { with old = true user "x" response "beta" expect redact }
test "2" { user "beta" expect allow }
test "3" { with old = true user "x" response "gamma" expect allow }
"#,
        );
        assert_eq!((missed, coverage.conditions().percent()), (Vec::new(), 100));
    }

    #[test]
    fn shares_round_down() {
        assert_eq!(Share { tried: 2, all: 3 }.plus(Share { tried: 0, all: 0 }).percent(), 66);
        assert_eq!(Share::default().percent(), 100);
    }
}
