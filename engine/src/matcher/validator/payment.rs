//! Payment cards, and addresses of crypto currencies.

use sha2::{Digest as _, Sha256};

use super::checksum::{digits, luhn, part};
use super::mixed_digits;

/// First digits and lengths of the brands, from ISO/IEC 7812 and the brands' own tables. Maestro's are wide: it comes last.
const CARD_BRANDS: &[(std::ops::RangeInclusive<u32>, &[usize])] = &[
    (4000..=4999, &[13, 16, 19]),
    (5100..=5599, &[16]),
    (2221..=2720, &[16]),
    (3400..=3499, &[15]),
    (3700..=3799, &[15]),
    (3000..=3059, &[14]),
    (3095..=3095, &[14]),
    (3600..=3699, &[14]),
    (3800..=3999, &[14, 16, 17, 18, 19]),
    (3500..=3599, &[16, 17, 18, 19]),
    (2131..=2131, &[15]),
    (1800..=1800, &[15]),
    (2200..=2204, &[16, 17, 18, 19]),
    (6011..=6011, &[16, 17, 18, 19]),
    (6440..=6599, &[16, 17, 18, 19]),
    (6200..=6299, &[16, 17, 18, 19]),
    (8100..=8171, &[16, 17, 18, 19]),
    (5018..=5099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (5600..=5899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6300..=6399, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6700..=6799, &[12, 13, 14, 15, 16, 17, 18, 19]),
];

pub(super) fn card(text: &str) -> bool {
    let all = digits(text);
    let prefix = part(&all, 0..4);
    let known = |(prefixes, lengths): &(std::ops::RangeInclusive<u32>, &[usize])| {
        prefixes.contains(&prefix) && lengths.contains(&all.len())
    };
    CARD_BRANDS.iter().any(known) && luhn(&all) && mixed_digits(text)
}

/// An address of Bitcoin by its checksum; those of Ethereum, whose check is in the case of their letters, pass by their shape.
pub(super) fn wallet(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    match lower.get(..3) {
        Some("bc1" | "ltc") => segwit(&lower),
        _ if lower.starts_with("0x") => true,
        _ => base58(text),
    }
}

/// Base 58 check: 25 bytes, the last four of which are the head of the others' double SHA-256. Bitcoin Wiki, "Base58Check
/// encoding".
fn base58(text: &str) -> bool {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 25];
    for c in text.chars() {
        let Some(mut carry) = ALPHABET.find(c) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).unwrap_or_default();
            carry /= 256;
        }
        if carry > 0 {
            return false;
        }
    }
    let (body, check) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(body)).starts_with(check)
}

/// Bech32 (BIP-173) and Bech32m (BIP-350): a polynomial over the letters, whose remainder is 1 or 0x2bc830a3.
fn segwit(lower: &str) -> bool {
    const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let Some((prefix, data)) = lower.split_once('1') else { return false };
    let letters: Option<Vec<u32>> =
        data.chars().map(|c| ALPHABET.find(c).and_then(|at| u32::try_from(at).ok())).collect();
    let head = prefix.bytes().map(|b| u32::from(b) >> 5);
    let tail = prefix.bytes().map(|b| u32::from(b) & 31);
    let step = |check: u32, value: u32| {
        let bits = GENERATOR.iter().enumerate().filter(|(i, _)| ((check >> 25) >> i) & 1 == 1);
        bits.fold(((check & 0x1ff_ffff) << 5) ^ value, |check, (_, generator)| check ^ generator)
    };
    let sum = head.chain([0]).chain(tail).chain(letters.iter().flatten().copied()).fold(1, step);
    letters.is_some() && matches!(sum, 1 | 0x2bc8_30a3)
}
