//! `kt policy eval --metrics`: how often a chain is right, over labelled data.

mod count;
mod html;
mod interval;
mod json;
mod label;
mod spans;
mod text;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine::explain::{self, Measured};
use engine::verdict::{Finding, Site, Verdict};
use indicatif::ProgressBar;

use self::count::SetCounts;
use self::label::{Label, Labelled};
use self::spans::{Found, Labels};
use super::data::DataSet;
use super::lines::Line;
use crate::packs::Pack;

pub(super) use label::Speaker;

/// The most sets that are told apart: their names come from the data.
const MAX_SETS: usize = 1000;

/// What the data came to.
pub(super) struct Metrics {
    sets: BTreeMap<String, SetCounts>,
    all: SetCounts,
}

/// What is counted of one line.
struct Measure {
    set: Option<String>,
    caught: bool,
    label: Label,
    text: String,
    rules: Vec<Measured>,
    found: Vec<Found>,
}

impl Metrics {
    /// Judges labelled files on all cores. No line is kept.
    pub(super) fn of(
        inputs: &[String],
        pack: &Pack,
        speaker: Speaker,
        bar: impl Fn(Option<u64>) -> ProgressBar,
    ) -> Result<Self, String> {
        let labels = Labels::new(pack.program.stats().patterns.into_iter().map(|pattern| pattern.label));
        let mut sets: BTreeMap<String, SetCounts> = BTreeMap::new();
        for input in inputs {
            let stem =
                Path::new(input).file_stem().map_or(input.as_str().into(), |stem| stem.to_string_lossy());
            let mut data = DataSet::open(input, &bar)?;
            loop {
                let judged = data.judged(|line| (line.number, measure(pack, line, speaker)))?;
                if judged.is_empty() {
                    break;
                }
                for (number, measured) in judged {
                    let name = measured.as_ref().ok().and_then(|measured| measured.set.as_deref());
                    let name = name.unwrap_or(&*stem);
                    if !sets.contains_key(name) && sets.len() == MAX_SETS {
                        return Err(format!(
                            "the data name more than {MAX_SETS} sets; `{name}` is one too many"
                        ));
                    }
                    let set = sets.entry(name.to_owned()).or_default();
                    match measured {
                        Ok(measured) => add(set, measured, &labels),
                        Err(fault) => {
                            set.errors += 1;
                            set.first_error.get_or_insert_with(|| format!("{input}:{number}: {fault}"));
                        }
                    }
                }
            }
        }
        let mut all = SetCounts::default();
        sets.values().for_each(|set| all.merge(set));
        Ok(Self { sets, all })
    }

    /// How many lines could not be judged, and why the first could not.
    pub(super) fn errors(&self) -> (u64, Option<&str>) {
        (self.all.errors, self.all.first_error.as_deref())
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        text::text(self)
    }

    /// As one object.
    pub(super) fn json(&self) -> serde_json::Value {
        json::object(self)
    }

    /// As a page that needs nothing else.
    pub(super) fn html(&self) -> String {
        html::page(self)
    }
}

fn measure(pack: &Pack, line: &Line, speaker: Speaker) -> Result<Measure, String> {
    let labelled = Labelled::read(line, speaker)?;
    let last = labelled.exchange.texts()?.len().saturating_sub(1);
    let mut session = pack.watched();
    let played = labelled.exchange.play_in(&mut session, pack)?;
    let is_here = |site: Site| match site {
        Site::Request(text) => speaker != Speaker::Answer && text == last,
        Site::Response(_) => speaker == Speaker::Answer,
    };
    let findings = played.report.policies.iter().flat_map(|policy| &policy.findings);
    let found = findings
        .filter(|finding| is_here(finding.site))
        .map(|finding: &Finding| Found { range: finding.range.clone(), label: Arc::clone(&finding.label) });
    Ok(Measure {
        set: labelled.set,
        caught: played.decision.verdict != Verdict::Allow,
        label: labelled.label,
        text: labelled.text,
        rules: explain::measure(&pack.program, &session.tally()),
        found: found.collect(),
    })
}

fn add(set: &mut SetCounts, measured: Measure, labels: &Labels) {
    let should = match &measured.label {
        Label::Class(should) => *should,
        Label::Spans(gold) => {
            set.spans.add(&measured.text, gold, &measured.found, labels);
            return;
        }
    };
    set.lines.add(should, measured.caught);
    for rule in measured.rules {
        let counts = set.rules.entry((rule.policy, rule.rule)).or_default();
        counts.confusion.add(should, rule.held);
        if let Some(score) = rule.score {
            counts.scores.get_or_insert_default().add(should, score);
        }
    }
}
