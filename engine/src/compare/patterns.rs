//! Patterns: what each says of itself, and what it finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{Facet, Finds, Moved, PatternChange, Presence, Reach};
use super::families::{Families, Family, Pair, Seen};
use super::finds::{self, Members};
use crate::matcher::words::WordList;
use crate::matcher::{Detector, Near};

/// The patterns of both programs.
pub(super) struct Patterns<'f, 'p> {
    pub(super) before: &'f Families<'p>,
    pub(super) after: &'f Families<'p>,
    /// What tests say.
    pub(super) hints: &'f [String],
    /// The rules that both programs have. A pattern that is new or gone together with its rules is told with them.
    pub(super) common: Option<BTreeSet<Arc<str>>>,
}

/// Families that are one pattern.
struct Both<'f, 'p> {
    before: Vec<&'f Family<'p>>,
    after: Vec<&'f Family<'p>>,
}

impl<'f, 'p> Patterns<'f, 'p> {
    /// What differs between the families of a pair; nothing where they are one and the same.
    pub(super) fn compare(&self, pair: &Pair) -> Option<PatternChange> {
        let of = |families: &'f Families<'p>, places: &[usize]| -> Vec<&'f Family<'p>> {
            places.iter().filter_map(|place| families.all.get(*place)).collect()
        };
        let both = Both { before: of(self.before, &pair.before), after: of(self.after, &pair.after) };
        let (old, new) = (both.members(true), both.members(false));
        let facets = facets(&old, &new);
        let first = both.after.first().or(both.before.first())?;
        let presence = match (old.is_empty(), new.is_empty()) {
            (true, _) => Presence::Added,
            (_, true) => Presence::Removed,
            (false, false) => Presence::Both,
        };
        let is_told = |rule: &Arc<str>| self.common.as_ref().is_none_or(|common| common.contains(rule));
        let is_told = match presence {
            Presence::Both => !facets.is_empty(),
            Presence::Added | Presence::Removed => both.rules().iter().any(is_told),
        };
        if !is_told {
            return None;
        }
        let (lost_words, gained_words) = words(&old, &new);
        let was = both.before.first().map(|family| called(family)).filter(|name| *name != called(first));
        Some(PatternChange {
            name: called(first),
            was: was.filter(|_| presence == Presence::Both),
            label: Arc::clone(&first.label),
            view: first.view.name(),
            presence,
            rules: both.rules(),
            facets: if presence == Presence::Both { facets } else { Vec::new() },
            lost_words,
            gained_words,
            finds: self.finds(presence, old, new),
        })
    }

    fn finds(&self, presence: Presence, before: Vec<&Seen<'p>>, after: Vec<&Seen<'p>>) -> Finds {
        let example = |members: &[&Seen<'p>]| match finds::example(members, self.hints) {
            Some(text) => Reach::Example(text),
            None => Reach::Open,
        };
        match presence {
            Presence::Both => finds::compare(&Members { before, after }, self.hints),
            Presence::Added => Finds { gained: example(&after), lost: Reach::Nothing, moved: Moved::Nothing },
            Presence::Removed => {
                Finds { gained: Reach::Nothing, lost: example(&before), moved: Moved::Nothing }
            }
        }
    }
}

impl<'f, 'p> Both<'f, 'p> {
    fn members(&self, is_before: bool) -> Vec<&'f Seen<'p>> {
        let families = if is_before { &self.before } else { &self.after };
        families.iter().flat_map(|family| &family.members).collect()
    }

    fn rules(&self) -> Vec<Arc<str>> {
        let all = self.before.iter().chain(&self.after).flat_map(|family| family.rules.iter().cloned());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What a family is called: by its name, or as it is written where it has none.
pub(super) fn called(family: &Family<'_>) -> Arc<str> {
    match family.members.first() {
        Some(seen) if is_on_the_spot(seen.detector) => Arc::from(written(seen.detector)),
        _ => Arc::clone(&family.name),
    }
}

/// Whether a pattern is written where it is looked for.
fn is_on_the_spot(detector: &Detector) -> bool {
    let phrase = detector.words.as_ref().is_some_and(|list| list.words == [&*detector.name]);
    &*detector.label == "MATCH" && detector.name == detector.source || &*detector.label == "PHRASE" && phrase
}

fn written(detector: &Detector) -> String {
    match &detector.words {
        Some(list) if list.words.len() == 1 => format!("{:?}", list.words.concat()),
        Some(list) => format!("{} words", list.words.len()),
        None => format!("/{}/{}", detector.source.replace('/', "\\/"), detector.flags),
    }
}

/// What the members of a pattern say of themselves, where it differs.
fn facets(old: &[&Seen<'_>], new: &[&Seen<'_>]) -> Vec<Facet> {
    let facet = |part, of: fn(&Detector) -> Option<String>| {
        let all = |members: &[&Seen<'_>]| -> Option<String> {
            let told: BTreeSet<String> = members.iter().filter_map(|seen| of(seen.detector)).collect();
            (!told.is_empty()).then(|| told.into_iter().collect::<Vec<_>>().join(" "))
        };
        Facet::of(part, all(old), all(new))
    };
    [
        facet("label", |detector| Some(detector.label.to_string())),
        facet("written", |detector| detector.words.is_none().then(|| written(detector))),
        facet("words written", |detector| detector.words.as_ref().map(|list| format!("{:?}", list.words))),
        facet("letters that may differ", |detector| {
            detector.words.as_ref().map(|list| list.edits.to_string())
        }),
        facet("checks", checks),
        facet("near", near),
        facet("captured group", |detector| detector.captured().map(str::to_owned)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn checks(detector: &Detector) -> Option<String> {
    let mut names: Vec<String> = detector.checks().collect();
    names.sort_unstable();
    (!names.is_empty()).then(|| names.join(" and "))
}

fn near(detector: &Detector) -> Option<String> {
    let one = |near: &Near| format!("/{}/{} within {}", near.source, near.flags, near.reach);
    let mut all: Vec<String> = detector.near.iter().map(one).collect();
    all.sort_unstable();
    (!all.is_empty()).then(|| all.join(" and "))
}

/// Words that only one side looks for, whatever their case and their spaces. Of one that is no list nothing is told.
fn words(old: &[&Seen<'_>], new: &[&Seen<'_>]) -> (Vec<String>, Vec<String>) {
    let lists = |members: &[&Seen<'_>]| -> Vec<String> {
        let all = members.iter().filter_map(|seen| seen.detector.words.as_ref());
        all.flat_map(|list: &WordList| list.words.clone()).collect()
    };
    let (old, new) = (lists(old), lists(new));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let known: BTreeSet<String> = those.iter().map(|word| plain(word)).collect();
        let mut told = BTreeSet::new();
        let is_only = |word: &&String| !known.contains(&plain(word)) && told.insert(plain(word));
        these.iter().filter(is_only).cloned().collect()
    };
    (only(&old, &new), only(&new, &old))
}

fn plain(word: &str) -> String {
    word.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
