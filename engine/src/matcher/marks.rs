//! What stands at each place of a text, as bits: 64 places are looked at at once.

use std::ops::Range;

use crate::bits::{GROUP, packed};

/// What is known of each place of a text, and of its end.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Group>);

/// So many places, a bit each.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// By kind, before a byte of it.
    kinds: [u64; KINDS],
    /// Before a byte that is part of a word.
    word: u64,
    /// After one.
    behind: u64,
}

/// At which places something may begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// By kind, whether with a byte of it: all bits or none.
    kinds: [u64; KINDS],
    /// Whether inside of a word: none or all bits.
    not_inside: u64,
}

/// Kinds of bytes: small letters, blanks, digits, capital letters, ends of lines, and all others.
const KINDS: usize = 6;
/// The first of those are in every text, many times.
const COMMON: usize = 2;

const fn kind(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => 0,
        b' ' => 1,
        b'0'..=b'9' => 2,
        b'A'..=b'Z' => 3,
        b'\n' => 4,
        _ => 5,
    }
}

/// Whether a byte is part of a word, as `\b` has it.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Marks {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut marks = Vec::with_capacity(text.len() / GROUP + 1);
        let mut last = 0;
        let mut add = |group: &[u8; GROUP]| {
            // Without branches, so that many bytes are looked at at once.
            let of =
                |first: u8, count: u8| packed(&group.map(|byte| u8::from(byte.wrapping_sub(first) < count)));
            let [lower, blank, digit, upper, newline] =
                [of(b'a', 26), of(b' ', 1), of(b'0', 10), of(b'A', 26), of(b'\n', 1)];
            let other = !(lower | blank | digit | upper | newline);
            let word = lower | digit | upper | of(b'_', 1);
            let kinds = [lower, blank, digit, upper, newline, other];
            marks.push(Group { kinds, word, behind: word << 1 | last });
            last = word >> (GROUP - 1);
        };
        let (groups, rest) = text.as_chunks();
        groups.iter().for_each(&mut add);
        // What stands behind a text is no word.
        let mut end = [0; GROUP];
        end.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        add(&end);
        Self(marks)
    }

    /// Whether a word begins or ends at a place.
    #[inline]
    pub(super) fn is_edge(&self, at: usize) -> bool {
        self.0.get(at / GROUP).is_some_and(|group| (group.word ^ group.behind) >> (at % GROUP) & 1 == 1)
    }

    /// Tells of each place where something may begin, in order; some of them are behind the text.
    #[inline]
    pub(super) fn each(&self, opening: &Opening, mut tell: impl FnMut(usize)) {
        for (nth, group) in self.0.iter().enumerate() {
            let mut left = opening.places(group);
            while left != 0 {
                tell(nth * GROUP + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    /// The first of some places where something may begin and that is wanted.
    #[inline]
    pub(super) fn first_of(
        &self,
        opening: &Opening,
        places: Range<usize>,
        mut wanted: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let mut at = places.start - places.start % GROUP;
        let mut seen = u64::MAX << (places.start % GROUP);
        for group in self.0.get(places.start / GROUP..places.end.div_ceil(GROUP))? {
            let mut left = opening.places(group) & seen;
            while left != 0 {
                let place = at + left.trailing_zeros() as usize;
                if place >= places.end {
                    return None;
                }
                if wanted(place) {
                    return Some(place);
                }
                left &= left - 1;
            }
            (at, seen) = (at + GROUP, u64::MAX);
        }
        None
    }
}

impl Opening {
    /// Nowhere.
    pub(super) const NONE: Self = Self { kinds: [0; KINDS], not_inside: u64::MAX };

    /// The places where any of several may begin, each told by the byte before and the byte there.
    pub(super) fn new(begins: impl Fn(u8, u8) -> bool) -> Self {
        let mut opening = Self::NONE;
        for behind in 0..=u8::MAX {
            for byte in (0..=u8::MAX).filter(|byte| begins(behind, *byte)) {
                opening.kinds.get_mut(kind(byte)).into_iter().for_each(|kind| *kind = u64::MAX);
                if is_word(behind) && is_word(byte) {
                    opening.not_inside = 0;
                }
            }
        }
        opening
    }

    /// Whether it may only at bytes of which a text has few.
    pub(super) fn is_rare(&self) -> bool {
        self.kinds.iter().take(COMMON).all(|kind| *kind == 0)
    }

    /// The places of a group where it may.
    #[inline]
    fn places(&self, group: &Group) -> u64 {
        let kinds = self.kinds.iter().zip(&group.kinds);
        let all = kinds.fold(0, |all, (may, places)| all | may & places);
        all & !(self.not_inside & group.word & group.behind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn begins(kinds: [bool; KINDS], inside: bool) -> impl Fn(u8, u8) -> bool {
        move |behind, byte| kinds[kind(byte)] && (inside || !(is_word(behind) && is_word(byte)))
    }

    proptest! {
        #[test]
        fn places_are_where_something_may_begin(
            text in "[a-zA-Z0-9_ .é\u{0}\n-]{0,200}",
            kinds in any::<[bool; KINDS]>(),
            inside in any::<bool>(),
        ) {
            let bytes = text.as_bytes();
            let (marks, begins) = (Marks::of(bytes), begins(kinds, inside));
            let opening = Opening::new(&begins);
            // What stands before and behind a text is like a blank.
            let at = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
            let behind = |place: usize| place.checked_sub(1).map_or(b' ', at);
            for place in 0..bytes.len() + 200 {
                let is_edge = is_word(at(place)) != is_word(behind(place));
                prop_assert_eq!(marks.is_edge(place), is_edge);
            }
            let expected: Vec<usize> = (0..bytes.len()).filter(|place| begins(behind(*place), at(*place))).collect();
            let mut told = Vec::new();
            marks.each(&opening, |place| told.push(place));
            told.retain(|place| *place < bytes.len());
            prop_assert_eq!(&told, &expected);
            for from in 0..=bytes.len() {
                for upto in [from, from + 1, from + 70, bytes.len()] {
                    let upto = upto.min(bytes.len());
                    for step in [1, 3] {
                        let mut all = expected.iter().copied();
                        let first = all.find(|place| (from..upto).contains(place) && place % step == 0);
                        prop_assert_eq!(marks.first_of(&opening, from..upto, |place| place % step == 0), first);
                    }
                }
            }
        }
    }

    #[test]
    fn words_are_those_of_expressions() {
        let word = regex_automata::meta::Regex::new(r"(?-u:\w)").unwrap();
        for byte in 0..=u8::MAX {
            assert_eq!(is_word(byte), word.is_match(&[byte][..]), "{byte}");
        }
    }
}
