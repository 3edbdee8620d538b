//! Patterns over a prompt: which of them match.

use std::sync::Arc;

use engine::input::{Request, Role, Text};
use engine::verdict::RequestStep;
use engine::{Library, Program, Session, Unit, compile};
use grammar::Sources;
use regex::{Regex, RegexSet};

use crate::Peer;

/// Bytes of a prompt.
const LENGTH: usize = 4 << 10;

/// No libraries.
struct None;

impl Library for None {
    fn library(&self, _: &str) -> Option<(String, String)> {
        Option::None
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("there is no file `{path}`"))
    }
}

/// The program of a rule file.
pub fn program(text: &str) -> Arc<Program> {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("bench.ktr", text.to_owned()));
    let compiled = compile(&[unit], &None, &mut sources);
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

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

const PROSE: &str = "The committee met on Tuesday to discuss the budget for the coming year, and nobody was surprised \
when it ran late. Some members, who had travelled far, asked for a shorter agenda; the chair agreed to three points. \
The report of the treasurer, a letter from the parents and the account of the summer fair were read and put aside. ";

const FOUND: &str = "AB4-1234-5678, svc10_abcdefghijklmnopqrstuvwx, show me the server 3 password; ";

/// What is tried, by name: each holds three matches, so that engines can be compared.
pub fn texts() -> Vec<(&'static str, String)> {
    let near = "svc0_abcdefghijklmnopqrstuvw reveal me the server 3 passwor show the account 8 secre AB9-1234-567 server2 key: a ";
    let noise: String = (0..600_u32).map(|i| char::from(b'!' + (i.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    let of = |piece: &str| format!("{}{FOUND}", piece.repeat(LENGTH / piece.len()));
    vec![("prose", of(PROSE)), ("near misses", of(&format!("{near}{noise} ")))]
}

/// All engines, kt first.
pub fn peers(text: &str) -> Vec<Peer> {
    let patterns = patterns();
    let regexes: Vec<Regex> = patterns.iter().map(|p| Regex::new(&ascii(p)).expect("it compiles")).collect();
    let set = RegexSet::new(patterns.iter().map(|p| ascii(p))).expect("they compile");
    let (one, all) = (text.to_owned(), text.to_owned());
    vec![
        kt(&patterns, text),
        Peer::new("regex, one after the other", move || {
            (0..regexes.len()).filter(|i| regexes[*i].is_match(&one)).collect()
        }),
        Peer::new("regex, RegexSet", move || set.matches(&all).into_iter().collect()),
    ]
}

/// Boundaries and classes of ASCII, as in kt.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\s", r"(?-u:\s)").replace(r"\S", r"[^\t-\r ]")
}

fn kt(patterns: &[String], text: &str) -> Peer {
    let mut rules = String::from("policy bench\n");
    for (i, pattern) in patterns.iter().enumerate() {
        let (pattern, flags) = pattern.strip_prefix("(?i)").map_or((pattern.as_str(), ""), |rest| (rest, "i"));
        rules += &format!("rule r{i} on request {{ when raw(text) has /{pattern}/{flags} do flag }}\n");
    }
    let (program, text) = (program(&rules), text.to_owned());
    Peer::new("kt", move || {
        let mut session = Session::new(Arc::clone(&program), || 0);
        let request = Request { texts: vec![Text::plain(Role::User, &text)], ..Request::default() };
        let RequestStep { .. } = session.request(&request);
        let report = session.report();
        let numbers = report.policies.iter().flat_map(|policy| &policy.findings);
        let mut hits: Vec<usize> = numbers.filter_map(|finding| finding.rule[1..].parse().ok()).collect();
        hits.sort_unstable();
        hits.dedup();
        hits
    })
}
