//! Word lists as regular expressions: whole words and phrases in any case, near misses on request.

use std::collections::BTreeSet;

use super::regex::escape;

/// The most edits that a word list tolerates: past two, nearly every short word resembles another.
pub const MAX_EDITS: usize = 2;

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
    let edits = edits.min(MAX_EDITS).min(letters.len() / 4);
    if edits == 0 {
        return escape(word);
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
    form.iter()
        .map(|letter| letter.map_or(r"\w".to_owned(), |c| escape(c.encode_utf8(&mut [0; 4]))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::View;

    fn finds(words: &[&str], edits: usize, text: &str) -> bool {
        let hir =
            crate::matcher::regex::compile(&source(words.iter().copied(), edits), "i", View::Folded).unwrap();
        regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap().is_match(text)
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
}
