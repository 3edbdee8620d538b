//! Patterns, ready to look for matches: in whole texts, and byte by byte.

mod atom_gate;
pub mod atoms;
mod automaton;
pub mod cover;
pub mod decode;
mod doors;
pub mod example;
pub mod extent;
pub mod gate;
pub mod glob;
mod heads;
pub mod inclusion;
pub mod inner;
pub mod json;
pub mod language;
mod later;
pub mod lead;
mod marks;
pub mod near;
pub mod needs;
pub mod probe;
pub mod regex;
mod runs;
pub mod scan;
#[cfg(test)]
mod scan_tests;
mod sweep;
mod table;
pub mod validator;
pub mod view;
pub mod walk;
mod window;
pub mod words;

use std::ops::Range;
use std::sync::Arc;

use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind};

pub use automaton::{Automaton, MAX_AUTOMATON};
pub use inner::Inner;
use later::Later;
pub use later::question;
use lead::Lead;
pub use near::Near;
use probe::Probe;
pub use regex::Fault;
pub use validator::Validator;
pub use view::View;

/// The longest match in bytes of a view. Where a check fails, the search goes on inside of the match, so it must end.
/// On a stream a match may stay possible for as long: past it the stream is stopped, since text cannot be held for
/// ever, and what cannot be decided must not leave.
pub const MAX_MATCH: usize = 4096;

/// A pattern in one view.
#[derive(Debug)]
pub struct Detector {
    /// The pattern's name, or its source when it was written on the spot.
    pub name: Arc<str>,
    /// Its label in findings and markers.
    pub label: Arc<str>,
    /// How it sees texts.
    pub view: View,
    /// The regular expression, for people.
    pub source: Arc<str>,
    /// Its flags.
    pub flags: Arc<str>,
    /// Checks that a match must pass.
    pub validators: Vec<Validator>,
    /// What a match must hold, or must not.
    pub inner: Vec<Inner>,
    /// What must stand near a match.
    pub near: Vec<Near>,
    /// The words that it looks for, where it was written as a list of them.
    pub words: Option<words::WordList>,
    /// The longest match in bytes of the view; `None` when there is no bound.
    pub longest: Option<usize>,
    whole: Arc<Later>,
    /// Whether a match that is possible may stay so to the end of any text.
    runs_on: bool,
    /// Says whether a match may begin at a place, where it is searched only where a scan says.
    pub(super) probe: Option<Arc<Probe>>,
    /// Present when a group is captured: of a match, that part is what was found.
    capture: Option<Capture>,
    /// Present when a rule looks for it in answers.
    pub stream: Option<Automaton>,
    /// How its matches begin in answers, where that is a row of bytes.
    pub(crate) lead: Option<Lead>,
}

/// What makes a detector.
pub struct Blueprint<'a> {
    /// The pattern's name.
    pub name: Arc<str>,
    /// Its label.
    pub label: Arc<str>,
    /// How it sees texts.
    pub view: View,
    /// The regular expression as written.
    pub source: &'a str,
    /// Its flags.
    pub flags: &'a str,
    /// Its checks.
    pub validators: Vec<Validator>,
    /// What a match must hold, or must not.
    pub inner: Vec<Inner>,
    /// What must stand near a match.
    pub near: Vec<Near>,
    /// The group that is what was found.
    pub capture: Option<Arc<str>>,
    /// The words that the expression stands for, where it was written as a list of them.
    pub words: Option<words::WordList>,
    /// Its meaning in the view.
    pub hir: &'a Hir,
    /// Whether it will be stepped over answers.
    pub streams: bool,
    /// A detector of the same meaning, whose way to search whole texts serves this one too.
    pub twin: Option<&'a Detector>,
    /// How it comes to its matches.
    pub search: Search,
}

/// How a detector comes to its matches in whole texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// From end to end, by itself.
    Plain,
    /// Where a probe finds that one may begin.
    Probed,
    /// Where atoms stand and a probe finds that one may begin, so that it need not skip ahead by itself.
    Gated,
}

/// The group that is what was found, and the expression with its groups.
#[derive(Debug)]
struct Capture {
    group: Arc<str>,
    expression: Later,
}

