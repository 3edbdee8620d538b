//! Numbers that American states give to people and to those who care for them. Each function names the source of its rule.

use super::checksum::{digits, ends_in, is_date, luhn, number, part, plain, values, weigh};
use super::mixed_digits;

/// A social security number of the United States: areas 000, 666 and 900 up, group 00 and serial 0000 are never issued, and
/// two numbers of advertisements are void. Social Security Administration, "SSN Randomization"; POMS RM 10201.035.
pub(super) fn ssn(text: &str) -> bool {
    let all = digits(text);
    let (area, group, serial) = (part(&all, 0..3), part(&all, 3..5), part(&all, 5..9));
    all.len() == 9
        && area != 0
        && area != 666
        && area < 900
        && group != 0
        && serial != 0
        && !matches!((area, group, serial), (78, 5, 1120) | (219, 9, 9999))
        && mixed_digits(text)
}

/// An individual taxpayer number of the United States: 9, and a group that the IRS uses. IRS, Publication 1915.
pub(super) fn us_itin(text: &str) -> bool {
    let all = digits(text);
    let group = part(&all, 3..5);
    all.len() == 9 && all.first() == Some(&9) && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// A provider's number of the United States: Luhn's check with 80840 before it. CMS, "Requirements for NPI".
pub(super) fn npi(text: &str) -> bool {
    let all = digits(&format!("80840{text}"));
    all.len() == 15 && luhn(&all)
}

/// A prescriber's number of the United States. DEA, Practitioner's Manual, appendix on registration numbers.
pub(super) fn dea(text: &str) -> bool {
    let all = digits(text);
    ends_in(&all, &[1, 2, 1, 2, 1, 2], |sum| sum % 10) && mixed_digits(text)
}

/// A Canadian social insurance number: nine digits with Luhn's check. Employment and Social Development Canada, "SIN".
pub(super) fn ca_sin(text: &str) -> bool {
    let all = digits(text);
    all.len() == 9 && luhn(&all) && mixed_digits(text)
}

/// The two check digits of Brazil's numbers: the weights of the second are those of the first with one more before.
fn brazilian(all: &[u32], weights: &[u32]) -> bool {
    let check = |sum| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let but_last = all.get(..all.len().saturating_sub(1)).unwrap_or_default();
    ends_in(but_last, weights.get(1..).unwrap_or_default(), check) && ends_in(all, weights, check)
}

/// A Brazilian person's tax number: nine digits and two checks. Receita Federal, IN RFB 1548/2015.
pub(super) fn br_cpf(text: &str) -> bool {
    brazilian(&digits(text), &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) && mixed_digits(text)
}

/// A Brazilian firm's number: twelve digits, since 2026 also letters, and two checks. Receita Federal, IN RFB 2229/2024.
pub(super) fn br_cnpj(text: &str) -> bool {
    let letter = |c: char| u32::from(c) - u32::from('0'); // as the rule wants it: the place in ASCII less that of 0
    let all: Vec<u32> = plain(text).chars().map(letter).collect();
    brazilian(&all, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) && mixed_digits(text)
}

/// An Argentine tax number: two digits of the kind, eight, a check. AFIP, "CUIT, CUIL".
pub(super) fn ar_cuit(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| match 11 - sum % 11 {
        11 => 0,
        10 => 9,
        check => check,
    };
    matches!(part(&all, 0..2), 20 | 23..=27 | 30 | 33 | 34)
        && ends_in(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], check)
}

/// A Chilean RUT: seven or eight digits, and a digit or K. Servicio de Impuestos Internos, "RUT".
pub(super) fn cl_rut(text: &str) -> bool {
    let all = values(&plain(text));
    let Some((check, body)) = all.split_last() else { return false };
    let sum: u32 = body.iter().rev().zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = match 11 - sum % 11 {
        11 => 0,
        10 => 20, // K
        check => check,
    };
    matches!(body.len(), 7 | 8) && expected == *check
}

/// A Mexican CURP: four letters, a birthday, sex, state, three letters, two of check. RENAPO, Instructivo normativo.
pub(super) fn mx_curp(text: &str) -> bool {
    const SIGNS: &str = "0123456789ABCDEFGHIJKLMN?OPQRSTUVWXYZ"; // the place of Ñ counts
    let plain = plain(text);
    let signs: Vec<u32> =
        plain.chars().filter_map(|c| SIGNS.find(c)).filter_map(|at| u32::try_from(at).ok()).collect();
    let birthday = digits(plain.get(4..10).unwrap_or_default());
    let weights: Vec<u32> = (2..=18).rev().collect();
    birthday.len() == 6 && is_date(&birthday) && ends_in(&signs, &weights, |sum| (10 - sum % 10) % 10)
}

/// An Ecuadorian identity number: province, kind, six digits, Luhn's check. Registro Civil.
pub(super) fn ec_cedula(text: &str) -> bool {
    let all = digits(text);
    all.len() == 10 && matches!(part(&all, 0..2), 1..=24 | 30) && all.get(2) < Some(&6) && luhn(&all)
}

/// A Colombian tax number with its check digit. DIAN, "NIT".
pub(super) fn co_nit(text: &str) -> bool {
    let check = |sum| if sum % 11 < 2 { sum % 11 } else { 11 - sum % 11 };
    let all = digits(text);
    ends_in(&all, &[41, 37, 29, 23, 19, 17, 13, 7, 3], check) && number(&all) > 0
}

/// Whether a weighed sum of nine digits is a multiple of 10: what banks of the United States have on their cheques. American
/// Bankers Association, routing number policy; 00 to 12 are districts, 21 to 32 thrifts, 61 to 72 electronic, 80 traveller's
/// cheques, and what lies between them is not yet given out.
pub(super) fn aba(text: &str) -> bool {
    let all = digits(text);
    all.len() == 9
        && matches!(part(&all, 0..2), 0..=32 | 61..=72 | 80)
        && weigh(&all, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
        && mixed_digits(text)
}
