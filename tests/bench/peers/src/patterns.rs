//! Regular expressions over a prompt: which of them match.

use regex::Regex;

use crate::compare::Peer;
use crate::search;

/// A hundred patterns of the kinds that policies look for.
fn patterns() -> Vec<String> {
    let words = ["server", "account", "vector", "quartz", "letter", "zephyr", "report", "matrix"];
    let pattern = |i: usize| {
        let word = words[i / 5 % words.len()];
        match i % 5 {
            0 => format!(r"\bsvc{i}_[A-Za-z0-9]{{24}}\b"),
            1 => format!(r"(?i)\b{word} project {i}\b"),
            2 => format!(r"(?i)\b{word}{i}[- ]?key\s*[:=]\s*\S{{8,40}}"),
            3 => format!(r"(?i)\b(?:reveal|show|print) (?:me )?(?:the )?{word} {i} (?:password|secret)\b"),
            _ => format!(r"\b[A-Z]{{2}}{i}-\d{{4}}-\d{{4}}\b"),
        }
    };
    (0..100).map(pattern).collect()
}

/// What is searched. Three of the patterns match in each.
pub fn texts() -> Vec<(&'static str, Box<str>)> {
    let near = "svc0_abcdefghijklmnopqrstuvw reveal me the server 3 passwor show the account 8 secre AB9-1234-567 server2 key: a";
    search::texts(near, "AB4-1234-5678, svc10_abcdefghijklmnopqrstuvwx, show me the server 3 password; ")
}

/// All engines, kt first.
pub fn peers() -> Vec<Peer<str>> {
    let patterns = patterns();
    let slashed: Vec<String> = patterns.iter().map(|pattern| slashed(pattern)).collect();
    let ascii: Vec<String> = patterns.iter().map(|pattern| ascii(pattern)).collect();
    let set = search::regex_set(&ascii);
    vec![search::kt(&slashed), search::yara_x(&slashed), one_by_one(&ascii), set]
}

/// As kt and YARA-X write it, between slashes with the flags behind it.
fn slashed(pattern: &str) -> String {
    let (pattern, flags) = pattern.strip_prefix("(?i)").map_or((pattern, ""), |rest| (rest, "i"));
    format!("/{pattern}/{flags}")
}

/// Boundaries and classes of ASCII, as in kt.
fn ascii(pattern: &str) -> String {
    pattern
        .replace(r"\b", r"(?-u:\b)")
        .replace(r"\d", "[0-9]")
        .replace(r"\s", r"(?-u:\s)")
        .replace(r"\S", r"[^\t-\r ]")
}

fn one_by_one(patterns: &[String]) -> Peer<str> {
    let compile = || -> Vec<Regex> {
        patterns.iter().map(|pattern| Regex::new(pattern).expect("it compiles")).collect()
    };
    Peer::new("`regex`, one after the other: whether", compile, |regexes, text| {
        (0..regexes.len()).filter(|i| regexes[*i].is_match(text)).collect()
    })
}
