//! Classes that read like words: `[^ourcompany.com$]`, `[cat|dog]`, and the range `A-z`.

use regex_syntax::ast::{ClassBracketed, ClassSet, ClassSetItem, ClassSetRange, Literal, LiteralKind};

use super::Doubt;
use crate::lint::expressions::range;

/// So many letters in a row make a word.
const WORD: usize = 3;
/// So many make one in which a letter stands twice.
const LONG_WORD: usize = 4;

/// What is suspicious of a class.
pub(super) fn doubt(class: &ClassBracketed, source: &str) -> Option<Doubt> {
    let ClassSet::Item(item) = &class.kind else { return None };
    let one = std::slice::from_ref(item);
    let items = if let ClassSetItem::Union(union) = item { union.items.as_slice() } else { one };
    if let Some(ends) = items.iter().find_map(mixed_range) {
        let (first, last) = (ends.start.c, ends.end.c);
        return Some(Doubt {
            range: range(&ends.span),
            message: format!(
                "`{first}-{last}` also takes the marks between `Z` and `a`: `[`, `\\`, `]`, `^`, `_` and the backtick"
            ),
            help: format!("write `{first}-Za-{last}`"),
        });
    }
    let letters: Vec<Option<char>> = items.iter().map(verbatim).collect();
    let whole = source.get(range(&class.span))?;
    if let Some(words) = alternatives(&letters).filter(|_| !class.negated) {
        return Some(Doubt {
            range: range(&class.span),
            message: format!("`{whole}` is one character out of its letters and `|`, and no choice of words"),
            help: format!("write `(?:{words})`"),
        });
    }
    let run = longest_run(&letters);
    let ends_line = class.negated && letters.last() == Some(&Some('$')) && run >= WORD;
    if ends_line || (run >= LONG_WORD && has_twice(&letters)) {
        let kind = if class.negated { "any one character but these" } else { "one of these characters" };
        return Some(Doubt {
            range: range(&class.span),
            message: format!("`{whole}` is {kind}, and reads like a word"),
            help: "for a word write `(?:…)`; what must not stand there is said by the rule, as in `and not text has …`"
                .to_owned(),
        });
    }
    None
}

fn mixed_range(item: &ClassSetItem) -> Option<&ClassSetRange> {
    match item {
        ClassSetItem::Range(range) => {
            (range.start.c.is_ascii_uppercase() && range.end.c.is_ascii_lowercase()).then_some(range)
        }
        _ => None,
    }
}

/// The character that an item is, when it is written as itself.
fn verbatim(item: &ClassSetItem) -> Option<char> {
    match item {
        ClassSetItem::Literal(Literal { kind: LiteralKind::Verbatim, c, .. }) => Some(*c),
        _ => None,
    }
}

/// Words with bars between them, when the class is nothing else.
fn alternatives(letters: &[Option<char>]) -> Option<String> {
    let text: String = letters.iter().copied().collect::<Option<String>>()?;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(char::is_alphabetic);
    (text.contains('|') && text.split('|').all(is_word)).then_some(text)
}

fn longest_run(letters: &[Option<char>]) -> usize {
    let is_letter = |letter: &Option<char>| letter.is_some_and(char::is_alphabetic);
    letters.split(|letter| !is_letter(letter)).map(<[_]>::len).max().unwrap_or(0)
}

/// Whether a letter stands there twice.
fn has_twice(letters: &[Option<char>]) -> bool {
    let letters: Vec<char> = letters.iter().flatten().copied().filter(|c| c.is_alphabetic()).collect();
    letters.iter().enumerate().any(|(at, letter)| letters.iter().skip(at + 1).any(|other| other == letter))
}
