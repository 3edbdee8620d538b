//! How what two patterns find differs: proofs from their automata, and texts that both were asked about.

use std::ops::Range;

use base64::Engine as _;
use regex_syntax::hir::Hir;

use super::candidates::{self, Candidates};
use super::changes::{Finds, Moved, Reach};
use super::families::Seen;
use crate::matcher::extent::{self, Extents};
use crate::matcher::inclusion::{self, Ways};
use crate::matcher::walk::Seeker;
use crate::matcher::{View, decode, view};

/// How many texts of a kind are taken from each walk.
const MAX_TEXTS: usize = 24;

/// The members of one pattern before and after.
pub(super) struct Members<'a, 'p> {
    pub(super) before: Vec<&'a Seen<'p>>,
    pub(super) after: Vec<&'a Seen<'p>>,
}

/// What is found now and was not, what was found and is not, and of what another part.
pub(super) fn compare(members: &Members<'_, '_>, hints: &[String]) -> Finds {
    if within(&members.before, &members.after) && within(&members.after, &members.before) {
        return Finds::SAME;
    }
    let known = Known::of(members);
    let proved = members.proved(&known);
    let mut finds = Finds {
        gained: if proved.nothing_gained { Reach::Nothing } else { Reach::Open },
        lost: if proved.nothing_lost { Reach::Nothing } else { Reach::Open },
        moved: if proved.nothing_moved { Moved::Nothing } else { Moved::Open },
    };
    if finds != Finds::SAME {
        members.search(&candidates::gather(members, &known, hints), &mut finds);
    }
    finds
}

/// A text that a new pattern finds, or one that is gone found: what its author thought of, or else the first that there is.
pub(super) fn example(members: &[&Seen<'_>], hints: &[String]) -> Option<String> {
    let nobody = Members { before: Vec::new(), after: members.to_vec() };
    let mut finds = Finds { gained: Reach::Open, ..Finds::SAME };
    nobody.search(&candidates::gather(&nobody, &Known::default(), hints), &mut finds);
    if is_open(&finds.gained) {
        let known = Known::at_one_place(&nobody).unwrap_or_default();
        nobody.search(&candidates::gather(&nobody, &known, &[]), &mut finds);
    }
    match finds.gained {
        Reach::Example(text) => Some(text),
        Reach::Nothing | Reach::Open => None,
    }
}

/// What the automata of both expressions say.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Both, ready to be walked.
    pub(super) seekers: Option<(Seeker, Seeker)>,
    /// Texts that only the expression before finds something in, and only the one after.
    pub(super) lost: Ways,
    pub(super) gained: Ways,
    /// How they differ at one place of a text.
    pub(super) extents: Extents,
}

impl Known {
    fn of(members: &Members<'_, '_>) -> Self {
        let Some(mut known) = Self::at_one_place(members) else { return Self::default() };
        let Some((before, after)) = &known.seekers else { return known };
        // What is found at the same places is found in the same texts; else a match may stand anywhere.
        let ways = |one: &Seeker, other: &Seeker, only_one: &Ways| {
            if only_one.are_none() { only_one.clone() } else { inclusion::ways(one, other, MAX_TEXTS) }
        };
        known.lost = ways(before, after, &known.extents.only_first);
        known.gained = ways(after, before, &known.extents.only_second);
        known
    }

