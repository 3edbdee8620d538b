//! `kt policy test`: golden cases, suites, and the `test` blocks of rule files.

use std::path::{Path, PathBuf};

use clap::Args;
use engine::verdict::PolicyReport;
use grammar::case::{self, Case};
use grammar::{Diagnostic, SourceId, Sources, codes};
use serde_json::{Value, json};

use super::coverage::Survey;
use super::exchange::{Exchange, Played};
use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Loaded, Pack, Shelf};

/// How deep folders are searched for rule files, and how many are taken.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 1000;

/// Run tests: golden cases, suites, and the `test` blocks of rule files.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy test
  kt policy test --pack-dir packs/support --json

Exit codes: 0 all pass, 1 a case failed, 2 could not run.")]
pub(in crate::cli) struct Test {
    /// Folder with `policy-config.yaml`, `tests/` and rule files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pack_dir: PathBuf,
    /// The configuration, when it is not `policy-config.yaml` in that folder
    #[arg(long, value_name = "FILE")]
    policy_config: Vec<PathBuf>,
    /// Tell as well which rules, conditions and patterns no test has tried
    #[arg(long)]
    coverage: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// One test that ran.
struct Row {
    /// The file it is from.
    file: String,
    name: String,
    verdict: Option<&'static str>,
    reason_code: Option<String>,
    policies: Vec<Value>,
    /// What went wrong, drawn; empty when it passed.
    failures: Vec<Diagnostic>,
}

/// Everything that ran, and why something could not.
struct Run {
    rows: Vec<Row>,
    sources: Sources,
    /// Whether something could not run at all.
    broken: bool,
    /// What the tests have tried.
    survey: Survey,
}

impl Test {
    /// The tests of a folder.
    pub(super) fn over(pack_dir: PathBuf, policy_config: Vec<PathBuf>) -> Self {
        Self { pack_dir, policy_config, coverage: true, json: false }
    }

    /// Runs the tests, and tells what they have tried; of the tests themselves only what could not run.
    pub(super) fn survey(self, terminal: &mut Terminal) -> (Survey, Sources, Exit) {
        match self.tried(terminal) {
            Ok(run) => {
                let exit = run.exit();
                (run.survey, run.sources, exit)
            }
            Err(exit) => (Survey::default(), Sources::new(), exit),
        }
    }

    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let (json, coverage) = (self.json, self.coverage);
        let run = match self.tried(terminal) {
            Ok(run) => run,
            Err(exit) => return exit,
        };
        if json {
            run.print_json(coverage, terminal);
        } else {
            run.print_text(terminal);
            if coverage {
                terminal.line("");
                run.survey.print(&run.sources, terminal);
            }
        }
        run.exit()
    }

    /// Everything that could run.
    fn tried(self, terminal: &mut Terminal) -> Result<Run, Exit> {
        let mut run =
            Run { rows: Vec::new(), sources: Sources::new(), broken: false, survey: Survey::default() };
        if !self.pack_dir.is_dir() {
            return Err(terminal
                .fail(format!("`{}` is not a folder; name one with `--pack-dir`", self.pack_dir.display())));
        }
        let usual = self.pack_dir.join("policy-config.yaml");
        let configs = match self.policy_config.as_slice() {
            [] if usual.exists() => vec![usual],
            files => files.to_vec(),
        };
        if !configs.is_empty()
            && let Err(sentence) = run.golden(&configs, self.coverage, terminal)
        {
            return Err(terminal.fail(sentence));
        }
        let mut files = Vec::new();
        if let Err(sentence) = collect(&self.pack_dir, 0, &mut files) {
            terminal.fail(sentence);
            run.broken = true;
        }
        for path in files {
            run.rule_file(&path, terminal);
        }
        if run.rows.is_empty() && !run.broken {
            return Err(terminal.fail(format!(
                "there are no tests under `{}`; write `test` blocks in rule files, or cases in `tests/*.yaml`",
                self.pack_dir.display()
            )));
        }
        Ok(run)
    }
}

impl Run {
    fn exit(&self) -> Exit {
        let failed = self.rows.iter().any(|row| !row.failures.is_empty());
        match (self.broken, failed) {
            (true, _) => Exit::Failed,
            (false, true) => Exit::Wanting,
            (false, false) => Exit::Well,
        }
    }

