//! What the optimiser passes over could not have held: random rules decide the same with and without it.

use std::sync::Arc;

use engine::input::{Message, Request, Role, Text};
use engine::verdict::{Report, RequestStep};
use engine::{Options, Program, Session, Unit, compile_with};
use gateway::packs::Shelf;
use grammar::Sources;
use proptest::prelude::*;

const MODELS: &[&str] = &["small", "large", "gpt-4"];
const TEAMS: &[&str] = &["red", "blue", ""];
const TEXTS: &[&str] = &[
    "",
    "nothing here",
    "a secret and a SECRET",
    "mail ann@example.com, card 4111 1111 1111 1111",
    "secret\u{17F}ecret ann@example.com",
    "cGFzc3dvcmQgc2VjcmV0IHdvcmRzIGluIGhlcmU=",
    "password: 12345678 sécret",
    r#"{"a": "s\u0065cret", "b": [1234, "p\u0430ss\u200bword \/ a\u0040b.com"]}"#,
    r#"{"a": "cGFzc3dvcmQgc2VjcmV0IHdvcmRzIGluIGhlcmU\u003d", "b": "\u017fecret"}"#,
];

/// Parts of conditions: those that an index answers, and all others.
const PARTS: &[&str] = &[
    "model == \"small\"",
    "\"large\" == model",
    "model in [\"small\", \"gpt-4\"]",
    "model not in [\"small\"]",
    "lower(model) starts with \"gpt\"",
    "(header(\"x-team\") ?? \"\") == \"red\"",
    "(header(\"x-team\") ?? \"none\") in [\"red\", \"none\"]",
    "(max_tokens ?? 0) >= 100",
    "(max_tokens ?? 0) > 100",
    "(max_tokens ?? 5) < 100",
    "(max_tokens ?? 0) * 2 >= 400.0",
    "max_tokens is absent",
    "stream",
    "phase == \"request\"",
    "text has \"secret\"",
    "text has /\\w+@\\w+\\.com/i",
    "raw(text) has /s.cret/",
    "normalized(text) has words_of",
    "decoded(text) has \"secret\"",
    "json(text) has (words_of, /\\d{4}/)",
    "user.text has /\\d{4}/",
    "(any m in messages: m.text has \"secret\" and m.role == user)",
    "danger >= 0.5",
    "danger > 0.2",
];

fn condition() -> impl Strategy<Value = String> {
    let part = prop::sample::select(PARTS).prop_map(str::to_owned);
    part.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|sides| format!("({})", sides.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|sides| format!("({})", sides.join(" or "))),
            inner.prop_map(|side| format!("not ({side})")),
        ]
    })
}

fn policy(rules: &[(String, &str)]) -> String {
    let mut text = String::from(
        "policy random\npattern words_of = words [\"password\", \"secret\"] fuzzy 1\nscore danger = sum {\n  \
         0.4 if text has \"secret\"\n  0.3 if model == \"small\"\n  0.3 if text has words_of\n} clamp 0.0..1.0\n",
    );
    for (index, (condition, verdict)) in rules.iter().enumerate() {
        text += &format!(
            "rule r{index} on request {{\n  when {condition}\n  do {verdict}\n  message \"{{labels}} {{danger}}\"\n}}\n"
        );
    }
    text
}

fn program(text: &str, optimize: bool) -> Arc<Program> {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("random.ktr", text));
    let compiled = compile_with(&[unit], &Shelf, &mut sources, Options { optimize });
    let told = grammar::render::render(&compiled.diagnostics, &sources, false);
    compiled.program.unwrap_or_else(|| panic!("{told}\n{text}"))
}

fn judged(program: &Arc<Program>, request: &Request<'_>) -> (RequestStep, Report) {
    let mut session = Session::new(Arc::clone(program), || 0);
    let step = session.request(request);
    (step, session.report())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn optimised_or_not_the_outcome_is_one(
        rules in prop::collection::vec((condition(), prop::sample::select(&["flag", "block", "escalate"][..])), 1..12),
        requests in prop::collection::vec(
            (
                prop::sample::select(MODELS),
                prop::option::of(prop::sample::select(TEAMS)),
                prop::option::of(prop::sample::select(&[0_i64, 99, 100, 101, 200, i64::MAX][..])),
                any::<bool>(),
                prop::collection::vec(prop::sample::select(TEXTS), 0..4),
            ),
            1..8,
        ),
    ) {
        let text = policy(&rules);
        let (fast, plain) = (program(&text, true), program(&text, false));
        for (model, team, max_tokens, stream, texts) in &requests {
            let request = Request {
                model,
                headers: team.iter().map(|team| ("x-team", *team)).collect(),
                max_tokens: *max_tokens,
                stream: *stream,
                messages: (0..texts.len())
                    .map(|at| Message { role: Role::User, name: None, texts: at..at + 1 })
                    .collect(),
                texts: texts.iter().map(|value| Text { role: Role::User, value, is_json: *stream }).collect(),
                ..Request::default()
            };
            let (fast, plain) = (judged(&fast, &request), judged(&plain, &request));
            prop_assert_eq!(&fast.0, &plain.0, "{}\n{:?}", &text, &request);
            prop_assert_eq!(&fast.1, &plain.1, "{}\n{:?}", &text, &request);
        }
    }
}
