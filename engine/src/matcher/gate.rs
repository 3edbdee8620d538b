//! Where matches can begin: by a byte and the one before it, which of many automata have something to look at.

use regex_automata::util::primitives::StateID;

use super::Automaton;

/// The starts of many automata in one table, a bit for each automaton.
#[derive(Debug)]
pub struct Gate {
    /// By the byte before, and last for the start of the text: bytes that all automata take alike are one class.
    classes: Vec<u16>,
    /// By class and byte, so many words of bits.
    masks: Vec<u64>,
    words: usize,
}

impl Gate {
    /// The gate of these automata, in their order.
    pub fn new(automata: &[&Automaton]) -> Self {
        let words = automata.len().div_ceil(64);
        let mut distinct: Vec<Vec<StateID>> = Vec::new();
        let mut classes = Vec::with_capacity(257);
        for before in (0..=u8::MAX).map(Some).chain([None]) {
            let starts: Vec<StateID> = automata.iter().map(|automaton| automaton.start(before)).collect();
            let class = distinct.iter().position(|known| *known == starts).unwrap_or_else(|| {
                distinct.push(starts);
                distinct.len() - 1
            });
            classes.push(u16::try_from(class).unwrap_or(u16::MAX));
        }
        let mut masks = vec![0; distinct.len() * 256 * words];
        let rows = distinct.iter().flat_map(|starts| (0..=u8::MAX).map(move |byte| (starts, byte)));
        for ((starts, byte), row) in rows.zip(masks.chunks_mut(words.max(1))) {
            for (index, (automaton, start)) in automata.iter().zip(starts).enumerate() {
                let lives = automaton.begins(byte) && !automaton.is_dead(automaton.next(*start, byte));
                if let Some(word) = row.get_mut(index / 64) {
                    *word |= u64::from(lives) << (index % 64);
                }
            }
        }
        Self { classes, masks, words }
    }

    /// The automata for which a match can begin at `byte`, when `before` stands before it.
    pub fn at(&self, before: Option<u8>, byte: u8) -> &[u64] {
        let class = self.classes.get(before.map_or(256, usize::from)).copied().unwrap_or_default();
        let row = (usize::from(class) * 256 + usize::from(byte)) * self.words;
        self.masks.get(row..row + self.words).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    #[test]
    fn a_match_begins_where_its_automaton_lives_on() {
        let sources = [r"\bab", "b+c", r"^x", "(?m)^y", r"\B-"];
        let automata: Vec<Automaton> = sources
            .iter()
            .map(|source| Automaton::new(&regex::compile(source, "", View::Raw).unwrap()).unwrap())
            .collect();
        let gate = Gate::new(&automata.iter().collect::<Vec<_>>());
        for before in [None, Some(b'a'), Some(b' '), Some(b'\n'), Some(b'-'), Some(0xC3)] {
            for byte in 0..=u8::MAX {
                let bits = gate.at(before, byte)[0];
                for (index, automaton) in automata.iter().enumerate() {
                    let lives = !automaton.is_dead(automaton.next(automaton.start(before), byte));
                    assert_eq!(bits >> index & 1 == 1, lives, "{before:?} {byte} {}", sources[index]);
                }
            }
        }
        assert_eq!(gate.at(None, b'a'), [0b00001]);
        assert_eq!(gate.at(Some(b'x'), b'a'), [0]);
        assert_eq!(gate.at(Some(b'\n'), b'y'), [0b01000]);
    }

    #[test]
    fn no_automata_begin_nowhere() {
        assert!(Gate::new(&[]).at(None, b'a').is_empty());
    }
}
