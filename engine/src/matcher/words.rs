//! Word lists as regular expressions: whole words and phrases in any case, near misses on request.

use std::collections::BTreeMap;

use super::regex::escape;

/// The most edits that may be asked for.
pub const MAX_EDITS: usize = 8;

/// The most edits in one word. An automaton grows about fourfold with each, and with four a long word no longer fits.
const WORD_EDITS: usize = 3;

/// One edit for so many letters of a word: with more, nearly every short word resembles another.
const LETTERS_FOR_AN_EDIT: usize = 4;

/// What a word pattern was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordList {
    /// The words, as written.
    pub words: Vec<String>,
    /// How many letters may differ.
    pub edits: usize,
}

/// The regular expression for any of the words, at most `edits` letters away.
pub fn source<'a>(words: impl IntoIterator<Item = &'a str>, edits: usize) -> String {
    let mut phrases: Vec<&str> = words.into_iter().map(str::trim).filter(|word| !word.is_empty()).collect();
    // Longer phrases first: of two that begin alike, the longer one is the match.
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
    phrases.dedup();
    let alternatives: Vec<String> = phrases.iter().map(|phrase| bounded(phrase, edits)).collect();
    alternatives.join("|")
}

/// The phrase with word boundaries where its edges are letters or digits.
fn bounded(phrase: &str, edits: usize) -> String {
    let edge = |c: Option<char>| if c.is_some_and(|c| c.is_ascii_alphanumeric()) { r"\b" } else { "" };
    let words: Vec<String> = phrase.split_whitespace().map(|word| near(word, edits)).collect();
    format!("{}{}{}", edge(phrase.chars().next()), words.join(r"\s{1,4}"), edge(phrase.chars().next_back()))
}

/// The word, or anything that few enough edits of letters make of it. Short words are taken exactly.
fn near(word: &str, edits: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let edits = edits.min(WORD_EDITS).min(letters.len() / LETTERS_FOR_AN_EDIT);
    if edits == 0 { escape(word) } else { Halves { letters, known: BTreeMap::new() }.within(edits) }
}

/// A word that is cut into halves again and again: edits of the whole are some of the one half and the rest of the other. To
/// write out every form of a long word would take far more.
struct Halves {
    letters: Vec<char>,
    /// What was written of a part with so many edits.
    known: BTreeMap<(usize, usize, usize), String>,
}

impl Halves {
    /// The word with at most so many edits. Letters that are put in stand before one of the word, or at its end.
    fn within(&mut self, edits: usize) -> String {
        let ways: Vec<String> = (0..=edits)
            .map(|inside| format!("{}{}", self.part(0, self.letters.len(), inside), any(edits - inside)))
            .collect();
        format!("(?:{})", ways.join("|"))
    }

    /// The letters from one place to another with at most so many edits.
    fn part(&mut self, from: usize, to: usize, edits: usize) -> String {
        if edits == 0 {
            return self.as_it_is(from, to);
        }
        if to - from <= 1 {
            // Kept, with others before it; or replaced or left out.
            return format!("{}{}?", any(edits), self.as_it_is(from, to));
        }
        if let Some(known) = self.known.get(&(from, to, edits)) {
            return known.clone();
        }
        let middle = usize::midpoint(from, to);
        let ways: Vec<String> = (0..=edits)
            .map(|first| {
                format!("{}{}", self.part(from, middle, first), self.part(middle, to, edits - first))
            })
            .collect();
        let all = format!("(?:{})", ways.join("|"));
        self.known.insert((from, to, edits), all.clone());
        all
    }

    fn as_it_is(&self, from: usize, to: usize) -> String {
        let letters: String = self.letters.get(from..to).into_iter().flatten().collect();
        escape(&letters)
    }
}

/// At most so many letters, digits or underscores.
fn any(most: usize) -> String {
    if most == 0 { String::new() } else { format!(r"\w{{0,{most}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::View;

    fn finder(words: &[&str], edits: usize) -> regex_automata::meta::Regex {
        let hir =
            crate::matcher::regex::compile(&source(words.iter().copied(), edits), "i", View::Folded).unwrap();
        regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap()
    }

    fn finds(words: &[&str], edits: usize, text: &str) -> bool {
        finder(words, edits).is_match(text)
    }

    #[test]
    fn whole_words_in_any_case() {
        assert!(finds(&["pipe bomb"], 0, "a Pipe  BOMB."));
        assert!(!finds(&["bomb"], 0, "bombastic"));
        assert!(finds(&["c++"], 0, "in c++, yes"));
    }

    #[test]
    fn near_misses_within_the_edits() {
        assert!(finds(&["explosive"], 1, "explosve") && finds(&["explosive"], 1, "exxplosive"));
        assert!(finds(&["explosive"], 1, "expl0sive") && !finds(&["explosive"], 1, "expl0s1ve"));
        assert!(finds(&["explosive"], 2, "expl0s1ve"));
        assert!(!finds(&["gun"], 1, "fun"));
    }

    /// The distance of two words, letter by letter.
    fn distance(a: &str, b: &str) -> usize {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (at, letter) in a.chars().enumerate() {
            let mut before = std::mem::replace(&mut row[0], at + 1);
            for (of, other) in b.iter().enumerate() {
                let here = (before + usize::from(letter != *other)).min(row[of] + 1).min(row[of + 1] + 1);
                before = std::mem::replace(&mut row[of + 1], here);
            }
        }
        row[b.len()]
    }

    #[test]
    fn more_edits_of_longer_words() {
        let word = "nightingalesong";
        let three = finder(&[word], 8);
        let mut state = 7_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        for _ in 0..2000 {
            let mut text: Vec<char> = word.chars().collect();
            for _ in 0..below(6) {
                let (at, letter) = (below(text.len()), ['a', 'n', 'x', '7'][below(4)]);
                match below(3) {
                    0 => text[at] = letter,
                    1 => text.insert(at, letter),
                    _ => {
                        text.remove(at);
                    }
                }
            }
            let text: String = text.into_iter().collect();
            assert_eq!(three.is_match(&text), distance(word, &text) <= 3, "{text}");
        }
        assert!(finds(&["antidisestablish"], 4, "atidisxstblish") && !finds(&["antidis"], 8, "ontodis"));
    }
}
