//! Atoms: short texts of which every match of an expression contains one, so that where none stands nothing matches.
//!
//! What is wrong here may only ask for a search too many. So every step widens: what is too much to list is left out
//! of the count of what is certain, and never guessed.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};
use regex_syntax::utf8::Utf8Sequences;

use super::cover::{Cover, EDGE, Reach, bare};
use super::heads;

/// The most texts that one part of an expression is spelled out into.
const MAX_SPELLED: usize = 16;
/// The longest atom; what is longer says no more than its beginning.
const MAX_ATOM: usize = 24;

/// The best atoms of an expression; `None` when every choice would stand in every text.
pub fn cover(hir: &Hir) -> Option<Cover> {
    look(hir).cover.filter(Cover::useful)
}

/// The best atoms of an expression, and atoms near the beginnings of its matches, where the best ones are far from there.
pub fn cover_and_heads(hir: &Hir) -> Option<(Cover, Option<Cover>)> {
    let Known { cover, head, .. } = look(hir);
    let cover = cover.filter(Cover::useful)?;
    if !cover.is_far() {
        return Some((cover, None));
    }
    Some((cover, head.or_else(|| heads::followed(hir))))
}

/// What is known of a part.
struct Known {
    /// All that it can spell, when that is little.
    spelled: Option<BTreeSet<Vec<u8>>>,
    cover: Option<Cover>,
    /// The best atoms near the beginning.
    head: Option<Cover>,
}

impl Known {
    fn nothing() -> Self {
        Self { spelled: None, cover: None, head: None }
    }

    fn of(spelled: BTreeSet<Vec<u8>>) -> Self {
        let cover = Cover::new(spelled.clone(), Reach::HERE, true);
        let head = Some(cover.clone()).filter(Cover::is_head);
        Self { spelled: Some(spelled), cover: Some(cover), head }
    }

    fn covered(cover: Cover) -> Self {
        let head = Some(cover.clone()).filter(Cover::is_head);
        Self { spelled: None, cover: Some(cover), head }
    }

    fn empty() -> Self {
        Self::of(BTreeSet::from([Vec::new()]))
    }
}

fn look(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Look(Look::WordAscii) => Known::of(BTreeSet::from([vec![EDGE]])),
        HirKind::Empty | HirKind::Look(_) => Known::empty(),
        HirKind::Literal(literal) => literal_of(&literal.0),
        HirKind::Class(class) => class_of(class),
        HirKind::Capture(capture) => look(&capture.sub),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => joined(parts),
        HirKind::Alternation(parts) => either(parts),
    }
}

fn literal_of(bytes: &[u8]) -> Known {
    if bytes.len() <= MAX_ATOM {
        return Known::of(BTreeSet::from([bytes.to_ascii_lowercase()]));
    }
    let head = bytes.get(..MAX_ATOM).unwrap_or(bytes).to_ascii_lowercase();
    Known::covered(Cover::new(BTreeSet::from([head]), Reach::HERE, false))
}

/// A class of few characters is spelled out; case counts once.
fn class_of(class: &Class) -> Known {
    let mut spelled = BTreeSet::new();
    match class {
        Class::Unicode(class) => {
            let size: u64 = class.iter().map(|range| range.len() as u64).sum();
            if size > 2 * MAX_SPELLED as u64 {
                return led(class);
            }
            for c in class.iter().flat_map(|range| range.start()..=range.end()) {
                spelled.insert(c.to_ascii_lowercase().encode_utf8(&mut [0; 4]).as_bytes().to_vec());
            }
        }
        Class::Bytes(class) => {
            for byte in class.iter().flat_map(|range| range.start()..=range.end()) {
                spelled.insert(vec![byte.to_ascii_lowercase()]);
            }
        }
    }
    without_twins(&mut spelled);
    if spelled.is_empty() || spelled.len() > MAX_SPELLED { Known::nothing() } else { Known::of(spelled) }
}

