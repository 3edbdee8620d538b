//! Comparisons of small rule files: what is a change and what is none, and that every example is one.

use grammar::Sources;
use proptest::prelude::*;

use super::changes::{Changes, Fate, Moved, PatternChange, Presence, Reach, Relation};
use super::{Side, compare};
use crate::{Compiled, Library, Unit};

struct Nothing;

impl Library for Nothing {
    fn library(&self, _: &str) -> Option<(String, String)> {
        None
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("there is no `{path}`"))
    }
}

/// The chain of these rule files.
fn compiled(files: &[String]) -> (Compiled, Sources) {
    let mut sources = Sources::new();
    let units: Vec<Unit> =
        files.iter().map(|text| Unit::of(sources.add("test.ktr", text.as_str()))).collect();
    let compiled = crate::compile(&units, &Nothing, &mut sources);
    let told = grammar::render::render(&compiled.diagnostics, &sources, false);
    assert!(compiled.program.is_some(), "{told}");
    (compiled, sources)
}

fn chains(before: &[String], after: &[String]) -> Changes {
    let (old, old_sources) = compiled(before);
    let (new, new_sources) = compiled(after);
    let program = |compiled: &Compiled| compiled.program.clone().unwrap();
    let (old_program, new_program) = (program(&old), program(&new));
    compare(
        &Side { program: &old_program, files: &old.files, sources: &old_sources },
        &Side { program: &new_program, files: &new.files, sources: &new_sources },
    )
}

fn changes(before: &str, after: &str) -> Changes {
    chains(&[format!("policy p\n{before}")], &[format!("policy p\n{after}")])
}

/// What becomes of a pattern that is looked for in `text`.
fn pattern(before: &str, after: &str) -> PatternChange {
    let file =
        |pattern: &str| format!("pattern x = {pattern}\nrule r on request {{ when text has x do flag }}");
    let mut changes = changes(&file(before), &file(after));
    assert_eq!(changes.policies, [], "{before} and {after}");
    assert_eq!(changes.patterns.len(), 1, "{before} and {after}");
    changes.patterns.remove(0)
}

#[test]
fn what_is_only_written_otherwise_is_no_change() {
    for (before, after) in [
        ("model == \"a\" and stream", "stream and model == \"a\""),
        ("not (model == \"a\" or stream)", "model != \"a\" and not stream"),
        ("model == \"a\" or model == \"b\"", "model in [\"b\", \"a\", \"b\"]"),
        ("(max_tokens ?? 0) > 5", "5 < (max_tokens ?? 0)"),
        ("not ((max_tokens ?? 0) > 5)", "(max_tokens ?? 0) <= 5"),
        ("(max_tokens ?? 0) + 1 > 5", "1 + (max_tokens ?? 0) > 5"),
        ("text has \"a b\" or text has \"c\"", "text has (\"c\", \"a b\")"),
        ("not (text has \"a\") and not (text has \"b\")", "not (text has (\"b\", \"a\"))"),
        ("text has /a|b/", "text has /[ab]/"),
        ("text has /a|b/", "text has /[ab]  # either/x"),
        (
            "if stream then model == \"a\" else model == \"b\"",
            "if not stream then model == \"b\" else model == \"a\"",
        ),
        ("any m in messages: m.role == tool", "any other in messages: other.role == tool"),
        ("header(\"x-a\") is absent", "not (header(\"x-a\") is present)"),
    ] {
        let rule = |condition: &str| format!("rule r on request {{ when {condition} do flag }}");
        let found = changes(&rule(before), &rule(after));
        assert_eq!(found.count(), 0, "{before} and {after}: {found:?}");
    }
}

#[test]
fn what_is_asked_of_matches_narrows_and_is_shown() {
    for (before, after) in [
        (r"/k\d{6}/", r"/k\d{6}/ where not has /000000/"),
        (r"/k\d{6}/ where has /7/", r"/k\d{6}/ where has /7/ and has /99/"),
        (r"/k\w{8,12}/", r"/k\w{8,12}/ where not has /^kexample/"),
        (r"/k\w{8,12}/ where not has /a/", r"/k\w{8,12}/ where not has /[ab]/"),
    ] {
        let told = pattern(before, after);
        assert_eq!(told.finds.relation(), Relation::Narrowed, "{before} and {after}: {told:?}");
        assert_eq!(pattern(after, before).finds.relation(), Relation::Widened, "{after} and {before}");
        assert!(told.facets.iter().any(|facet| facet.part == "checks"), "{told:?}");
    }
}

