//! Whether everything that one expression finds another finds too, and if not, a text that shows it.
//!
//! Both expressions become automata that look for a match anywhere, and the two are walked side by side. A text that the
//! first finds and the second does not is a way through the pair; the shortest is the *witness*. Where there is none, the
//! first is included in the second. The automata and the walk are bounded: past a bound the answer is *unknown*, never a
//! guess.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

/// The largest automaton of either expression, in bytes.
const MAX_AUTOMATON: usize = 2 << 20;
/// The most pairs of states that are walked.
const MAX_PAIRS: usize = 100_000;

/// What is known of two expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inclusion {
    /// Whatever the first finds something in, the second does too.
    Included,
    /// The first finds something in this text, and the second does not.
    Witness(String),
    /// It could not be found out within bounds.
    Unknown,
}

/// An expression as an automaton that looks for a match anywhere.
#[derive(Debug)]
pub struct Seeker(dense::DFA<Vec<u32>>);

impl Seeker {
    /// The automaton of an expression, unless it is too large.
    pub fn new(hir: &Hir) -> Option<Self> {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(MAX_AUTOMATON))
            .which_captures(thompson::WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .match_kind(MatchKind::LeftmostFirst)
            .accelerate(false)
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_AUTOMATON * 2));
        dense::Builder::new().configure(config).build_from_nfa(&nfa).ok().map(Self)
    }

    fn start(&self) -> Option<StateID> {
        self.0.start_state(&start::Config::new().anchored(Anchored::No)).ok()
    }
}

/// Where the walk is: in the first expression, unless that has matched already; in the second; and in a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    /// Absent once the first has matched.
    first: Option<StateID>,
    second: StateID,
    utf8: Utf8,
}

/// Whether `first` is included in `second`.
pub fn included(first: &Seeker, second: &Seeker) -> Inclusion {
    let (Some(a), Some(b)) = (first.start(), second.start()) else { return Inclusion::Unknown };
    let begin = Pair { first: Some(a), second: b, utf8: Utf8::Whole };
    let mut steps: Vec<(Pair, usize, u8)> = vec![(begin, 0, 0)];
    let mut known: HashMap<Pair, ()> = HashMap::from([(begin, ())]);
    let bytes = letters(first, second);
    let mut at = 0;
    while let Some((pair, ..)) = steps.get(at).copied() {
        if pair.utf8 == Utf8::Whole && ends_well(first, second, &pair) {
            return Inclusion::Witness(spelled(&steps, at));
        }
        for byte in &bytes {
            let Some(next) = step(first, second, &pair, *byte) else { continue };
            if known.insert(next, ()).is_none() {
                steps.push((next, at, *byte));
            }
        }
        if steps.len() > MAX_PAIRS {
            return Inclusion::Unknown;
        }
        at += 1;
    }
    Inclusion::Included
}

/// Whether a text that ends here is found by the first and not by the second.
fn ends_well(first: &Seeker, second: &Seeker, pair: &Pair) -> bool {
    let found = pair.first.is_none_or(|state| first.0.is_match_state(first.0.next_eoi_state(state)));
    found && !second.0.is_match_state(second.0.next_eoi_state(pair.second))
}

/// The pair after one more byte; nothing where the second has found something, or no text goes on like that.
fn step(first: &Seeker, second: &Seeker, pair: &Pair, byte: u8) -> Option<Pair> {
    let utf8 = pair.utf8.next(byte)?;
    let b = second.0.next_state(pair.second, byte);
    if second.0.is_match_state(b) {
        return None;
    }
    let a = match pair.first {
        Some(state) => {
            let next = first.0.next_state(state, byte);
            if first.0.is_dead_state(next) {
                return None;
            }
            (!first.0.is_match_state(next)).then_some(next)
        }
        None => None,
    };
    Some(Pair { first: a, second: b, utf8 })
}

/// One byte of each kind that the automata or UTF-8 tell apart; what people like to read comes first.
fn letters(first: &Seeker, second: &Seeker) -> Vec<u8> {
    let (a, b) = (first.0.byte_classes(), second.0.byte_classes());
    let mut kinds: HashMap<(u8, u8, u8), ()> = HashMap::new();
    let liked = (b'a'..=b'z').chain(b'0'..=b'9').chain([b' ']).chain(b'A'..=b'Z').chain(b'!'..=b'~');
    let all = liked.chain(0..=u8::MAX);
    all.filter(|byte| kinds.insert((a.get(*byte), b.get(*byte), Utf8::kind(*byte)), ()).is_none()).collect()
}

