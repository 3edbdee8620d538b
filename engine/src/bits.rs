//! Bits of bytes, 64 at a time, so that many bytes are looked at at once.

/// Bytes that have their bits in one number.
pub(crate) const GROUP: usize = 64;

/// The lowest bit of each byte, that of the first byte lowest.
pub(crate) fn packed(bytes: &[u8; GROUP]) -> u64 {
    // Brings the bits of eight bytes side by side into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = bytes.as_chunks::<8>();
    eights.iter().rev().fold(0, |all, eight| all << 8 | u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56)
}
