//! Numbers that European states give to people. Each function names the source of its rule and of the sample in the tests.

use super::checksum::{
    digits, ends_in, is_date, is_date_of_day, is_day, luhn, mod_11_10, number, part, plain, values, weigh,
};

/// A number of the National Health Service: ten digits. NHS Data Dictionary, "NHS number".
pub(super) fn gb_nhs(text: &str) -> bool {
    ends_in(&digits(text), &[10, 9, 8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11)
}

/// A National Insurance number: two letters, six digits, a letter. HMRC, National Insurance Manual NIM39110.
pub(super) fn gb_nino(text: &str) -> bool {
    const UNUSED: [&str; 7] = ["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"];
    let plain = plain(text);
    let (Some(prefix), Some(suffix)) = (plain.get(..2), plain.get(8..)) else { return false };
    plain.len() == 9
        && digits(&plain).len() == 6
        && !UNUSED.contains(&prefix)
        && !prefix.contains(['D', 'F', 'I', 'Q', 'U', 'V'])
        && !prefix.ends_with('O')
        && matches!(suffix, "A" | "B" | "C" | "D")
}

/// A Unique Taxpayer Reference: ten digits, the first is the check. HMRC, Self Assessment specification for references.
pub(super) fn gb_utr(text: &str) -> bool {
    let all = digits(text);
    let Some((check, body)) = all.split_first() else { return false };
    let sum = weigh(body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    body.len() == 9 && (if sum < 2 { 2 - sum } else { 11 - sum }) == *check
}

/// A Personal Public Service number: seven digits, a check letter, perhaps a second letter. Department of Social
/// Protection, "PPS number".
pub(super) fn ie_pps(text: &str) -> bool {
    let plain = plain(text);
    let all = digits(&plain);
    let mut letters =
        plain.chars().skip(7).filter_map(|c| c.to_digit(36)).map(|value| value.saturating_sub(9));
    let (Some(check), second) = (letters.next(), letters.next().unwrap_or(0)) else { return false };
    let second = if second == 23 { 0 } else { second }; // a W after the check counted for nothing
    all.len() == 7 && check < 24 && (weigh(&all, &[8, 7, 6, 5, 4, 3, 2]) + second * 9) % 23 == check % 23
}

/// A French NIR: thirteen digits and a key; Corsica has `2A` and `2B`. INSEE, "Numéro de sécurité sociale".
pub(super) fn fr_nir(text: &str) -> bool {
    let all = digits(&plain(text).replace("2A", "19").replace("2B", "18"));
    let (Some(body), key, month) = (all.get(..13), part(&all, 13..15), part(&all, 3..5)) else {
        return false;
    };
    all.len() == 15
        && matches!(all.first(), Some(1..=4 | 7 | 8))
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && 97 - number(body) % 97 == u64::from(key)
}

/// A German tax identification number: eleven digits, of the first ten of which one stands two or three times.
/// Bundeszentralamt für Steuern, § 139b AO.
pub(super) fn de_tax_id(text: &str) -> bool {
    let all = digits(text);
    let body = all.get(..10).unwrap_or_default();
    let counts = (0..10).map(|digit| body.iter().filter(|other| **other == digit).count());
    let repeated: Vec<usize> = counts.filter(|count| *count > 1).collect();
    all.len() == 11 && all.first() != Some(&0) && matches!(repeated.as_slice(), [2 | 3]) && mod_11_10(&all)
}

/// The number of a German identity card or passport with its check digit. ICAO Doc 9303-3, section 4.9.
pub(super) fn de_id_card(text: &str) -> bool {
    let all = values(&plain(text));
    all.len() == 10 && ends_in(&all, &[7, 3, 1, 7, 3, 1, 7, 3, 1], |sum| sum % 10)
}

/// A German pension insurance number: area, birthday, letter, serial, check. Deutsche Rentenversicherung, § 147 SGB VI.
pub(super) fn de_pension(text: &str) -> bool {
    let plain = plain(text);
    let (Some(head), Some(letter), Some(tail)) = (plain.get(..8), plain.get(8..9), plain.get(9..)) else {
        return false;
    };
    let letter = letter.chars().next().and_then(|c| c.to_digit(36)).unwrap_or(0).saturating_sub(9);
    let all = digits(&format!("{head}{letter:02}{tail}"));
    let birthday = all.get(2..8).unwrap_or_default();
    let Some((check, body)) = all.split_last() else { return false };
    let weighed = body.iter().zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(|(digit, weight)| digit * weight);
    let sum: u32 = weighed.map(|product| product / 10 + product % 10).sum();
    all.len() == 13 && (1..=26).contains(&letter) && is_date_of_day(birthday) && sum % 10 == *check
}

/// An Austrian social security number: a serial of three digits, the check, a birthday. Sozialversicherung, "Was ist die
/// Sozialversicherungsnummer?".
pub(super) fn at_svnr(text: &str) -> bool {
    let all = digits(text);
    let sum = weigh(&all, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    all.len() == 10 && all.first() != Some(&0) && all.get(3) == Some(&(sum % 11))
}

/// A Swiss AHV number: 756, nine digits, the check digit of EAN-13. Zentrale Ausgleichsstelle, "AHV-Nummer".
pub(super) fn ch_ahv(text: &str) -> bool {
    let all = digits(text);
    let ean = ends_in(&all, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3], |sum| (10 - sum % 10) % 10);
    part(&all, 0..3) == 756 && ean
}

/// A Dutch citizen service number: nine digits. Rijksdienst voor Identiteitsgegevens, "BSN", the eleven test.
pub(super) fn nl_bsn(text: &str) -> bool {
    ends_in(&digits(text), &[9, 8, 7, 6, 5, 4, 3, 2], |sum| sum % 11) && number(&digits(text)) > 0
}

/// A Belgian national number: birthday, serial, 97 less the remainder of 97. IBZ, "Rijksregisternummer".
pub(super) fn be_national_number(text: &str) -> bool {
    let all = digits(text);
    let (Some(body), check) = (all.get(..9), u64::from(part(&all, 9..11))) else { return false };
    let fits = |body: u64| 97 - body % 97 == check;
    let month = part(&all, 2..4) % 20; // 20 or 40 more for those who are not in the register
    all.len() == 11
        && month <= 12
        && part(&all, 4..6) <= 31
        && (fits(number(body)) || fits(number(body) + 2_000_000_000))
}

/// A Spanish DNI or NIE: eight digits, or X, Y or Z and seven, and a letter. Ministerio del Interior, "Cálculo del dígito
/// de control del NIF-NIE".
pub(super) fn es_nif(text: &str) -> bool {
    let plain = plain(text).replacen('X', "0", usize::from(text.starts_with(['X', 'x'])));
    let plain = plain.replacen('Y', "1", usize::from(text.starts_with(['Y', 'y'])));
    let plain = plain.replacen('Z', "2", usize::from(text.starts_with(['Z', 'z'])));
    let all = digits(&plain);
    let letter = "TRWAGMYFPDXBNJZSQVHLCKE".chars().zip(0..).find(|(_, at)| *at == number(&all) % 23);
    all.len() == 8 && plain.len() == 9 && plain.chars().last() == letter.map(|(letter, _)| letter)
}

/// A Portuguese tax number: nine digits. Autoridade Tributária, Decreto-Lei 14/2013.
pub(super) fn pt_nif(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| match 11 - sum % 11 {
        10 | 11 => 0,
        check => check,
    };
    ends_in(&all, &[9, 8, 7, 6, 5, 4, 3, 2], check) && matches!(all.first(), Some(1..=3 | 5..=9))
}

/// An Italian fiscal code: sixteen characters. Ministero delle Finanze, D.M. 23 dicembre 1976.
pub(super) fn it_fiscal_code(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let all = values(&plain(text));
    let Some((check, body)) = all.split_last() else { return false };
    let even = |value: u32| if value > 9 { value - 10 } else { value };
    let odd = |value: u32| ODD.iter().zip(0..).find(|(_, at)| *at == even(value)).map_or(0, |(odd, _)| *odd);
    let sum: u32 = body.iter().zip(0..).map(|(v, at)| if at % 2 == 0 { odd(*v) } else { even(*v) }).sum();
    // Letters may stand for digits in a few, never in most: a strand of DNA has none.
    all.len() == 16 && *check > 9 && sum % 26 == check - 10 && digits(text).len() > 3
}

/// A Greek tax number: nine digits. AADE, "ΑΦΜ".
pub(super) fn gr_afm(text: &str) -> bool {
    let all = digits(text);
    ends_in(&all, &[256, 128, 64, 32, 16, 8, 4, 2], |sum| sum % 11 % 10) && number(&all) > 0
}

/// A Greek social security number: a birthday, five digits, Luhn's check. ΗΔΙΚΑ, "ΑΜΚΑ".
pub(super) fn gr_amka(text: &str) -> bool {
    let all = digits(text);
    all.len() == 11 && is_date_of_day(&all) && luhn(&all)
}

/// A Polish PESEL: a birthday, whose month tells the century, and five digits. Ministerstwo Cyfryzacji, "PESEL".
pub(super) fn pl_pesel(text: &str) -> bool {
    let all = digits(text);
    is_day(part(&all, 2..4) % 20, part(&all, 4..6))
        && ends_in(&all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3], |sum| (10 - sum % 10) % 10)
}

/// A Polish tax number: ten digits. Ministerstwo Finansów, "NIP".
pub(super) fn pl_nip(text: &str) -> bool {
    ends_in(&digits(text), &[6, 5, 7, 2, 3, 4, 5, 6, 7], |sum| sum % 11) && number(&digits(text)) > 0
}

/// A Czech or Slovak birth number of ten digits, a multiple of 11. Act 133/2000 Coll., § 13.
pub(super) fn cz_birth_number(text: &str) -> bool {
    let all = digits(text);
    let month = part(&all, 2..4) % 50; // 50 more for women, 20 more when serials ran out
    let month = if month > 20 { month - 20 } else { month };
    let head = all.get(..9).unwrap_or_default();
    let check = number(head) % 11 % 10;
    all.len() == 10
        && is_day(month, part(&all, 4..6))
        && all.last().is_some_and(|last| u64::from(*last) == check)
}

/// A Hungarian social security number: nine digits. NEAK, "TAJ-szám".
pub(super) fn hu_taj(text: &str) -> bool {
    ends_in(&digits(text), &[3, 7, 3, 7, 3, 7, 3, 7], |sum| sum % 10) && number(&digits(text)) > 0
}

/// A Romanian personal number: sex, birthday, county, serial, check. Law 105/1996.
pub(super) fn ro_cnp(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| if sum % 11 == 10 { 1 } else { sum % 11 };
    all.first() != Some(&0)
        && is_date(all.get(1..).unwrap_or_default())
        && ends_in(&all, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9], check)
}

