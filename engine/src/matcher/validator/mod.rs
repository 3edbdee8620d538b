//! Validators: arithmetic that a match must pass after its shape is right.

mod americas;
mod asia;
mod checksum;
mod europe;
mod iban;
mod national;
mod network;
mod payment;
mod random;
#[cfg(test)]
mod tests;

use checksum::digits;

/// A named check of a match, as it stands in the view.
#[derive(Clone, Copy, Debug)]
pub struct Validator {
    /// As written after `where`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// The check.
    pub check: Check,
    /// Whether a match that fails is passed over as a whole, so that no part of it is tried: `1.2.3.4.5` holds no address.
    pub whole: bool,
}

/// Whether a match holds.
type Holds = fn(&str) -> bool;

/// What a validator does with a match.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// It holds or does not.
    Holds(Holds),
    /// It is measured, and must come to this at least.
    Measures(fn(&str) -> f64, f64),
}

impl Validator {
    /// Whether a match passes.
    pub fn passes(&self, text: &str) -> bool {
        match self.check {
            Check::Holds(holds) => holds(text),
            Check::Measures(measure, least) => measure(text) >= least,
        }
    }

    /// As written after `where`, with the least that it must measure.
    pub fn written(&self) -> String {
        match self.check {
            Check::Holds(_) => self.name.to_owned(),
            Check::Measures(_, least) => format!("{} >= {least:?}", self.name),
        }
    }

    fn least(&self) -> u64 {
        if let Check::Measures(_, least) = self.check { least.to_bits() } else { 0 }
    }
}

impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.least() == other.least()
    }
}

impl Eq for Validator {}

impl std::hash::Hash for Validator {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.least().hash(state);
    }
}

