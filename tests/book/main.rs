//! The book as a test: its examples compile, load, pass or fail as they say, and its links lead somewhere.
#![expect(clippy::unwrap_used, reason = "a page that cannot be read is a failure")]

mod commands;
mod reference;

use std::path::{Path, PathBuf};

use engine::{Compiled, Unit, compile};
use gateway::packs::{self, Shelf};
use grammar::{Diagnostic, Sources, codes};

/// A page, or the README.
struct Page {
    path: PathBuf,
    text: String,
}

/// A fenced block: the words after the fence, what is in it, and the line it begins at.
struct Block<'a> {
    place: String,
    words: Vec<&'a str>,
    text: String,
}

impl Block<'_> {
    fn is(&self, kind: &[&str]) -> bool {
        self.words == kind
    }

    /// The code after `warning=`, in a rule file.
    fn warning(&self) -> Option<&str> {
        match self.words.as_slice() {
            ["ktr", second] => second.strip_prefix("warning="),
            _ => None,
        }
    }

    /// The code after `error=`, in a block of that language.
    fn mistake(&self, language: &str) -> Option<&str> {
        match self.words.as_slice() {
            [first, second] if *first == language => second.strip_prefix("error="),
            _ => None,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<Page> {
    let folder = root().join("book/src");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.push(root().join("README.md"));
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| Page { text: std::fs::read_to_string(&path).unwrap(), path })
        .collect()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("book/src").join(name)).unwrap()
}

fn blocks(page: &Page) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let name = page.path.file_name().unwrap().to_string_lossy();
    for (number, line) in page.text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(words), None) => {
                let words = words.split(',').map(str::trim).collect();
                open = Some(Block { place: format!("{name}:{}", number + 1), words, text: String::new() });
            }
            (Some(_), Some(block)) => found.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{name} has a fence that is never closed");
    found
}

/// Runs `check` on every block of the book that it wants; at least `least` of them.
fn each<'p>(pages: &'p [Page], least: usize, mut check: impl FnMut(&Block<'p>) -> bool) {
    let count = pages.iter().flat_map(blocks).filter(|block| check(block)).count();
    assert!(count >= least, "only {count} examples were found");
}

/// The example as a rule file. A fragment becomes a policy of its own.
fn rule_file(block: &Block<'_>) -> (Sources, Unit, bool) {
    named_rule_file(block, block.place.clone())
}

fn named_rule_file(block: &Block<'_>, name: String) -> (Sources, Unit, bool) {
    let begins = |word: &str| block.text.lines().any(|line| line.starts_with(word));
    let is_library = begins("library ");
    // At the end, so that lines count as the reader counts them.
    let header = if is_library || begins("policy ") { "" } else { "\npolicy example\n" };
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add(name, format!("{}{header}", block.text)));
    (sources, unit, is_library)
}

fn compiled(unit: &Unit, sources: &mut Sources, is_library: bool) -> Compiled {
    if is_library {
        engine::case::compile_library(unit, &Shelf, sources)
    } else {
        compile(std::slice::from_ref(unit), &Shelf, sources)
    }
}

/// What is told of a rule file: its mistakes, or with a block that shows a warning what lint says of it. Only a block
/// about tests need have some.
fn told(block: &Block<'_>, unit: &Unit, sources: &mut Sources, is_library: bool) -> Vec<Diagnostic> {
    let Compiled { program, mut diagnostics, files } = compiled(unit, sources, is_library);
    if let (Some(code), Some(program)) = (block.warning(), program) {
        diagnostics.extend(engine::lint::lint(&files, &program, sources));
        let about_tests = [codes::NO_TESTS, codes::UNTESTED_RULE].iter().any(|about| about.id == code);
        let files = files.iter().filter(|_| about_tests);
        diagnostics.extend(files.flat_map(|file| engine::lint::tests(file, sources)));
    }
    diagnostics
}

#[test]
fn rule_warnings_give_the_code_that_they_show() {
    each(&pages(), 12, |block| {
        let Some(code) = block.warning() else { return false };
        let (mut sources, unit, is_library) = rule_file(block);
        let found = told(block, &unit, &mut sources, is_library);
        let said = grammar::render::render(&found, &sources, false);
        assert_eq!(codes_of(&found), [code], "{}\n{said}", block.place);
        true
    });
}

#[test]
fn rule_examples_compile_and_their_tests_pass() {
    let mut tests = 0;
    each(&pages(), 18, |block| {
        if !block.is(&["ktr"]) {
            return false;
        }
        let (mut sources, unit, is_library) = rule_file(block);
        let Compiled { program, diagnostics, .. } = compiled(&unit, &mut sources, is_library);
        let said = grammar::render::render(&diagnostics, &sources, false);
        assert!(program.is_some(), "{}\n{said}", block.place);
        for result in engine::case::run_tests(&unit, &Shelf, &mut sources) {
            let said = grammar::render::render(&result.failures, &sources, false);
            assert!(result.passed(), "{}: {}\n{said}", block.place, result.name);
            tests += 1;
        }
        true
    });
    assert!(tests > 35, "only {tests} tests ran");
}

