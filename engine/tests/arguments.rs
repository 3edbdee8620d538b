//! What arguments leave out of a program.

use engine::{Library, Unit, case, compile};
use grammar::Sources;

struct Nothing;

impl Library for Nothing {
    fn library(&self, _: &str) -> Option<(String, String)> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(path.to_owned())
    }
}

#[test]
fn a_condition_that_an_argument_settles_builds_no_patterns() {
    let text = "policy p\nparam on: bool = false\nrule r on request { when on and text has /secret/ or model == \"m\" do flag }";
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("p", text.to_owned()));
    let program = compile(&[unit], &Nothing, &mut sources).program.unwrap();
    assert!(!program.print().contains("secret"), "{}", program.print());
}

#[test]
fn except_leaves_entries_out_of_a_list() {
    let text = r#"policy p
param names: [string] = []
pattern listed = words names except ["crime"] fuzzy 1
rule r on request { when text has listed do block }
test "left out" { with names = ["crime", "zenith"] user "crime" expect allow }
test "looked for" { with names = ["crime", "zenith"] user "zenit" expect block }"#;
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("p", text.to_owned()));
    let results = case::run_tests(&unit, &Nothing, &mut sources);
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(|result| result.passed()), "{results:?}");
}
