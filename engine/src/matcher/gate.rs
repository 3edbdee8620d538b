//! Where matches can begin: by three bytes and the one before them, which of many automata are still alive.
//!
//! At most places a match of some automaton could begin, and at most of these it is over a byte or two later. So what
//! begins is followed for three bytes in tables that all automata share, and only then by each automaton that is left.

use std::collections::HashMap;

use regex_automata::util::primitives::StateID;

use super::Automaton;

/// The most states after one byte, and after two.
const MOST: usize = 4096;
/// The most entries of a table.
const MAX_TABLE: usize = 2 << 20;

/// Nothing has begun.
pub const NOTHING: u16 = 0;

/// Marks a state after one byte or two in which automata take over.
const WAKES: u16 = 1 << 15;

/// Whether automata take over in a state after one byte or two.
#[inline]
pub fn wakes(state: u16) -> bool {
    state & WAKES != 0
}

/// The beginnings of many automata, in tables.
#[derive(Debug)]
pub struct Gate {
    /// By byte, its kind: what all automata take alike.
    kinds: [u8; 256],
    width: usize,
    /// By the kind of the byte before, or none, and by kind: the state after one byte.
    first: Vec<u16>,
    /// By state and kind: the state after two bytes.
    second: Vec<u16>,
    /// By state and kind: what is left after three.
    third: Vec<u16>,
    after_one: Vec<Begun>,
    after_two: Vec<Begun>,
    after_three: Vec<Begun>,
}

/// The automata for which a match that began is possible, by their place among all.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Begun {
    /// Those of which nothing is certain yet.
    pub alive: Box<[u16]>,
    /// Those that have to take over themselves.
    pub wake: Box<[u16]>,
}

/// A state in the making: the automata that are alive with their states, and those that take over.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
struct Made {
    alive: Vec<(u16, StateID)>,
    wake: Vec<u16>,
}

/// States in the making, each once.
struct Level {
    all: Vec<Made>,
    ids: HashMap<Made, u16>,
    most: usize,
    /// Whether numbers say that automata take over.
    marks: bool,
}

impl Level {
    fn new(most: usize, marks: bool) -> Self {
        let nothing = Made::default();
        Self { all: vec![nothing.clone()], ids: HashMap::from([(nothing, NOTHING)]), most, marks }
    }

    /// The number of a state. Where there are too many, those that are alive take over.
    fn id(&mut self, mut made: Made, everybody: &[u16]) -> u16 {
        if made.alive.is_empty() && made.wake.is_empty() {
            return NOTHING;
        }
        if let Some(id) = self.ids.get(&made) {
            return *id;
        }
        if self.all.len() >= self.most {
            made.wake.extend(made.alive.drain(..).map(|(bit, _)| bit));
            made.wake.sort_unstable();
            if self.all.len() >= 2 * self.most {
                made.wake = everybody.to_vec();
            }
            if let Some(id) = self.ids.get(&made) {
                return *id;
            }
        }
        let place = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        let id = if self.marks && !made.wake.is_empty() { place | WAKES } else { place };
        self.all.push(made.clone());
        self.ids.insert(made, id);
        id
    }

    fn finish(self) -> Vec<Begun> {
        let bits = |made: &Made| made.alive.iter().map(|(bit, _)| *bit).collect();
        let begun = |made: Made| Begun { alive: bits(&made), wake: made.wake.into_boxed_slice() };
        self.all.into_iter().map(begun).collect()
    }
}

impl Gate {
    /// The gate of these automata, in their order.
    pub fn new(automata: &[&Automaton]) -> Self {
        let everybody: Vec<u16> = (0..).take(automata.len()).collect();
        let (kinds, bytes) = kinds(automata);
        let width = bytes.len();
        let most = MOST.min(MAX_TABLE / width.max(1));
        let (mut one, mut two, mut three) =
            (Level::new(most, true), Level::new(most, true), Level::new(usize::from(u16::MAX) / 2, false));
        let mut gate = Self {
            kinds,
            width,
            first: Vec::new(),
            second: Vec::new(),
            third: Vec::new(),
            after_one: Vec::new(),
            after_two: Vec::new(),
            after_three: Vec::new(),
        };
        for before in bytes.iter().copied().map(Some).chain([None]) {
            let starts = automata.iter().zip(0..).map(|(automaton, bit)| (bit, automaton.start(before)));
            let start = Made { alive: starts.collect(), wake: Vec::new() };
            gate.first.extend(bytes.iter().map(|byte| one.id(after(automata, &start, *byte), &everybody)));
        }
        let rows = |level: &Level, next: &mut Level, last: bool| {
            let mut row = Vec::with_capacity(level.all.len() * width);
            for state in &level.all {
                // A single automaton tells far fewer bytes apart than all of them.
                let alone = match state.alive.as_slice() {
                    [(bit, _)] => automata.get(usize::from(*bit)),
                    _ => None,
                };
                let mut known = [None; 256];
                for byte in &bytes {
                    let class = alone.map(|automaton| usize::from(automaton.byte_classes().get(*byte)));
                    if let Some(id) = class.and_then(|class| known.get(class).copied().flatten()) {
                        row.push(id);
                        continue;
                    }
                    let mut made = after(automata, state, *byte);
                    if last {
                        made.wake.extend(made.alive.drain(..).map(|(bit, _)| bit));
                        made.wake.sort_unstable();
                    }
                    let id = next.id(made, &everybody);
                    row.push(id);
                    if let Some(slot) = class.and_then(|class| known.get_mut(class)) {
                        *slot = Some(id);
                    }
                }
            }
            row
        };
        gate.second = rows(&one, &mut two, false);
        gate.third = rows(&two, &mut three, true);
        (gate.after_one, gate.after_two, gate.after_three) = (one.finish(), two.finish(), three.finish());
        gate
    }

