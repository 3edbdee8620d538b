//! Numbers that states of Asia, Africa and Oceania give to people. Each function names the source of its rule.

use super::checksum::{digits, ends_in, is_date, is_day, luhn, number, part, plain, values, verhoeff, weigh};
use super::mixed_digits;

/// An Indian Aadhaar number: twelve digits, not from 0 or 1, with Verhoeff's check. UIDAI, "Aadhaar numbering scheme".
pub(super) fn in_aadhaar(text: &str) -> bool {
    let all = digits(text);
    all.len() == 12 && all.first() > Some(&1) && verhoeff(&all) && !all.iter().eq(all.iter().rev())
}

/// A Chinese identity number: region, birthday, serial, a check that may be X. GB 11643-1999, ISO 7064 modulo 11 and 2.
pub(super) fn cn_resident_id(text: &str) -> bool {
    let plain = plain(text);
    let Some((body, check)) = plain.split_at_checked(17) else { return false };
    let all = digits(body);
    let sum = weigh(&all, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    let year = part(&all, 6..10);
    all.len() == 17
        && (1880..2100).contains(&year)
        && is_date(all.get(8..14).unwrap_or_default())
        && check
            == ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"]
                .get(sum as usize)
                .copied()
                .unwrap_or("")
}

/// A Korean resident number: a birthday, a digit of sex and century, six digits, since 2020 without a check. Resident
/// Registration Act, enforcement rule, article 2.
pub(super) fn kr_rrn(text: &str) -> bool {
    let all = digits(text);
    all.len() == 13 && is_date(&all) && matches!(all.get(6), Some(1..=8))
}

/// A Japanese individual number: eleven digits and a check. Ministry of Internal Affairs, ordinance 85 of 2014, article 5.
pub(super) fn jp_my_number(text: &str) -> bool {
    let check = |sum| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    ends_in(&digits(text), &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], check) && mixed_digits(text)
}