#[test]
fn names_without_a_trace_are_no_change() {
    let before = "param p: int = 3\nlet a = stream\nfn f(x: int) -> bool = (max_tokens ?? 0) > x\n\
         pattern x = /a+/ label A\nscore s = sum { 0.5 if text has x 0.2 if a }\n\
         rule r on request { when s > 0.4 and f(p) do flag message \"{s}\" }";
    let after = "param p: int = 3\nfn g(y: int) -> bool = y < (max_tokens ?? 0)\nlet b = stream\n\
         pattern y = /a+/ label A\nscore t = sum { 0.2 if b 0.5 if text has y }\n\
         rule r on request { when g(p) and t > 0.4 do flag message \"{t}\" }";
    let found = changes(before, after);
    assert_eq!(found, Changes::default());
}

#[test]
fn a_negated_score_is_no_comparison_the_other_way_round() {
    let rule = |condition: &str| {
        format!("score s = sum {{ 0.5 if text has \"a\" }}\nrule r on request {{ when {condition} do flag }}")
    };
    // What a rule finds counts too: of a condition that is denied nothing is evidence.
    assert_eq!(changes(&rule("not (s < 0.4)"), &rule("s >= 0.4")).count(), 1);
}

#[test]
fn parts_of_a_condition_are_told() {
    let rule = |condition: &str| format!("rule r on request {{ when {condition} do flag }}");
    for (before, after, lost, gained) in [
        ("stream", "stream and model == \"a\"", vec![], vec!["and model == \"a\""]),
        (
            "stream or model == \"a\"",
            "model == \"b\" or stream",
            vec!["or model == \"a\""],
            vec!["or model == \"b\""],
        ),
        (
            "(max_tokens ?? 0) > 5",
            "(max_tokens ?? 0) >= 5",
            vec!["5 < (max_tokens ?? 0)"],
            vec!["5 <= (max_tokens ?? 0)"],
        ),
        (
            "text has (\"a\", \"b\") and stream",
            "text has (\"a\", \"b\", \"c\") and stream",
            vec![],
            vec!["and text has \"c\""],
        ),
        ("model == \"a\"", "raw(text) has \"a\"", vec!["model == \"a\""], vec!["raw(text) has \"a\""]),
    ] {
        let found = changes(&rule(before), &rule(after));
        let [policy] = found.policies.as_slice() else { panic!("{before}: {found:?}") };
        let condition = policy.rules[0].condition.as_ref().unwrap();
        assert_eq!(
            (&condition.lost, &condition.gained),
            (&lost.iter().map(|s| s.to_string()).collect(), &gained.iter().map(|s| s.to_string()).collect()),
            "{before} to {after}"
        );
    }
}

#[test]
fn rules_come_and_go_and_are_switched() {
    let before = "param on: bool = true\nrule a on request { when stream do flag }\n\
                  rule b on request { when on and model == \"x\" do flag }\nrule c on request { when model == \"y\" do flag }";
    let after = "param on: bool = false\nrule b on request { when on and model == \"x\" do flag }\n\
                 rule d on request { when model == \"y\" do flag }\nrule e on request { when model == \"z\" do flag }";
    let found = changes(before, after);
    let fates: Vec<(&str, Fate)> =
        found.policies[0].rules.iter().map(|rule| (&*rule.name, rule.fate)).collect();
    assert_eq!(
        fates,
        [("b", Fate::SwitchedOff), ("a", Fate::Removed), ("c", Fate::Renamed), ("e", Fate::Added)]
    );
    assert_eq!(found.policies[0].params[0].facets[0].part, "default");
}

