//! All tests of a folder, run: cases of a configuration first, then the rule files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::case::TestResult;
use grammar::case::Case;
use grammar::{Diagnostic, SourceId, Sources, Span, case};
use serde_json::Value;

use super::files::{self, Found};
use super::filter::Filters;
use super::golden;
use crate::cli::policy::coverage::Survey;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Loaded, Pack, Shelf};

/// One test that ran.
pub(super) struct Row {
    /// The file it is from.
    pub(super) file: String,
    pub(super) name: String,
    /// Where its name stands.
    pub(super) at: Span,
    pub(super) verdict: Option<&'static str>,
    pub(super) reason_code: Option<String>,
    pub(super) policies: Vec<Value>,
    /// What went wrong; empty when it passed.
    pub(super) failures: Vec<Diagnostic>,
    /// How many of its expectations are known not to hold.
    pub(super) todo: usize,
    pub(super) took: Duration,
}

impl Row {
    /// A test of which nothing has come yet.
    pub(super) fn new(file: &str, name: &str, at: Span) -> Self {
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            at,
            verdict: None,
            reason_code: None,
            policies: Vec::new(),
            failures: Vec::new(),
            todo: 0,
            took: Duration::ZERO,
        }
    }

    pub(super) fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    fn of_result(file: &str, result: TestResult, took: Duration) -> Self {
        Self {
            verdict: result.decision.as_ref().map(|decision| decision.verdict.name()),
            reason_code: result
                .decision
                .and_then(|decision| decision.reason_code)
                .map(|code| code.to_string()),
            failures: result.failures,
            todo: result.todo,
            took,
            ..Self::new(file, &result.name, result.span)
        }
    }
}

/// A file that could not run, and why.
pub(super) struct Broken {
    pub(super) file: String,
    pub(super) told: String,
}

/// Everything that ran, and what could not.
#[derive(Default)]
pub(super) struct Run {
    pub(super) rows: Vec<Row>,
    pub(super) sources: Sources,
    pub(super) broken: Vec<Broken>,
    /// What the tests have tried.
    pub(super) survey: Survey,
    pub(super) filters: Filters,
}

impl Run {
    /// Runs what is wanted of a folder. What cannot run is told at once.
    pub(super) fn over(
        &mut self,
        folder: &Path,
        configs: &[PathBuf],
        coverage: bool,
        terminal: &mut Terminal,
    ) -> Result<(), String> {
        if !configs.is_empty() {
            self.golden(configs, coverage, terminal)?;
        }
        let mut found = Found::default();
        if let Err(sentence) = found.collect(folder, 0) {
            self.unread(&folder.display().to_string(), &sentence, terminal);
        }
        for path in found.files {
            self.rule_file(&path, terminal);
        }
        Ok(())
    }

    pub(super) fn exit(&self) -> Exit {
        if !self.broken.is_empty() {
            return Exit::Failed;
        }
        if self.rows.iter().all(Row::passed) { Exit::Well } else { Exit::Wanting }
    }

    /// The cases beside a configuration and in its suites.
    fn golden(&mut self, configs: &[PathBuf], coverage: bool, terminal: &mut Terminal) -> Result<(), String> {
        if coverage {
            self.survey.golden(configs, &self.filters)?;
        }
        let Loaded { pack, config, diagnostics, sources, .. } = packs::load(configs)?;
        self.sources = sources;
        let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        let (Some(pack), Some(config)) = (pack, config) else {
            let name = configs.first().map_or(String::new(), |path| path.display().to_string());
            self.mistakes(&name, &errors, terminal);
            return Ok(());
        };
        for suite in &config.suites {
            for case in &suite.cases {
                self.case(&format!("suite {}", suite.name.value), case, &pack);
            }
        }
        if let Some(inline) = &config.policies.inline {
            let name = self.sources.place(inline.name.span).file;
            let source = self.sources.add(name.clone(), inline.text.clone());
            self.rules(&name, source);
        }
        for path in files::case_files_of(configs)? {
            self.case_file(&path, &pack, terminal);
        }
        Ok(())
    }

    fn case_file(&mut self, path: &Path, pack: &Pack, terminal: &mut Terminal) {
        let name = path.display().to_string();
        let text = match packs::read(path) {
            Ok(text) => text,
            Err(sentence) => return self.unread(&name, &sentence, terminal),
        };
        let source = self.sources.add(name.clone(), text.clone());
        let (cases, errors) = match grammar::yaml::parse(source, &text) {
            Ok(node) => case::decode(&node, &self.sources),
            Err(errors) => (Vec::new(), errors),
        };
        if !errors.is_empty() {
            self.mistakes(&name, &errors, terminal);
        }
        for case in &cases {
            self.case(&name, case, pack);
        }
    }

    fn case(&mut self, file: &str, case: &Case, pack: &Pack) {
        if !self.filters.wants(file, &case.name.value) {
            return;
        }
        let began = Instant::now();
        let row = golden::run(file, case, pack);
        self.rows.push(Row { took: began.elapsed(), ..row });
    }

    fn rule_file(&mut self, path: &Path, terminal: &mut Terminal) {
        let name = path.display().to_string();
        let text = match packs::read(path) {
            Ok(text) => text,
            Err(sentence) => return self.unread(&name, &sentence, terminal),
        };
        let source = self.sources.add(name.clone(), text.clone());
        let (_, errors) = grammar::parse(source, &text);
        if !errors.is_empty() {
            return self.mistakes(&name, &errors, terminal);
        }
        self.rules(&name, source);
    }

    /// The `test` blocks of a rule file.
    fn rules(&mut self, name: &str, source: SourceId) {
        let unit = engine::Unit::of(source);
        let (filters, rows) = (&mut self.filters, &mut self.rows);
        let mut began = Instant::now();
        let coverage = engine::case::cover(
            &unit,
            &Shelf,
            &mut self.sources,
            &mut |test| filters.wants(name, test),
            &mut |result| {
                rows.push(Row::of_result(name, result, began.elapsed()));
                began = Instant::now();
            },
        );
        self.survey.add(name, &coverage);
    }

    /// A file that cannot be read.
    fn unread(&mut self, file: &str, sentence: &str, terminal: &mut Terminal) {
        terminal.fail(sentence);
        self.broken.push(Broken { file: file.to_owned(), told: sentence.to_owned() });
    }

    /// A file with mistakes.
    fn mistakes(&mut self, file: &str, errors: &[Diagnostic], terminal: &mut Terminal) {
        terminal.diagnostics(errors, &self.sources);
        let told = grammar::render::render(errors, &self.sources, false);
        self.broken.push(Broken { file: file.to_owned(), told });
    }
}
