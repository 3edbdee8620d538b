//! However the provider cuts an answer, into deltas and into packets, the client reads what it would read of the whole.

use std::sync::LazyLock;

use bytes::Bytes;
use gateway::Pack;
use gateway::wire::{Answer, Asked, Assembler, Ending, Endpoint};
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::cut::{parts, pieces, relayed};
use tests::form::{message, response};
use tests::{Form, Provider, RULES, Script, Setup};

/// What is in force: redactions, a block, and what waits for the whole answer.
pub(crate) static PACKS: LazyLock<[std::sync::Arc<Pack>; 2]> = LazyLock::new(|| {
    let waits = "policy waits\nrule w on response buffered { when text has \"end\" and not text has \"é\" do redact with \"*\" }";
    let provider = Provider::always(Script::default());
    let setup = Setup::over(&provider).rules("house", RULES);
    [tests::gate::pack(&setup), tests::gate::pack(&setup.rules("waits", waits))]
});

fn endpoint(form: Form) -> Endpoint {
    match form {
        Form::Chat => Endpoint::Chat,
        Form::Completion => Endpoint::Completions,
        Form::Response => Endpoint::Responses,
    }
}

/// A session that has let a request pass.
pub(crate) fn judged(pack: &Pack) -> engine::Session {
    let mut session = pack.session();
    session.request(&engine::input::Request::default());
    session
}

/// The text of a whole answer, as the client gets it; nothing when it is stopped.
fn whole(form: Form, pack: &Pack, text: &str) -> Option<String> {
    let mut session = judged(pack);
    let bytes = Bytes::from(form.whole(text).to_string());
    let mut answer = Answer::parse(endpoint(form), &bytes).unwrap();
    let flow = answer.guard(&mut session, true, &Asked::default()).unwrap();
    (flow == engine::verdict::Flow::Open).then(|| form.text_of(&answer.document).to_owned())
}

/// All bytes that leave, and how it ended, when the provider's bytes come in such packets.
pub(crate) fn streamed(form: Form, pack: &Pack, bytes: &[u8], sizes: &[usize]) -> (String, Ending) {
    let assembler = Assembler::new(endpoint(form), judged(pack), true, "req_1".into(), Asked::default());
    relayed(assembler, parts(bytes, sizes))
}

/// What was said in deltas, and every copy of the text besides.
fn read(form: Form, body: &str) -> (String, Vec<String>) {
    let (mut said, mut copies) = (String::new(), Vec::new());
    let frames = body.split_terminator("\n\n").filter_map(|frame| frame.rsplit_once("data: "));
    for event in frames.filter_map(|(_, data)| serde_json::from_str::<Value>(data).ok()) {
        let at = |place: &str| event.pointer(place).and_then(Value::as_str).map(str::to_owned);
        match form {
            Form::Chat => said.extend(at("/choices/0/delta/content")),
            Form::Completion => said.extend(at("/choices/0/text")),
            Form::Response => {
                said.extend(at("/delta"));
                if !event["type"].as_str().unwrap().ends_with(".added") {
                    copies.extend(at("/text"));
                    copies.extend(at("/part/text"));
                    copies.extend(at("/item/content/0/text"));
                    copies.extend(at("/response/output/0/content/0/text"));
                }
            }
        }
    }
    (said, copies)
}

/// Texts that are full of whole and half matches.
fn prose() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-z]{1,8} ",
        2 => Just("ann.lee@example.com".to_owned()),
        2 => "SECRET[0-9]{0,4}",
        1 => Just("SEC".to_owned()),
        1 => Just("ann@".to_owned()),
        1 => Just("é你\u{1F600}\"\\\n".to_owned()),
        1 => Just("end".to_owned()),
        1 => prop_oneof![9 => Just("FORBID".to_owned()), 1 => Just("FORBIDDEN".to_owned())],
    ];
    prop::collection::vec(word, 0..25).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        text in prose(),
        deltas in prop::collection::vec(1_usize..9, 1..50),
        packets in prop::collection::vec(1_usize..200, 1..50),
    ) {
        for (form, pack) in Form::ALL.into_iter().flat_map(|form| PACKS.iter().map(move |pack| (form, pack))) {
            let bytes = form.events(pieces(&text, &deltas));
            let (body, ending) = streamed(form, pack, bytes.as_bytes(), &packets);
            let (said, copies) = read(form, &body);
            match whole(form, pack, &text) {
                Some(expected) => {
                    prop_assert_eq!(ending, Ending::Complete, "{:?}", form);
                    prop_assert_eq!(&said, &expected, "{:?}", form);
                    prop_assert!(copies.iter().all(|copy| *copy == expected), "{:?}: {:?}", form, copies);
                    prop_assert_eq!(copies.len(), if form == Form::Response { 4 } else { 0 });
                }
                None => {
                    prop_assert!(matches!(ending, Ending::Blocked(_)), "{:?}: {:?}", form, ending);
                    prop_assert!(copies.iter().all(|copy| *copy == said), "{:?}: {:?}", form, copies);
                    prop_assert!(!said.contains("FORBIDDEN"), "{:?}: {}", form, said);
                }
            }
            for secret in ["SECRET0", "SECRET1", "SECRET2", "SECRET3"] {
                prop_assert!(!body.contains(secret), "{:?}: {} in {}", form, secret, body);
            }
        }
    }

    #[test]
    fn items_that_speak_at_once_say_what_each_says_alone(
        texts in prop::collection::vec(prose(), 1..4),
        turns in prop::collection::vec((0_usize..4, 1_usize..9), 1..60),
    ) {
        let pack = &PACKS[0];
        prop_assume!(texts.iter().all(|text| !text.contains("FORBIDDEN")));
        let mut rest: Vec<Vec<String>> = texts.iter().map(|text| pieces(text, &turns.iter().map(|(_, size)| *size).collect::<Vec<_>>())).collect();
        rest.iter_mut().for_each(|pieces| pieces.reverse());
        let mut events = Vec::new();
        for (at, _) in turns.iter().cycle() {
            if rest.iter().all(Vec::is_empty) {
                break;
            }
            let at = if rest.get(*at).is_some_and(|rest| !rest.is_empty()) { *at } else { rest.iter().position(|rest| !rest.is_empty()).unwrap() };
            let piece = rest[at].pop().unwrap();
            events.push(json!({"type": "response.output_text.delta", "output_index": at, "content_index": 0, "delta": piece}));
        }
        let items = texts.iter().enumerate().map(|(at, text)| message(&format!("m{at}"), text)).collect();
        events.push(json!({"type": "response.completed", "response": response(items)}));
        let bytes: String = events.iter().map(tests::event).collect();
        let (body, ending) = streamed(Form::Response, pack, bytes.as_bytes(), &[10_000]);
        prop_assert_eq!(ending, Ending::Complete);
        let mut said = vec![String::new(); texts.len()];
        for frame in body.split_terminator("\n\n") {
            let event: Value = serde_json::from_str(frame.rsplit_once("data: ").unwrap().1).unwrap();
            if let Some(delta) = event["delta"].as_str() {
                said[event["output_index"].as_u64().unwrap() as usize].push_str(delta);
            }
        }
        for (text, said) in texts.iter().zip(&said) {
            prop_assert_eq!(Some(said.clone()), whole(Form::Response, pack, text));
        }
    }
}
