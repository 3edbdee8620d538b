//! Many texts at once: choices, and the channels of each, told in pieces in any order. Each is redacted as if it were alone.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use gateway::Pack;
use gateway::wire::{Assembler, Ending, Endpoint};
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};
use tests::cut::pieces;
use tests::{DONE, Provider, Script, Setup};

use crate::cuts::judged;

/// What is sought, in words that a plain regex engine finds as well.
static SOUGHT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("SECRET[0-9]{1,3}|[a-z]{1,16}@[a-z]{1,16}[.]com").unwrap());

const FORBIDDEN: &str = "FORBIDDEN";

static PACK: LazyLock<Arc<Pack>> = LazyLock::new(|| {
    let rules = r#"policy house
        pattern secret = /SECRET[0-9]{1,3}/
        pattern mail = /[a-z]{1,16}@[a-z]{1,16}[.]com/
        rule hide on response { when raw(text) has (secret, mail) do redact with "<>" }
        rule stop on response { when raw(text) has /FORBIDDEN/ do block }"#;
    let provider = Provider::always(Script::default());
    tests::gate::pack(&Setup::over(&provider).rules("house", rules))
});

/// A text of a choice, by the field in which it stands; calls have numbers.
type Place = (u64, &'static str, usize);

const FIELDS: [(&str, usize); 5] =
    [("reasoning_content", 0), ("content", 0), ("refusal", 0), ("tool_calls", 0), ("tool_calls", 1)];

fn said_in(place: Place, piece: &str) -> Value {
    let (index, field, call) = place;
    let delta = match field {
        "tool_calls" => json!({field: [{"index": call, "function": {"arguments": piece}}]}),
        _ => json!({field: piece}),
    };
    json!({"id": "c1", "choices": [{"index": index, "delta": delta, "finish_reason": null}]})
}

/// Texts by choice, channel and call.
type Texts = BTreeMap<(u64, String, u64), String>;

/// The texts that the client puts together of chunks, and why each choice ended.
fn read(body: &str) -> (Texts, BTreeMap<u64, String>) {
    let (mut texts, mut ends) = (BTreeMap::<_, String>::new(), BTreeMap::new());
    let chunks = body.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    for chunk in chunks.filter_map(|data| serde_json::from_str::<Value>(data).ok()) {
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap();
            assert!(!ends.contains_key(&index), "a choice goes on after its end: {body}");
            for (field, said) in choice["delta"].as_object().into_iter().flatten() {
                if let Some(text) = said.as_str() {
                    texts.entry((index, field.clone(), 0)).or_default().push_str(text);
                }
                for call in said.as_array().into_iter().flatten() {
                    let text = call["function"]["arguments"].as_str().unwrap();
                    let number = call["index"].as_u64().unwrap();
                    texts.entry((index, field.clone(), number)).or_default().push_str(text);
                }
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                ends.insert(index, reason.to_owned());
            }
        }
    }
    (texts, ends)
}

fn redacted(text: &str) -> String {
    SOUGHT.replace_all(text, "<>").into_owned()
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "[a-z]{1,6} ",
        3 => "SECRET[0-9]{0,4}",
        2 => Just("ann@example.com".to_owned()),
        2 => Just("SEC".to_owned()),
        1 => Just("ann@".to_owned()),
        1 => prop_oneof![12 => Just("FORBID ".to_owned()), 1 => Just(FORBIDDEN.to_owned())],
    ];
    prop::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

/// One text, and the sizes of its pieces.
fn text() -> impl Strategy<Value = (String, Vec<usize>)> {
    (words(), prop::collection::vec(1_usize..7, 1..5))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_redacted_as_if_it_were_alone(
        texts in prop::collection::vec(prop::collection::vec(text(), FIELDS.len()), 1..4),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let mut queues = Vec::new();
        for (index, of_choice) in texts.iter().enumerate() {
            for ((field, call), (text, sizes)) in FIELDS.into_iter().zip(of_choice) {
                let text = if field == "tool_calls" { format!("{{\"k\":\"{text}\"}}") } else { text.clone() };
                let place = (index as u64, field, call);
                queues.push((place, pieces(&text, sizes).into_iter(), text));
            }
        }
        let whole: Vec<(Place, String)> = queues.iter().map(|(place, _, text)| (*place, text.clone())).collect();
        let asked = texts.len();
        let mut assembler = Assembler::new(Endpoint::Chat, judged(&PACK), true, "req_1".into(), Endpoint::Chat.asked(&json!({"n": asked}), &[]));
        let (mut out, mut ending) = (bytes::BytesMut::new(), None);
        let mut turns = turns.iter().cycle();
        while !queues.is_empty() && ending.is_none() {
            let at = turns.next().unwrap().index(queues.len());
            // Reasoning comes before what it leads to.
            let index = queues[at].0.0;
            let at = queues.iter().position(|(place, ..)| place.0 == index && place.1 == "reasoning_content").unwrap_or(at);
            let (place, rest, _) = &mut queues[at];
            match rest.next() {
                Some(piece) => ending = assembler.event(said_in(*place, &piece).to_string().as_bytes(), &mut out),
                None => drop(queues.swap_remove(at)),
            }
        }
        for index in 0..asked {
            let end = json!({"id": "c1", "choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]});
            ending = ending.or_else(|| assembler.event(end.to_string().as_bytes(), &mut out));
        }
        let ending = ending.or_else(|| assembler.event(b"[DONE]", &mut out)).unwrap();
        let body = String::from_utf8(out.to_vec()).unwrap();
        prop_assert!(body.ends_with(DONE));
        let (told, ends) = read(&body);
        let is_stopped = |index: u64| whole.iter().any(|(place, text)| place.0 == index && text.contains(FORBIDDEN));
        for (place @ (index, field, call), text) in &whole {
            let heard = told.get(&(*index, (*field).to_owned(), *call as u64)).map_or("", String::as_str);
            if is_stopped(*index) {
                let before = text.split(FORBIDDEN).next().unwrap();
                prop_assert!(redacted(before).starts_with(heard), "{place:?}: `{heard}` of `{text}`");
                prop_assert_eq!(&ends[index], "content_filter");
            } else {
                prop_assert_eq!(heard, redacted(text), "{:?} {}", place, body);
                prop_assert_eq!(&ends[index], "stop");
            }
        }
        let any = (0..asked as u64).any(is_stopped);
        prop_assert_eq!(matches!(ending, Ending::Blocked(_)), any, "{:?}", ending);
    }
}
