//! What stands at each place of a text, as bits: 64 places are looked at at once.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::bits::{GROUP, each_group, filled_up, packed};

/// What is known of each place of a text, and of its end.
#[derive(Debug)]
pub(super) struct Marks {
    words: Vec<Words>,
    /// By group and kind, before a byte of it; each told when it is first asked for.
    kinds: OnceCell<Vec<Kinds>>,
}

type Kinds = OnceCell<[u64; KINDS]>;

/// Of so many places, a bit each.
#[derive(Clone, Copy, Debug)]
struct Words {
    /// Before a byte that is part of a word.
    before: u64,
    /// After one.
    after: u64,
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
        let mut words = Vec::with_capacity(text.len() / GROUP + 1);
        let mut last = 0;
        each_group(text, |group| {
            // Without branches, so that many bytes are looked at at once.
            let letter = |byte: u8| (byte | 0x20).wrapping_sub(b'a') < 26;
            let digit = |byte: u8| byte.wrapping_sub(b'0') < 10;
            let before = packed(&group.map(|byte| u8::from(letter(byte) | digit(byte) | (byte == b'_'))));
            words.push(Words { before, after: before << 1 | last });
            last = before >> (GROUP - 1);
        });
        Self { words, kinds: OnceCell::new() }
    }

    /// Whether a word begins or ends at a place.
    #[inline]
    pub(super) fn is_edge(&self, at: usize) -> bool {
        self.words.get(at / GROUP).is_some_and(|words| (words.before ^ words.after) >> (at % GROUP) & 1 == 1)
    }

    /// Tells of each place of its text where something may begin, in order; some of them are behind the text.
    #[inline]
    pub(super) fn each(&self, text: &[u8], opening: &Opening, mut tell: impl FnMut(usize)) {
        for (nth, (words, kinds)) in self.words.iter().zip(self.kinds()).enumerate() {
            let mut left = opening.places(words, kinds.get_or_init(|| kinds_of(text, nth)));
            while left != 0 {
                tell(nth * GROUP + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    /// The first of some places of its text where something may begin and that is wanted.
    #[inline]
    pub(super) fn first_of(
        &self,
        text: &[u8],
        opening: &Opening,
        places: Range<usize>,
        mut wanted: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let mut at = places.start - places.start % GROUP;
        let mut seen = u64::MAX << (places.start % GROUP);
        let groups = places.start / GROUP..places.end.div_ceil(GROUP);
        let (words, kinds) = (self.words.get(groups.clone())?, self.kinds().get(groups)?);
        for (words, kinds) in words.iter().zip(kinds) {
            let kinds = kinds.get_or_init(|| kinds_of(text, at / GROUP));
            let mut left = opening.places(words, kinds) & seen;
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

    fn kinds(&self) -> &[Kinds] {
        self.kinds.get_or_init(|| self.words.iter().map(|_| Kinds::new()).collect())
    }
}

/// Where bytes of each kind stand in a group of a text.
fn kinds_of(text: &[u8], nth: usize) -> [u64; KINDS] {
    let rest = text.get(nth * GROUP..).unwrap_or_default();
    let group = rest.first_chunk().copied().unwrap_or_else(|| filled_up(rest));
    let of = |first: u8, count: u8| packed(&group.map(|byte| u8::from(byte.wrapping_sub(first) < count)));
    let [lower, blank, digit, upper, newline] =
        [of(b'a', 26), of(b' ', 1), of(b'0', 10), of(b'A', 26), of(b'\n', 1)];
    [lower, blank, digit, upper, newline, !(lower | blank | digit | upper | newline)]
}

impl Opening {
    /// Nowhere.
    pub(super) const NONE: Self = Self { kinds: [0; KINDS], not_inside: u64::MAX };

    /// The places where something may begin, told by the byte there and by what the byte before it comes to.
    pub(super) fn new<B: Ord>(behind: impl Fn(u8) -> B, begins: impl Fn(&B, u8) -> bool) -> Self {
        let mut opening = Self::NONE;
        for in_word in [false, true] {
            // Many bytes come to the same.
            let all: BTreeSet<B> =
                (0..=u8::MAX).filter(|byte| is_word(*byte) == in_word).map(&behind).collect();
            for byte in (0..=u8::MAX).filter(|byte| all.iter().any(|behind| begins(behind, *byte))) {
                opening.kinds.get_mut(kind(byte)).into_iter().for_each(|kind| *kind = u64::MAX);
                if in_word && is_word(byte) {
                    opening.not_inside = 0;
                }
            }
        }
        opening
    }

    /// The places of either.
    pub(super) fn or(self, other: Self) -> Self {
        let mut kinds = self.kinds;
        kinds.iter_mut().zip(other.kinds).for_each(|(kind, other)| *kind |= other);
        Self { kinds, not_inside: self.not_inside & other.not_inside }
    }

    /// Whether it may only at bytes of which a text has few.
    pub(super) fn is_rare(&self) -> bool {
        self.kinds.iter().take(COMMON).all(|kind| *kind == 0)
    }

    /// The places of a group where it may.
    #[inline]
    fn places(&self, words: &Words, kinds: &[u64; KINDS]) -> u64 {
        let kinds = self.kinds.iter().zip(kinds);
        let all = kinds.fold(0, |all, (may, places)| all | may & places);
        all & !(self.not_inside & words.before & words.after)
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
            let opening = Opening::new(|behind| behind, |behind, byte| begins(*behind, byte));
            // What stands before and behind a text is like a blank.
            let at = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
            let behind = |place: usize| place.checked_sub(1).map_or(b' ', at);
            for place in 0..bytes.len() + 200 {
                let is_edge = is_word(at(place)) != is_word(behind(place));
                prop_assert_eq!(marks.is_edge(place), is_edge);
            }
            let expected: Vec<usize> = (0..bytes.len()).filter(|place| begins(behind(*place), at(*place))).collect();
            let mut told = Vec::new();
            marks.each(bytes, &opening, |place| told.push(place));
            told.retain(|place| *place < bytes.len());
            prop_assert_eq!(&told, &expected);
            for from in 0..=bytes.len() {
                for upto in [from, from + 1, from + 70, bytes.len()] {
                    let upto = upto.min(bytes.len());
                    for step in [1, 3] {
                        let mut all = expected.iter().copied();
                        let first = all.find(|place| (from..upto).contains(place) && place % step == 0);
                        prop_assert_eq!(marks.first_of(bytes, &opening, from..upto, |place| place % step == 0), first);
                    }
                }
            }
        }
    }

    #[test]
    fn either_opens_where_one_does() {
        let places = |opening: Opening| {
            let mut told = Vec::new();
            Marks::of(b"a1 B2").each(b"a1 B2", &opening, |place| told.push(place));
            told
        };
        let of = |wanted: fn(u8) -> bool| Opening::new(|_| (), |(), byte| wanted(byte));
        let (digits, capitals) = (of(|byte| byte.is_ascii_digit()), of(|byte| byte.is_ascii_uppercase()));
        assert_eq!((places(digits), places(capitals)), (vec![1, 4], vec![3]));
        assert_eq!(places(digits.or(capitals)), [1, 3, 4]);
        assert!(places(Opening::NONE).is_empty());
    }

    #[test]
    fn words_are_those_of_expressions() {
        let word = regex_automata::meta::Regex::new(r"(?-u:\w)").unwrap();
        for byte in 0..=u8::MAX {
            assert_eq!(is_word(byte), word.is_match(&[byte][..]), "{byte}");
        }
    }
}
