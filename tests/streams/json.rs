//! JSON texts, such as the arguments of tool calls: the same guarantee, over what their strings say.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use engine::input::{Channel, Request, Role, Text};
use engine::verdict::Flow;
use engine::{Program, Session};
use regex_automata::meta::Regex;
use tests::oracle::compiled;
use tests::reference::json::{JsonText, Spot};

use super::{cut, strings};

/// Patterns in the order of their rules, each with the view that it looks through, and the channel that they look at.
struct Set {
    patterns: &'static [(&'static str, &'static str)],
    channel: Channel,
    /// How many bytes of the redacted text may be held that no continuation of the test changes: the marker of a match
    /// that is certain but may grow, and an escape that could become anything but becomes little in the test.
    lag: usize,
}

const ARGUMENTS: Channel = Channel { choice: 0, carrier: engine::input::Carrier::Arguments(0) };
const CONTENT: Channel = Channel { choice: 0, carrier: engine::input::Carrier::Content };

const fn set(patterns: &'static [(&'static str, &'static str)], channel: Channel, lag: usize) -> Set {
    Set { patterns, channel, lag }
}

/// Sets of patterns that are awkward in different ways.
const SETS: &[Set] = &[
    set(&[("text", "a")], ARGUMENTS, 0),
    set(&[("text", "1")], ARGUMENTS, 1),
    set(&[("text", "aa|1")], ARGUMENTS, 1),
    set(&[("text", "01")], ARGUMENTS, 2),
    set(&[("text", r"\ba\b"), ("raw(text)", "1{2}")], ARGUMENTS, 2),
    set(&[("text", r#"a".{0,2}a"#), ("text", ":1")], ARGUMENTS, 10),
    set(&[("text", r#"[{:,]"|1"?"#)], ARGUMENTS, 4),
    set(&[("text", r"[\\u]a|a[0-9]")], ARGUMENTS, 1),
    set(&[("text", "(?m)^a|1$")], ARGUMENTS, 2),
    set(&[("json(text)", "a[^b]?"), ("text", "1:")], CONTENT, 4),
    set(&[("text", r#""a"#), ("json(text)", "a1|1")], CONTENT, 4),
];

/// One rule for each pattern, so that rules and patterns have one order.
fn program(set: &Set) -> Arc<Program> {
    let mut text = String::from("policy json\n");
    for (index, (view, pattern)) in set.patterns.iter().enumerate() {
        text.push_str(&format!("pattern p{index} = /{pattern}/\n"));
        text.push_str(&format!(
            "rule r{index} on request, response {{ when {view} has p{index} do redact }}\n"
        ));
    }
    compiled(&text)
}

/// The meaning of redaction in JSON texts: each pattern's matches in what the whole text says, brought back to what is
/// written, and of that what may be replaced.
struct JsonOracle {
    patterns: Vec<(bool, Regex)>,
}

impl JsonOracle {
    fn new(set: &Set) -> Self {
        let reads_json = |view: &str| set.channel == ARGUMENTS || view == "json(text)";
        let regex = |pattern: &str| Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).unwrap();
        let patterns = set.patterns.iter().map(|(view, pattern)| (reads_json(view), regex(pattern)));
        Self { patterns: patterns.collect() }
    }

    fn cuts(&self, text: &str) -> Vec<(Range<usize>, usize, Spot)> {
        let read = JsonText::of(text);
        let shown: String = read.shown.iter().map(|(c, _)| c).collect();
        let origin: Vec<&Range<usize>> =
            read.shown.iter().flat_map(|(c, raw)| (0..c.len_utf8()).map(move |_| raw)).collect();
        let mut all = Vec::new();
        for (index, (reads_json, pattern)) in self.patterns.iter().enumerate() {
            if *reads_json {
                for found in pattern.find_iter(&shown) {
                    let raw = origin[found.start()].start..origin[found.end() - 1].end;
                    all.extend(read.cuts(&raw).into_iter().map(|(range, spot)| (range, index, spot)));
                }
            } else {
                all.extend(pattern.find_iter(text).map(|found| (found.range(), index, Spot::Plain)));
            }
        }
        all.sort_by_key(|(range, index, _)| (range.start, range.end, *index));
        let mut joined: Vec<(Range<usize>, usize, Spot)> = Vec::new();
        for (range, index, spot) in all {
            match joined.last_mut() {
                Some((last, first, at)) if range.start < last.end => {
                    last.end = last.end.max(range.end);
                    if index < *first {
                        (*first, *at) = (index, spot);
                    }
                }
                _ => joined.push((range, index, spot)),
            }
        }
        joined
    }

    fn redact(&self, text: &str) -> String {
        let (mut out, mut at) = (String::new(), 0);
        for (range, index, spot) in self.cuts(text) {
            out.push_str(&text[at..range.start]);
            out.push_str(&spot.written(&format!("[P{index}]")));
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}

fn session(program: &Arc<Program>) -> Session {
    let mut session = Session::new(Arc::clone(program), || 0);
    session.request(&Request::default());
    session
}

fn streamed<'a>(
    program: &Arc<Program>,
    channel: Channel,
    pieces: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut session = session(program);
    let mut out = String::new();
    for piece in pieces {
        assert_eq!(session.feed(channel, piece, &mut out), Flow::Open);
    }
    assert_eq!(session.finish(channel, &mut out), Flow::Open);
    assert_eq!(session.held(), 0, "everything leaves in the end");
    out
}

/// Every text of so many parts.
fn texts(parts: &[&str], most: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..most {
        last = last.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn every_short_text_in_every_cut_is_redacted_as_a_whole() {
    let mut cases = 0;
    for set in SETS {
        let (program, oracle) = (program(set), JsonOracle::new(set));
        for text in strings("\"\\u1a{:", 5) {
            let wanted = oracle.redact(&text);
            for bits in 0..1_usize << text.chars().count().saturating_sub(1) {
                let pieces = cut(&text, bits);
                let got = streamed(&program, set.channel, pieces.iter().map(String::as_str));
                assert_eq!(got, wanted, "{:?} on {pieces:?}", set.patterns);
                cases += 1;
            }
        }
    }
    assert!(cases > 2_000_000, "{cases}");
}

#[test]
fn texts_of_escapes_and_tokens_are_redacted_as_a_whole() {
    const PARTS: &[&str] = &[
        "\"", r"\u0061", r"\ud83d", r"\uDE00", "\\", "a", "1", "[", ",", "\"a\":", "{", "-1.5e3", "true",
        "中",
    ];
    for set in SETS {
        let (program, oracle) = (program(set), JsonOracle::new(set));
        for text in texts(PARTS, 4) {
            let wanted = oracle.redact(&text);
            let letters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
            assert_eq!(streamed(&program, set.channel, letters), wanted, "{:?} on {text:?}", set.patterns);
            for (at, _) in text.char_indices().step_by(5) {
                let got = streamed(&program, set.channel, [&text[..at], &text[at..]]);
                assert_eq!(got, wanted, "{:?} on {text:?} cut at {at}", set.patterns);
            }
        }
    }
}

#[test]
fn a_request_is_redacted_as_an_answer_is() {
    for set in SETS {
        let (program, oracle) = (program(set), JsonOracle::new(set));
        for text in strings("\"\\u1a{:", 5) {
            let is_json = set.channel.carrier.is_json();
            let texts = vec![Text { role: Role::Assistant, value: &text, is_json }];
            let step =
                Session::new(Arc::clone(&program), || 0).request(&Request { texts, ..Request::default() });
            let mut edited = text.clone();
            for edit in step.edits.iter().rev() {
                edited.replace_range(edit.range.clone(), &edit.replacement);
            }
            assert_eq!(edited, oracle.redact(&text), "{:?} on {text:?}", set.patterns);
        }
    }
}

/// How many bytes two texts have in common at their beginnings.
fn shared(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

#[test]
fn what_has_left_stands_whatever_follows_and_little_more_could_have_left() {
    for set in SETS {
        let (program, oracle) = (program(set), JsonOracle::new(set));
        const PARTS: &[&str] = &["\"", "\\", "u0061", "a", "1", "0", "{\"a\":", ","];
        let beginnings = texts(PARTS, 3);
        let continuations = texts(PARTS, 3);
        let mut known: HashMap<String, String> = HashMap::new();
        let mut lag = 0;
        for text in &beginnings {
            let mut session = session(&program);
            let mut sent = String::new();
            assert_eq!(session.feed(set.channel, text, &mut sent), Flow::Open);
            let mut possible: Option<String> = None;
            for continuation in &continuations {
                let whole = format!("{text}{continuation}");
                let redacted = known.entry(whole).or_insert_with_key(|whole| oracle.redact(whole));
                assert!(
                    redacted.starts_with(&sent),
                    "{:?}: {sent:?} left of {text:?}, then {continuation:?}",
                    set.patterns
                );
                let longest = possible.get_or_insert_with(|| redacted.clone());
                longest.truncate(shared(longest, redacted));
            }
            lag = lag.max(possible.unwrap_or_default().len() - sent.len());
        }
        assert!(lag <= set.lag, "{:?}: {lag} bytes are held that could leave", set.patterns);
    }
}

#[test]
fn a_stopping_match_never_begins_to_leave() {
    let program = compiled(
        "policy stop\nrule stop on response { when text has /a[1u]{1,3}:/ do block }\n\
         rule mask on response { when text has /1/ do redact with \"#\" }\n",
    );
    let stopping = Regex::new("a[1u]{1,3}:").unwrap();
    for text in texts(&["\"", r"\u0061", "\\", "a", "1", ":", "{\"", "["], 5) {
        let read = JsonText::of(&text);
        let shown: String = read.shown.iter().map(|(c, _)| c).collect();
        let first = stopping.find(&shown).map(|found| read.shown[found.start()].1.start);
        let mut outcomes = Vec::new();
        for size in [1, 2, 3, usize::MAX] {
            let letters: Vec<char> = text.chars().collect();
            let mut session = session(&program);
            let (mut out, mut flow) = (String::new(), Flow::Open);
            for piece in letters.chunks(size.min(letters.len().max(1))) {
                if flow == Flow::Open {
                    flow = session.feed(ARGUMENTS, &piece.iter().collect::<String>(), &mut out);
                }
            }
            if flow == Flow::Open {
                flow = session.finish(ARGUMENTS, &mut out);
            }
            assert_eq!(flow == Flow::Stopped, first.is_some(), "{text:?}");
            outcomes.push(out);
        }
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{text:?} cut: {outcomes:?}");
        if let Some(first) = first {
            // Each mask of one digit is as long as the digit, but for its quotes.
            let out = outcomes[0].replace("\"#\"", "#");
            assert!(out.len() <= first, "{text:?} let {out:?} out");
        }
    }
}

#[test]
fn structure_is_held_where_a_match_may_stop_the_answer() {
    let program = compiled(
        "policy both\npattern pair = /:1/\n\
         rule mask on response { when text has pair do redact }\n\
         rule stop on response { when text has pair and text has /b/ do block }\n",
    );
    let (mut session, mut out) = (session(&program), String::new());
    let flows: Vec<Flow> = ["{", "\"", "b", "\"", ":", "1"]
        .iter()
        .map(|piece| session.feed(ARGUMENTS, piece, &mut out))
        .collect();
    assert_eq!((flows.last(), out.as_str()), (Some(&Flow::Stopped), "{\"b\""));
}

#[test]
fn what_escapes_hold_is_bounded_in_the_text_as_it_arrives() {
    let program = compiled("policy p\nrule r on response { when text has /x[a-z]{0,3000}t/ do redact }\n");
    // A match of 3002 characters, each written in six bytes.
    let long = format!(r#"["\u0078{}t"]"#, r"\u0073".repeat(3000));
    assert_eq!(streamed(&program, ARGUMENTS, long.split_inclusive('3')), "[\"[MATCH]\"]");
    let hidden = format!("[\"a s{}t\"]", r"\u200b".repeat(20_000));
    let digits = format!("[\"a \",{}]", "1".repeat(100_000));
    let masked = compiled("policy p\nrule r on response { when text has /12|s[a-z]{0,9}t/ do redact }\n");
    for text in [hidden, digits] {
        let mut outcomes = Vec::new();
        for size in [1, 1000, 1_000_000] {
            let letters: Vec<char> = text.chars().collect();
            let mut session = session(&masked);
            let (mut out, mut flow) = (String::new(), Flow::Open);
            for piece in letters.chunks(size) {
                if flow == Flow::Open {
                    flow = session.feed(ARGUMENTS, &piece.iter().collect::<String>(), &mut out);
                }
            }
            assert_eq!(flow, Flow::Stopped);
            assert_eq!(session.decision().reason_code.as_deref(), Some("limit.hold_exceeded"));
            outcomes.push(out);
        }
        assert!(outcomes.iter().all(|out| *out == outcomes[0] && out.len() < 10), "{outcomes:?}");
    }
}

#[test]
fn a_flag_delays_no_byte_of_json_text() {
    let program = compiled("policy p\nrule r on response { when text has /a.{0,40}1/ do flag }\n");
    let text = r#"{"a\u0061":[12345,"\ud83d\ude00","\u0031"]}"#;
    let mut session = session(&program);
    for (at, c) in text.char_indices() {
        let mut out = String::new();
        assert_eq!(session.feed(ARGUMENTS, &text[at..at + c.len_utf8()], &mut out), Flow::Open);
        assert_eq!(out, c.to_string());
    }
    assert_eq!(session.finish(ARGUMENTS, &mut String::new()), Flow::Open);
    assert_eq!(session.decision().verdict, engine::verdict::Verdict::Flag);
}
