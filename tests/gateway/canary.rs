//! Canaries: secrets of the shipped kinds, put anywhere into an answer that is cut anywhere, are looked for in every byte
//! that the client's socket receives.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use tests::cut::{parts, pieces};
use tests::{Form, Provider, Script, Setup};

/// Answers for each form of the API.
const CASES: usize = 40;

/// The longest part of a secret that may stand in the bytes by chance: in an id, a time, a word of the frame.
const CHANCE: usize = 5;

/// A card number that passes its check: fifteen digits, and the one that they ask for.
fn card() -> impl Strategy<Value = String> {
    "4[0-9]{14}".prop_map(|digits| {
        let doubled = digits.bytes().rev().enumerate().map(|(at, byte)| {
            let digit = u32::from(byte - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        });
        let check = (10 - doubled.sum::<u32>() % 10) % 10;
        format!("{digits}{check}")
    })
}

/// A secret, and what the shipped policy puts in its place.
fn secret() -> impl Strategy<Value = (String, &'static str)> {
    prop_oneof![
        "[a-z]{6,12}[.][a-z]{6,12}@[a-z]{6,12}[.]example[.]com".prop_map(|text| (text, "[EMAIL]")),
        card().prop_map(|text| (text, "[CREDIT_CARD]")),
        "[1-5][1-9]{2}-[1-9]{2}-[1-9]{4}".prop_map(|text| (text, "[SSN]")),
    ]
}

/// Words that are no part of a secret.
fn prose() -> impl Strategy<Value = String> {
    prop::collection::vec("[A-Z]{1,7}", 0..12).prop_map(|words| words.join(" "))
}

#[test]
fn no_byte_of_a_secret_reaches_the_socket() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::over(&provider).kind("pii-detector").here();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let sizes = || prop::collection::vec(1_usize..12, 1..20);
    let case = (prose(), secret(), prose(), sizes(), prop::collection::vec(1_usize..90, 1..20));
    for form in Form::ALL {
        for _ in 0..CASES {
            let tree = case.new_tree(&mut runner).unwrap();
            let (before, (secret, marker), after, deltas, packets) = tree.current();
            let text = format!("{before} {secret} {after}");
            let bytes = form.events(pieces(&text, &deltas));
            let packets = parts(bytes.as_bytes(), &packets);
            provider.now(packets.into_iter().fold(Script::raw(tests::STREAM_HEAD), Script::then));
            let reply = gateway.ask_as(form, "hi", true);
            assert_eq!(form.said(&reply), format!("{before} {marker} {after}"), "{form:?}");
            let parts = secret.as_bytes().windows(CHANCE + 1);
            let parts =
                parts.filter(|part| !b".example.com".windows(part.len()).any(|common| common == *part));
            for part in parts.map(|part| std::str::from_utf8(part).unwrap()) {
                assert!(!reply.shows(part), "`{part}` of `{secret}` leaked, {form:?}: {}", reply.body);
            }
        }
    }
}