    /// What a walk from one place of a text says.
    fn at_one_place(members: &Members<'_, '_>) -> Option<Self> {
        let seeker = |members: &[&Seen<'_>]| Seeker::new(&either(members)?);
        let (before, after) = (seeker(&members.before)?, seeker(&members.after)?);
        let extents = extent::compare(&before, &after, MAX_TEXTS);
        Some(Self { extents, seekers: Some((before, after)), ..Self::default() })
    }
}

/// An expression for all of them.
fn either(members: &[&Seen<'_>]) -> Option<Hir> {
    let all: Option<Vec<Hir>> = members.iter().map(|member| member.hir.clone()).collect();
    Some(Hir::alternation(all?))
}

/// What is proved.
struct Proved {
    nothing_gained: bool,
    nothing_lost: bool,
    nothing_moved: bool,
}

impl Members<'_, '_> {
    /// Checks and neighbours only take away, so an inclusion of expressions proves something where the wider has none.
    /// Where both match the same parts and ask the same of them, they find the same.
    fn proved(&self, known: &Known) -> Proved {
        let is_plain = |members: &[&Seen<'_>]| !members.iter().any(|member| member.detector.has_conditions());
        let extents = &known.extents;
        let is_same = extents.are_same() && self.alone().is_some_and(|(one, other)| one.has_checks_of(other));
        let nearer = |one: &Seen<'_>, other: &Seen<'_>| extents.are_same() && other.reaches_as_far_as(one);
        let alike = |only: &Ways| only.are_none() && extents.different.are_none();
        Proved {
            nothing_gained: is_same
                || self.alone().is_some_and(|(one, other)| nearer(other, one))
                || within(&self.after, &self.before)
                || known.gained.are_none() && is_plain(&self.before)
                || alike(&extents.only_second)
                    && self.alone().is_some_and(|(one, other)| one.passes_all_of(other)),
            nothing_lost: is_same
                || self.alone().is_some_and(|(one, other)| nearer(one, other))
                || within(&self.before, &self.after)
                || known.lost.are_none() && is_plain(&self.after)
                || alike(&extents.only_first)
                    && self.alone().is_some_and(|(one, other)| other.passes_all_of(one)),
            nothing_moved: is_same,
        }
    }

    /// Both, where each is one expression without a group: which part a group takes is not known from where matches end.
    fn alone(&self) -> Option<(&Seen<'_>, &Seen<'_>)> {
        match (self.before.as_slice(), self.after.as_slice()) {
            ([one], [other]) => {
                let whole = |seen: &Seen<'_>| seen.detector.captured().is_none();
                (whole(one) && whole(other)).then_some((*one, *other))
            }
            _ => None,
        }
    }

    /// Asks both about every candidate until all is known that can be.
    fn search(&self, candidates: &Candidates, finds: &mut Finds) {
        for text in &candidates.texts {
            self.ask(text, finds);
        }
        let near = candidates.surroundings();
        for number in 0..candidates.tries {
            let is_settled = !is_open(&finds.gained) && !is_open(&finds.lost) && finds.moved != Moved::Open;
            // A part that moved is worth fewer tries than whether anything is found at all.
            let is_late = number > candidates.tries / 4 && !is_open(&finds.gained) && !is_open(&finds.lost);
            if is_settled || is_late {
                break;
            }
            let Some(text) = candidates.varied(number) else { break };
            for (before, after) in &near {
                self.ask(&format!("{before}{text}{after}"), finds);
            }
        }
    }

    /// Asks both about one text of the view.
    fn ask(&self, text: &str, finds: &mut Finds) {
        let view = self.view();
        let sent = sent(view, text);
        let occurs =
            |members: &[&Seen<'_>]| members.iter().any(|member| member.detector.occurs_in(&sent, false));
        match (occurs(&self.before), occurs(&self.after)) {
            (false, true) if is_open(&finds.gained) => {
                finds.gained = Reach::Example(self.shortened(text, &self.after, &self.before));
            }
            (true, false) if is_open(&finds.lost) => {
                finds.lost = Reach::Example(self.shortened(text, &self.before, &self.after));
            }
            (true, true) if finds.moved == Moved::Open => {
                let (before, after) = (parts(&self.before, view, text), parts(&self.after, view, text));
                if before != after {
                    finds.moved = Moved::Example { text: text.to_owned(), before, after };
                }
            }
            _ => {}
        }
    }

    /// What was found alone, where that tells the sides apart too.
    fn shortened(&self, text: &str, finding: &[&Seen<'_>], other: &[&Seen<'_>]) -> String {
        let occurs = |members: &[&Seen<'_>], text: &str| {
            members.iter().any(|member| member.detector.occurs_in(&sent(self.view(), text), false))
        };
        let shorter = parts(finding, self.view(), text);
        let tells = |part: &String| occurs(finding, part) && !occurs(other, part);
        shorter.into_iter().find(tells).unwrap_or_else(|| text.to_owned())
    }

    fn view(&self) -> View {
        self.before.iter().chain(&self.after).next().map_or(View::Folded, |member| member.detector.view)
    }
}

fn is_open(reach: &Reach) -> bool {
    *reach == Reach::Open
}

/// Whether each of the first is one of the second.
fn within(these: &[&Seen<'_>], those: &[&Seen<'_>]) -> bool {
    these.iter().all(|one| has(those, one))
}

fn has(members: &[&Seen<'_>], one: &Seen<'_>) -> bool {
    members.iter().any(|other| other.finds_as(one))
}

/// A text as it would have to arrive for the view to show it so; of JSON, in a string where it would not be read as it stands.
pub(super) fn sent(view: View, text: &str) -> String {
    match view {
        View::Folded | View::Normalized | View::Raw => text.to_owned(),
        View::Json if text.contains('\\') => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        View::Json => text.to_owned(),
        View::Decoded => {
            // Short runs are not decoded.
            let padded = format!("{text:<24}");
            base64::engine::general_purpose::STANDARD.encode(padded)
        }
    }
}

/// The parts of a text that are found, overlapping ones joined.
fn parts(members: &[&Seen<'_>], view: View, text: &str) -> Vec<String> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let seen = seen(view, text);
    for member in members {
        member.detector.find_all(&seen, |range| ranges.push(range));
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined.into_iter().filter_map(|range| seen.get(range).map(str::to_owned)).collect()
}

/// The text as the view shows it.
fn seen(view: View, text: &str) -> String {
    let sent = sent(view, text);
    if view == View::Decoded {
        let runs = decode::decode(&sent, false);
        return runs.into_iter().next().map(|run| run.text).unwrap_or_default();
    }
    view::view(view, &sent, false).text.unwrap_or(sent)
}
