//! What lint proves of conditions, held against what they come to: random conditions, every request that tells them apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::input::{Message, Request, Role, Text};
use engine::verdict::Verdict;
use engine::{Program, Session, Unit, compile};
use gateway::packs::Shelf;
use grammar::ast::Literal;
use grammar::{Diagnostic, Sources, Span, Spanned};
use proptest::prelude::*;
use tests::reference::Dice;

const MODELS: &[&str] = &["a", "b", "ab", "ba", "", "A", "bc"];
const TEXTS: &[&str] = &["", "x", "y", "x y", "xx"];

/// Writes conditions of few parts, so that contradictions are frequent.
struct Author<'a, 'b> {
    dice: &'a mut Dice<'b>,
}

impl Author<'_, '_> {
    fn pick<'s>(&mut self, from: &[&'s str]) -> &'s str {
        from[self.dice.roll(from.len())]
    }

    fn condition(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.claim();
        }
        match self.dice.roll(9) {
            0..3 => format!("({} and {})", self.condition(depth - 1), self.condition(depth - 1)),
            3..5 => format!("({} or {})", self.condition(depth - 1), self.condition(depth - 1)),
            5 => format!("not ({})", self.condition(depth - 1)),
            6 => {
                let [a, b, c] = std::array::from_fn(|_| self.condition(depth - 1));
                format!("(if {a} then {b} else {c})")
            }
            7 => {
                let (body, all) = (self.claim_of_element(), self.pick(&["any", "all"]));
                format!("({all} m in messages: {body})")
            }
            _ => self.claim(),
        }
    }

    fn claim_of_element(&mut self) -> String {
        let role = self.pick(&["user", "tool", "system"]);
        match self.dice.roll(4) {
            0 => format!("m.role == {role}"),
            1 => format!("not m.role == {role}"),
            2 => format!("m.role in [user, {role}] and m.text has px"),
            _ => format!("m.role == user and m.role == {role}"),
        }
    }

    fn claim(&mut self) -> String {
        let name = self.pick(&["a", "b", "ab", "A"]);
        let op = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let (n, other) = (self.dice.roll(4), self.dice.roll(4));
        match self.dice.roll(26) {
            0 => format!("model == {name:?}"),
            1 => format!("model != {name:?}"),
            2 => format!("model in [{name:?}, \"b\"]"),
            3 => format!("model starts with {name:?}"),
            4 => format!("model ends with {name:?}"),
            5 => format!("model contains {name:?}"),
            6 => format!("model matches glob({:?})", self.pick(&["a*", "*b", "?", "*", "ab"])),
            7 => format!("model matches /{}/", self.pick(&["a", "^b", "a*", "^a*$", "[^a]"])),
            8 => format!("lower(model) == {name:?}"),
            9 => "stream".to_owned(),
            10 => format!("(max_tokens ?? {other}) {op} {n}"),
            11 => format!("{n} {op} (max_tokens ?? {other})"),
            12 => self.pick(&["max_tokens is present", "max_tokens is absent"]).to_owned(),
            13 => "flag".to_owned(),
            14 => format!("limit {op} {n}"),
            15 => format!("(max_tokens ?? 1) {op} limit"),
            16 => format!("mode == {}", self.pick(&["red", "green"])),
            17 => format!("length(model) {op} {n}"),
            18 => format!("text has {}", self.pick(&["px", "py", "(px, py)", "set"])),
            19 => format!("{} == stream", self.pick(&["true", "flag"])),
            21 => format!("half({n}) {op} {}", self.pick(&["0.5", "1", "1.5"])),
            22 => format!("{n} / 2 {op} {}", self.pick(&["0.5", "1", "1.5"])),
            23 => format!("half(limit) {op} {}", self.pick(&["limit / 2", "half(limit)", "limit / 2.0"])),
            24 => format!("(if flag then {n} else 0.5) / 2 {op} {}", self.pick(&["0.25", "0.5", "1"])),
            20 => format!("heat {op} {}", self.pick(&["0.5", "1.0", "1.5"])),
            _ => self.pick(&["known", "both(model)", "true", "false"]).to_owned(),
        }
    }

    /// A policy of one rule, or of two of which the second may never decide.
    fn policy(&mut self, rules: usize) -> String {
        let (known, both) = (self.claim(), self.claim());
        let known = known
            .replace("known", "stream")
            .replace("both(model)", "stream")
            .replace("heat", "0.7")
            .replace("half(", "(");
        let both = both
            .replace("known", "stream")
            .replace("both(model)", "flag")
            .replace("heat", "0.7")
            .replace("half(", "(");
        let mut out = format!(
            "policy drawn\nparam flag: bool = false\nparam limit: int in 0..5 = 2\nparam mode: enum(red, green) = red\n\
             pattern px = /x/\npattern py = /\\by\\b/\npattern set = any of (px, py)\n\
             let known = {known}\nfn half(n: float) -> float = n / 2\nfn both(name: string) -> bool = name != \"b\" and {both}\n\
             score heat = sum {{ 0.5 if text has px, 0.5 if stream }}\n"
        );
        let mut first: Option<String> = None;
        for index in 0..rules {
            let (depth, verdict) = (1 + self.dice.roll(3), ["block", "flag"][index % 2]);
            let unless = match self.dice.roll(4) {
                3 => format!(" unless {}", self.condition(1)),
                _ => String::new(),
            };
            let when = match (self.dice.roll(2), &first) {
                (0, Some(first)) => format!("({first}) and {}", self.condition(1)),
                _ => self.condition(depth),
            };
            first.get_or_insert_with(|| when.clone());
            out += &format!("rule r{index} on request{unless} {{ when {when} do {verdict} }}\n");
        }
        out
    }
}