/// A large class by the bytes that its characters begin with, when all of them are outside of ASCII and begin alike.
fn led(class: &ClassUnicode) -> Known {
    let mut leads = BTreeSet::new();
    for sequence in class.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end())) {
        let fixed = sequence.as_slice().iter().take_while(|range| range.start == range.end);
        let lead: Vec<u8> = fixed.map(|range| range.start).collect();
        leads.insert(lead);
        if leads.len() > MAX_SPELLED {
            return Known::nothing();
        }
    }
    let cover = Cover::new(leads, Reach::HERE, false);
    if cover.useful() { Known::covered(cover) } else { Known::nothing() }
}

/// The two letters outside of ASCII whose other case is in ASCII are no spellings of their own: a text that has one of
/// them is searched without atoms, see [`has_twins`].
fn without_twins(spelled: &mut BTreeSet<Vec<u8>>) {
    for (twin, plain) in [("\u{17F}", "s"), ("\u{212A}", "k")] {
        if spelled.contains(plain.as_bytes()) {
            spelled.remove(twin.as_bytes());
        }
    }
}

/// Whether a text has a letter that is another case of an ASCII letter without being ASCII.
pub(super) fn has_twins(text: &str) -> bool {
    // One by one: a single character is found by one of its bytes.
    !text.is_ascii() && (text.contains('\u{17F}') || text.contains('\u{212A}'))
}

fn repeated(repetition: &Repetition) -> Known {
    let sub = look(&repetition.sub);
    if repetition.min == 0 {
        let spelled = sub.spelled.filter(|_| repetition.max == Some(1));
        return spelled.map_or_else(Known::nothing, |mut spelled| {
            spelled.insert(Vec::new());
            Known::of(spelled)
        });
    }
    match (&sub.spelled, repetition.max) {
        (Some(spelled), Some(most)) => match rounds(spelled, repetition.min, most) {
            Some(all) => Known::of(all),
            None => first_of(sub),
        },
        _ => first_of(sub),
    }
}

/// All that so many rounds of a part can spell, when that is little.
fn rounds(spelled: &BTreeSet<Vec<u8>>, least: u32, most: u32) -> Option<BTreeSet<Vec<u8>>> {
    let (mut round, mut all) = (BTreeSet::from([Vec::new()]), BTreeSet::new());
    for nth in 1..=most {
        round = product(&round, spelled)?;
        if nth >= least {
            all.extend(round.iter().cloned());
        }
    }
    Some(all).filter(|all| all.len() <= MAX_SPELLED)
}

/// What the first of several rounds has.
fn first_of(sub: Known) -> Known {
    let cover = sub.cover.map(Cover::in_part);
    Known { spelled: None, cover, head: sub.head }
}

fn product(heads: &BTreeSet<Vec<u8>>, tails: &BTreeSet<Vec<u8>>) -> Option<BTreeSet<Vec<u8>>> {
    if heads.len() * tails.len() > MAX_SPELLED {
        return None;
    }
    let pair = |head: &Vec<u8>, tail: &Vec<u8>| {
        // Two boundaries at one place are one.
        let twice = head.last() == Some(&EDGE) && tail.first() == Some(&EDGE);
        let head = head.get(..head.len() - usize::from(twice)).unwrap_or(head);
        [head, tail].concat()
    };
    let pairs = heads.iter().flat_map(|head| tails.iter().map(move |tail| pair(head, tail)));
    let all: BTreeSet<Vec<u8>> = pairs.collect();
    if all.iter().any(|text| bare(text).count() > MAX_ATOM) { None } else { Some(all) }
}

/// The heads of a sequence, as far as a part of it has them for all matches.
pub(super) fn heads_of(parts: &[Hir]) -> Option<Cover> {
    joined(parts).head
}

