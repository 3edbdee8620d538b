//! A pattern as an automaton that is stepped byte by byte: immutable, shared by all streams.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::alphabet::ByteClasses;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

/// The largest automaton of one pattern, in bytes.
pub const MAX_AUTOMATON: usize = 4 << 20;

/// An anchored automaton with leftmost-first semantics, and what can be told of its states in advance.
#[derive(Debug)]
pub struct Automaton {
    dfa: dense::DFA<Vec<u32>>,
    /// The start state by the byte before; the last entry is for the start of the text.
    starts: Vec<StateID>,
    /// Whether a match can begin with this byte.
    first: [bool; 256],
    /// Whether a state decides at once: whatever follows, the match that ends here is the match.
    now: Vec<bool>,
    /// Whether a match ended just before, and nothing can lengthen it.
    last: Vec<bool>,
    stride2: usize,
}

impl Automaton {
    /// The automaton of an expression, or why there is none.
    pub fn new(hir: &Hir) -> Result<Self, String> {
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .nfa_size_limit(Some(MAX_AUTOMATON))
                    .which_captures(thompson::WhichCaptures::None),
            )
            .build_from_hir(hir)
            .map_err(|error| error.to_string())?;
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::LeftmostFirst)
            .accelerate(false)
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_AUTOMATON * 4));
        let dfa = dense::Builder::new()
            .configure(config)
            .build_from_nfa(&nfa)
            .map_err(|error| error.to_string())?;
        // A copy has no room to grow; an allocator may keep for tables that shrink what they had.
        Self::with_tables(dfa.to_owned())
    }

    fn with_tables(dfa: dense::DFA<Vec<u32>>) -> Result<Self, String> {
        let start = |look_behind: Option<u8>| {
            dfa.start_state(&start::Config::new().anchored(Anchored::Yes).look_behind(look_behind))
                .map_err(|error| error.to_string())
        };
        let mut starts = Vec::with_capacity(257);
        for byte in 0..=u8::MAX {
            starts.push(start(Some(byte))?);
        }
        starts.push(start(None)?);
        // Few starts and few bytes differ: the automaton is asked about each of them once.
        let mut distinct = starts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let classes = dfa.byte_classes();
        let mut begins = [false; 256];
        for byte in representatives(&dfa) {
            if let Some(slot) = begins.get_mut(usize::from(classes.get(byte))) {
                *slot = distinct.iter().any(|state| !dfa.is_dead_state(dfa.next_state(*state, byte)));
            }
        }
        let mut first = [false; 256];
        for (byte, slot) in (0..=u8::MAX).zip(&mut first) {
            *slot = begins.get(usize::from(classes.get(byte))).copied().unwrap_or(false);
        }
        let (now, last) = decided_states(&dfa, distinct);
        let stride2 = dfa.stride2();
        Ok(Self { dfa, starts, first, now, last, stride2 })
    }

    /// Whether a match can begin with this byte.
    pub fn begins(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// The state of a match that would begin after `look_behind`.
    pub fn start(&self, look_behind: Option<u8>) -> StateID {
        self.starts.get(look_behind.map_or(256, usize::from)).copied().unwrap_or_default()
    }

    /// The state after one more byte.
    pub fn next(&self, state: StateID, byte: u8) -> StateID {
        self.dfa.next_state(state, byte)
    }

    /// The state at the end of the text.
    pub fn end(&self, state: StateID) -> StateID {
        self.dfa.next_eoi_state(state)
    }

    /// Whether a state is a match or dead; most are neither.
    pub fn is_special(&self, state: StateID) -> bool {
        self.dfa.is_special_state(state)
    }

    /// A small number for a state, another for most others.
    pub fn ordinal(&self, state: StateID) -> usize {
        state.as_usize() >> self.stride2
    }

    /// Whether a match ended just before the byte that led here.
    pub fn is_match(&self, state: StateID) -> bool {
        self.dfa.is_match_state(state)
    }

    /// Whether a match ended just before the byte that led here, and is the match whatever follows.
    pub fn is_last(&self, state: StateID) -> bool {
        self.last.get(state.as_usize() >> self.stride2).copied().unwrap_or(false)
    }

    /// Whether no match can come of this state any more.
    pub fn is_dead(&self, state: StateID) -> bool {
        self.dfa.is_dead_state(state)
    }

    /// Whether the match that ends here is certain whatever follows, so that no further byte need be awaited.
    pub fn is_decided(&self, state: StateID) -> bool {
        self.now.get(state.as_usize() >> self.stride2).copied().unwrap_or(false)
    }

    /// The same automaton, which never decides before it has seen the byte after a match.
    pub fn awaiting_a_byte(mut self) -> Self {
        self.now.clear();
        self
    }

    /// The bytes that it tells apart.
    pub(super) fn byte_classes(&self) -> &ByteClasses {
        self.dfa.byte_classes()
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.dfa.memory_usage() + self.now.len() + self.last.len() + self.starts.len() * size_of::<StateID>()
    }
}

/// One byte of each class that the automaton tells apart.
fn representatives(dfa: &dense::DFA<Vec<u32>>) -> Vec<u8> {
    dfa.byte_classes().representatives(0..=u8::MAX).filter_map(|unit| unit.as_u8()).collect()
}

/// The states from which every next byte, and the end of the text, complete a match right here that nothing can
/// lengthen; and those at which a match ended just before that nothing can lengthen. They undo regex-automata's delay of
/// matches by one byte where that is safe.
fn decided_states(dfa: &dense::DFA<Vec<u32>>, starts: Vec<StateID>) -> (Vec<bool>, Vec<bool>) {
    let bytes = representatives(dfa);
    let index = |state: StateID| state.as_usize() >> dfa.stride2();
    let is_final = |state: StateID| {
        dfa.is_match_state(state)
            && bytes.iter().all(|byte| dfa.is_dead_state(dfa.next_state(state, *byte)))
            && !dfa.is_match_state(dfa.next_eoi_state(state))
    };
    // By state: whether it was met.
    let mut met: Vec<bool> = Vec::new();
    let mut queue = starts;
    let mut states = Vec::new();
    let mut last: Vec<bool> = Vec::new();
    while let Some(state) = queue.pop() {
        if std::mem::replace(slot(&mut met, index(state)), true) {
            continue;
        }
        *slot(&mut last, index(state)) = is_final(state);
        states.push(state);
        for byte in &bytes {
            let next = dfa.next_state(state, *byte);
            if !*slot(&mut met, index(next)) {
                queue.push(next);
            }
        }
    }
    let is_last = |state: StateID| last.get(index(state)) == Some(&true);
    let mut now: Vec<bool> = Vec::new();
    for state in states {
        *slot(&mut now, index(state)) = dfa.is_match_state(dfa.next_eoi_state(state))
            && bytes.iter().all(|byte| is_last(dfa.next_state(state, *byte)));
    }
    (now, last)
}

/// The entry at an index, the list lengthened as far as need be.
fn slot<T: Clone + Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize(index + 1, T::default());
    }
    #[expect(clippy::indexing_slicing, reason = "the list was made long enough just now")]
    &mut list[index]
}
