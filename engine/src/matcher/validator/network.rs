//! Addresses of mail and of the internet, and telephone numbers.

use super::checksum::{digits, is_day, part};
use super::mixed_digits;

pub(super) fn mail_domain(text: &str) -> bool {
    const FILES: &[&str] = &[
        "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "jsx", "tsx", "css", "json", "html", "yaml",
        "yml", "toml", "txt", "lock", "jar", "exe", "dll",
    ];
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let last = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    !FILES.contains(&last.as_str()) && !local.ends_with('.') && !local.contains("..")
}

/// What ends in three zeros is a network, or the version of a browser.
pub(super) fn ipv4(text: &str) -> bool {
    let address = text.parse::<std::net::Ipv4Addr>();
    let said = |ip: std::net::Ipv4Addr| !ip.is_unspecified() && !ip.is_loopback() && !ip.is_broadcast();
    address.is_ok_and(|ip| said(ip) && !matches!(ip.octets(), [_, 0, 0, 0]))
}

/// A compressed address must have a group of three or more digits: in code `1::2` and `a::b` are something else.
pub(super) fn ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
        && text.contains(|c: char| c.is_ascii_digit())
        && text.split(':').any(|group| group.len() > 2)
}

/// Country codes of two digits. ITU, "List of ITU-T Recommendation E.164 assigned country codes".
const TWO_DIGITS: [u32; 44] = [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// A telephone number has 6 to 15 digits, not all alike. An international one begins with a country code that is given out
/// (ITU-T E.164); those of North America and Russia have eleven digits. Two years, or a date in the order of ISO 8601, are none.
pub(super) fn phone(text: &str) -> bool {
    let number = text.find(['x', 'e', 'X', 'E']).and_then(|end| text.get(..end)).unwrap_or(text);
    let all = digits(number);
    if let Some(rest) = number.strip_prefix("011").filter(|rest| rest.starts_with([' ', '.', '-'])) {
        return international(&digits(rest));
    }
    if number.contains('+') || number.starts_with("00") {
        let zeros = all.iter().take_while(|digit| **digit == 0).count();
        return international(all.get(zeros..).unwrap_or_default());
    }
    let years = (1900..2100).contains(&part(&all, 0..4));
    let dates = (1900..2100).contains(&part(&all, 4..8)) || is_day(part(&all, 4..6), part(&all, 6..8));
    (6..=15).contains(&all.len()) && !(all.len() == 8 && years && dates) && mixed_digits(number)
}

fn international(all: &[u32]) -> bool {
    let three = matches!(
        part(all, 0..3),
        210..=269 | 290..=299 | 350..=359 | 370..=389 | 420..=423 | 500..=509 | 590..=599 | 670..=692 | 800 | 808
            | 850..=859 | 870 | 878..=889 | 960..=979 | 992..=998
    );
    match all.first() {
        Some(1 | 7) => all.len() == 11,
        _ => (8..=15).contains(&all.len()) && (three || TWO_DIGITS.contains(&part(all, 0..2))),
    }
}

/// An address of a network interface: not all of its digits are alike, and with hyphens one of them is a letter, so that
/// `10-10-10-10-10-10` is none.
pub(super) fn mac(text: &str) -> bool {
    let mut all = text.chars().filter(char::is_ascii_hexdigit);
    let first = all.next();
    all.any(|c| Some(c) != first) && (text.contains(':') || text.contains(|c: char| c.is_ascii_alphabetic()))
}
