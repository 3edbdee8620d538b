//! Walks over expressions: automata whose states are made as they are reached, and the texts that lead to them.
//!
//! Two expressions are compared by walking their automata side by side. Whole automata can be far too large where the
//! part that a comparison needs is small, so each state is made when the walk first comes to it.

use std::collections::HashSet;
use std::hash::Hash;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::alphabet::ByteClasses;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

/// The most memory that the states of one expression take, in bytes.
const MAX_STATES: usize = 16 << 20;
/// The longest text that is found by wandering, in bytes.
const MAX_WANDERING: usize = 64;
/// The largest expression as a list of steps, in bytes.
const MAX_EXPRESSION: usize = 8 << 20;

/// An expression, ready to be walked.
#[derive(Debug)]
pub struct Seeker(DFA);

impl Seeker {
    /// The automaton of an expression, unless it is too large.
    pub fn new(hir: &Hir) -> Option<Self> {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(MAX_EXPRESSION))
            .which_captures(thompson::WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        // States are told apart by their numbers, so none may be forgotten: a walk that needs more gives up.
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .cache_capacity(MAX_STATES)
            .minimum_cache_clear_count(Some(0));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self(dfa))
    }

    /// The bytes that its automaton tells apart.
    pub(super) fn byte_classes(&self) -> &ByteClasses {
        self.0.byte_classes()
    }

    /// The expression with no state reached yet.
    pub(super) fn walker(&self) -> Walker<'_> {
        Walker { dfa: &self.0, cache: self.0.create_cache() }
    }
}

impl Seeker {
    /// A text that the expression matches, found by going on at will: `choose` picks one of so many ways. Nothing when
    /// the way was too long.
    pub fn wander(&self, letters: &Letters, choose: &mut dyn FnMut(usize) -> usize) -> Option<String> {
        let bytes: Vec<u8> = letters.one_of_each().into_iter().filter(u8::is_ascii).collect();
        let mut walker = self.walker();
        let mut state = walker.start(Anchored::Yes, None)?;
        let mut text = String::new();
        while text.len() < MAX_WANDERING {
            let mut ways: Vec<(u8, State)> = Vec::new();
            for byte in &bytes {
                let next = walker.next(state, *byte)?;
                if !next.is_dead() && !next.is_match() {
                    ways.push((*byte, next));
                }
            }
            if walker.ends(state)? && (ways.is_empty() || choose(2) == 0) {
                return Some(text);
            }
            let (byte, next) = ways.get(choose(ways.len().max(1)))?;
            text.push(char::from(*byte));
            state = *next;
        }
        None
    }
}

/// A state of a walker.
pub(super) type State = LazyStateID;

/// An expression in one walk. Each answer is absent once its states take too much memory.
pub(super) struct Walker<'s> {
    dfa: &'s DFA,
    cache: Cache,
}

impl Walker<'_> {
    /// The state before a text; anchored, the match begins right here, after `behind`.
    pub(super) fn start(&mut self, anchored: Anchored, behind: Option<u8>) -> Option<State> {
        let config = start::Config::new().anchored(anchored).look_behind(behind);
        self.dfa.start_state(&mut self.cache, &config).ok()
    }

    /// The state after one more byte. It tells of a match that ended before that byte.
    pub(super) fn next(&mut self, state: State, byte: u8) -> Option<State> {
        self.dfa.next_state(&mut self.cache, state, byte).ok()
    }

    /// Whether a match ends where the text does.
    pub(super) fn ends(&mut self, state: State) -> Option<bool> {
        self.dfa.next_eoi_state(&mut self.cache, state).ok().map(|state| state.is_match())
    }
}

/// Bytes by what two expressions and UTF-8 tell apart.
#[derive(Debug)]
pub struct Letters {
    /// Of each kind its bytes; what people like to read comes first.
    kinds: Vec<Vec<u8>>,
    /// The kind of each byte.
    of: Vec<usize>,
}

impl Letters {
    /// The kinds that either expression tells apart.
    pub fn new(first: &Seeker, second: &Seeker) -> Self {
        let (a, b) = (first.0.byte_classes(), second.0.byte_classes());
        let mut letters = Self { kinds: Vec::new(), of: vec![0; 256] };
        let mut marks: Vec<(u8, u8, u8)> = Vec::new();
        let liked = (b'a'..=b'z').chain(b'0'..=b'9').chain([b' ']).chain(b'A'..=b'Z').chain(b'!'..=b'~');
        let mut seen = [false; 256];
        for byte in liked.chain(0..=u8::MAX) {
            let Some(seen) = seen.get_mut(usize::from(byte)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            let mark = (a.get(byte), b.get(byte), Utf8::kind(byte));
            let kind = marks.iter().position(|known| *known == mark).unwrap_or_else(|| {
                marks.push(mark);
                letters.kinds.push(Vec::new());
                marks.len() - 1
            });
            if let (Some(of), Some(bytes)) =
                (letters.of.get_mut(usize::from(byte)), letters.kinds.get_mut(kind))
            {
                *of = kind;
                bytes.push(byte);
            }
        }
        letters
    }

    /// One byte of each kind.
    pub(super) fn one_of_each(&self) -> Vec<u8> {
        self.kinds.iter().filter_map(|kind| kind.first().copied()).collect()
    }

    /// The letters, digits and signs that neither expression tells from this one.
    pub fn alike(&self, byte: u8) -> impl Iterator<Item = u8> {
        let kind = self.of.get(usize::from(byte)).and_then(|kind| self.kinds.get(*kind));
        let readable = |other: &u8| *other == b' ' || other.is_ascii_graphic();
        kind.into_iter().flatten().copied().filter(readable)
    }
}

/// The states that a walk has come to, in order, and the way to each.
pub(super) struct Trail<S> {
    steps: Vec<(S, usize, u8)>,
    known: HashSet<S>,
}

impl<S: Copy + Eq + Hash> Trail<S> {
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), known: HashSet::new() }
    }

    /// A state to begin at.
    pub(super) fn begin(&mut self, state: S) {
        self.step(state, usize::MAX, 0);
    }

    /// A state that a byte leads to, from the state with that number; one that is known is passed over.
    pub(super) fn step(&mut self, state: S, from: usize, byte: u8) {
        if self.known.insert(state) {
            self.steps.push((state, from, byte));
        }
    }

    /// The state with that number.
    pub(super) fn get(&self, at: usize) -> Option<S> {
        self.steps.get(at).map(|(state, ..)| *state)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The number of the state that the way to this one began at, and the bytes of the way.
    pub(super) fn way(&self, mut at: usize) -> (usize, Vec<u8>) {
        let mut bytes = Vec::new();
        while let Some((_, before, byte)) = self.steps.get(at).filter(|(_, before, _)| *before != usize::MAX)
        {
            bytes.push(*byte);
            at = *before;
        }
        bytes.reverse();
        (at, bytes)
    }
}

/// How far a character is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Utf8 {
    /// Between characters.
    Whole,
    /// So many more bytes of `80..=BF`.
    Rest(u8),
    /// Before a byte within these bounds, and then so many more.
    Bound(u8, u8, u8),
}

impl Utf8 {
    /// After one more byte; nothing where that is no UTF-8 (Unicode 16, table 3-7).
    pub(super) fn next(self, byte: u8) -> Option<Self> {
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