impl Detector {
    /// The detector of a pattern, or why its automaton cannot be built.
    pub fn new(blueprint: Blueprint<'_>) -> Result<Self, String> {
        let (source, flags): (Arc<str>, Arc<str>) = (blueprint.source.into(), blueprint.flags.into());
        let (written, view) = ((&source, &flags), blueprint.view.folding());
        let meaning = (blueprint.hir, later::is_small(blueprint.hir));
        let whole = match blueprint.twin {
            Some(twin) => Arc::clone(&twin.whole),
            None => {
                let skips_ahead = blueprint.search != Search::Gated;
                Arc::new(Later::new(written, view, meaning, WhichCaptures::Implicit, skips_ahead)?)
            }
        };
        let capture = match blueprint.capture {
            Some(group) => Some(Capture {
                group,
                expression: Later::new(written, view, meaning, WhichCaptures::All, false)?,
            }),
            None => None,
        };
        let mut stream = if blueprint.streams { Some(Automaton::new(blueprint.hir)?) } else { None };
        // Where the end is certain, which group took part may still hang on the byte after it.
        if capture.is_some() && !blueprint.hir.properties().look_set().is_empty() {
            stream = stream.map(Automaton::awaiting_a_byte);
        }
        let probe = match blueprint.twin.and_then(|twin| twin.probe.clone()) {
            Some(probe) => Some(probe),
            None if blueprint.search == Search::Plain => None,
            None => Probe::of(blueprint.hir, stream.as_ref()).map(Arc::new),
        };
        Ok(Self {
            name: blueprint.name,
            label: blueprint.label,
            view: blueprint.view,
            source,
            flags,
            validators: blueprint.validators,
            inner: blueprint.inner,
            near: blueprint.near,
            words: blueprint.words,
            longest: blueprint.hir.properties().maximum_len(),
            whole,
            runs_on: window::runs_on(blueprint.hir),
            probe,
            capture,
            lead: stream.as_ref().and_then(|_| Lead::of(blueprint.hir)),
            stream,
        })
    }

    /// What was found in a match that passes the pattern's checks and has near it what it must, or after how many bytes
    /// the search goes on when it does not.
    pub fn judge(&self, text: &[u8], matched: &Range<usize>) -> Result<Range<usize>, usize> {
        let part = self.check(text, matched)?;
        // What is not near this match is seldom nearer to a part of it: the search goes on after it.
        if self.has_near(text, matched) { Ok(part) } else { Err(matched.len().max(1)) }
    }

    /// Whether a match has near it what it must.
    pub fn has_near(&self, text: &[u8], matched: &Range<usize>) -> bool {
        let is_near = |near: &Near| near.stands_before(text, matched) || near.stands_after(text, matched);
        self.near.iter().all(is_near)
    }

    /// Whether anything but its expression decides what it finds: checks, or what must be near.
    pub fn has_conditions(&self) -> bool {
        !self.validators.is_empty() || !self.inner.is_empty() || !self.near.is_empty()
    }

    /// Its checks, as written after `where`.
    pub fn checks(&self) -> impl Iterator<Item = String> {
        let validators = self.validators.iter().map(Validator::written);
        validators.chain(self.inner.iter().map(Inner::written))
    }

    /// The meaning of its expression.
    pub fn meaning(&self) -> Option<Hir> {
        regex::compile(&self.source, &self.flags, self.view.folding()).ok()
    }

    /// What was found in a match that passes the pattern's checks, or after how many bytes the search goes on when it
    /// does not: one character, or the whole match where the check says so. The text must reach a byte past the match
    /// on both sides, if there is one: boundaries look at it.
    pub fn check(&self, text: &[u8], matched: &Range<usize>) -> Result<Range<usize>, usize> {
        let part = self.part(text, matched);
        let (all, found) = (str_of(text, matched), str_of(text, &part));
        let validators = self.validators.iter().filter(|validator| !validator.passes(found));
        let inner = self.inner.iter().filter(|inner| !inner.passes(all, found));
        // What lets a match pass lets all of it pass: a part of `EXAMPLEKEY1` is no better a find.
        let mut failed =
            validators.map(|validator| validator.whole).chain(inner.map(|inner| inner.denied)).peekable();
        if failed.peek().is_none() {
            return Ok(part);
        }
        let whole = failed.any(|whole| whole);
        let first = all.chars().next().map_or(1, char::len_utf8);
        Err(if whole { matched.len().max(1) } else { first })
    }

    /// The group that is what was found.
    pub fn captured(&self) -> Option<&str> {
        self.capture.as_ref().map(|capture| &*capture.group)
    }

    /// Bytes before a match that are looked at: one for boundaries, and what may have to stand there.
    pub fn looks_behind(&self) -> usize {
        self.near.iter().map(Near::bytes).max().unwrap_or(1)
    }