/// Every validator.
pub const ALL: &[Validator] = &[
    part("luhn", "the digits pass the Luhn check (ISO/IEC 7812-1)", luhn),
    part("card", "a payment card: prefix and length of a known brand, and the Luhn check", payment::card),
    part("iban", "length by country and remainder 1 modulo 97 (ISO 13616)", iban::iban),
    part(
        "aba",
        "a bank routing number of the United States: its district and its check digit",
        americas::aba,
    ),
    part(
        "npi",
        "a health care provider's number of the United States: ten digits with a check digit",
        americas::npi,
    ),
    part(
        "dea",
        "a prescriber's number of the United States: two letters, seven digits, a check digit",
        americas::dea,
    ),
    part("ssn", "area, group and serial number that the US administration issues", americas::ssn),
    part(
        "us_itin",
        "an individual taxpayer number of the United States: 9, and a group in use",
        americas::us_itin,
    ),
    part("ca_sin", "a Canadian social insurance number: nine digits, Luhn", americas::ca_sin),
    part("br_cpf", "a Brazilian CPF: nine digits and two check digits", americas::br_cpf),
    part("br_cnpj", "a Brazilian CNPJ: twelve digits or letters and two check digits", americas::br_cnpj),
    part("ar_cuit", "an Argentine CUIT or CUIL: its kind and its check digit", americas::ar_cuit),
    part("cl_rut", "a Chilean RUT: modulo 11", americas::cl_rut),
    part("co_nit", "a Colombian NIT: nine digits and a check digit", americas::co_nit),
    part("ec_cedula", "an Ecuadorian identity number: province, kind, Luhn", americas::ec_cedula),
    part("mx_curp", "a Mexican CURP: its date and its check digit", americas::mx_curp),
    part("gb_nhs", "a number of the British health service: modulo 11", europe::gb_nhs),
    part("gb_nino", "a British National Insurance number: prefixes and suffixes in use", europe::gb_nino),
    part("gb_utr", "a British taxpayer reference: modulo 11", europe::gb_utr),
    part("ie_pps", "an Irish PPS number: its check letter", europe::ie_pps),
    part("fr_nir", "a French social security number: month, and the key modulo 97", europe::fr_nir),
    part("de_tax_id", "a German tax identification number: a repeated digit, ISO 7064", europe::de_tax_id),
    part(
        "de_id_card",
        "the number of a German identity card or passport with its check digit",
        europe::de_id_card,
    ),
    part("de_pension", "a German pension insurance number: its date and its check digit", europe::de_pension),
    part("at_svnr", "an Austrian social security number: modulo 11", europe::at_svnr),
    part("ch_ahv", "a Swiss AHV number: 756 and the check digit of EAN-13", europe::ch_ahv),
    part("nl_bsn", "a Dutch BSN: the eleven test", europe::nl_bsn),
    part("be_national_number", "a Belgian national number: its date, modulo 97", europe::be_national_number),
    part("es_nif", "a Spanish DNI or NIE: its check letter", europe::es_nif),
    part("pt_nif", "a Portuguese NIF: modulo 11", europe::pt_nif),
    part("it_fiscal_code", "an Italian fiscal code: its check letter", europe::it_fiscal_code),
    part("gr_afm", "a Greek tax number: modulo 11", europe::gr_afm),
    part("gr_amka", "a Greek social security number: its date, Luhn", europe::gr_amka),
    part("pl_pesel", "a Polish PESEL: its date and its check digit", europe::pl_pesel),
    part("pl_nip", "a Polish NIP: modulo 11", europe::pl_nip),
    part("cz_birth_number", "a Czech or Slovak birth number: its date, modulo 11", europe::cz_birth_number),
    part("hu_taj", "a Hungarian TAJ number: modulo 10", europe::hu_taj),
    part("ro_cnp", "a Romanian CNP: its date, modulo 11", europe::ro_cnp),
    part("bg_egn", "a Bulgarian EGN: its date, modulo 11", europe::bg_egn),
    part("hr_oib", "a Croatian OIB: ISO 7064", europe::hr_oib),
    part("jmbg", "a JMBG of the states that were Yugoslavia: its date, modulo 11", europe::jmbg),
    part("baltic_code", "an Estonian or Lithuanian personal code: its date, modulo 11", europe::baltic_code),
    part("lv_code", "a Latvian personal code: its date and its check digit", europe::lv_code),
    part("se_personal_number", "a Swedish personal number: its date, Luhn", europe::se_personal_number),
    part("no_birth_number", "a Norwegian birth number: its date, two check digits", europe::no_birth_number),
    part("dk_cpr", "a Danish CPR number: its date", europe::dk_cpr),
    part(
        "fi_personal_code",
        "a Finnish personal identity code: its date, modulo 31",
        europe::fi_personal_code,
    ),
    part("is_kennitala", "an Icelandic kennitala: its date, modulo 11", europe::is_kennitala),
    part("ru_snils", "a Russian SNILS: modulo 101", europe::ru_snils),
    part("ru_inn", "a Russian person's INN: two check digits", europe::ru_inn),
    part("ua_rnokpp", "a Ukrainian taxpayer number: modulo 11", europe::ua_rnokpp),
    part("tr_id", "a Turkish identity number: two check digits", europe::tr_id),
    part("il_id", "an Israeli identity number: Luhn", asia::il_id),
    part("ae_id", "an Emirates identity number: 784, Luhn", asia::ae_id),
    part("za_id", "a South African identity number: its date, Luhn", asia::za_id),
    part("in_aadhaar", "an Indian Aadhaar number: Verhoeff", asia::in_aadhaar),
    part("lk_nic", "a Sri Lankan identity number: its day of the year", asia::lk_nic),
    part("cn_resident_id", "a Chinese identity number: its date, ISO 7064", asia::cn_resident_id),
    part("hk_id", "an identity card of Hong Kong: modulo 11", asia::hk_id),
    part("tw_id", "a Taiwanese identity number: its place and its check digit", asia::tw_id),
    part("jp_my_number", "a Japanese individual number: modulo 11", asia::jp_my_number),
    part("kr_rrn", "a Korean resident number: its date", asia::kr_rrn),
    part("th_id", "a Thai identity number: modulo 11", asia::th_id),
    part("my_nric", "a Malaysian identity number: its date and its place", asia::my_nric),
    part("id_nik", "an Indonesian NIK: its province and its date", asia::id_nik),
    part("sg_nric", "a NRIC or FIN of Singapore: its check letter", asia::sg_nric),
    part("au_tfn", "an Australian tax file number: modulo 11", asia::au_tfn),
    part("au_medicare", "an Australian Medicare number: its check digit", asia::au_medicare),
    part("au_abn", "an Australian business number: modulo 89", asia::au_abn),
    part("nz_ird", "a tax number of New Zealand: modulo 11", asia::nz_ird),
    part(
        "national_id",
        "a number that passes the check of some state; for use after a word that names it",
        national::national_id,
    ),
    part(
        "national_id_form",
        "a number in the form of a state whose check holds, such as `390.533.447-05`",
        national::national_id_form,
    ),
    part(
        "phone",
        "a telephone number: its length, and the country code of an international one",
        network::phone,
    ),
    part("mac", "not all digits alike, and with hyphens a letter among them", network::mac),
    whole(
        "mail_domain",
        "an address whose domain is no file name: `icon@2x.png` fails",
        network::mail_domain,
    ),
    whole(
        "ipv4",
        "four numbers from 0 to 255, not a part of a longer dotted number, not loopback, unspecified or `120.0.0.0`",
        network::ipv4,
    ),
    whole(
        "ipv6",
        "an address that reads as IPv6 (RFC 4291), and not a slice or a path such as `1::2`",
        network::ipv6,
    ),
    part("wallet", "an address of Bitcoin by its checksum, or the shape of one of Ethereum", payment::wallet),
    part("mixed_digits", "more than one different digit", mixed_digits),
    part(
        "random",
        "letters and digits without order, and no word of examples such as `changeme`",
        random::random,
    ),
    Validator {
        name: "entropy",
        doc: "`entropy >= N`: the characters have so many bits of entropy each; words have about 2.5, random letters and digits 3.5 and more",
        check: Check::Measures(random::entropy, 0.0),
        whole: false,
    },
];

/// A validator after whose failure the rest of the match is tried.
const fn part(name: &'static str, doc: &'static str, check: Holds) -> Validator {
    Validator { name, doc, check: Check::Holds(check), whole: false }
}

/// A validator after whose failure the whole match is passed over.
const fn whole(name: &'static str, doc: &'static str, check: Holds) -> Validator {
    Validator { name, doc, check: Check::Holds(check), whole: true }
}

/// The validator of that name.
pub fn find(name: &str) -> Option<Validator> {
    ALL.iter().copied().find(|validator| validator.name == name)
}

fn luhn(text: &str) -> bool {
    checksum::luhn(&digits(text)) && mixed_digits(text)
}

/// A run of one digit passes many checks, and is a filler.
fn mixed_digits(text: &str) -> bool {
    let mut all = text.chars().filter(char::is_ascii_digit);
    all.next().is_some_and(|first| all.any(|digit| digit != first))
}