/// A Bulgarian citizen number: a birthday, whose month tells the century, and four digits. GRAO, "ЕГН".
pub(super) fn bg_egn(text: &str) -> bool {
    let all = digits(text);
    is_day(part(&all, 2..4) % 20, part(&all, 4..6))
        && ends_in(&all, &[2, 4, 8, 5, 10, 9, 7, 3, 6], |sum| sum % 11 % 10)
}

/// A Croatian personal number: eleven digits. Porezna uprava, "OIB", ISO 7064.
pub(super) fn hr_oib(text: &str) -> bool {
    let all = digits(text);
    all.len() == 11 && mod_11_10(&all)
}

/// A citizen number of the states that were Yugoslavia: birthday, region, serial, check. JMBG, EMŠO, ЕМБГ.
pub(super) fn jmbg(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| (11 - sum % 11) % 11;
    is_date_of_day(&all) && ends_in(&all, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], check)
}

/// A personal code of Estonia or Lithuania: century, birthday, serial, check. EVS 585:2007.
pub(super) fn baltic_code(text: &str) -> bool {
    let all = digits(text);
    let body = all.get(..10).unwrap_or_default();
    let first = weigh(body, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weigh(body, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
    let check = if first < 10 { first } else { second };
    all.len() == 11
        && matches!(all.first(), Some(1..=8))
        && is_date(all.get(1..).unwrap_or_default())
        && all.last() == Some(&check)
}

/// A Latvian personal code with a birthday in it. PMLP, "Personas kods".
pub(super) fn lv_code(text: &str) -> bool {
    let all = digits(text);
    is_date_of_day(&all) && ends_in(&all, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2], |sum| (1101 - sum) % 11 % 10)
}

/// A Swedish personal or coordination number: a birthday, and four digits by Luhn's check. Skatteverket, SKV 704.
pub(super) fn se_personal_number(text: &str) -> bool {
    let all = digits(text);
    let short = all.get(all.len().saturating_sub(10)..).unwrap_or_default();
    let day = part(short, 4..6);
    let day = if day > 60 { day - 60 } else { day };
    matches!(all.len(), 10 | 12) && is_day(part(short, 2..4), day) && luhn(short)
}

/// A Norwegian birth or D number: a birthday, three digits, two checks. Skatteetaten, "Fødselsnummer".
pub(super) fn no_birth_number(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| (11 - sum % 11) % 11;
    let day = part(&all, 0..2);
    is_day(part(&all, 2..4), if day > 40 { day - 40 } else { day })
        && ends_in(all.get(..10).unwrap_or_default(), &[3, 7, 6, 1, 8, 9, 4, 5, 2], check)
        && ends_in(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], check)
}

