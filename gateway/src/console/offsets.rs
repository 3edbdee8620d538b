//! Places in texts as JavaScript counts them: in units of UTF-16.

/// The place of a byte; of one within a character, that of the character.
pub(super) fn utf16(text: &str, byte: usize) -> usize {
    let byte = text.floor_char_boundary(byte);
    text.get(..byte).unwrap_or(text).encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_beyond_the_first_plane_are_two_units() {
        let text = "é😀a";
        assert_eq!([0, 2, 6, 7].map(|byte| utf16(text, byte)), [0, 1, 3, 4]);
        assert_eq!((utf16(text, 4), utf16(text, 99)), (1, 4));
    }
}
