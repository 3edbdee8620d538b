//! Halves of surrogate pairs: providers cut `😀` between two deltas, and each half alone is no valid JSON string.
//!
//! A half inside a document is *shielded* before the parse: the escape becomes one private-use character that
//! stands for it. A [`Joiner`] puts the halves of a text together again; a field that nobody reads is
//! *unshielded* back to the escape it came as.

use std::borrow::Cow;

/// Where the stand-ins start: U+10F800 + (half - 0xD800), the last 2048 code points of Unicode, all private use.
const STAND_IN: u32 = 0x10_F800;
const FIRST_HALF: u32 = 0xD800;
/// The first two bytes that every stand-in starts with, in UTF-8.
const STAND_IN_LEAD: &[u8] = &[0xF4, 0x8F];

/// The document with every lone half replaced by its stand-in, or nothing when it holds no lone half.
///
/// In a document that does hold one, private-use characters of the stand-ins' range become U+FFFD, so that none
/// can be taken for a half.
pub(crate) fn shield(document: &[u8]) -> Option<Vec<u8>> {
    let first = lone_halves(document).next()?.0;
    let mut shielded = Vec::with_capacity(document.len());
    let mut from = 0;
    let replaced = lone_halves(document).map(|(at, half)| (at, 6, stand_in(half)));
    let mut cuts: Vec<(usize, usize, char)> = replaced.chain(foreign(document)).collect();
    cuts.sort_unstable_by_key(|(at, ..)| *at);
    debug_assert!(cuts.iter().any(|(at, ..)| *at == first), "the first half is among the cuts");
    for (at, len, with) in cuts {
        shielded.extend_from_slice(document.get(from..at).unwrap_or_default());
        shielded.extend_from_slice(with.encode_utf8(&mut [0; 4]).as_bytes());
        from = at + len;
    }
    shielded.extend_from_slice(document.get(from..).unwrap_or_default());
    Some(shielded)
}

/// Turns stand-ins of serialized JSON back into the escapes that they stand for.
pub(crate) fn unshield(json: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(json) else { return Cow::Borrowed(json) };
    if !text.chars().any(|c| half_of(c).is_some()) {
        return Cow::Borrowed(json);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match half_of(c) {
            Some(half) => plain.push_str(&format!("\\u{half:04x}")),
            None => plain.push(c),
        }
    }
    Cow::Owned(plain.into_bytes())
}

fn stand_in(half: u32) -> char {
    char::from_u32(STAND_IN + (half - FIRST_HALF)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn half_of(c: char) -> Option<u32> {
    (u32::from(c) >= STAND_IN).then(|| u32::from(c) - STAND_IN + FIRST_HALF)
}

fn is_high(half: u32) -> bool {
    (0xD800..0xDC00).contains(&half)
}

/// Every `\uXXXX` escape of a document and the code unit it says.
fn escapes(document: &[u8]) -> impl Iterator<Item = (usize, u32)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = memchr::memchr(b'\\', document.get(at..)?) {
            let start = at + found;
            let is_unicode = document.get(start + 1) == Some(&b'u');
            at = start + if is_unicode { 6 } else { 2 };
            if is_unicode && let Some(unit) = document.get(start + 2..start + 6).and_then(hex) {
                return Some((start, unit));
            }
        }
        None
    })
}

fn hex(digits: &[u8]) -> Option<u32> {
    let all_hex = digits.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(digits).ok().filter(|_| all_hex).and_then(|d| u32::from_str_radix(d, 16).ok())
}

/// The surrogates among the escapes, pairs and lone ones: `(offset, first unit, second unit of a pair)`.
fn surrogates(document: &[u8]) -> impl Iterator<Item = (usize, u32, Option<u32>)> {
    let mut units = escapes(document).filter(|(_, unit)| (0xD800..0xE000).contains(unit)).peekable();
    std::iter::from_fn(move || {
        let (at, unit) = units.next()?;
        let partner = units.next_if(|(next, low)| is_high(unit) && *next == at + 6 && !is_high(*low));
        Some((at, unit, partner.map(|(_, low)| low)))
    })
}

fn lone_halves(document: &[u8]) -> impl Iterator<Item = (usize, u32)> {
    surrogates(document).filter_map(|(at, unit, partner)| partner.is_none().then_some((at, unit)))
}

