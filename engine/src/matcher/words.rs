//! Word lists as regular expressions: whole words and phrases in any case, near misses on request.

use std::collections::{BTreeMap, BTreeSet};

use super::regex::escape;

/// The most edits that may be asked for.
pub const MAX_EDITS: usize = 8;

/// The most edits in one word. An automaton grows about fourfold with each, and past four the longest words no longer fit.
const WORD_EDITS: usize = 4;

/// One edit for so many letters of a word: with more, nearly every short word resembles another.
const LETTERS_FOR_AN_EDIT: usize = 4;

/// Up to so many edits, every form of a word is written out.
const WRITTEN_OUT: usize = 2;

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
    let letters: Vec<Option<char>> = word.chars().map(Some).collect();
    let edits = edits.min(WORD_EDITS).min(letters.len() / LETTERS_FOR_AN_EDIT);
    if edits == 0 {
        return escape(word);
    }
    if edits > WRITTEN_OUT {
        return Halves::new(word).within(edits);
    }
    let mut forms = BTreeSet::from([letters]);
    for _ in 0..edits {
        forms = forms.iter().flat_map(|form| one_edit(form)).chain(forms.iter().cloned()).collect();
    }
    let forms: Vec<String> = forms.iter().map(|form| written(form)).collect();
    format!("(?:{})", forms.join("|"))
}

/// Every form that one substitution, deletion or insertion makes; `None` is any letter.
fn one_edit(form: &[Option<char>]) -> Vec<Vec<Option<char>>> {
    let mut forms = Vec::with_capacity(form.len() * 3 + 1);
    for at in 0..=form.len() {
        let (before, after) = form.split_at(at);
        forms.push([before, &[None], after].concat());
        if let Some((_, rest)) = after.split_first() {
            forms.push([before, &[None], rest].concat());
            forms.push([before, rest].concat());
        }
    }
    forms
}

fn written(form: &[Option<char>]) -> String {
    form.iter().map(|letter| letter.map_or(r"\w".to_owned(), literal)).collect()
}

fn literal(letter: char) -> String {
    escape(letter.encode_utf8(&mut [0; 4]))
}

/// A word that is cut into halves again and again, so that many edits take few words: `n` edits of the whole are some of the
/// one half and the rest of the other.
struct Halves {
    letters: Vec<char>,
    /// What was written of a part with so many edits.
    known: BTreeMap<(usize, usize, usize), String>,
}

impl Halves {
    fn new(word: &str) -> Self {
        Self { letters: word.chars().collect(), known: BTreeMap::new() }
    }

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
            return self.letters.get(from..to).into_iter().flatten().map(|c| literal(*c)).collect();
        }
        if to - from <= 1 {
            // Kept, with others before it; or replaced or left out.
            let letter: String =
                self.letters.get(from..to).into_iter().flatten().map(|c| literal(*c)).collect();
            return format!("{}{letter}?", any(edits));
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
}

/// At most so many letters, whichever they are.
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
                    _ => drop(text.remove(at)),
                }
            }
            let text: String = text.into_iter().collect();
            assert_eq!(three.is_match(&text), distance(word, &text) <= 3, "{text}");
        }
        assert!(finds(&["antidisestablish"], 4, "atidisxstblishh") && !finds(&["antidis"], 8, "ontodis"));
    }
}
