//! `kt policy coverage`: what of the rule files the tests have tried, and what they have not.

use std::path::PathBuf;

use clap::Args;
use engine::Session;
use engine::coverage::{Coverage, Missed, Share};
use grammar::case::Case;
use grammar::config::Config;
use grammar::{SourceId, Sources, Span};
use serde_json::{Value, json};

use super::test::{Filters, Test};
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Loaded, Pack};
use crate::rehearsal::exchange::Exchange;

/// Run the tests, and tell which rules, conditions and patterns none of them has tried.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy coverage
  kt policy coverage --pack-dir packs/support --min 90

Exit codes: 0 all pass and enough is covered, 1 a case failed or too little is covered, 2 could not run.")]
pub(in crate::cli) struct Cover {
    /// Folder with `policy-config.yaml`, `tests/` and rule files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pack_dir: PathBuf,
    /// The configuration, when it is not `policy-config.yaml` in that folder
    #[arg(long, value_name = "FILE")]
    policy_config: Vec<PathBuf>,
    /// The least share that must be covered, in percent of rules, outcomes of conditions and patterns together
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    min: Option<u8>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Cover {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let (survey, sources, exit) = Test::over(self.pack_dir, self.policy_config).survey(terminal);
        if exit == Exit::Failed {
            return exit;
        }
        if self.json {
            terminal.line(survey.json(&sources).to_string());
        } else {
            survey.print(&sources, terminal);
        }
        if exit == Exit::Wanting {
            terminal.note("some tests fail: run `kt policy test` to see which");
        }
        let reached = survey.total().percent();
        match self.min.map(usize::from) {
            Some(least) if reached < least => {
                terminal.note(format!("{reached} % is covered, and `--min` asks for {least} %"));
                Exit::Wanting
            }
            _ => exit,
        }
    }
}

/// What was seen of each rule file, in the order in which they were met.
#[derive(Default)]
pub(super) struct Survey {
    files: Vec<(String, Coverage)>,
}

impl Survey {
    /// Adds what was seen of a file.
    pub(super) fn add(&mut self, name: &str, coverage: &Coverage) {
        let name = name.strip_prefix("./").unwrap_or(name);
        match self.files.iter_mut().find(|(of, _)| of == name) {
            Some((_, known)) => known.absorb(coverage),
            None => self.files.push((name.to_owned(), coverage.clone())),
        }
    }

    /// Plays cases against a chain under watch, and adds what they try of its rule files that are not shipped.
    pub(super) fn golden(&mut self, configs: &[PathBuf], filters: &Filters) -> Result<(), String> {
        let Loaded { pack, config, sources, files, .. } = packs::load_plain(configs)?;
        let (Some(pack), Some(config)) = (pack, config) else { return Ok(()) };
        let mut own: Vec<Coverage> = Vec::new();
        for file in &files {
            let source = file.items.first().map(|item| item.span.source);
            own.extend(
                source.filter(|source| is_own(&sources, *source)).map(|source| Coverage::new(source, file)),
            );
        }
        for exchange in exchanges(&config, configs, filters)? {
            watch(exchange, &pack, &mut own);
        }
        for coverage in own {
            let name = sources.get(coverage.source()).map_or(String::new(), |source| source.name.clone());
            self.add(&name, &coverage);
        }
        Ok(())
    }

    /// How much of everything was tried.
    pub(super) fn total(&self) -> Share {
        self.files.iter().map(|(_, coverage)| of_file(coverage)).fold(Share::default(), Share::plus)
    }

    pub(super) fn print(&self, sources: &Sources, terminal: &mut Terminal) {
        for (name, coverage) in &self.files {
            terminal.line(format!(
                "{name}: {} %, rules {}, outcomes of conditions {}, patterns {}",
                of_file(coverage).percent(),
                share(coverage.rules()),
                share(coverage.conditions()),
                share(coverage.patterns())
            ));
            for (span, missed) in coverage.missed() {
                let place = sources.place(span);
                terminal.line(format!("  {}:{}  {}", place.line, place.column, told(&missed, span, sources)));
            }
        }
        terminal.line(format!("{} % covered", self.total().percent()));
    }

    pub(super) fn json(&self, sources: &Sources) -> Value {
        let files: Vec<Value> = self.files.iter().map(|(name, coverage)| {
            let missed: Vec<Value> = coverage.missed().into_iter().map(|(span, missed)| {
                let place = sources.place(span);
                let (kind, outcome) = match &missed {
                    Missed::Rule(_) => ("rule", None),
                    Missed::Condition(outcome) => ("condition", Some(*outcome)),
                    Missed::Pattern(_) => ("pattern", None),
                };
                json!({"kind": kind, "line": place.line, "column": place.column, "text": sources.text(span), "never": outcome})
            }).collect();
            json!({
                "file": name,
                "percent": of_file(coverage).percent(),
                "rules": counts(coverage.rules()),
                "conditions": counts(coverage.conditions()),
                "patterns": counts(coverage.patterns()),
                "missed": missed,
            })
        }).collect();
        json!({"percent": self.total().percent(), "files": files})
    }
}

fn of_file(coverage: &Coverage) -> Share {
    coverage.rules().plus(coverage.conditions()).plus(coverage.patterns())
}

fn share(share: Share) -> String {
    format!("{} of {}", share.tried, share.all)
}

fn counts(share: Share) -> Value {
    json!({"tried": share.tried, "all": share.all})
}

/// Longest text of a condition that is shown, in characters.
const SHOWN: usize = 80;

fn told(missed: &Missed, span: Span, sources: &Sources) -> String {
    match missed {
        Missed::Rule(name) => format!("rule `{name}` never held"),
        Missed::Pattern(name) => format!("pattern `{name}` never found anything"),
        Missed::Condition(outcome) => {
            let text = sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
            let mut short: String = text.chars().take(SHOWN).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            format!("`{short}` was never {outcome}")
        }
    }
}

/// Whether a source is a rule file of the user's own.
fn is_own(sources: &Sources, source: SourceId) -> bool {
    let name = sources.get(source).map_or("", |source| &source.name);
    !packs::shipped::KINDS.iter().any(|shipped| shipped.path == name)
}

/// The exchanges of the wanted cases that can be read; the test run has told of the others.
fn exchanges(config: &Config, configs: &[PathBuf], filters: &Filters) -> Result<Vec<Exchange>, String> {
    let mut exchanges = Vec::new();
    let mut take = |file: &str, cases: &[Case]| {
        let wanted = cases.iter().filter(|case| filters.fits(file, &case.name.value));
        exchanges.extend(wanted.filter_map(|case| Exchange::of_case(case).ok()));
    };
    for suite in &config.suites {
        take(&format!("suite {}", suite.name.value), &suite.cases);
    }
    for path in super::test::case_files_of(configs)? {
        let (name, text) = (path.display().to_string(), packs::read(&path)?);
        let mut sources = Sources::new();
        let source = sources.add(name.clone(), text.clone());
        if let Ok(node) = grammar::yaml::parse(source, &text) {
            take(&name, &grammar::case::decode(&node, &sources).0);
        }
    }
    Ok(exchanges)
}

fn watch(exchange: Exchange, pack: &Pack, own: &mut [Coverage]) {
    let mut session = Session::watched(std::sync::Arc::clone(&pack.program), || 0);
    if exchange.play_in(&mut session, pack).is_ok() {
        let tally = session.tally();
        own.iter_mut().for_each(|coverage| coverage.add(&pack.program, &tally));
    }
}