    /// The cases beside a configuration and in its suites.
    fn golden(&mut self, configs: &[PathBuf], coverage: bool, terminal: &mut Terminal) -> Result<(), String> {
        if coverage {
            self.survey.golden(configs)?;
        }
        let Loaded { pack, config, diagnostics, sources, .. } = packs::load(configs)?;
        self.sources = sources;
        let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        let (Some(pack), Some(config)) = (pack, config) else {
            terminal.diagnostics(&errors, &self.sources);
            self.broken = true;
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
        for path in case_files_of(configs)? {
            self.case_file(&path, &pack, terminal);
        }
        Ok(())
    }

    fn case_file(&mut self, path: &Path, pack: &Pack, terminal: &mut Terminal) {
        let text = match packs::read(path) {
            Ok(text) => text,
            Err(sentence) => {
                terminal.fail(sentence);
                self.broken = true;
                return;
            }
        };
        let name = path.display().to_string();
        let source = self.sources.add(name.clone(), text.clone());
        let (cases, errors) = match grammar::yaml::parse(source, &text) {
            Ok(node) => case::decode(&node, &self.sources),
            Err(errors) => (Vec::new(), errors),
        };
        if !errors.is_empty() {
            terminal.diagnostics(&errors, &self.sources);
            self.broken = true;
        }
        for case in &cases {
            self.case(&name, case, pack);
        }
    }

    fn case(&mut self, file: &str, case: &Case, pack: &Pack) {
        let mut row = Row {
            file: file.to_owned(),
            name: case.name.value.clone(),
            verdict: None,
            reason_code: None,
            policies: Vec::new(),
            failures: Vec::new(),
        };
        match play(case, pack) {
            Ok(played) => {
                row.verdict = Some(played.decision.verdict.name());
                row.reason_code = played.decision.reason_code.as_deref().map(str::to_owned);
                row.policies = played.report.policies.iter().map(policy).collect();
                compare(case, &played, &mut row.failures);
            }
            Err(sentence) => row.failures.push(Diagnostic::error(codes::BAD_TEST, case.input.span, sentence)),
        }
        self.rows.push(row);
    }

    fn rule_file(&mut self, path: &Path, terminal: &mut Terminal) {
        let name = path.display().to_string();
        let text = match packs::read(path) {
            Ok(text) => text,
            Err(sentence) => {
                terminal.fail(sentence);
                self.broken = true;
                return;
            }
        };
        let source = self.sources.add(name.clone(), text.clone());
        let (_, errors) = grammar::parse(source, &text);
        if !errors.is_empty() {
            terminal.diagnostics(&errors, &self.sources);
            self.broken = true;
            return;
        }
        self.rules(&name, source);
    }

    /// The `test` blocks of a rule file.
    fn rules(&mut self, name: &str, source: SourceId) {
        let (results, coverage) = engine::case::cover(&engine::Unit::of(source), &Shelf, &mut self.sources);
        self.survey.add(name, &coverage);
        for result in results {
            self.rows.push(Row {
                file: name.to_owned(),
                name: result.name,
                verdict: result.decision.as_ref().map(|decision| decision.verdict.name()),
                reason_code: result
                    .decision
                    .and_then(|decision| decision.reason_code)
                    .map(|code| code.to_string()),
                policies: Vec::new(),
                failures: result.failures,
            });
        }
    }

    fn print_text(&self, terminal: &mut Terminal) {
        let mut file = "";
        for row in &self.rows {
            if row.file != file {
                file = &row.file;
                terminal.line(file);
            }
            let sign = if row.failures.is_empty() { terminal.good("✓") } else { terminal.bad("✗") };
            terminal.line(format!("  {sign} {}", row.name));
            terminal.diagnostics(&row.failures, &self.sources);
        }
        let failed = self.rows.iter().filter(|row| !row.failures.is_empty()).count();
        terminal.line(format!("{} passed, {failed} failed", self.rows.len() - failed));
    }

    fn print_json(&self, coverage: bool, terminal: &mut Terminal) {
        let ok = !self.broken && self.rows.iter().all(|row| row.failures.is_empty());
        let results: Vec<Value> = self.rows.iter().map(|row| self.row(row)).collect();
        let mut object = json!({"ok": ok, "results": results});
        if let Some(fields) = object.as_object_mut().filter(|_| coverage) {
            fields.insert("coverage".to_owned(), self.survey.json(&self.sources));
        }
        terminal.line(object.to_string());
    }

    fn row(&self, row: &Row) -> Value {
        let failures: Vec<Value> = row
            .failures
            .iter()
            .map(|failure| {
                let place = self.sources.place(failure.span);
                json!({"message": failure.message, "file": place.file, "line": place.line, "column": place.column})
            })
            .collect();
        json!({
            "name": row.name,
            "file": row.file,
            "verdict": row.verdict,
            "reason_code": row.reason_code,
            "passed": row.failures.is_empty(),
            "details": {"policy_results": row.policies, "failures": failures},
        })
    }
}

fn play(case: &Case, pack: &Pack) -> Result<Played, String> {
    Exchange::of_case(case)?.play(pack)
}

fn policy(report: &PolicyReport) -> Value {
    json!({"name": &*report.name, "result": report.outcome.name(), "findings": report.findings.len()})
}

fn compare(case: &Case, played: &Played, failures: &mut Vec<Diagnostic>) {
    let decision = &played.decision;
    let expected = &case.expected;
    let mut check = |what: &str, wanted: Option<(&str, grammar::Span)>, got: Option<&str>| {
        if let Some((wanted, span)) = wanted.filter(|(wanted, _)| Some(*wanted) != got) {
            let got = got.map_or("none".to_owned(), |got| format!("`{got}`"));
            failures.push(Diagnostic::error(
                codes::BAD_TEST,
                span,
                format!("expected {what} `{wanted}`, got {got}"),
            ));
        }
    };
    let verdict = expected.verdict.as_ref().map(|verdict| (verdict.value.name(), verdict.span));
    check("verdict", verdict, Some(decision.verdict.name()));
    let text =
        |wanted: &'_ Option<grammar::Spanned<String>>| wanted.as_ref().map(|w| (w.value.clone(), w.span));
    for (what, wanted, got) in [
        ("reason code", text(&expected.reason_code), decision.reason_code.as_deref()),
        ("policy", text(&expected.policy), decision.policy.as_deref()),
        ("rule", text(&expected.rule), decision.rule.as_deref()),
        ("output", text(&expected.output), played.output.as_deref()),
    ] {
        check(what, wanted.as_ref().map(|(wanted, span)| (wanted.as_str(), *span)), got);
    }
}

/// The files of cases beside a configuration.
pub(super) fn case_files_of(configs: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    case_files(&configs.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).join("tests"))
}