/// The text that led to a step.
fn spelled(steps: &[(Pair, usize, u8)], mut at: usize) -> String {
    let mut bytes = Vec::new();
    while at > 0
        && let Some((_, before, byte)) = steps.get(at)
    {
        bytes.push(*byte);
        at = *before;
    }
    bytes.reverse();
    String::from_utf8(bytes).unwrap_or_default()
}

/// How far a character is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Utf8 {
    /// Between characters.
    Whole,
    /// So many more bytes of `80..=BF`.
    Rest(u8),
    /// Before a byte within these bounds, and then so many more.
    Bound(u8, u8, u8),
}

impl Utf8 {
    /// After one more byte; nothing where that is no UTF-8 (Unicode 16, table 3-7).
    fn next(self, byte: u8) -> Option<Self> {
        let rest = |count| if count == 0 { Utf8::Whole } else { Utf8::Rest(count) };
        match (self, byte) {
            (Utf8::Whole, 0x00..=0x7F) => Some(Utf8::Whole),
            (Utf8::Whole, 0xC2..=0xDF) => Some(Utf8::Rest(1)),
            (Utf8::Whole, 0xE0) => Some(Utf8::Bound(0xA0, 0xBF, 1)),
            (Utf8::Whole, 0xED) => Some(Utf8::Bound(0x80, 0x9F, 1)),
            (Utf8::Whole, 0xE1..=0xEF) => Some(Utf8::Rest(2)),
            (Utf8::Whole, 0xF0) => Some(Utf8::Bound(0x90, 0xBF, 2)),
            (Utf8::Whole, 0xF4) => Some(Utf8::Bound(0x80, 0x8F, 2)),
            (Utf8::Whole, 0xF1..=0xF3) => Some(Utf8::Rest(3)),
            (Utf8::Rest(left), 0x80..=0xBF) => Some(rest(left - 1)),
            (Utf8::Bound(low, high, left), byte) if (low..=high).contains(&byte) => Some(rest(left)),
            _ => None,
        }
    }

    /// Bytes that UTF-8 treats alike have one kind.
    fn kind(byte: u8) -> u8 {
        match byte {
            0x00..=0x7F => 0,
            0x80..=0x8F => 1,
            0x90..=0x9F => 2,
            0xA0..=0xBF => 3,
            0xC0..=0xC1 => 4,
            0xC2..=0xDF => 5,
            0xE0 => 6,
            0xED => 7,
            0xE1..=0xEF => 8,
            0xF0 => 9,
            0xF1..=0xF3 => 10,
            0xF4 => 11,
            0xF5..=0xFF => 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    fn of(first: &str, second: &str) -> Inclusion {
        let seeker = |source| Seeker::new(&regex::compile(source, "", View::Raw).unwrap()).unwrap();
        included(&seeker(first), &seeker(second))
    }

    fn witness(first: &str, second: &str) -> String {
        let Inclusion::Witness(text) = of(first, second) else { panic!("{:?}", of(first, second)) };
        let finds = |source: &str| {
            let hir = regex::compile(source, "", View::Raw).unwrap();
            regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap().is_match(&text)
        };
        assert!(finds(first) && !finds(second), "{text:?} is no witness of {first} and {second}");
        text
    }

    #[test]
    fn what_is_wider_includes_what_is_narrower() {
        for (narrow, wide) in [
            ("abc", "b"),
            (r"\d{4}", r"\d{3}"),
            (r"\bcat\b", "cat"),
            ("a{3}|ab", "a"),
            ("^ab$", "ab"),
            ("é", "[^a]"),
            (r"x\d+y", r"x[0-9a]+y"),
        ] {
            assert_eq!(of(narrow, wide), Inclusion::Included, "{narrow} in {wide}");
            witness(wide, narrow);
        }
        assert_eq!(of("a|b", "b|a"), Inclusion::Included);
        assert_eq!(of("a^b", "never"), Inclusion::Included, "what never matches is included in anything");
    }

    #[test]
    fn witnesses_are_short_and_readable() {
        assert_eq!(witness("cat", r"\bcat\b"), "acat");
        assert_eq!(witness(r"\d{3}", r"\d{4}"), "000");
        assert_eq!(witness("[^a]", r"[\x00-\x7F]").chars().count(), 1);
        witness("a.c", "abc");
        witness(r"(?i)key", "key");
    }
}
