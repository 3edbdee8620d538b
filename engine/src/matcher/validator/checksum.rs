//! The arithmetic that check digits share.

/// The ASCII digits of a text.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// The letters and digits of a text, letters in upper case.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Digits and letters as numbers: `0` to `9`, and 10 for `A` up to 35 for `Z`.
pub(super) fn values(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(36)).collect()
}

/// The number that these digits write, which are 18 at most.
pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().take(18).fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// The number that a few of the digits write; 0 when they are not all there.
pub(super) fn part(digits: &[u32], range: std::ops::Range<usize>) -> u32 {
    digits.get(range).unwrap_or_default().iter().fold(0, |number, digit| number * 10 + digit)
}

/// Each digit times its weight, summed.
pub(super) fn weigh(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Whether there is one digit more than weights, and the last one is what `check` makes of the weighed sum.
pub(super) fn ends_in(digits: &[u32], weights: &[u32], check: fn(u32) -> u32) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    body.len() == weights.len() && check(weigh(body, weights)) == *last
}

/// Luhn's check (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u32]) -> bool {
    let doubled = |(i, digit): (usize, &u32)| match (i % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    sum.is_multiple_of(10)
}

/// Verhoeff's check, in the dihedral group of ten elements (J. Verhoeff, Error Detecting Decimal Codes, 1969).
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    const TURN: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let turn = |digit: u32| TURN.iter().zip(0..).find(|(_, from)| *from == digit).map_or(0, |(to, _)| *to);
    let turned = |(i, digit): (usize, &u32)| (0..i % 8).fold(*digit, |digit, _| turn(digit));
    digits.iter().rev().enumerate().map(turned).fold(0, times) == 0
}

/// The hybrid system modulo 11 and 10 (ISO/IEC 7064); the last digit is the check.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *last
}

/// Whether there is such a day in some year.
pub(super) fn is_day(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Whether six digits are the year, the month and the day of a date.
pub(super) fn is_date(digits: &[u32]) -> bool {
    is_day(part(digits, 2..4), part(digits, 4..6))
}

/// Whether six digits are the day, the month and the year of a date.
pub(super) fn is_date_of_day(digits: &[u32]) -> bool {
    is_day(part(digits, 2..4), part(digits, 0..2))
}