/// The case files of a folder, in order of their names. There need not be such a folder.
fn case_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let is_case = |path: &PathBuf| path.extension().is_some_and(|e| e == "json" || e == "yaml" || e == "yml");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    Ok(entries(folder)?.into_iter().filter(is_case).collect())
}

/// The rule files under a folder. A part that was not searched is an error: tests in it would seem to pass.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if depth > MAX_DEPTH {
        let folder = folder.display();
        return Err(format!("`{folder}` is deeper than {MAX_DEPTH} folders; name a nearer `--pack-dir`"));
    }
    for path in entries(folder)? {
        let hidden = path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with('.') || name == "target" || name == "node_modules"
        });
        if path.is_dir() {
            if !hidden {
                collect(&path, depth + 1, files)?;
            }
        } else if is_rule_file(&path) {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(format!("there are more than {MAX_FILES} rule files; name a smaller `--pack-dir`"));
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot_read = |error| format!("`{}` cannot be read: {error}", folder.display());
    let found = std::fs::read_dir(folder).map_err(cannot_read)?;
    let paths = found.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<PathBuf>>>().map_err(cannot_read)?;
    paths.sort();
    Ok(paths.into_iter().map(|path| path.strip_prefix("./").map_or(path.clone(), Path::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_cannot_be_searched_to_their_end_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..=MAX_DEPTH).fold(folder.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(&deep).unwrap();
        assert!(collect(folder.path(), 0, &mut Vec::new()).unwrap_err().contains("deeper"));
        let many = tempfile::tempdir().unwrap();
        (0..=MAX_FILES).for_each(|i| std::fs::write(many.path().join(format!("{i}.ktr")), "").unwrap());
        assert!(collect(many.path(), 0, &mut Vec::new()).unwrap_err().contains("more than"));
        assert!(
            collect(&many.path().join("none"), 0, &mut Vec::new()).unwrap_err().contains("cannot be read")
        );
    }
}
