//! Two texts as runs that are alike and runs that differ.

use similar::{ChangeTag, TextDiff};

/// The longest texts that are compared word by word, in bytes between what they begin and end with alike. Of longer ones all
/// of that is one difference, so that comparing stays quick.
const MAX_COMPARED: usize = 16 << 10;

/// A run of both texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It stands in both.
    Same(String),
    /// Something else stands in each.
    Changed {
        /// In the expected text.
        expected: String,
        /// In the one that came.
        got: String,
    },
}

impl Part {
    pub(super) fn is_changed(&self) -> bool {
        matches!(self, Part::Changed { .. })
    }

    pub(super) fn expected(&self) -> &str {
        match self {
            Part::Same(text) | Part::Changed { expected: text, .. } => text,
        }
    }

    pub(super) fn got(&self) -> &str {
        match self {
            Part::Same(text) | Part::Changed { got: text, .. } => text,
        }
    }
}

/// Compares word by word, and words that differ by what they begin and end with alike.
pub(super) fn parts(expected: &str, got: &str) -> Vec<Part> {
    let (before, after) = shared(expected, got);
    let (middle, other) = (inner(expected, before, after), inner(got, before, after));
    let mut parts = Parts::default();
    parts.same(expected.get(..before).unwrap_or_default());
    if middle.len().max(other.len()) > MAX_COMPARED {
        parts.changed(middle, other);
    } else {
        for change in TextDiff::from_words(middle, other).iter_all_changes() {
            match change.tag() {
                ChangeTag::Equal => parts.same(change.value()),
                ChangeTag::Delete => parts.changed(change.value(), ""),
                ChangeTag::Insert => parts.changed("", change.value()),
            }
        }
    }
    parts.same(expected.get(expected.len() - after..).unwrap_or_default());
    parts.trimmed()
}

/// How many bytes two texts begin and end with alike, in whole characters.
fn shared(one: &str, other: &str) -> (usize, usize) {
    let alike = |(a, b): &(char, char)| a == b;
    let before: usize = one.chars().zip(other.chars()).take_while(alike).map(|(c, _)| c.len_utf8()).sum();
    let (one, other) = (inner(one, before, 0), inner(other, before, 0));
    let behind = one.chars().rev().zip(other.chars().rev()).take_while(alike);
    (before, behind.map(|(c, _)| c.len_utf8()).sum())
}

fn inner(text: &str, before: usize, after: usize) -> &str {
    text.get(before..text.len() - after).unwrap_or_default()
}

/// Runs so far; no two neighbours are of one kind.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn same(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Same(before)) => before.push_str(text),
            Some(Part::Changed { .. }) | None => self.0.push(Part::Same(text.to_owned())),
        }
    }

    fn changed(&mut self, old: &str, new: &str) {
        // Spaces alone between two differences belong to them.
        if let [.., Part::Changed { expected, got }, Part::Same(gap)] = self.0.as_mut_slice()
            && gap.trim().is_empty()
        {
            expected.push_str(gap);
            got.push_str(gap);
            self.0.pop();
        }
        if let Some(Part::Changed { expected, got }) = self.0.last_mut() {
            expected.push_str(old);
            got.push_str(new);
        } else if old != new {
            self.0.push(Part::Changed { expected: old.to_owned(), got: new.to_owned() });
        }
    }

    fn trimmed(self) -> Vec<Part> {
        let mut trimmed = Parts::default();
        for part in self.0 {
            let (expected, got) = (part.expected(), part.got());
            let (before, after) = shared(expected, got);
            trimmed.same(expected.get(..before).unwrap_or_default());
            let differs = (inner(expected, before, after), inner(got, before, after));
            if differs != ("", "") {
                trimmed.changed(differs.0, differs.1);
            }
            trimmed.same(expected.get(expected.len() - after..).unwrap_or_default());
        }
        trimmed.0
    }
}
