//! The language suite: files under `tests/suite`, compiled, printed and run.

mod format;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::{Unit, compile};
use gateway::packs::Shelf;
use grammar::{Diagnostic, Sources};

fn suite(area: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite").join(area);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ktr"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no cases", folder.display());
    files
}

fn open(path: &Path) -> (Sources, Unit) {
    let mut sources = Sources::new();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let source = sources.add(name, std::fs::read_to_string(path).unwrap());
    (sources, Unit::of(source))
}

fn snapshot(path: &Path, text: &str) {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    insta::with_settings!({snapshot_path => path.parent().unwrap(), prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn mistakes_are_told_with_place_reason_and_mend() {
    for path in suite("diagnostics") {
        let (mut sources, unit) = open(&path);
        let mut diagnostics = compile(std::slice::from_ref(&unit), &Shelf, &mut sources).diagnostics;
        if diagnostics.is_empty() {
            let results = engine::case::run_tests(&unit, &Shelf, &mut sources);
            diagnostics = results.into_iter().flat_map(|result| result.failures).collect();
        }
        assert!(diagnostics.iter().any(Diagnostic::is_error), "{} has no mistake", path.display());
        snapshot(&path, &grammar::render::render(&diagnostics, &sources, false));
    }
}

#[test]
fn what_is_likely_not_meant_is_told() {
    let mut codes = BTreeSet::new();
    for path in suite("lint") {
        let (mut sources, unit) = open(&path);
        let compiled = compile(std::slice::from_ref(&unit), &Shelf, &mut sources);
        let errors = grammar::render::render(&compiled.diagnostics, &sources, false);
        let program = compiled.program.unwrap_or_else(|| panic!("{errors}"));
        let mut told = engine::lint::lint(&compiled.files, &program, &sources);
        // The other cases are not about their tests.
        if path.file_stem().is_some_and(|name| name.to_string_lossy().contains("tests")) {
            let file = compiled.files.first().unwrap();
            told.extend(engine::lint::tests(file, &sources));
        }
        assert!(told.iter().all(|warning| !warning.is_error()));
        codes.extend(told.iter().map(|warning| warning.code.id));
        snapshot(&path, &grammar::render::render(&told, &sources, false));
    }
    // Those of a configuration are tested with one.
    let of_rules = |id: &&str| *id >= "W004" && *id != "W016";
    let wanted = grammar::codes::ALL.iter().map(|code| code.id).filter(of_rules);
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "every lint has its case");
}

#[test]
fn trees_print() {
    for path in suite("tree") {
        let (sources, unit) = open(&path);
        let (file, errors) = grammar::parse(unit.source, &sources.get(unit.source).unwrap().text);
        assert_eq!(errors, []);
        snapshot(&path, &grammar::print::print(&file));
    }
}

#[test]
fn programs_print() {
    for path in suite("program") {
        let (mut sources, unit) = open(&path);
        let compiled = compile(&[unit], &Shelf, &mut sources);
        let errors = grammar::render::render(&compiled.diagnostics, &sources, false);
        let program = compiled.program.unwrap_or_else(|| panic!("{errors}"));
        snapshot(&path, &program.print());
        snapshot(&path.with_extension("stats.ktr"), &stats(&program));
    }
}

/// What a program costs. Bytes of automata are the library's affair and change with it.
fn stats(program: &engine::Program) -> String {
    let mut stats = program.stats();
    for pattern in &mut stats.patterns {
        pattern.automaton = pattern.automaton.map(|bytes| usize::from(bytes > 0));
    }
    (stats.automata, stats.scanner) = (0, 0);
    stats.print()
}

#[test]
fn every_case_passes_whole_and_cut() {
    let mut count = 0;
    for path in suite("evaluation") {
        let (mut sources, unit) = open(&path);
        let compiled = compile(std::slice::from_ref(&unit), &Shelf, &mut sources);
        assert!(
            compiled.program.is_some(),
            "{}",
            grammar::render::render(&compiled.diagnostics, &sources, false)
        );
        for result in engine::case::run_tests(&unit, &Shelf, &mut sources) {
            let failures = grammar::render::render(&result.failures, &sources, false);
            assert!(result.passed(), "{}: {}\n{failures}", path.display(), result.name);
            count += 1;
        }
    }
    assert!(count > 40, "only {count} cases ran");
}

#[test]
fn whatever_the_parser_lets_through_compiles_and_runs_on_a_small_stack() {
    let long = grammar::MAX_OPERATORS * 4 - 2;
    for condition in [
        format!("{}stream", "not ".repeat(long)),
        format!("{}stream", "model == \"a\" or ".repeat(grammar::MAX_OPERATORS - 1)),
        format!("{}1 > 0", "1 + ".repeat(long / 2 - 4)),
        format!("{0}stream{1}", "(".repeat(grammar::MAX_DEPTH - 3), ")".repeat(grammar::MAX_DEPTH - 3)),
        format!(
            "{}true{}",
            "if stream then ".repeat(grammar::MAX_DEPTH - 2),
            " else true".repeat(grammar::MAX_DEPTH - 2)
        ),
    ] {
        let mut sources = Sources::new();
        let text = format!("policy p\nrule r on request {{ when {condition} do block }}\n");
        let unit = Unit::of(sources.add("long.ktr", text));
        let compiled = compile(&[unit], &Shelf, &mut sources);
        let told = grammar::render::render(&compiled.diagnostics, &sources, false);
        let program = compiled.program.unwrap_or_else(|| panic!("{told}"));
        engine::lint::lint(&compiled.files, &program, &sources);
        let request = engine::input::Request::default();
        engine::Session::new(program, || 0).request(&request);
    }
}