/// A sequence: runs of parts that can be spelled out, and the covers of those that cannot; the best counts.
fn joined(parts: &[Hir]) -> Known {
    let mut best = Best::default();
    let mut run = BTreeSet::from([Vec::new()]);
    // Where the run begins, and where the next part does.
    let (mut begins, mut here) = (Reach::HERE, Reach::HERE);
    let mut all = true;
    for (at, part) in parts.iter().enumerate() {
        let bound = |at: Option<usize>| at.and_then(|at| parts.get(at)).is_some_and(is_edge);
        let known = bounded(part, bound(at.checked_sub(1)), bound(Some(at + 1)));
        let longer = known.spelled.as_ref().and_then(|spelled| product(&run, spelled));
        let length = length_of(part);
        if let Some(longer) = longer {
            run = longer;
        } else {
            all = false;
            best.offer(Cover::new(std::mem::take(&mut run), begins, false));
            best.offer_head(known.head.map(|head| head.shifted(here)));
            if let Some(cover) = known.cover {
                best.offer(cover.shifted(here));
            }
            begins = here;
            run = known.spelled.unwrap_or_default();
            if run.is_empty() {
                run = BTreeSet::from([Vec::new()]);
                begins = begins.shifted(length);
            }
        }
        here = here.shifted(length);
    }
    if all {
        return Known::of(run);
    }
    best.offer(Cover::new(run, begins, false));
    Known { spelled: None, cover: best.cover, head: best.head }
}

pub(super) fn length_of(part: &Hir) -> Reach {
    let properties = part.properties();
    Reach { least: properties.minimum_len().unwrap_or(0), most: properties.maximum_len() }
}

fn is_edge(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Look(Look::WordAscii))
}

/// What is known of a part that stands behind or before a word boundary: of alternatives each has it.
fn bounded(part: &Hir, before: bool, after: bool) -> Known {
    match part.kind() {
        HirKind::Capture(capture) => bounded(&capture.sub, before, after),
        HirKind::Alternation(parts) if before || after => {
            let edge = |stands| if stands { Hir::look(Look::WordAscii) } else { Hir::empty() };
            let with_edges = |part: &Hir| Hir::concat(vec![edge(before), part.clone(), edge(after)]);
            either(&parts.iter().map(with_edges).collect::<Vec<_>>())
        }
        _ => look(part),
    }
}

/// The best of a sequence so far.
#[derive(Default)]
struct Best {
    cover: Option<Cover>,
    head: Option<Cover>,
}

impl Best {
    fn offer(&mut self, cover: Cover) {
        if cover.is_head() {
            self.offer_head(Some(cover.clone()));
        }
        let better = |best: &Cover| (cover.useful(), cover.score()) > (best.useful(), best.score());
        if self.cover.as_ref().is_none_or(better) && cover.useful() {
            self.cover = Some(cover);
        }
    }

    fn offer_head(&mut self, head: Option<Cover>) {
        let Some(head) = head.filter(Cover::is_head) else { return };
        if self.head.as_ref().is_none_or(|best| head.head_score() > best.head_score()) {
            self.head = Some(head);
        }
    }
}

