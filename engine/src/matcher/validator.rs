//! Validators: arithmetic that a match must pass after its shape is right.

/// A named check of a match, as it stands in the view.
#[derive(Clone, Copy, Debug)]
pub struct Validator {
    /// As written after `where`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// The check.
    pub check: fn(&str) -> bool,
}

impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Validator {}

impl std::hash::Hash for Validator {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Every validator.
pub const ALL: &[Validator] = &[
    Validator { name: "luhn", doc: "the digits pass the Luhn check (ISO/IEC 7812-1)", check: luhn },
    Validator { name: "iban", doc: "length by country and remainder 1 modulo 97 (ISO 13616)", check: iban },
    Validator { name: "ssn", doc: "area, group and serial number that the US administration issues", check: ssn },
    Validator { name: "ipv4", doc: "four numbers from 0 to 255", check: ipv4 },
    Validator { name: "ipv6", doc: "an address that reads as IPv6 (RFC 4291)", check: ipv6 },
    Validator { name: "mixed_digits", doc: "more than one different digit", check: mixed_digits },
];

/// The validator of that name.
pub fn find(name: &str) -> Option<Validator> {
    ALL.iter().copied().find(|validator| validator.name == name)
}

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|c| c.to_digit(10))
}

fn luhn(text: &str) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10) && mixed_digits(text)
}

fn mixed_digits(text: &str) -> bool {
    let mut all = digits(text);
    all.next().is_some_and(|first| all.any(|digit| digit != first))
}

/// IBAN lengths by country, from the SWIFT IBAN registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22),
    ("BI", 27), ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DJ", 27),
    ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FK", 18), ("FO", 18), ("FR", 27),
    ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27), ("GT", 28), ("HR", 21), ("HU", 28), ("IE", 22),
    ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32),
    ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19),
    ("MN", 20), ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18), ("NO", 15), ("OM", 23), ("PK", 24),
    ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33), ("SA", 24), ("SC", 31),
    ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25), ("SV", 28), ("TL", 23),
    ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];

fn iban(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let (Some(country), Some(head), Some(rest)) = (plain.get(..2), plain.get(..4), plain.get(4..)) else {
        return false;
    };
    let length_fits = IBAN_LENGTHS.iter().any(|(code, length)| *code == country && *length == plain.len());
    let remainder = rest.chars().chain(head.chars()).filter_map(|c| c.to_digit(36)).fold(0, |acc, value| {
        if value > 9 { (acc * 100 + value) % 97 } else { (acc * 10 + value) % 97 }
    });
    length_fits && remainder == 1
}

/// Numbers that are never issued: areas 000, 666 and 900 up, group 00, serial 0000, and the famous sample numbers.
fn ssn(text: &str) -> bool {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let (Some(area), Some(group), Some(serial)) = (all.get(..3), all.get(3..5), all.get(5..9)) else {
        return false;
    };
    all.len() == 9
        && area != "000"
        && area != "666"
        && !area.starts_with('9')
        && group != "00"
        && serial != "0000"
        && mixed_digits(&all)
}

fn ipv4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

fn ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_hold_on_published_samples() {
        assert!(luhn("4111 1111 1111 1111") && luhn("378282246310005"));
        assert!(!luhn("4111 1111 1111 1112") && !luhn("0000 0000 0000 0000"));
        assert!(iban("GB82 WEST 1234 5698 7654 32") && iban("DE89370400440532013000"));
        assert!(!iban("GB82 WEST 1234 5698 7654 33") && !iban("ZZ82WEST12345698765432"));
        assert!(ssn("536-90-4399") && !ssn("000-12-3456") && !ssn("666-12-3456") && !ssn("912-12-3456"));
        assert!(ipv4("192.168.0.1") && !ipv4("256.1.1.1"));
        assert!(ipv6("2001:db8::1") && !ipv6("12:30:45"));
    }
}