/// Characters of the stand-ins' range that the sender wrote, raw or as a pair of escapes.
fn foreign(document: &[u8]) -> impl Iterator<Item = (usize, usize, char)> {
    let raw = document.windows(3).enumerate().filter(|(_, bytes)| {
        bytes.starts_with(STAND_IN_LEAD) && bytes.last().is_some_and(|third| *third >= 0xA0)
    });
    let raw = raw.map(|(at, _)| (at, 4, char::REPLACEMENT_CHARACTER));
    let escaped = surrogates(document).filter(|(_, high, low)| *high >= 0xDBFE && low.is_some());
    raw.chain(escaped.map(|(at, ..)| (at, 12, char::REPLACEMENT_CHARACTER)))
}

/// Joins the halves of one text that arrives in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Joiner {
    pending: Option<u32>,
}

impl Joiner {
    /// Appends a piece; a high half at its end waits for the next one. `shielded` says whether the piece comes
    /// from a document with stand-ins.
    pub(crate) fn push(&mut self, piece: &str, shielded: bool, out: &mut String) {
        if piece.is_empty() {
            return;
        }
        if !shielded {
            self.end(out);
            return out.push_str(piece);
        }
        for c in piece.chars() {
            match half_of(c) {
                Some(half) => self.push_half(half, out),
                None => {
                    self.end(out);
                    out.push(c);
                }
            }
        }
    }

    fn push_half(&mut self, half: u32, out: &mut String) {
        if is_high(half) {
            self.end(out);
            self.pending = Some(half);
            return;
        }
        let whole = self.pending.take().map(|high| 0x1_0000 + ((high - 0xD800) << 10) + (half - 0xDC00));
        out.push(whole.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// Whether no half waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    /// The text is over, or goes on without the other half: a waiting half becomes U+FFFD.
    pub(crate) fn end(&mut self, out: &mut String) {
        if self.pending.take().is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json;

    fn joined(pieces: &[&str]) -> String {
        let (mut joiner, mut out) = (Joiner::default(), String::new());
        for piece in pieces {
            let document = format!("{{\"a\":\"{piece}\"}}").into_bytes();
            let shielded = shield(&document);
            let value = json::parse(shielded.as_deref().unwrap_or(&document)).unwrap();
            joiner.push(value["a"].as_str().unwrap(), shielded.is_some(), &mut out);
        }
        joiner.end(&mut out);
        out
    }

    #[test]
    fn halves_in_two_deltas_become_one_character() {
        assert_eq!(joined(&["a\\ud83d", "\\ude00b"]), "a😀b");
        assert_eq!(joined(&["a\\uD83D", "", "\\uDE00b"]), "a😀b");
    }

    #[test]
    fn halves_that_never_meet_become_replacement_characters() {
        assert_eq!(joined(&["a\\ud83d", "b"]), "a\u{fffd}b");
        assert_eq!(joined(&["\\ude00", "\\ud83d"]), "\u{fffd}\u{fffd}");
        assert_eq!(joined(&["\\ud83d\\ud83d", "\\ude00"]), "\u{fffd}😀");
    }

    #[test]
    fn whole_pairs_and_escaped_backslashes_are_left_alone() {
        assert!(shield(br#"{"a":"\ud83d\ude00 \\ud83d"}"#).is_none());
        assert_eq!(joined(&[r"\ud83d\ude00 \\ud83d"]), r"😀 \ud83d");
    }

    #[test]
    fn nobody_can_write_a_stand_in() {
        assert_eq!(joined(&["\u{10f83d}\\ud83d", "\\ude00"]), "\u{fffd}😀");
        assert_eq!(joined(&["\\udbfe\\udc3d\\ud83d", "x"]), "\u{fffd}\u{fffd}x");
        assert_eq!(joined(&["\u{10f83d}"]), "\u{10f83d}");
    }

    #[test]
    fn a_field_that_nobody_reads_goes_out_as_it_came() {
        let document = br#"{"a":"x\ud83d"}"#;
        let value = json::parse(&shield(document).unwrap()).unwrap();
        assert_eq!(unshield(value.to_string().as_bytes()).as_ref(), document);
    }
}
