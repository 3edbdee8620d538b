//! Atoms: short texts of which every match of an expression contains one, so that where none stands nothing matches.
//!
//! What is wrong here may only ask for a search too many. So every step widens: what is too much to list is left out
//! of the count of what is certain, and never guessed.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Repetition};
use regex_syntax::utf8::Utf8Sequences;

/// The most texts that one part of an expression is spelled out into.
const MAX_SPELLED: usize = 16;
/// The longest atom; what is longer says no more than its beginning.
const MAX_ATOM: usize = 24;
/// The most atoms of one expression.
const MAX_ATOMS: usize = 4096;
/// The least worth of an atom: below it, it stands in every text.
const MIN_WORTH: usize = 3;

/// Atoms of which every match has one, and how far after the match's start that one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// In lower case, as far as ASCII goes.
    pub atoms: BTreeSet<Vec<u8>>,
    /// The fewest bytes before it.
    pub least: usize,
    /// The most bytes before it; `None` when there is no bound.
    pub most: Option<usize>,
    /// Whether the atoms are all that the expression spells, but for boundaries.
    pub whole: bool,
}

impl Cover {
    /// The worth of the weakest atom, less what it costs to have many.
    fn score(&self) -> usize {
        let weakest = self.atoms.iter().map(|atom| worth(atom)).min().unwrap_or(0);
        let many = self.atoms.len().max(1).ilog2() as usize / 4;
        let far = if self.most.is_none() { 2 } else { 0 };
        weakest.saturating_sub(many + far)
    }

    fn useful(&self) -> bool {
        !self.atoms.is_empty()
            && self.atoms.len() <= MAX_ATOMS
            && self.atoms.iter().all(|atom| worth(atom) >= MIN_WORTH)
    }

    fn shifted(mut self, least: usize, most: Option<usize>) -> Self {
        self.least += least;
        self.most = self.most.zip(most).map(|(a, b)| a.saturating_add(b));
        self.whole = false;
        self
    }
}

/// How rarely an atom stands in ordinary text: a sum over its bytes.
fn worth(atom: &[u8]) -> usize {
    let byte = |byte: &u8| match byte {
        b' ' => 0,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'h' | b'l' | b'd' | b'u' => 1,
        b'.' | b',' | b'-' | b'\'' | b'"' | b'\t' | b'\n' | b'\r' => 1,
        b'a'..=b'z' => 2,
        b'0'..=b'9' | 0x80.. => 3,
        _ => 4,
    };
    atom.iter().map(byte).sum()
}

/// The best atoms of an expression; `None` when every choice would stand in every text.
pub fn cover(hir: &Hir) -> Option<Cover> {
    look(hir).cover.filter(Cover::useful)
}

/// What is known of a part.
struct Known {
    /// All that it can spell, when that is little.
    spelled: Option<BTreeSet<Vec<u8>>>,
    cover: Option<Cover>,
}

impl Known {
    fn nothing() -> Self {
        Self { spelled: None, cover: None }
    }

    fn of(spelled: BTreeSet<Vec<u8>>) -> Self {
        let cover = Cover { atoms: spelled.clone(), least: 0, most: Some(0), whole: true };
        Self { spelled: Some(spelled), cover: Some(cover) }
    }

    fn empty() -> Self {
        Self::of(BTreeSet::from([Vec::new()]))
    }
}

