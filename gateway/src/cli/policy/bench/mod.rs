//! `kt policy bench`: what judging costs: a request, a piece of a stream, and each rule.

mod alone;
mod clock;
mod figures;
mod rules;
mod table;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Loaded};
use figures::Job;
use rules::Chain;
use workload::Workloads;

/// The shortest and the longest time, in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=600.0;

/// Measure what judging costs: a request, a piece of a stream, and each rule.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy bench
  kt policy bench --file rules/house.ktr --seconds 10
  kt policy bench --policy-config policy-config.yaml --input traffic.jsonl --json

Exit codes: 0 measured, 2 could not run.")]
pub(in crate::cli) struct Bench {
    /// The configuration whose chain is measured; may be repeated [default: policy-config.yaml]
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    policy_config: Vec<PathBuf>,
    /// One rule file that judges alone, on its defaults
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Exchanges to judge in place of the built-in texts: JSONL as for `kt policy eval`; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// About how long to measure, in seconds
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let loaded = match &self.file {
            Some(file) if is_rule_file(file) => packs::one_file(file),
            Some(file) => packs::load(std::slice::from_ref(file)),
            None if self.policy_config.is_empty() => packs::load(&[PathBuf::from("policy-config.yaml")]),
            None => packs::load(&self.policy_config),
        };
        match loaded {
            Ok(loaded) => self.measure(loaded, terminal),
            Err(sentence) => terminal.fail(sentence),
        }
    }

    fn measure(&self, mut loaded: Loaded, terminal: &mut Terminal) -> Exit {
        let Some(pack) = loaded.pack.take() else {
            loaded.diagnostics.retain(grammar::Diagnostic::is_error);
            terminal.diagnostics(&loaded.diagnostics, &loaded.sources);
            return Exit::Failed;
        };
        let chain = Chain::of(loaded);
        let loads = match &self.input {
            Some(path) => Workloads::read(path),
            None => Workloads::ordinary(&pack.program),
        };
        let bar = bar(terminal.is_watched());
        let time = Duration::from_secs_f64(self.seconds);
        let measured =
            loads.and_then(|loads| Job { pack: &pack, chain: &chain, loads: &loads, bar: &bar }.all(time));
        bar.finish_and_clear();
        let measured = match measured {
            Ok(measured) => measured,
            Err(sentence) => return terminal.fail(sentence),
        };
        let stats = pack.program.stats();
        if self.json {
            terminal.line(table::json(&measured, &stats).to_string());
        } else {
            table::lines(&measured, &stats).iter().for_each(|line| terminal.line(line));
        }
        table::notes(&measured).iter().for_each(|note| terminal.note(note));
        Exit::Well
    }
}

pub(in crate::cli) fn seconds(written: &str) -> Result<f64, String> {
    let seconds = written.parse().ok().filter(|seconds| SECONDS.contains(seconds));
    seconds.ok_or_else(|| format!("seconds are a number from {} to {}", SECONDS.start(), SECONDS.end()))
}

fn bar(watched: bool) -> ProgressBar {
    if !watched {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("measuring {bar:30} {pos}/{len}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