/// Alternatives: an atom of any of them.
fn either(parts: &[Hir]) -> Known {
    let known: Vec<Known> = parts.iter().map(look).collect();
    let spelled: Option<BTreeSet<Vec<u8>>> = known
        .iter()
        .map(|known| known.spelled.clone())
        .collect::<Option<Vec<_>>>()
        .map(|all| all.into_iter().flatten().collect());
    if let Some(spelled) = spelled.filter(|spelled| spelled.len() <= MAX_SPELLED) {
        return Known::of(spelled);
    }
    let (covers, heads): (Vec<_>, Vec<_>) = known.into_iter().map(|known| (known.cover, known.head)).unzip();
    let all =
        |covers: Vec<Option<Cover>>| covers.into_iter().collect::<Option<Vec<_>>>().and_then(Cover::union);
    Known { spelled: None, cover: all(covers), head: all(heads) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn atoms(source: &str) -> Option<(Vec<String>, usize, Option<usize>)> {
        let cover = cover(&regex::compile(source, "i", View::Raw).unwrap())?;
        let reach = cover.atoms().map(|(_, reach)| reach).reduce(Reach::union).unwrap();
        Some((cover.atoms().map(|(atom, _)| atom.shown()).collect(), reach.least, reach.most))
    }

    fn some(
        atoms: &[&str],
        least: usize,
        most: Option<usize>,
    ) -> Option<(Vec<String>, usize, Option<usize>)> {
        Some((atoms.iter().map(|&atom| atom.to_owned()).collect(), least, most))
    }

    #[test]
    fn the_best_part_counts() {
        assert_eq!(atoms(r"\bAKIA[0-9A-Z]{16}\b"), some(&["|akia"], 0, Some(0)));
        assert_eq!(atoms(r"\d{2,3} kb"), some(&[" kb"], 2, Some(3)));
        assert_eq!(atoms(r"[a-z]+://x"), some(&["://x"], 1, None));
        assert_eq!(
            atoms(r"credit[ -]?card"),
            some(&["credit card", "credit-card", "creditcard"], 0, Some(0))
        );
        assert_eq!(atoms(r"(?:password|secret)\s*=\s*\w+"), some(&["password", "secret"], 0, Some(0)));
        // In any case `\w` takes the Kelvin sign too, which has three bytes.
        assert_eq!(atoms(r"[\w.]{1,64}@\w+"), some(&["@"], 1, Some(192)));
    }

    #[test]
    fn a_large_class_is_known_by_how_its_characters_begin() {
        let cover = cover(&regex::compile(r"[\u{E0020}-\u{E007E}]{3}", "", View::Raw).unwrap()).unwrap();
        let leads: Vec<Vec<u8>> = cover.atoms().map(|(atom, _)| atom.bytes).collect();
        assert_eq!(leads, [[0xF3, 0xA0, 0x80], [0xF3, 0xA0, 0x81]]);
        assert_eq!(atoms(r"[^a]"), None);
    }

    #[test]
    fn nothing_where_nothing_is_certain() {
        assert_eq!(atoms(r"\w+"), None);
        assert_eq!(atoms(r"(?:secret|\w\w)"), None);
        assert_eq!(atoms(r"(?:secret)?\w"), None);
        assert_eq!(atoms(r"(?:secret){0,2}\w"), None);
    }

    #[test]
    fn each_atom_has_its_place_and_its_boundaries() {
        let cover = cover(&regex::compile(r"\b(?:rap|let\s+me\s+(?:see|xyz))\b", "", View::Raw).unwrap());
        let atoms: Vec<_> =
            cover.unwrap().atoms().map(|(atom, reach)| (atom.shown(), reach.least, reach.most)).collect();
        assert_eq!(atoms, [("|let".to_owned(), 0, Some(0)), ("|rap|".to_owned(), 0, Some(0))]);
        assert_eq!(self::atoms(r"\brap\b"), some(&["|rap|"], 0, Some(0)));
        assert_eq!(self::atoms(r"rap\b song"), some(&["rap song"], 0, Some(0)));
    }

    #[test]
    fn heads_stand_at_the_beginning() {
        let heads = |source: &str| {
            let (cover, head) = cover_and_heads(&regex::compile(source, "", View::Raw).unwrap()).unwrap();
            let shown =
                |cover: Cover| cover.atoms().map(|(atom, _)| atom.shown()).collect::<Vec<_>>().join(" ");
            (shown(cover), head.map(shown))
        };
        let asked = heads(r"\b(?:how to|ways? of)\b.{0,300}\bdestroying evidence\b");
        assert_eq!(asked, ("|destroying evidence|".into(), Some("|how to| |way of| |ways of|".into())));
        assert_eq!(heads(r"\bor\b.*\breport you\b"), ("|report you|".into(), Some("|or|".into())));
        assert_eq!(heads(r"\w+ report you"), (" report you".into(), None));
        assert_eq!(heads(r"report you"), ("report you".into(), None), "it is there already");
    }

    #[test]
    fn an_option_does_not_hide_what_follows() {
        assert_eq!(
            atoms(r"(?:foo|ba+r)\d"),
            some(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], 3, None)
        );
        assert_eq!(atoms(r"(?:secret|x[abc]+word)"), some(&["secret", "word"], 0, None));
        assert_eq!(atoms(r"\ba{1,2}dh?a{1,2}r\b").map(|(atoms, ..)| atoms.len()), Some(8));
    }
}
