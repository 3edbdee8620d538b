//! Texts that may tell two patterns apart: words, what tests say, ways through automata, and variations of these.

use std::collections::BTreeSet;

use super::families::Seen;
use super::finds::{Known, Members};
use crate::matcher::inclusion;
use crate::matcher::walk::{Letters, Seeker};
use crate::matcher::{Inner, Near, example, regex};
use regex_syntax::hir::Hir;

/// How many variations are tried where checks or neighbours decide: enough for check digits, and a little more.
const TRIES: usize = 40_000;
/// How many texts are found by wandering where a group decides which part is found.
const WANDERINGS: usize = 64;
/// How many texts are put together of ways and of what is asked of matches.
const MAX_OVERLAID: usize = 4096;
/// The longest text of a test that is asked about.
const MAX_HINT: usize = 400;

/// Texts to ask about.
pub(super) struct Candidates {
    /// As they are.
    pub(super) texts: Vec<String>,
    /// How many variations are worth a try.
    pub(super) tries: usize,
    /// Those of the texts that are varied: ways through the expressions.
    ways: Vec<String>,
    letters: Option<Letters>,
    /// What has to stand near, an example of each.
    near: Vec<String>,
    /// The same, as far away as it may be, where that differs.
    far: Vec<String>,
}

/// The candidates for two patterns.
pub(super) fn gather(members: &Members<'_, '_>, known: &Known, hints: &[String]) -> Candidates {
    let all = || members.before.iter().chain(&members.after);
    let extents = &known.extents;
    let mut ways: Vec<String> = Vec::new();
    for found in [&known.gained, &known.lost, &extents.only_second, &extents.only_first, &extents.different] {
        ways.extend(found.texts.iter().cloned());
    }
    let has_groups = all().any(|member| member.detector.captured().is_some());
    // Where the expressions match the same, what they ask of their matches makes the difference.
    if ways.is_empty() || has_groups {
        ways.extend(all().filter_map(|member| member.hir.as_ref()).flat_map(examples));
    }
    if has_groups {
        ways.extend(wandering(known));
    }
    ways.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    ways.dedup();
    let words = all().filter_map(|member| member.detector.words.as_ref()).flat_map(|list| &list.words);
    let short = hints.iter().filter(|hint| hint.len() <= MAX_HINT);
    let asked: Vec<String> = all().flat_map(|member| asked(member)).collect();
    let overlaid: Vec<String> = overlaid(&ways, &asked).take(MAX_OVERLAID).collect();
    let mut near: Vec<String> = all().flat_map(|member| nearby(member)).collect();
    near.sort();
    near.dedup();
    let reaches: BTreeSet<usize> =
        all().flat_map(|member| &member.detector.near).map(|near| near.reach).collect();
    let far = match reaches.len() {
        0 | 1 => Vec::new(),
        _ => near.iter().flat_map(|near| reaches.iter().map(|reach| at_reach(near, *reach))).collect(),
    };
    let depends = all().any(|member| member.detector.has_conditions());
    let mut candidates = Candidates {
        texts: words.chain(short).chain(&ways).chain(&asked).chain(&overlaid).cloned().collect(),
        tries: if depends { TRIES } else { 0 },
        letters: known.seekers.as_ref().map(|(one, other)| Letters::new(one, other)),
        ways,
        near,
        far,
    };
    for (before, after) in candidates.surroundings().into_iter().skip(1) {
        let within = candidates.ways.iter().map(|way| format!("{before}{way}{after}"));
        let within: Vec<String> = within.collect();
        candidates.texts.extend(within);
    }
    candidates
}

/// Texts that either expression matches, one way or another.
fn wandering(known: &Known) -> Vec<String> {
    let Some((before, after)) = &known.seekers else { return Vec::new() };
    let letters = Letters::new(before, after);
    let mut found = Vec::new();
    for (seed, seeker) in (0..WANDERINGS).flat_map(|seed| [(seed, before), (seed, after)]) {
        let mut random = Random::new(seed);
        found.extend(seeker.wander(&letters, &mut |ways| random.below(ways).unwrap_or_default()));
    }
    found
}

impl Candidates {
    /// What may stand around a text: nothing first, then what has to be near, alone and all of it.
    pub(super) fn surroundings(&self) -> Vec<(String, &'static str)> {
        let mut all = vec![(String::new(), "")];
        all.extend(self.near.iter().map(|near| (format!("{near} "), "")));
        all.extend(self.far.iter().map(|far| (far.clone(), "")));
        if self.near.len() > 1 {
            all.push((format!("{} ", self.near.join(" ")), ""));
        }
        all
    }

    /// The variation of that number: one of the ways, each character another that neither expression tells from it.
    pub(super) fn varied(&self, number: usize) -> Option<String> {
        let letters = self.letters.as_ref()?;
        let way = self.ways.get(number.checked_rem(self.ways.len())?)?;
        let mut random = Random::new(number);
        Some(way.chars().map(|letter| other(letters, letter, &mut random)).collect())
    }
}

fn other(letters: &Letters, letter: char, random: &mut Random) -> char {
    let Ok(byte) = u8::try_from(letter) else { return letter };
    if !byte.is_ascii() {
        return letter;
    }
    let alike: Vec<u8> = letters.alike(byte).collect();
    let at = random.below(alike.len());
    at.and_then(|at| alike.get(at)).map_or(letter, |byte| char::from(*byte))
}

/// Texts that an expression matches, one of each length.
fn examples(hir: &Hir) -> Vec<String> {
    const MOST: usize = 24;
    let both = Seeker::new(hir).zip(Seeker::new(&Hir::fail()));
    both.map_or(Vec::new(), |(seeker, nothing)| inclusion::ways(&seeker, &nothing, MOST).texts)
}

/// An example of each thing that has to stand near a pattern.
fn nearby(member: &Seen<'_>) -> Vec<String> {
    let view = member.detector.view.folding();
    let example = |near: &Near| {
        let hir = regex::compile(&near.source, &near.flags, view).ok()?;
        examples(&hir).into_iter().next()
    };
    member.detector.near.iter().filter_map(example).collect()
}

/// Examples of what must match inside of a pattern's matches, or must not.
fn asked(member: &Seen<'_>) -> Vec<String> {
    let view = member.detector.view.folding();
    let examples = |inner: &Inner| {
        let hir = regex::compile(&inner.source, &inner.flags, view).ok();
        hir.map(|hir| example::examples(&hir)).into_iter().flatten()
    };
    member.detector.inner.iter().flat_map(examples).collect()
}

/// Each way with each of the texts in it, at every place: in place of what stands there, and between it.
fn overlaid<'a>(ways: &'a [String], texts: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let one = |way: &'a String, text: &'a String| {
        way.char_indices().flat_map(move |(at, _)| {
            let (before, after) = way.split_at_checked(at).unwrap_or_default();
            let rest = after.get(text.len()..);
            let over = rest.map(|rest| format!("{before}{text}{rest}"));
            over.into_iter().chain([format!("{before}{text}{after}")])
        })
    };
    ways.iter().flat_map(move |way| texts.iter().flat_map(move |text| one(way, text)))
}

/// A text, and after it as many spaces as make it so many characters.
fn at_reach(text: &str, reach: usize) -> String {
    format!("{text:<reach$}")
}

/// Numbers that look like chance and are the same every time.
struct Random(u64);

impl Random {
    fn new(seed: usize) -> Self {
        Self((seed as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below a bound.
    fn below(&mut self, bound: usize) -> Option<usize> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).ok()?.checked_rem(bound)
    }
}
