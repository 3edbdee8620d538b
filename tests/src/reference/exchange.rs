//! A whole exchange: which rules hold, and what is left of the texts.

use std::collections::BTreeSet;
use std::ops::Range;

use engine::verdict::Verdict;
use grammar::ast::{self, ExprKind, File, ItemKind, Rule};

use super::evaluate::{Meaning, Phase, Reader, Sought};
use super::evidence::{Found, said};
use super::json::{JsonText, Spot};
use super::text::Said;
use super::world::World;

/// What an exchange comes to.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict on the request.
    pub request: Verdict,
    /// Name of the rule that reached it.
    pub by: Option<String>,
    /// What each rule found in the request: rule, label, text, bytes.
    pub found: BTreeSet<(String, String, usize, usize, usize)>,
    /// The parts of each request text to replace, and the markers that may stand there.
    pub edits: Vec<(usize, Range<usize>, BTreeSet<String>)>,
    /// The verdicts of the rules that hold once the whole answer is known.
    pub answer: BTreeSet<Verdict>,
    /// The answer, redacted: what stays, and what is replaced.
    pub redacted: Vec<Piece>,
}

/// A piece of a redacted text.
#[derive(Debug)]
pub enum Piece {
    /// Text that stays.
    Kept(String),
    /// One of these markers.
    Marked(BTreeSet<String>),
}

/// Judges a request, and the answer to it, by the rules of a file. The answer may be JSON text.
pub fn judge(file: &File, world: &World, answer: &str, is_json: bool) -> Outcome {
    let answer = Said { text: answer, is_json };
    let meaning = Meaning::of(file);
    let request = world.request();
    let rules: Vec<&Rule> = file
        .items
        .iter()
        .filter_map(|item| if let ItemKind::Rule(rule) = &item.kind { Some(&**rule) } else { None })
        .collect();
    let mut outcome = Outcome {
        request: Verdict::Allow,
        by: None,
        found: BTreeSet::new(),
        edits: Vec::new(),
        answer: BTreeSet::new(),
        redacted: Vec::new(),
    };
    let mut wishes = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| runs(rule, ast::Phase::Request)) {
        let mut reader = Reader::new(&meaning, &request, Phase::Request);
        if !holds(&mut reader, rule) {
            continue;
        }
        let mut found = Vec::new();
        evidence(&mut reader, rule, &mut found);
        let name = &rule.name.value;
        let told = |one: &&Found| !found.iter().any(|other| within(one, other, verdict(rule)));
        outcome.found.extend(found.iter().filter(told).map(|Found { text, range, label, .. }| {
            (name.clone(), label.clone(), *text, range.start, range.end)
        }));
        if verdict(rule) == Verdict::Redact {
            let of = |found: &Found| said(&request.texts[found.text]);
            wishes.extend(found.iter().flat_map(|found| wishes_of(index, found, of(found))));
        }
        if verdict(rule) > outcome.request {
            (outcome.request, outcome.by) = (verdict(rule), Some(name.clone()));
        }
    }
    outcome.edits = joined(wishes);
    let mut cuts = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| runs(rule, ast::Phase::Response)) {
        let mut reader = Reader::new(&meaning, &request, Phase::Answer(answer, None, &world.answered));
        if holds(&mut reader, rule) {
            outcome.answer.insert(verdict(rule));
            if rule.buffered.is_some() && verdict(rule) == Verdict::Redact {
                let mut found = Vec::new();
                evidence(&mut reader, rule, &mut found);
                cuts.extend(found.iter().flat_map(|found| wishes_of(index, found, answer)));
            }
        }
        if rule.buffered.is_none() && verdict(rule) == Verdict::Redact {
            let mut watched = Vec::new();
            reader.watched(rule.when.as_ref().expect("a condition"), &mut watched);
            cuts.extend(watched.iter().flat_map(|sought| {
                decided(&meaning, (&request, &world.answered), rule, answer, sought, index)
            }));
        }
    }
    outcome.redacted = pieces(answer.text, joined(cuts));
    outcome
}

/// Whether a finding is a shorter part of another of its rule, and the same thing: by its label, or since all of it is
/// replaced.
fn within(one: &Found, other: &Found, verdict: Verdict) -> bool {
    let part = other.range.start <= one.range.start && one.range.end <= other.range.end;
    let same = one.label == other.label || verdict == Verdict::Redact;
    one.text == other.text && part && one.range != other.range && same
}

