//! `kt policy test`: golden cases, suites, and the `test` blocks of rule files.

mod files;
mod filter;
mod golden;
mod junit;
mod run;
mod told;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use grammar::Sources;

use super::coverage::Survey;
use crate::cli::{Exit, Terminal};
pub(super) use files::case_files_of;
pub(super) use filter::Filters;
use run::Run;

/// Run tests: golden cases, suites, and the `test` blocks of rule files.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  kt policy test
  kt policy test --pack-dir packs/support --json
  kt policy test --filter 'rules/house.ktr::*' --filter 'credit card'
  kt policy test --junit results.xml
  kt policy test --watch

Exit codes: 0 all pass, 1 a case failed, 2 could not run.")]
pub(in crate::cli) struct Test {
    /// Folder with `policy-config.yaml`, `tests/` and rule files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pack_dir: PathBuf,
    /// The configuration, when it is not `policy-config.yaml` in that folder
    #[arg(long, value_name = "FILE")]
    policy_config: Vec<PathBuf>,
    /// Only tests whose `FILE::NAME` has this in it, or fits it as a glob; may be repeated
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Write JUnit XML for CI to this file as well; `-` for the standard output, in place of the list
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run again whenever a rule file, the configuration or a case changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Tell as well which rules, conditions and patterns no test has tried
    #[arg(long)]
    coverage: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Test {
    /// The tests of a folder.
    pub(super) fn over(pack_dir: PathBuf, policy_config: Vec<PathBuf>) -> Self {
        let (filter, junit) = (Vec::new(), None);
        Self { pack_dir, policy_config, filter, junit, watch: false, coverage: true, json: false }
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
        if self.json && self.junit.as_deref() == Some(Path::new("-")) {
            return terminal
                .fail("`--json` and `--junit -` both print a result; name a file for one of them");
        }
        if self.watch { watch::run(self, terminal) } else { self.once(terminal).0 }
    }

    /// Runs the tests and tells of them. Gives the texts that were read, too.
    fn once(&self, terminal: &mut Terminal) -> (Exit, Sources) {
        match self.tried(terminal) {
            Ok(run) => {
                let exit = self.tell(&run, terminal);
                (exit, run.sources)
            }
            Err(exit) => (exit, Sources::new()),
        }
    }

    fn tell(&self, run: &Run, terminal: &mut Terminal) -> Exit {
        if let Some(path) = &self.junit
            && let Err(sentence) = write_junit(path, run, terminal)
        {
            return terminal.fail(sentence);
        }
        if self.json {
            run.print_json(self.coverage, terminal);
        } else if self.junit.as_deref() == Some(Path::new("-")) {
            terminal.note(run.summary());
        } else {
            run.print_text(terminal);
            if self.coverage {
                terminal.line("");
                run.survey.print(&run.sources, terminal);
            }
        }
        match run.filters.complaint() {
            Some(complaint) => terminal.fail(complaint),
            None => run.exit(),
        }
    }

    /// Everything that could run.
    fn tried(&self, terminal: &mut Terminal) -> Result<Run, Exit> {
        let folder = self.pack_dir.display();
        if !self.pack_dir.is_dir() {
            return Err(terminal.fail(format!("`{folder}` is not a folder; name one with `--pack-dir`")));
        }
        let configs = files::configs(&self.pack_dir, &self.policy_config);
        let mut run = Run { filters: Filters::new(&self.filter), ..Run::default() };
        if let Err(sentence) = run.over(&self.pack_dir, &configs, self.coverage, terminal) {
            return Err(terminal.fail(sentence));
        }
        if run.rows.is_empty() && run.broken.is_empty() && run.filters.left_out() == 0 {
            return Err(terminal.fail(format!(
                "there are no tests under `{folder}`; write `test` blocks in rule files, or cases in `tests/*.yaml`"
            )));
        }
        Ok(run)
    }
}

fn write_junit(path: &Path, run: &Run, terminal: &mut Terminal) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("`{}` cannot be written: {error}", path.display());
    let document = junit::document(run).map_err(cannot)?;
    if path == Path::new("-") {
        terminal.print(&document);
        return Ok(());
    }
    std::fs::write(path, document).map_err(cannot)
}
