//! Numbers of any state: by the shape that they are written in, or by any check that holds.

use super::checksum::{digits, plain};
use super::{Holds, americas, asia, europe, mixed_digits};

/// Shapes that tell a number from others, with digits as `9` and letters as `A`, and the checks of the states that write so.
const FORMS: &[(&str, Holds)] = &[
    ("99-99999999-9", americas::ar_cuit),
    ("99 999 999 999", asia::au_abn),
    ("99.99.99-999.99", europe::be_national_number),
    ("99.99.99-999-99", europe::be_national_number),
    ("999.999.999-99", americas::br_cpf),
    ("AA999999A", europe::gb_nino),
    ("AA99 99 99A", europe::gb_nino),
    ("AA 99 99 99 A", europe::gb_nino),
    ("AA 99 99 99A", europe::gb_nino),
    ("9.999.999-9", americas::cl_rut),
    ("9.999.999-A", americas::cl_rut),
    ("99.999.999-9", americas::cl_rut),
    ("99.999.999-A", americas::cl_rut),
    ("99.999.999-A", europe::es_nif),
    ("99999999-A", europe::es_nif),
    ("99999999A", europe::es_nif),
    ("A9999999A", europe::es_nif),
    ("A9999999A", asia::sg_nric),
    ("A-9999999-A", europe::es_nif),
    ("A9999999-A", europe::es_nif),
    ("999999999999999999", asia::cn_resident_id),
    ("99999999999999999A", asia::cn_resident_id),
    ("999999/9999", europe::cz_birth_number),
    ("999999999999999", asia::ae_id),
    ("999-9999-9999999-9", asia::ae_id),
    ("999999-999A", europe::fi_personal_code),
    ("999999A999A", europe::fi_personal_code),
    ("999999A9999", europe::fi_personal_code),
    ("999999-9999", europe::fi_personal_code),
    ("999999-9999", europe::se_personal_number),
    ("999999+9999", europe::se_personal_number),
    ("99999999-9999", europe::se_personal_number),
    ("999999-99999", europe::lv_code),
    ("999999999999999", europe::fr_nir),
    ("9 99 99 99 999 999 99", europe::fr_nir),
    ("9 99 99 9A 999 999 99", europe::fr_nir),
    ("999999A99999999", europe::fr_nir),
    ("99999999A999", europe::de_pension),
    ("99 999999 A 999", europe::de_pension),
    ("9999 9999 9999", asia::in_aadhaar),
    ("AAAAA9999A", in_pan),
    ("999999-9999999", asia::kr_rrn),
    ("999999-99-9999", asia::my_nric),
    ("99999999999", europe::no_birth_number),
    ("999999 99999", europe::no_birth_number),
    ("99999-9999999-9", mixed_digits), // Pakistan's CNIC has no check
    ("999-999-999 99", europe::ru_snils),
    ("999-999-999-99", europe::ru_snils),
    ("999.9999.9999.99", europe::ch_ahv),
    ("999 9999 9999 99", europe::ch_ahv),
    ("9999999999999", europe::ch_ahv),
    ("A999999999", asia::tw_id),
    ("9-9999-99999-99-9", asia::th_id),
];

/// Every check of a number that its name may stand before.
const NAMED: &[Holds] = &[
    americas::ar_cuit,
    americas::br_cnpj,
    americas::br_cpf,
    americas::ca_sin,
    americas::cl_rut,
    americas::co_nit,
    americas::ec_cedula,
    asia::ae_id,
    asia::au_abn,
    asia::au_medicare,
    asia::au_tfn,
    asia::cn_resident_id,
    asia::id_nik,
    asia::il_id,
    asia::in_aadhaar,
    asia::jp_my_number,
    asia::kr_rrn,
    asia::my_nric,
    asia::nz_ird,
    asia::sg_nric,
    asia::th_id,
    asia::za_id,
    europe::at_svnr,
    europe::baltic_code,
    europe::be_national_number,
    europe::bg_egn,
    europe::ch_ahv,
    europe::cz_birth_number,
    europe::de_id_card,
    europe::de_tax_id,
    europe::dk_cpr,
    europe::es_nif,
    europe::fr_nir,
    europe::gb_nhs,
    europe::gb_utr,
    europe::gr_afm,
    europe::gr_amka,
    europe::hr_oib,
    europe::hu_taj,
    europe::ie_pps,
    europe::is_kennitala,
    europe::jmbg,
    europe::lv_code,
    europe::nl_bsn,
    europe::no_birth_number,
    europe::pl_nip,
    europe::pl_pesel,
    europe::pt_nif,
    europe::ro_cnp,
    europe::ru_inn,
    europe::ru_snils,
    europe::se_personal_number,
    europe::tr_id,
    europe::ua_rnokpp,
];

/// A number in a shape of its own whose check holds.
pub(super) fn national_id_form(text: &str) -> bool {
    let sign = |c: char| match c {
        '0'..='9' => '9',
        'a'..='z' | 'A'..='Z' => 'A',
        other => other,
    };
    let shape: String = text.chars().map(sign).collect();
    let shaped = FORMS.iter().any(|(form, check)| *form == shape && check(text));
    let other: Holds = match (shape.starts_with("AAAAAA"), text.len()) {
        (true, 16) => europe::it_fiscal_code,
        (false, 18) if shape.starts_with("AAAA999999A") => americas::mx_curp,
        (false, 18) if text.contains('/') => americas::br_cnpj,
        _ if text.contains('(') => asia::hk_id,
        _ => return shaped,
    };
    shaped || other(text)
}

/// A number that passes the check of some state. Letters must be where that state has them.
pub(super) fn national_id(text: &str) -> bool {
    let lettered = plain(text).len() != digits(text).len();
    let voter = |text: &str| text.len() == 10 && text.chars().take(3).all(|c| c.is_ascii_uppercase());
    let checks: &[Holds] = if lettered { LETTERED } else { NAMED };
    mixed_digits(text)
        && (checks.iter().any(|check| check(text)) || lettered && voter(text) && digits(text).len() == 7)
}

/// The checks of numbers with letters in them.
const LETTERED: &[Holds] = &[
    americas::cl_rut,
    asia::cn_resident_id,
    asia::lk_nic,
    asia::sg_nric,
    asia::tw_id,
    europe::de_id_card,
    europe::de_pension,
    europe::es_nif,
    europe::fi_personal_code,
    europe::gb_nino,
    europe::ie_pps,
];

/// An Indian permanent account number; its fourth letter tells the kind of its owner. Income Tax Department, "PAN".
fn in_pan(text: &str) -> bool {
    text.chars().nth(3).is_some_and(|kind| "ABCFGHJLPT".contains(kind))
}