/// A Danish CPR number: a birthday and four digits; since 2007 without a check. CPR-kontoret.
pub(super) fn dk_cpr(text: &str) -> bool {
    let all = digits(text);
    all.len() == 10 && is_date_of_day(&all)
}

/// A Finnish personal identity code: birthday, sign of the century, three digits, a check character. DVV,
/// "Henkilötunnus".
pub(super) fn fi_personal_code(text: &str) -> bool {
    let all = digits(text.get(..text.len().saturating_sub(1)).unwrap_or_default());
    let signs = "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().zip(0..);
    let check = signs.filter(|(_, at)| *at == number(&all) % 31).map(|(sign, _)| sign).next();
    all.len() == 9 && is_date_of_day(&all) && text.chars().last().map(|c| c.to_ascii_uppercase()) == check
}

/// An Icelandic kennitala: a birthday, two digits, a check, the century. Þjóðskrá, "Kennitala".
pub(super) fn is_kennitala(text: &str) -> bool {
    let all = digits(text);
    let head = all.get(..9).unwrap_or_default();
    all.len() == 10
        && matches!(all.last(), Some(0 | 8 | 9))
        && is_date_of_day(&all)
        && ends_in(head, &[3, 2, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11)
}

/// A Russian insurance number: nine digits and two of check. Social Fund of Russia, "СНИЛС".
pub(super) fn ru_snils(text: &str) -> bool {
    let all = digits(text);
    let sum = weigh(all.get(..9).unwrap_or_default(), &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    all.len() == 11 && sum % 101 % 100 == part(&all, 9..11) && sum > 0
}

/// A Russian tax number of a person: ten digits and two checks. Federal Tax Service, order ЕД-7-14/559.
pub(super) fn ru_inn(text: &str) -> bool {
    let all = digits(text);
    let check = |sum| sum % 11 % 10;
    ends_in(all.get(..11).unwrap_or_default(), &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], check)
        && ends_in(&all, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8], check)
}

/// A Ukrainian taxpayer number: ten digits. State Tax Service, "РНОКПП".
pub(super) fn ua_rnokpp(text: &str) -> bool {
    ends_in(&digits(text), &[10, 5, 7, 9, 4, 6, 10, 5, 7], |sum| sum % 11 % 10)
}

/// A Turkish identity number: nine digits and two checks. NVİ, "T.C. Kimlik No".
pub(super) fn tr_id(text: &str) -> bool {
    let all = digits(text);
    let body = all.get(..9).unwrap_or_default();
    let tenth = weigh(body, &[7, 9, 7, 9, 7, 9, 7, 9, 7]) % 10;
    let last = (body.iter().sum::<u32>() + tenth) % 10;
    all.len() == 11 && all.first() != Some(&0) && all.get(9..) == Some(&[tenth, last])
}