/// The matches of one pattern that decide a rule by themselves.
fn decided<'a>(
    meaning: &'a Meaning<'a>,
    (request, called): (&'a engine::input::Request<'a>, &'a [String]),
    rule: &'a Rule,
    answer: Said<'a>,
    sought: &'a Sought,
    index: usize,
) -> Vec<Wish> {
    if !holds(&mut Reader::new(meaning, request, Phase::Answer(answer, Some(sought), called)), rule) {
        return Vec::new();
    }
    let (label, look) = (&sought.finder.label, sought.look);
    let found = sought.finder.find(answer, look).into_iter();
    let found = found.map(|range| Found { text: 0, range, label: label.clone(), look });
    found.flat_map(|found| wishes_of(index, &found, answer)).collect()
}

/// A part of a text that a rule wants to replace, and the marker that it wants to stand there.
struct Wish {
    rule: usize,
    text: usize,
    range: Range<usize>,
    marker: String,
}

/// What a rule wants to replace of a match.
fn wishes_of(rule: usize, found: &Found, said: Said<'_>) -> Vec<Wish> {
    let cuts = if said.reads_json(found.look) {
        JsonText::of(said.text).cuts(&found.range)
    } else {
        vec![(found.range.clone(), Spot::Plain)]
    };
    let wish = |(range, spot): (Range<usize>, Spot)| {
        let marker = spot.written(&format!("[{}]", found.label));
        Wish { rule, text: found.text, range, marker }
    };
    cuts.into_iter().map(wish).collect()
}

fn runs(rule: &Rule, phase: ast::Phase) -> bool {
    rule.phases.iter().any(|of| of.value == phase)
}

fn holds<'a>(reader: &mut Reader<'a>, rule: &'a Rule) -> bool {
    let spared = rule.unless.as_ref().is_some_and(|unless| reader.value(unless).truth());
    !spared && reader.value(rule.when.as_ref().expect("a condition")).truth()
}

/// What made a rule hold.
fn evidence<'a>(reader: &mut Reader<'a>, rule: &'a Rule, found: &mut Vec<Found>) {
    reader.evidence(rule.when.as_ref().expect("a condition"), true, found);
    rule.unless.iter().for_each(|unless| reader.evidence(unless, false, found));
}

fn verdict(rule: &Rule) -> Verdict {
    let action = rule.action.as_ref().expect("an action");
    let ExprKind::Path(words) = &action.verdict.kind else { panic!("a verdict is a word") };
    match words[0].value.as_str() {
        "block" => Verdict::Block,
        "escalate" => Verdict::Escalate,
        "redact" => Verdict::Redact,
        "flag" => Verdict::Flag,
        other => panic!("generated policies do not `{other}`"),
    }
}

/// Overlapping parts as one, marked as the first of the rules among them would.
fn joined(mut wishes: Vec<Wish>) -> Vec<(usize, Range<usize>, BTreeSet<String>)> {
    wishes.sort_by_key(|wish| (wish.text, wish.range.start, wish.rule));
    let mut all: Vec<(usize, Range<usize>, usize, BTreeSet<String>)> = Vec::new();
    for Wish { rule, text, range, marker } in wishes {
        match all.last_mut() {
            Some((same, last, first, markers)) if *same == text && range.start < last.end => {
                last.end = last.end.max(range.end);
                if rule < *first {
                    (*first, *markers) = (rule, BTreeSet::from([marker]));
                } else if rule == *first {
                    markers.insert(marker);
                }
            }
            _ => all.push((text, range, rule, BTreeSet::from([marker]))),
        }
    }
    all.into_iter().map(|(text, range, _, markers)| (text, range, markers)).collect()
}

fn pieces(text: &str, cuts: Vec<(usize, Range<usize>, BTreeSet<String>)>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for (_, range, markers) in cuts {
        pieces.push(Piece::Kept(text[at..range.start].to_owned()));
        pieces.push(Piece::Marked(markers));
        at = range.end;
    }
    pieces.push(Piece::Kept(text[at..].to_owned()));
    pieces
}

impl Outcome {
    /// Every marker that may be left behind.
    pub fn markers(&self) -> impl Iterator<Item = &String> {
        let edits = self.edits.iter().map(|(_, _, markers)| markers);
        let pieces = self.redacted.iter().filter_map(|piece| match piece {
            Piece::Marked(markers) => Some(markers),
            Piece::Kept(_) => None,
        });
        edits.chain(pieces).flatten()
    }

    /// Whether `out` is the redacted answer, or with `part` a beginning of it.
    pub fn is_answer(&self, mut out: &str, part: bool) -> bool {
        for piece in &self.redacted {
            if out.is_empty() && part {
                return true;
            }
            let rest = match piece {
                Piece::Kept(text) if part && text.starts_with(out) => return true,
                Piece::Kept(text) => out.strip_prefix(text.as_str()),
                Piece::Marked(markers) => markers.iter().find_map(|marker| out.strip_prefix(marker.as_str())),
            };
            match rest {
                Some(rest) => out = rest,
                None => return false,
            }
        }
        out.is_empty()
    }
}