/// The codes of what was found, each once.
fn codes_of<'d>(found: impl IntoIterator<Item = &'d Diagnostic>) -> Vec<&'static str> {
    let mut all: Vec<&str> = found.into_iter().map(|diagnostic| diagnostic.code.id).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn rule_mistakes_give_the_code_that_they_show() {
    each(&pages(), 15, |block| {
        let Some(code) = block.mistake("ktr") else { return false };
        let (mut sources, unit, is_library) = rule_file(block);
        let mut found = compiled(&unit, &mut sources, is_library).diagnostics;
        if found.is_empty() {
            let results = engine::case::run_tests(&unit, &Shelf, &mut sources);
            found = results.into_iter().flat_map(|result| result.failures).collect();
        }
        let said = grammar::render::render(&found, &sources, false);
        assert_eq!(codes_of(&found), [code], "{}\n{said}", block.place);
        true
    });
}

/// `UPDATE_BOOK=1` writes what is told now into the page; read it before you keep it.
#[test]
fn mistakes_are_told_as_the_book_shows() {
    let mut shown = 0;
    for page in pages() {
        let mut text = page.text.clone();
        for pair in blocks(&page).windows(2) {
            let [mistake, told] = pair else { continue };
            if mistake.words[0] != "ktr" || !told.is(&["text", "told"]) {
                continue;
            }
            let (mut sources, unit, is_library) = named_rule_file(mistake, "rules.ktr".to_owned());
            let found = self::told(mistake, &unit, &mut sources, is_library);
            let said = grammar::render::render(&found, &sources, false);
            let said = format!("{}\n", said.trim_end());
            if std::env::var_os("UPDATE_BOOK").is_some() {
                text = text.replacen(
                    &format!("```text,told\n{}", told.text),
                    &format!("```text,told\n{said}"),
                    1,
                );
            } else {
                assert_eq!(told.text, said, "{}", told.place);
            }
            shown += 1;
        }
        if text != page.text {
            std::fs::write(&page.path, text).unwrap();
        }
    }
    assert!(shown >= 5, "only {shown} mistakes are shown with what is told");
}

#[test]
fn configurations_load() {
    each(&pages(), 4, |block| {
        if !block.is(&["yaml", "config"]) {
            return false;
        }
        let loaded = packs::load_texts(vec![(block.place.clone(), block.text.clone())]);
        let said = grammar::render::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.pack.is_some(), "{}\n{said}", block.place);
        true
    });
}

#[test]
fn configuration_mistakes_give_the_code_that_they_show() {
    each(&pages(), 5, |block| {
        let Some(code) = block.mistake("yaml") else { return false };
        let loaded = packs::load_texts(vec![(block.place.clone(), block.text.clone())]);
        let said = grammar::render::render(&loaded.diagnostics, &loaded.sources, false);
        assert_eq!(codes_of(&loaded.diagnostics), [code], "{}\n{said}", block.place);
        assert_eq!(loaded.pack.is_none(), code.starts_with('E'), "{}\n{said}", block.place);
        true
    });
}

#[test]
fn golden_cases_read() {
    each(&pages(), 1, |block| {
        if !block.is(&["yaml", "cases"]) {
            return false;
        }
        let mut sources = Sources::new();
        let source = sources.add(block.place.clone(), block.text.clone());
        let node = grammar::yaml::parse(source, &block.text).unwrap();
        let (cases, found) = grammar::case::decode(&node, &sources);
        let said = grammar::render::render(&found, &sources, false);
        assert!(!cases.is_empty() && found.is_empty(), "{}\n{said}", block.place);
        true
    });
}

#[test]
fn every_code_has_its_section() {
    let text = page("errors.md");
    let sections: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## ")?.split_whitespace().next()).collect();
    let wanted: Vec<&str> = codes::ALL.iter().map(|code| code.id).collect();
    assert_eq!(sections, wanted, "errors.md has one section per code, in order");
}

/// The variants of an `enum` in a source file, as the command line spells them.
fn variants(file: &str, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let body = text.split_once(&format!("enum {name} {{")).unwrap().1.split_once("\n}").unwrap().0;
    let words = body.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    words.map(|line| line.split(['(', ',']).next().unwrap().to_lowercase()).collect()
}

#[test]
fn every_verb_has_its_place() {
    let text = page("cli.md");
    let top = variants("gateway/src/cli/mod.rs", "Verb");
    let mut verbs: Vec<String> = top
        .iter()
        .filter(|verb| !["gateway", "policy", "audit", "key"].contains(&verb.as_str()))
        .map(|verb| format!("kt {verb}"))
        .collect();
    verbs.extend(
        variants("gateway/src/cli/mod.rs", "GatewayVerb").iter().map(|verb| format!("kt gateway {verb}")),
    );
    verbs.extend(
        variants("gateway/src/cli/policy/mod.rs", "Verb").iter().map(|verb| format!("kt policy {verb}")),
    );
    verbs.extend(
        variants("gateway/src/cli/audit/mod.rs", "Verb").iter().map(|verb| format!("kt audit {verb}")),
    );
    verbs.extend(variants("gateway/src/cli/key.rs", "Verb").iter().map(|verb| format!("kt key {verb}")));
    assert!(verbs.len() >= 14, "{verbs:?}");
    for verb in verbs {
        assert!(text.contains(&format!("## `{verb}`")), "cli.md has no section on `{verb}`");
    }
}

/// The targets of a page's links, code left out.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|part| part.split("](").skip(1));
    targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

/// The anchor that mdBook makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        for link in links(&page.text).into_iter().filter(|link| !link.contains("://")) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: nothing at `{link}`", page.path.display());
            if !part.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(
                    anchors.any(|known| known == part),
                    "{}: no heading for `{link}`",
                    page.path.display()
                );
            }
        }
    }
}