/// A compiled policy, and what lint says of it.
struct Linted {
    text: String,
    told: Vec<Diagnostic>,
    /// Under several arguments.
    programs: Vec<Arc<Program>>,
}

impl Linted {
    fn of(text: String) -> Option<Self> {
        let mut sources = Sources::new();
        let unit = Unit::of(sources.add("drawn.ktr", text.clone()));
        let compiled = compile(std::slice::from_ref(&unit), &Shelf, &mut sources);
        let program = compiled.program?;
        let told = engine::lint::lint(&compiled.files, &program, &sources);
        let nowhere = |value| Spanned::new(value, Span::default());
        let name = |name: &str| Spanned::new(name.to_owned(), Span::default());
        let mut programs = Vec::new();
        for (flag, limit, mode) in [(false, 2, "red"), (true, 0, "green"), (true, 5, "red")] {
            let overrides = vec![
                (name("flag"), nowhere(Literal::Bool(flag))),
                (name("limit"), nowhere(Literal::Int(limit))),
                (name("mode"), nowhere(Literal::Word(mode.to_owned()))),
            ];
            let given = Unit { overrides, ..unit.clone() };
            programs.extend(compile(&[given], &Shelf, &mut sources).program);
        }
        Some(Self { text, told, programs })
    }

    fn says(&self, words: &str) -> bool {
        self.told.iter().any(|warning| warning.message.contains(words))
    }

    /// The verdicts and rules that requests come to, of all that tell conditions apart.
    fn outcomes(&self) -> BTreeSet<(Verdict, Option<String>)> {
        let mut seen = BTreeSet::new();
        for program in &self.programs {
            each_request(&mut |request| {
                let step = Session::new(Arc::clone(program), || 0).request(request);
                seen.insert((step.decision.verdict, step.decision.rule.as_deref().map(str::to_owned)));
            });
        }
        seen
    }
}

fn each_request(visit: &mut dyn FnMut(&Request<'_>)) {
    for model in MODELS {
        for (at, text) in TEXTS.iter().enumerate() {
            for max_tokens in [None, Some(0), Some(1), Some(2), Some(3), Some(6)] {
                let role = [Role::User, Role::Tool, Role::System][at % 3];
                let messages = match at {
                    0 => Vec::new(),
                    _ => vec![Message { role, name: None, texts: 0..1 }],
                };
                let stream = max_tokens.is_some_and(|max| max % 2 == 0) ^ (at % 2 == 0);
                visit(&Request {
                    model,
                    texts: vec![Text::plain(role, text)],
                    messages,
                    stream,
                    max_tokens,
                    ..Request::default()
                });
            }
        }
    }
}

/// What lint said of a case, once it was found to be true.
fn checked(bytes: &[u8]) -> BTreeSet<&'static str> {
    let mut dice = Dice::new(bytes);
    let rules = 1 + dice.roll(2);
    let text = Author { dice: &mut dice }.policy(rules);
    let Some(linted) = Linted::of(text) else { return BTreeSet::new() };
    let mut said = BTreeSet::new();
    let never = linted.says("so rule `r0` never does") || linted.says("rule `r0` can never hold");
    if never {
        said.insert("never");
        let reached = linted.outcomes().into_iter().any(|(_, rule)| rule.as_deref() == Some("r0"));
        assert!(!reached, "r0 is said never to hold:\n{}\n{:#?}", linted.text, linted.told);
    }
    if linted.says("and so does rule `r0`") && !linted.says("so the `unless` of rule `r0`") {
        said.insert("always");
        let missed = linted.outcomes().into_iter().any(|(_, rule)| rule.as_deref() != Some("r0"));
        let excepted = linted.text.contains("rule r0 on request unless");
        assert!(excepted || !missed, "r0 is said always to hold:\n{}\n{:#?}", linted.text, linted.told);
    }
    if linted.says("rule `r1` never decides") {
        said.insert("shadowed");
        let reached = linted.outcomes().into_iter().any(|(_, rule)| rule.as_deref() == Some("r1"));
        assert!(!reached, "r1 is said never to decide:\n{}\n{:#?}", linted.text, linted.told);
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_lint_says_of_conditions_is_true(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        checked(&bytes);
    }
}

#[test]
fn lint_says_much_of_drawn_conditions() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 60..160);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..600 {
        let bytes = strategy.new_tree(&mut runner).expect("bytes").current();
        for said in checked(&bytes) {
            *counts.entry(said).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.len(), 3, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 5), "{counts:?}");
}
