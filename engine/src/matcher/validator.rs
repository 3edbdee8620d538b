//! Validators: arithmetic that a match must pass after its shape is right.

use sha2::{Digest as _, Sha256};

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

/// What a validator does with a match.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// It holds or does not.
    Holds(fn(&str) -> bool),
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
    part("card", "a payment card: prefix and length of a known brand, and the Luhn check", card),
    part("iban", "length by country and remainder 1 modulo 97 (ISO 13616)", iban),
    part("aba", "a bank routing number of the United States: its district and its check digit", aba),
    part("npi", "a health care provider's number of the United States: ten digits with a check digit", npi),
    part("dea", "a prescriber's number of the United States: two letters, seven digits, a check digit", dea),
    part("ssn", "area, group and serial number that the US administration issues", ssn),
    whole("mail_domain", "an address whose domain is no file name: `icon@2x.png` fails", mail_domain),
    whole(
        "ipv4",
        "four numbers from 0 to 255, not a part of a longer dotted number, not loopback or unspecified",
        ipv4,
    ),
    whole("ipv6", "an address that reads as IPv6 (RFC 4291), and not a slice or a path such as `1::2`", ipv6),
    part("wallet", "a Bitcoin address in base 58 by its checksum; other shapes pass", wallet),
    part("mixed_digits", "more than one different digit", mixed_digits),
    part("random", "letters and digits without order, and no word of examples such as `changeme`", random),
    Validator {
        name: "entropy",
        doc: "`entropy >= N`: the characters have so many bits of entropy each; words have about 2.5, random letters and digits 3.5 and more",
        check: Check::Measures(entropy, 0.0),
        whole: false,
    },
];

/// A validator after whose failure the rest of the match is tried.
const fn part(name: &'static str, doc: &'static str, check: fn(&str) -> bool) -> Validator {
    Validator { name, doc, check: Check::Holds(check), whole: false }
}

/// A validator after whose failure the whole match is passed over.
const fn whole(name: &'static str, doc: &'static str, check: fn(&str) -> bool) -> Validator {
    Validator { name, doc, check: Check::Holds(check), whole: true }
}

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
    (3500..=3589, &[16, 17, 18, 19]),
    (2131..=2131, &[15]),
    (1800..=1800, &[15]),
    (2200..=2204, &[16, 17, 18, 19]),
    (6011..=6011, &[16, 17, 18, 19]),
    (6440..=6599, &[16, 17, 18, 19]),
    (6200..=6299, &[16, 17, 18, 19]),
    (8100..=8171, &[16, 17, 18, 19]),
    (5018..=5099, &[13, 14, 15, 16, 17, 18, 19]),
    (5600..=5899, &[13, 14, 15, 16, 17, 18, 19]),
    (6300..=6399, &[13, 14, 15, 16, 17, 18, 19]),
    (6700..=6799, &[13, 14, 15, 16, 17, 18, 19]),
];

fn card(text: &str) -> bool {
    let prefix = digits(text).take(4).fold(0, |number, digit| number * 10 + digit);
    let length = digits(text).count();
    CARD_BRANDS.iter().any(|(prefixes, lengths)| prefixes.contains(&prefix) && lengths.contains(&length))
        && luhn(text)
}

/// Federal Reserve districts 01 to 12, thrifts 21 to 32, electronic 61 to 72, traveller's cheques 80.
fn aba(text: &str) -> bool {
    let all: Vec<u32> = digits(text).collect();
    let district = all.iter().take(2).fold(0, |number, digit| number * 10 + digit);
    let sum: u32 = all.iter().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    all.len() == 9 && matches!(district, 1..=12 | 21..=32 | 61..=72 | 80) && sum.is_multiple_of(10)
}

fn npi(text: &str) -> bool {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    all.len() == 10 && luhn(&format!("80840{all}"))
}

fn dea(text: &str) -> bool {
    let all: Vec<u32> = digits(text).collect();
    let [a, b, c, d, e, f, check] = all.as_slice() else { return false };
    (a + c + e + 2 * (b + d + f)) % 10 == *check && mixed_digits(text)
}

/// Base 58 check: 25 bytes, the last four of which are the head of the others' double SHA-256.
fn wallet(text: &str) -> bool {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if !text.starts_with(['1', '3']) {
        return true;
    }
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

fn mail_domain(text: &str) -> bool {
    const FILES: &[&str] = &["png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "json"];
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let last = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    !FILES.contains(&last.as_str()) && !local.ends_with('.') && !local.contains("..")
}

fn mixed_digits(text: &str) -> bool {
    let mut all = digits(text);
    all.next().is_some_and(|first| all.any(|digit| digit != first))
}

/// IBAN lengths by country, from the SWIFT IBAN registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

fn iban(text: &str) -> bool {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let (Some(country), Some(head), Some(rest)) = (plain.get(..2), plain.get(..4), plain.get(4..)) else {
        return false;
    };
    let length_fits = IBAN_LENGTHS.iter().any(|(code, length)| *code == country && *length == plain.len());
    let remainder = rest
        .chars()
        .chain(head.chars())
        .filter_map(|c| c.to_digit(36))
        .fold(0, |acc, value| if value > 9 { (acc * 100 + value) % 97 } else { (acc * 10 + value) % 97 });
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
    let address = text.parse::<std::net::Ipv4Addr>();
    address.is_ok_and(|ip| !ip.is_unspecified() && !ip.is_loopback() && !ip.is_broadcast())
}

/// A compressed address must have a group of three or more digits: in code `1::2` and `a::b` are something else.
fn ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
        && text.contains(|c: char| c.is_ascii_digit())
        && text.split(':').any(|group| group.len() > 2)
}

/// Words that stand where a secret would, in examples and templates.
const PLACEHOLDERS: [&str; 14] = [
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "dummy",
    "redacted",
    "xxxx",
    "....",
    "<",
    "${",
    "0123456789",
];

/// Bits of Shannon entropy for each character, from which on a text counts as random; English words have less.
const RANDOM: f64 = 3.0;

fn random(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    entropy(text) >= RANDOM && !PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Shannon entropy in bits a byte: C. E. Shannon, A Mathematical Theory of Communication, 1948.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "matches are short")]
    let length = text.len() as f64;
    let parts = counts.into_iter().filter(|count| *count > 0).map(|count| f64::from(count) / length);
    parts.map(|part| -part * part.log2()).sum()
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
        assert!(ipv4("192.168.0.1") && !ipv4("256.1.1.1") && !ipv4("127.0.0.1"));
        assert!(ipv6("2001:db8::1") && !ipv6("12:30:45") && !ipv6("1::2") && !ipv6("beef::cafe"));
        assert!(
            card("4111-1111-1111-1111")
                && card("378282246310005")
                && card("30569309025904")
                && card("2223003122003222")
        );
        assert!(!card("1234567812345670") && !card("41111111111111111"));
        assert!(aba("021000021") && !aba("021000022") && !aba("991000021"));
        assert!(npi("1234567893") && !npi("1234567894"));
        assert!(dea("AB1234563") && !dea("AB1234564"));
        assert!(
            wallet("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") && !wallet("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb")
        );
        assert!(mail_domain("a@b.org") && !mail_domain("icon@2x.png") && !mail_domain("a..b@c.org"));
    }
}