/// A Taiwanese identity number: a letter of the place, sex, seven digits, a check. Ministry of the Interior.
pub(super) fn tw_id(text: &str) -> bool {
    const PLACES: &str = "ABCDEFGHJKLMNPQRSTUVXYWZIO"; // in the order of their numbers, from 10
    let plain = plain(text);
    let all = digits(&plain);
    let place =
        plain.chars().next().and_then(|c| PLACES.chars().zip(10_u32..).find(|(place, _)| *place == c));
    let Some((_, place)) = place else { return false };
    let sum = place / 10 + place % 10 * 9 + weigh(&all, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    all.len() == 9 && matches!(all.first(), Some(1 | 2 | 8 | 9)) && sum.is_multiple_of(10)
}

/// An identity card of Hong Kong: one or two letters, six digits, a digit or A. Immigration Department, code of practice.
pub(super) fn hk_id(text: &str) -> bool {
    let all = values(&plain(text));
    let weights: &[u32] =
        if all.len() == 9 { &[9, 8, 7, 6, 5, 4, 3, 2, 1] } else { &[8, 7, 6, 5, 4, 3, 2, 1] };
    let blank = if all.len() == 8 { 36 * 9 } else { 0 }; // a missing letter counts as 36
    matches!(all.len(), 8 | 9) && (blank + weigh(&all, weights)).is_multiple_of(11)
}

/// A number of Singapore for citizens (S, T) and foreigners (F, G, M). Immigration & Checkpoints Authority, "NRIC and FIN".
pub(super) fn sg_nric(text: &str) -> bool {
    let plain = plain(text);
    let sum = weigh(&digits(&plain), &[2, 7, 6, 5, 4, 3, 2]);
    let (sum, letters) = match plain.chars().next() {
        Some('S') => (sum, "JZIHGFEDCBA"),
        Some('T') => (sum + 4, "JZIHGFEDCBA"),
        Some('F') => (sum, "XWUTRQPNMLK"),
        Some('G') => (sum + 4, "XWUTRQPNMLK"),
        Some('M') => (sum + 3, "XWUTRQPNJLK"),
        _ => return false,
    };
    digits(&plain).len() == 7 && plain.chars().last() == letters.chars().nth((sum % 11) as usize)
}

/// A Thai identity number: twelve digits and a check. Department of Provincial Administration.
pub(super) fn th_id(text: &str) -> bool {
    let all = digits(text);
    ends_in(&all, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 10)
        && all.first() > Some(&0)
}

/// A Malaysian identity number: a birthday, a place, four digits. Jabatan Pendaftaran Negara, "MyKad".
pub(super) fn my_nric(text: &str) -> bool {
    let all = digits(text);
    let place = part(&all, 6..8);
    all.len() == 12 && is_date(&all) && !matches!(place, 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
}

/// An Indonesian identity number: district, birthday (40 more for women), serial. Permendagri 95/2019.
pub(super) fn id_nik(text: &str) -> bool {
    let all = digits(text);
    let day = part(&all, 6..8);
    let day = if day > 40 { day - 40 } else { day };
    all.len() == 16
        && (11..=96).contains(&part(&all, 0..2))
        && is_day(part(&all, 8..10), day)
        && part(&all, 12..16) > 0
}

/// An identity number of the Emirates: 784, year of birth, seven digits, Luhn's check. ICP, "Emirates ID".
pub(super) fn ae_id(text: &str) -> bool {
    let all = digits(text);
    all.len() == 15 && part(&all, 0..3) == 784 && luhn(&all)
}

/// An Israeli identity number: nine digits with Luhn's check. Population and Immigration Authority.
pub(super) fn il_id(text: &str) -> bool {
    let all = digits(text);
    all.len() == 9 && luhn(&all) && mixed_digits(text)
}

/// An Australian tax file number: nine digits. Australian Taxation Office, "TFN algorithm".
pub(super) fn au_tfn(text: &str) -> bool {
    let all = digits(text);
    all.len() == 9 && weigh(&all, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && number(&all) > 0
}

/// An Australian Medicare card: eight digits, a check, an issue number, perhaps a person's. AIHW METeOR 270101.
pub(super) fn au_medicare(text: &str) -> bool {
    let all = digits(text);
    matches!(all.len(), 10 | 11)
        && matches!(all.first(), Some(2..=6))
        && ends_in(all.get(..9).unwrap_or_default(), &[1, 3, 7, 9, 1, 3, 7, 9], |sum| sum % 10)
}

/// An Australian business number: eleven digits, a multiple of 89 when weighed. Australian Business Register, "Format of the
/// ABN".
pub(super) fn au_abn(text: &str) -> bool {
    let all = digits(text);
    let sum = weigh(&all, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    all.len() == 11 && all.first() > Some(&0) && (sum + 79).is_multiple_of(89) // the first digit counts one less
}

/// A tax number of New Zealand: eight or nine digits. Inland Revenue, Resident Withholding Tax specification.
pub(super) fn nz_ird(text: &str) -> bool {
    let value = number(&digits(text));
    let all = digits(&format!("{value:09}"));
    let check = |weights: &[u32]| (11 - weigh(&all, weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = if first == 10 { check(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    (10_000_000..150_000_000).contains(&value) && all.last() == Some(&expected)
}

/// A Sri Lankan identity number: year and day of birth, serial. Department for Registration of Persons.
pub(super) fn lk_nic(text: &str) -> bool {
    let all = digits(text);
    let day = if all.len() == 12 { part(&all, 4..7) } else { part(&all, 2..5) };
    let day = if day > 500 { day - 500 } else { day }; // 500 more for women
    matches!(all.len(), 9 | 12) && (1..=366).contains(&day)
}

/// A South African identity number: a birthday, serial, citizenship, Luhn's check. Identification Act 68 of 1997, section 8.
pub(super) fn za_id(text: &str) -> bool {
    let all = digits(text);
    all.len() == 13 && is_date(&all) && matches!(all.get(10), Some(0..=2)) && luhn(&all)
}