#[test]
fn every_facet_of_a_rule_counts() {
    let base = "rule r on request unless stream { when text has \"a\" do redact code \"c\" message \"m\" severity low tags [\"t\"] }";
    for (from, to, part) in [
        ("on request ", "on request, response ", "on"),
        ("do redact", "do flag", "do"),
        ("do redact", "do redact with \"*\"", "with"),
        ("code \"c\"", "code \"d\"", "code"),
        ("message \"m\"", "message \"{phase}\"", "message"),
        ("severity low", "severity high", "severity"),
        ("tags [\"t\"]", "tags [\"t\", \"u\"]", "tags"),
    ] {
        let found = changes(base, &base.replace(from, to));
        let parts: Vec<&str> = found.policies[0].rules[0].facets.iter().map(|facet| facet.part).collect();
        assert_eq!(parts, [part]);
    }
    let found = changes(base, &base.replace("unless stream ", ""));
    let condition = found.policies[0].rules[0].condition.as_ref().unwrap();
    assert_eq!(
        (condition.lost.as_slice(), condition.clauses[0].part),
        (&["and not stream".to_owned()][..], "unless")
    );
    assert_eq!(changes(base, base).count(), 0);
}

#[test]
fn chains_and_their_order() {
    let policy = |name: &str| format!("policy {name}\nrule r on request {{ when stream do flag }}");
    let found = chains(&["a", "b", "c"].map(policy), &["c", "b", "d"].map(policy));
    let order = found.order.unwrap();
    let names = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (names(&order.before), names(&order.after)),
        (vec!["b".into(), "c".into()], vec!["c".into(), "b".into()])
    );
    let told: Vec<_> = found.policies.iter().map(|policy| (&*policy.name, policy.presence)).collect();
    assert_eq!(told, [("a", Presence::Removed), ("d", Presence::Added)]);
}

#[test]
fn how_finds_differ_is_told_in_a_word() {
    for (before, after, relation) in [
        (r"/\d{3}/", r"/\d\d\d/", Relation::Same),
        (r"/\d{3}/", r"/\d{2,3}/", Relation::Widened),
        (r"/\bcat/", r"/\bcat\b/", Relation::Narrowed),
        (r"/cat/", r"/dog/", Relation::BothWays),
        (r"/\d{3}/", r"/\d{3,4}/", Relation::OtherParts),
        (r"/a(?<g>b)/", r"/a(?<g>b)/ capture g", Relation::OtherParts),
        (r"/\d{12}/", r"/\d{12}/ where luhn", Relation::Narrowed),
        (r"/\d{12}/ where ssn and luhn", r"/\d{12}/", Relation::Widened),
        (
            r"/\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/ where iban",
            r"/\b[A-Z]{2}\d{2}[A-Z0-9]{11,20}\b/ where iban",
            Relation::Narrowed,
        ),
        (r"/\d{6}/ near /chart/ within 9", r"/\d{6}/ near /patient/ within 9", Relation::BothWays),
        (r"/\d{6}/", r"/\d{6}/ near /patient/ within 9", Relation::Narrowed),
        (r"/\d{6}/ near /patient/ within 40", r"/\d{6}/ near /patient/ within 10", Relation::Narrowed),
        (r"/\d{6}/ near /patient/ within 9", r"/\d{6}/ near /patient/ within 30", Relation::Widened),
        (r#"words ["a", "b c"]"#, r#"words ["b  C", "A"]"#, Relation::Same),
        (r#"words ["alpha"]"#, r#"words ["alpha"] fuzzy 1"#, Relation::Widened),
        (r#"words ["alpha"]"#, r#"words ["gamma"]"#, Relation::BothWays),
    ] {
        let found = pattern(before, after);
        assert_eq!(found.finds.relation(), relation, "{before} and {after}: {found:?}");
        assert_eq!(found.is_same(), relation == Relation::Same, "{before} and {after}: {found:?}");
    }
}

#[test]
fn what_cannot_be_known_is_not_claimed() {
    // Where a match that fails is passed over as a whole, a wider expression may miss what a narrower one finds.
    let found = pattern(r"/\d(?:\.\d){3}/ where ipv4", r"/\d(?:\.\d){3,5}/ where ipv4");
    assert_eq!(found.finds.gained, Reach::Open, "{found:?}");
    // That the one check is enough is known to no automaton.
    let found = pattern(r"/\d{12}/ where luhn and mixed_digits", r"/\d{12}/ where luhn");
    assert_eq!(
        (found.finds.relation(), &found.finds.lost),
        (Relation::Undecided, &Reach::Nothing),
        "{found:?}"
    );
    let found = pattern(r"/(?<g>a|b)c/ capture g", r"/(?<g>[ab])(?:c)/ capture g");
    assert_eq!(found.finds.moved, Moved::Nothing, "groups that mean the same are the same: {found:?}");
    let found = pattern(r"/(?<g>a)(?:c|d)/ capture g", r"/(?<g>a)c|(?:a)d/ capture g");
    assert!(matches!(found.finds.moved, Moved::Example { .. }), "{found:?}");
}

#[test]
fn a_pattern_in_two_is_the_same_pattern() {
    let before = "rule r on request { when text has /cat|dog/ do flag }";
    let after = "rule r on request { when text has (/cat/, /dog/) do flag }";
    let found = changes(before, after);
    assert_eq!(found.policies, []);
    let finds = &found.patterns[0].finds;
    assert_eq!((&finds.gained, &finds.lost), (&Reach::Nothing, &Reach::Nothing));
}

#[test]
fn words_are_told_one_by_one() {
    let found = pattern(r#"words ["Bluebird", "Night Owl"]"#, r#"words ["night  owl", "Redwing"]"#);
    assert_eq!((found.lost_words, found.gained_words), (vec!["Bluebird".into()], vec!["Redwing".into()]));
    assert_eq!(found.finds.gained, Reach::Example("Redwing".into()));
}

#[test]
fn decoded_texts_are_compared_as_they_are_sent() {
    let file = |pattern: &str| format!("rule r on request {{ when decoded(text) has {pattern} do flag }}");
    let found = changes(&file("/hidden order/"), &file("/hidden (?:order|task)/"));
    assert_eq!(found.patterns[0].finds.gained, Reach::Example("hidden task".into()));
    assert_eq!(found.patterns[0].view, "decoded");
}

/// Expressions over a small alphabet, which often nearly agree.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["a", "b", "1", "[ab]", "[a1]", r"\d", r"\ba", r"b\b", "ab", "a1"]);
    let tree = leaf.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|parts| parts.concat()),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}(?:{b})?")),
            inner.prop_map(|a| format!("(?:{a}){{1,3}}")),
        ]
    });
    let checks = prop::sample::select(vec![
        "",
        "",
        "",
        " where luhn",
        " where mixed_digits",
        " where has /1/",
        " where not has /b/",
        " where not match has /^a/ and not has /1$/",
        " near /b/ within 2",
        " near /b/ within 3",
    ]);
    (tree, checks).prop_map(|(tree, checks)| format!("/{tree}/{checks}"))
}

