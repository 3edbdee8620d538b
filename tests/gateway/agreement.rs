//! A dry run tells what happens live: one answer, three ways, the same verdict and the same text.

use serde_json::{Value, json};
use tests::{Gateway, Provider, RULES, Reply, Script, Setup, question_of, whole};

const ANSWER: &str = "nothing to see";

/// Questions and answers around every rule.
const CASES: [(&str, &str); 12] = [
    ("hi", ANSWER),
    ("SECRET1", ANSWER),
    ("FORBIDDEN", ANSWER),
    ("SECRET1 FORBIDDEN", ANSWER),
    ("hi", "SECRET12 and SECRET123 and SECRET1234"),
    ("hi", "ann@example.com"),
    ("I am ann@example.com", "so you are ann@example.com, SECRET9?"),
    ("hi", "FORBIDDEN"),
    ("hi", "SECRET1 then FORBIDDEN"),
    ("SECRET1", "then FORBIDDEN"),
    ("hi", ""),
    ("é😀 SECRET1 😀", "😀é SECRET1é"),
];

/// What came of a case: verdict, reason code, and the text that the client got of an answer that was not stopped.
type Told = (String, Option<String>, Option<String>);

fn told(record: &Value, reply: &Reply) -> Told {
    let word = |field: &str| record[field].as_str().map(str::to_owned);
    let text = (record["outcome"] == "complete").then(|| reply.said());
    (word("verdict").unwrap(), word("reason_code"), text)
}

fn rehearsed(pack: &gateway::Pack, question: &str, answer: &str) -> Told {
    let played = gateway::rehearse(
        pack,
        question_of(question, false),
        Vec::new(),
        gateway::Surroundings::now(None),
        Some(whole(answer)),
    );
    let played = played.unwrap_or_else(|fault| panic!("{}", fault.message));
    let text =
        played.answer.map(|answer| answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned());
    let code = played.decision.reason_code.map(|code| code.to_string());
    (played.decision.verdict.name().to_owned(), code, text)
}

fn live(provider: &Provider, gateway: Gateway, cases: &[(&str, &str)], cut: Option<usize>) -> Vec<Told> {
    let mut replies = Vec::new();
    for (question, answer) in cases {
        let letters: Vec<char> = answer.chars().collect();
        provider.now(match cut {
            None => Script::answer(answer),
            Some(size) => Script::deltas(letters.chunks(size).map(String::from_iter)),
        });
        replies.push(gateway.chat(&question_of(question, cut.is_some())));
    }
    gateway.stop().iter().zip(&replies).map(|(record, reply)| told(record, reply)).collect()
}

fn assert_agreement(setup: &Setup, provider: &Provider, cases: &[(&str, &str)]) {
    let pack = tests::gate::pack(setup);
    let expected: Vec<Told> =
        cases.iter().map(|(question, answer)| rehearsed(&pack, question, answer)).collect();
    assert_eq!(live(provider, setup.here(), cases, None), expected);
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(live(provider, setup.here(), cases, Some(size)), expected, "in pieces of {size}");
    }
}

#[test]
fn a_dry_run_a_whole_answer_and_a_stream_agree() {
    let provider = Provider::always(Script::default());
    assert_agreement(&Setup::guarded(&provider), &provider, &CASES);
}

#[test]
fn they_agree_on_shipped_kinds_and_on_a_chain() {
    let provider = Provider::always(Script::default());
    let cases = [
        ("card 4111 1111 1111 1111", "ssn 536-90-4399 or 000-00-0000"),
        ("hi", "4111-1111-1111-1112, 4111-1111-1111-1111, a.b@c.example"),
        ("SECRET1", "mail ann@example.com SECRET1 FORBIDDEN"),
    ];
    let redacting = Setup::over(&provider).kind("pii-detector").rules("house", RULES);
    assert_agreement(&redacting, &provider, &cases);
    let blocking =
        Setup::over(&provider).kind("pii-detector").block("policy: {pii-detector: {action: block}}");
    assert_agreement(&blocking, &provider, &cases);
}

#[test]
fn a_dry_run_refuses_what_the_gateway_refuses() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::guarded(&provider);
    let (pack, gateway) = (tests::gate::pack(&setup), setup.here());
    for request in [json!({"model": "m", "messages": []}), json!({"model": "m", "messages": [{"role": "x"}]})]
    {
        let fault =
            gateway::rehearse(&pack, request.clone(), Vec::new(), gateway::Surroundings::now(None), None)
                .unwrap_err();
        let error = gateway.chat(&request).error().unwrap();
        assert_eq!(
            (error["message"].as_str(), error["param"].as_str()),
            (Some(&*fault.message), fault.param.as_deref())
        );
    }
}
