//! Bits of bytes, 64 at a time, so that many bytes are looked at at once.

/// Bytes that have their bits in one number.
pub(crate) const GROUP: usize = 64;

/// Takes a text group by group; its end is filled up with blanks, and is there even where it is nothing but these.
pub(crate) fn each_group(text: &[u8], mut take: impl FnMut(&[u8; GROUP])) {
    let (groups, rest) = text.as_chunks();
    groups.iter().for_each(&mut take);
    take(&filled_up(rest));
}

/// The first group of what is left of a text, filled up with blanks where that is less.
pub(crate) fn filled_up(rest: &[u8]) -> [u8; GROUP] {
    let mut group = [b' '; GROUP];
    group.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    group
}

/// The lowest bit of each byte, that of the first byte lowest.
pub(crate) fn packed(bytes: &[u8; GROUP]) -> u64 {
    // Brings the bits of eight bytes side by side into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = bytes.as_chunks::<8>();
    eights.iter().rev().fold(0, |all, eight| all << 8 | u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56)
}