/// Whether a pattern finds anything in a text, and what.
fn found(pattern: &str, text: &str) -> Vec<String> {
    let (compiled, _) = compiled(&[format!(
        "policy p\npattern x = {pattern}\nrule r on request {{ when raw(text) has x do flag }}"
    )]);
    let program = compiled.program.unwrap();
    let mut parts = Vec::new();
    for detector in &program.detectors {
        detector.find_all(text, |range| parts.push(text.get(range).unwrap().to_owned()));
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_example_is_found_by_exactly_one_side_and_what_is_proved_holds(
        before in expression(),
        after in expression(),
        texts in prop::collection::vec("[ab1 ]{0,8}", 24),
    ) {
        let file = |pattern: &str| format!("pattern x = {pattern}\nrule r on request {{ when raw(text) has x do flag }}");
        let changes = changes(&file(&before), &file(&after));
        let finds = changes.patterns.first().map_or(&super::changes::Finds::SAME, |change| &change.finds);
        if let Reach::Example(text) = &finds.gained {
            prop_assert!(found(&before, text).is_empty() && !found(&after, text).is_empty(), "{text:?}");
        }
        if let Reach::Example(text) = &finds.lost {
            prop_assert!(!found(&before, text).is_empty() && found(&after, text).is_empty(), "{text:?}");
        }
        if let Moved::Example { text, before: was, after: is } = &finds.moved {
            prop_assert_eq!((&found(&before, text), &found(&after, text)), (was, is));
            prop_assert!(was != is);
        }
        for text in &texts {
            let (was, is) = (found(&before, text), found(&after, text));
            if finds.gained == Reach::Nothing {
                prop_assert!(!was.is_empty() || is.is_empty(), "{before} and {after} in {text:?}");
            }
            if finds.lost == Reach::Nothing {
                prop_assert!(was.is_empty() || !is.is_empty(), "{before} and {after} in {text:?}");
            }
            if finds.moved == Moved::Nothing {
                prop_assert_eq!(was, is, "{} and {} in {:?}", before, after, text);
            }
        }
    }
}