    /// How many characters after a match may have to be known.
    pub fn reach(&self) -> usize {
        self.near.iter().map(|near| near.reach).max().unwrap_or(0)
    }

    /// The part of a match that the captured group took; the whole match where it took none.
    fn part(&self, text: &[u8], matched: &Range<usize>) -> Range<usize> {
        let group = self.capture.as_ref().and_then(|capture| {
            let regex = capture.expression.regex();
            let mut captures = regex.create_captures();
            let input = Input::new(text).range(matched.clone()).anchored(Anchored::Yes);
            regex.captures(input, &mut captures);
            captures.get_group_by_name(&capture.group).map(|span| span.range())
        });
        group.filter(|part| !part.is_empty()).unwrap_or(matched.clone())
    }

    /// Whether there is a match anywhere in a text, seen in this detector's view.
    pub fn occurs_in(&self, text: &str, is_json: bool) -> bool {
        let mut found = false;
        if self.view == View::Decoded {
            decode::decode(text, is_json).iter().for_each(|run| self.find_all(&run.text, |_| found = true));
        } else {
            let viewed = view::view(self.view, text, is_json);
            self.find_all(viewed.text.as_deref().unwrap_or(text), |_| found = true);
        }
        found
    }

    /// Whether the expression matches somewhere in a text of this detector's view; checks are left aside.
    pub fn matches(&self, text: &str) -> bool {
        self.whole.regex().is_match(Input::new(text))
    }

    /// Every match in a text of this detector's view: leftmost first, none overlapping; the search goes on after a
    /// match, and as [`Detector::judge`] says after one that fails its checks.
    pub fn find_all(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        self.find_after(text, 0, &mut found);
    }

    /// As [`Detector::find_all`], from a place on.
    pub(crate) fn find_after(&self, text: &str, mut at: usize, found: &mut dyn FnMut(Range<usize>)) {
        while at <= text.len()
            && let Some(matched) = self.whole.regex().find(Input::new(text).range(at..))
        {
            at = self.settle(text, matched.range(), found);
        }
    }
}

fn str_of<'t>(text: &'t [u8], range: &Range<usize>) -> &'t str {
    let bytes = text.get(range.clone()).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The names of the expression's groups, and whether each can match empty text.
pub fn groups(hir: &Hir) -> Vec<(&str, bool)> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let empty = capture.sub.properties().minimum_len() == Some(0);
            let own = capture.name.as_deref().map(|name| (name, empty));
            own.into_iter().chain(groups(&capture.sub)).collect()
        }
        HirKind::Repetition(repetition) => groups(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().flat_map(groups).collect(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, capture: Option<&str>, validators: &[&str], text: &str) -> Vec<String> {
        let hir = regex::compile(source, "", View::Raw).unwrap();
        let blueprint = Blueprint {
            name: "p".into(),
            label: "P".into(),
            view: View::Raw,
            source,
            flags: "",
            validators: validators.iter().filter_map(|name| validator::find(name)).collect(),
            inner: Vec::new(),
            near: Vec::new(),
            capture: capture.map(Arc::from),
            words: None,
            hir: &hir,
            streams: true,
            twin: None,
            search: Search::Plain,
        };
        let mut out = Vec::new();
        Detector::new(blueprint)
            .unwrap()
            .find_all(text, |range| out.push(text.get(range).unwrap().to_owned()));
        out
    }

    #[test]
    fn a_captured_group_is_what_counts() {
        assert_eq!(found(r"id: (?<n>\d+)", Some("n"), &[], "id: 12, id: 345."), ["12", "345"]);
        assert_eq!(found(r"id: (?<n>\d+)", None, &[], "id: 12"), ["id: 12"]);
        assert_eq!(found(r"id: (?<n>\d+)|none", Some("n"), &[], "id: 12, none"), ["12", "none"]);
    }

    #[test]
    fn a_group_is_matched_where_it_stands() {
        assert_eq!(found(r"(?:\Ba(?<n>b)|a(?:b))", Some("n"), &[], "ab xab"), ["ab", "b"]);
        assert_eq!(found(r"a(?:(?<n>b)\b|b)", Some("n"), &[], "abc ab"), ["ab", "b"]);
    }

    #[test]
    fn a_failed_check_passes_over_a_character_or_the_whole() {
        assert_eq!(found(r"\d(?:\.\d){3,5}", None, &["ipv4"], "1.2.3.4.5 and 1.2.3.4"), ["1.2.3.4"]);
        assert_eq!(found(r"\d{4}", None, &["mixed_digits"], "11112"), ["1112"]);
    }
}
