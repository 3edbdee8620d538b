//! The automaton that finds atoms as a dense table, half as large as one with numbers of four bytes, so that more of it stays near the
//! processor.

use std::collections::BTreeSet;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;

/// An automaton that is walked over texts.
pub(super) trait Steps {
    type State: Copy;

    fn start(&self) -> Self::State;

    fn next(&self, state: Self::State, byte: u8) -> Self::State;

    /// Whether anything ends in a state.
    fn ends(&self, state: Self::State) -> bool;

    /// The numbers of the endings of a state: what ends there is looked up by them.
    fn each(&self, state: Self::State, tell: &mut impl FnMut(usize));

    /// The bytes of the longest.
    fn longest(&self) -> usize;
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table {
    /// By byte, its class: bytes that all texts take alike are one.
    classes: [u8; 256],
    width: usize,
    /// By state and class, the next state. States in which something ends come first: each is an ending.
    next: Vec<u16>,
    start: u16,
    endings: usize,
    longest: usize,
}

impl Table {
    /// The table of an automaton that finds these texts in any case, and by ending the numbers of the texts; none where it has too
    /// many states.
    pub(super) fn new<'t>(
        automaton: &NFA,
        texts: impl Iterator<Item = &'t [u8]>,
    ) -> Option<(Self, Vec<Vec<usize>>)> {
        let (classes, bytes) = classes(texts.flatten())?;
        let start = automaton.start_state(Anchored::No).ok()?;
        // By the automaton's own numbers, one more than the place of a state.
        let mut places: Vec<u32> = Vec::new();
        let (mut states, mut rows) = (Vec::new(), Vec::new());
        let mut place_of = |state: StateID, states: &mut Vec<StateID>| {
            if places.len() <= state.as_usize() {
                places.resize(state.as_usize() + 1, 0);
            }
            let place = places.get_mut(state.as_usize())?;
            if *place == 0 {
                states.push(state);
                *place = u32::try_from(states.len()).ok()?;
            }
            u16::try_from(*place - 1).ok()
        };
        place_of(start, &mut states)?;
        let mut at = 0;
        while let Some(state) = states.get(at).copied() {
            for byte in &bytes {
                let next = automaton.next_state(Anchored::No, state, *byte);
                rows.push(place_of(next, &mut states)?);
            }
            at += 1;
        }
        // What ends something comes first.
        let mut order: Vec<usize> = (0..states.len()).collect();
        order.sort_by_key(|place| states.get(*place).is_some_and(|state| !automaton.is_match(*state)));
        let mut numbers = vec![0_u16; states.len()];
        for (number, place) in order.iter().enumerate() {
            *numbers.get_mut(*place)? = u16::try_from(number).ok()?;
        }
        let (mut next, mut ended) = (Vec::with_capacity(rows.len()), Vec::new());
        for place in &order {
            let row = rows.get(place * bytes.len()..(place + 1) * bytes.len())?;
            next.extend(row.iter().filter_map(|place| numbers.get(usize::from(*place))));
            let state = *states.get(*place)?;
            if automaton.is_match(state) {
                let texts = 0..automaton.match_len(state);
                ended.push(texts.map(|nth| automaton.match_pattern(state, nth).as_usize()).collect());
            }
        }
        let table = Self {
            classes,
            width: bytes.len(),
            next,
            start: *numbers.first()?,
            endings: ended.len(),
            longest: automaton.max_pattern_len(),
        };
        Some((table, ended))
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.next.len() * size_of::<u16>()
    }
}

/// The class of each byte, and a byte of each class: those that stand in texts, each as in lower case, and one for all others.
fn classes<'t>(used: impl Iterator<Item = &'t u8>) -> Option<([u8; 256], Vec<u8>)> {
    let used: BTreeSet<u8> = used.map(u8::to_ascii_lowercase).collect();
    let other = (0..=u8::MAX).find(|byte| !used.contains(&byte.to_ascii_lowercase()))?;
    let bytes: Vec<u8> = [other].into_iter().chain(used).collect();
    let mut classes = [0; 256];
    for (byte, class) in (0..=u8::MAX).zip(&mut classes) {
        let place = bytes.iter().skip(1).position(|used| *used == byte.to_ascii_lowercase());
        *class = u8::try_from(place.map_or(0, |place| place + 1)).ok()?;
    }
    Some((classes, bytes))
}

impl Steps for Table {
    type State = u16;

    fn start(&self) -> u16 {
        self.start
    }

    #[inline]
    fn next(&self, state: u16, byte: u8) -> u16 {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or_default();
        self.next.get(usize::from(state) * self.width + usize::from(class)).copied().unwrap_or(self.start)
    }

    #[inline]
    fn ends(&self, state: u16) -> bool {
        usize::from(state) < self.endings
    }

    #[inline]
    fn each(&self, state: u16, tell: &mut impl FnMut(usize)) {
        tell(usize::from(state));
    }

    fn longest(&self) -> usize {
        self.longest
    }
}

impl Steps for NFA {
    type State = StateID;

    fn start(&self) -> StateID {
        self.start_state(Anchored::No).unwrap_or_default()
    }

    #[inline]
    fn next(&self, state: StateID, byte: u8) -> StateID {
        self.next_state(Anchored::No, state, byte)
    }

    #[inline]
    fn ends(&self, state: StateID) -> bool {
        self.is_special(state) && self.is_match(state)
    }

    fn each(&self, state: StateID, tell: &mut impl FnMut(usize)) {
        (0..self.match_len(state)).for_each(|nth| tell(self.match_pattern(state, nth).as_usize()));
    }

    fn longest(&self) -> usize {
        self.max_pattern_len()
    }
}
