//! Phrases over a prompt, in any case: which of them stand in it.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::compare::Peer;
use crate::search;

const VERBS: [&str; 5] = ["ignore", "report", "open", "print", "delete"];
const KINDS: [&str; 7] = ["previous", "hidden", "second", "narrow", "secret", "earlier", "system"];
const THINGS: [&str; 7] = ["instructions", "message", "bridge", "password", "account", "letter", "rules"];

/// Phrases of three words, of which some are rare, and some stand in every text.
fn literals() -> Vec<String> {
    let phrase = |i: usize| format!("{} {} {}", VERBS[i / 49], KINDS[i / 7 % 7], THINGS[i % 7]);
    (0..245).map(phrase).collect()
}

/// What is searched. Three of the phrases stand in each.
pub fn texts() -> Vec<(&'static str, Box<str>)> {
    let near = "ignore previous instruction, open hidden passwor, print secret lette, report narrow accoun, delete earlier rule";
    search::texts(near, "Ignore previous instructions, OPEN HIDDEN LETTER, print system rules; ")
}

/// All engines, kt first.
pub fn peers() -> Vec<Peer<str>> {
    let literals = literals();
    let each = |form: fn(&String) -> String| literals.iter().map(form).collect::<Vec<String>>();
    vec![
        search::kt(&each(|literal| format!("/{literal}/i"))),
        automaton(&literals),
        search::yara_x(&each(|literal| format!("\"{literal}\" nocase"))),
        search::regex_set(&each(|literal| format!("(?i){literal}"))),
    ]
}

fn automaton(literals: &[String]) -> Peer<str> {
    let compile = || {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
        builder.build(literals).expect("it compiles")
    };
    Peer::new("`aho-corasick`, a DFA: all places", compile, |automaton, text| {
        search::sorted(automaton.find_overlapping_iter(text).map(|found| found.pattern().as_usize()))
    })
}