    /// The kind of a byte.
    #[inline]
    pub fn kind(&self, byte: u8) -> usize {
        self.kinds.get(usize::from(byte)).copied().map_or(0, usize::from)
    }

    /// What begins with a byte of that kind after one of that kind, or at the start of the text.
    #[inline]
    pub fn begin(&self, before: Option<usize>, kind: usize) -> u16 {
        let row = before.unwrap_or(self.width);
        self.first.get(row * self.width + kind).copied().unwrap_or(NOTHING)
    }

    /// What is left of what began, after a second byte.
    #[inline]
    pub fn second(&self, begun: u16, kind: usize) -> u16 {
        self.second.get(usize::from(begun & !WAKES) * self.width + kind).copied().unwrap_or(NOTHING)
    }

    /// What is left of what began, after a third byte.
    #[inline]
    pub fn third(&self, begun: u16, kind: usize) -> u16 {
        self.third.get(usize::from(begun & !WAKES) * self.width + kind).copied().unwrap_or(NOTHING)
    }

    /// What a state after so many bytes stands for.
    pub fn begun(&self, bytes: usize, state: u16) -> Option<&Begun> {
        match bytes {
            1 => self.after_one.get(usize::from(state & !WAKES)),
            2 => self.after_two.get(usize::from(state & !WAKES)),
            _ => self.after_three.get(usize::from(state)),
        }
    }

    /// Bytes of memory of its tables.
    pub fn memory(&self) -> usize {
        (self.first.len() + self.second.len() + self.third.len()) * size_of::<u16>()
    }
}

/// The kinds of bytes that automata tell apart, before a match or in it, and a byte of each.
fn kinds(automata: &[&Automaton]) -> ([u8; 256], Vec<u8>) {
    let mut known: HashMap<Vec<(StateID, u8)>, u8> = HashMap::new();
    let (mut kinds, mut bytes) = ([0; 256], Vec::new());
    for (byte, slot) in (0..=u8::MAX).zip(&mut kinds) {
        let mark = automata
            .iter()
            .map(|automaton| (automaton.start(Some(byte)), automaton.byte_classes().get(byte)));
        *slot = *known.entry(mark.collect()).or_insert_with(|| {
            bytes.push(byte);
            // There are 256 at most, and so many places.
            u8::try_from(bytes.len() - 1).unwrap_or(u8::MAX)
        });
    }
    (kinds, bytes)
}

/// The state after one more byte.
fn after(automata: &[&Automaton], state: &Made, byte: u8) -> Made {
    let mut made = Made::default();
    for (bit, state) in &state.alive {
        let Some(automaton) = automata.get(usize::from(*bit)) else { continue };
        let next = automaton.next(*state, byte);
        if automaton.is_match(next) || automaton.is_decided(next) {
            made.wake.push(*bit);
        } else if !automaton.is_dead(next) {
            made.alive.push((*bit, next));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    /// The automata for which a match may begin with these bytes after that one: those that live on, and those that
    /// have taken over before.
    fn left(gate: &Gate, before: Option<u8>, bytes: [u8; 3]) -> Vec<u16> {
        let [a, b, c] = bytes.map(|byte| gate.kind(byte));
        let one = gate.begin(before.map(|before| gate.kind(before)), a);
        let two = gate.second(one, b);
        let three = gate.third(two, c);
        let woken = |bytes, state| gate.begun(bytes, state).unwrap().wake.to_vec();
        let mut all = [woken(1, one), woken(2, two), woken(3, three)].concat();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_match_begins_where_its_automaton_lives_on() {
        let sources = [r"\bab", "b+c", r"^x.y", "(?m)^y-y", r"\B-", "[ab]{4}"];
        let automata: Vec<Automaton> = sources
            .iter()
            .map(|source| Automaton::new(&regex::compile(source, "", View::Raw).unwrap()).unwrap())
            .collect();
        let automata: Vec<&Automaton> = automata.iter().collect();
        let gate = Gate::new(&automata);
        let bytes = [b'a', b'b', b'c', b'x', b'y', b'-', b' ', b'\n', 0xC3];
        for before in bytes.map(Some).into_iter().chain([None]) {
            for three in bytes.iter().flat_map(|a| bytes.iter().flat_map(move |b| bytes.map(|c| [*a, *b, c])))
            {
                let lives = |automaton: &Automaton| {
                    let mut state = automaton.start(before);
                    three.iter().any(|byte| {
                        state = automaton.next(state, *byte);
                        automaton.is_match(state) || automaton.is_decided(state)
                    }) || !automaton.is_dead(state)
                };
                let wanted: Vec<u16> = (0..)
                    .zip(&automata)
                    .filter(|(_, automaton)| lives(automaton))
                    .map(|(bit, _)| bit)
                    .collect();
                assert_eq!(left(&gate, before, three), wanted, "{before:?} {three:?}");
            }
        }
    }

    #[test]
    fn no_automata_begin_nowhere() {
        let gate = Gate::new(&[]);
        assert_eq!(gate.begin(None, gate.kind(b'a')), NOTHING);
    }
}
