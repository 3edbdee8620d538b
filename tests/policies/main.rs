//! The rule files in `policies/`: they compile under their arguments, and their tests pass.

mod lint;
mod models;
mod optimiser;

use std::path::{Path, PathBuf};

use engine::{Unit, case, compile};
use gateway::packs::Shelf;
use grammar::ast::{Expectation, File, ItemKind, Literal, TestLine};
use grammar::{Diagnostic, Sources, Span, Spanned, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ktr"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn open(path: &Path) -> (Sources, Unit) {
    let mut sources = Sources::new();
    let id = sources.add(path.display().to_string(), std::fs::read_to_string(path).unwrap());
    (sources, Unit::of(id))
}

fn tree(sources: &Sources, unit: &Unit) -> File {
    grammar::parse(unit.source, &sources.get(unit.source).unwrap().text).0
}

fn shown(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render::render(diagnostics, sources, false)
}

#[test]
fn their_tests_pass_and_are_of_both_kinds() {
    let mut failed = String::new();
    for path in files("").into_iter().chain(files("std")) {
        let (mut sources, unit) = open(&path);
        let file = tree(&sources, &unit);
        let lines = file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Test(test) => Some(&test.lines),
            _ => None,
        });
        let (mut positive, mut negative) = (0, 0);
        for line in lines.flatten() {
            let TestLine::Expect { todo: None, what } = &line.value else { continue };
            match what {
                Expectation::Found { found: true, .. } | Expectation::Text(_) | Expectation::Arguments(_) => {
                    positive += 1
                }
                Expectation::Found { found: false, .. } => negative += 1,
                Expectation::Verdict(verdict) if verdict.verdict.value == "allow" => negative += 1,
                Expectation::Verdict(_) => positive += 1,
                Expectation::Targets(_) | Expectation::Reserved(_) | Expectation::Held(_) => {}
            }
        }
        assert!(positive > 0 && negative > 0, "{}: {positive} positive, {negative} negative", path.display());
        for result in case::run_tests(&unit, &Shelf, &mut sources) {
            if !result.passed() {
                failed += &format!("{}\n{}\n", result.name, shown(&result.failures, &sources));
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

/// Every choice of every enum, both values of every switch, and both ends of every range must compile.
#[test]
fn they_compile_under_every_argument() {
    for path in files("") {
        let (mut sources, unit) = open(&path);
        for item in tree(&sources, &unit).items {
            let ItemKind::Param(param) = item.kind else { continue };
            for value in values(&param.ty.value) {
                let nowhere = Span::new(unit.source, 0, 0);
                let given = Unit {
                    overrides: vec![(param.name.clone(), Spanned::new(value, nowhere))],
                    ..unit.clone()
                };
                let compiled = compile(&[given], &Shelf, &mut sources);
                let told = shown(&compiled.diagnostics, &sources);
                assert!(compiled.program.is_some(), "{}: {}\n{told}", path.display(), param.name.value);
            }
        }
    }
}

fn values(ty: &grammar::ast::Type) -> Vec<Literal> {
    use grammar::ast::Type;
    match ty {
        Type::Bool => vec![Literal::Bool(false), Literal::Bool(true)],
        Type::Int(Some((low, high))) => vec![Literal::Int(*low), Literal::Int(*high)],
        Type::Float(Some((low, high))) => vec![Literal::Float(*low), Literal::Float(*high)],
        Type::Enum(choices) => choices.iter().map(|choice| Literal::Word(choice.value.clone())).collect(),
        Type::List(_) => vec![Literal::List(Vec::new())],
        Type::Money => vec![Literal::Money(0), Literal::Money(1_000_000)],
        Type::Optional(inner) => values(inner),
        _ => Vec::new(),
    }
}