fn look(hir: &Hir) -> Known {
    match hir.kind() {
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
    let cover = Cover { atoms: BTreeSet::from([head]), least: 0, most: Some(0), whole: false };
    Known { spelled: None, cover: Some(cover) }
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
    let cover = Cover { atoms: leads, least: 0, most: Some(0), whole: false };
    Known { spelled: None, cover: Some(cover).filter(Cover::useful) }
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
    !text.is_ascii() && text.contains(['\u{17F}', '\u{212A}'])
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
    let mut all = BTreeSet::from([Vec::new()]);
    if let Some(spelled) = sub.spelled.as_ref().filter(|_| repetition.max == Some(repetition.min)) {
        for _ in 0..repetition.min {
            match product(&all, spelled) {
                Some(longer) => all = longer,
                None => return first_of(sub),
            }
        }
        return Known::of(all);
    }
    first_of(sub)
}

/// What the first of several rounds has.
fn first_of(sub: Known) -> Known {
    let cover = sub.cover.map(|cover| Cover { whole: false, ..cover });
    Known { spelled: None, cover }
}

fn product(heads: &BTreeSet<Vec<u8>>, tails: &BTreeSet<Vec<u8>>) -> Option<BTreeSet<Vec<u8>>> {
    if heads.len() * tails.len() > MAX_SPELLED {
        return None;
    }
    let pairs = heads.iter().flat_map(|head| tails.iter().map(move |tail| [head.as_slice(), tail].concat()));
    let all: BTreeSet<Vec<u8>> = pairs.collect();
    if all.iter().any(|text| text.len() > MAX_ATOM) { None } else { Some(all) }
}

/// A sequence: runs of parts that can be spelled out, and the covers of those that cannot; the best counts.
fn joined(parts: &[Hir]) -> Known {
    let mut best: Option<Cover> = None;
    let mut run = BTreeSet::from([Vec::new()]);
    let (mut run_least, mut run_most) = (0, Some(0));
    let (mut least, mut most) = (0, Some(0));
    let mut all = true;
    for part in parts {
        let known = look(part);
        let longer = known.spelled.as_ref().and_then(|spelled| product(&run, spelled));
        let length = part.properties();
        if let Some(longer) = longer {
            run = longer;
        } else {
            all = false;
            offer(&mut best, spelled_at(std::mem::take(&mut run), run_least, run_most));
            if let Some(cover) = known.cover {
                offer(&mut best, cover.shifted(least, most));
            }
            (run_least, run_most) = (least, most);
            run = known.spelled.unwrap_or_default();
            if run.is_empty() {
                run = BTreeSet::from([Vec::new()]);
                run_least += length.minimum_len().unwrap_or(0);
                run_most = run_most.zip(length.maximum_len()).map(|(a, b)| a.saturating_add(b));
            }
        }
        least += length.minimum_len().unwrap_or(0);
        most = most.zip(length.maximum_len()).map(|(a, b)| a.saturating_add(b));
    }
    if all {
        return Known::of(run);
    }
    offer(&mut best, spelled_at(run, run_least, run_most));
    Known { spelled: None, cover: best }
}

fn spelled_at(atoms: BTreeSet<Vec<u8>>, least: usize, most: Option<usize>) -> Cover {
    Cover { atoms, least, most, whole: false }
}

fn offer(best: &mut Option<Cover>, cover: Cover) {
    let better =
        best.as_ref().is_none_or(|best| (cover.useful(), cover.score()) > (best.useful(), best.score()));
    if better && cover.useful() {
        *best = Some(cover);
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
    let covers: Option<Vec<Cover>> = known.into_iter().map(|known| known.cover).collect();
    Known { spelled: None, cover: covers.and_then(union) }
}

fn union(covers: Vec<Cover>) -> Option<Cover> {
    covers.into_iter().reduce(|mut all, cover| {
        all.atoms.extend(cover.atoms);
        all.least = all.least.min(cover.least);
        all.most = all.most.zip(cover.most).map(|(a, b)| a.max(b));
        all.whole &= cover.whole;
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn atoms(source: &str) -> Option<(Vec<String>, usize, Option<usize>)> {
        let cover = cover(&regex::compile(source, "i", View::Raw).unwrap())?;
        let atoms = cover.atoms.iter().map(|atom| String::from_utf8(atom.clone()).unwrap()).collect();
        Some((atoms, cover.least, cover.most))
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
        assert_eq!(atoms(r"\bAKIA[0-9A-Z]{16}\b"), some(&["akia"], 0, Some(0)));
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
        assert_eq!(cover.atoms, [vec![0xF3, 0xA0, 0x80], vec![0xF3, 0xA0, 0x81]].into());
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
    fn an_option_does_not_hide_what_follows() {
        assert_eq!(
            atoms(r"(?:foo|ba+r)\d"),
            some(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], 3, None)
        );
        assert_eq!(atoms(r"(?:secret|x[abc]+word)"), some(&["secret", "word"], 0, None));
    }
}
