//! `kt audit prune`: remove what is past its retention.

use std::path::{Path, PathBuf};

use clap::Args;
use grammar::config::Audit;
use serde_json::json;

use super::{Place, load};
use crate::audit::{self, Options};
use crate::cli::{Exit, Terminal};

/// Remove the sealed segments that are older than the configuration keeps records for.
///
/// A record in the log tells what was removed, with the hash that the rest of the chain follows. A running gateway
/// does this by itself, at its start and daily, and does not let this command do it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt audit prune --policy-config policy-config.yaml
  kt audit prune --state-dir /var/lib/kt --retention-days 90

Exit codes: 0 done, 2 could not run.")]
pub(in crate::cli) struct Prune {
    #[command(flatten)]
    place: Place,
    /// The configuration; may be repeated [default: policy-config.yaml]
    #[arg(long, value_name = "FILE")]
    policy_config: Vec<PathBuf>,
    /// Keep records for so many days, whatever the configuration says
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    retention_days: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Prune {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self.prune(terminal) {
            Ok(()) => Exit::Well,
            Err(sentence) => terminal.fail(sentence),
        }
    }

    /// What the configuration says of the log; it may be absent where `--retention-days` says enough.
    fn audit(&self, terminal: &mut Terminal) -> Result<Audit, String> {
        let usual = Path::new("policy-config.yaml");
        match self.policy_config.as_slice() {
            [] if self.retention_days.is_some() && !usual.exists() => Ok(Audit::default()),
            [] => Ok(load(&[usual.to_owned()], terminal)?.config.audit.clone()),
            files => Ok(load(files, terminal)?.config.audit.clone()),
        }
    }

    fn prune(&self, terminal: &mut Terminal) -> Result<(), String> {
        let folder = self.place.log()?;
        let mut options = Options::of(&self.audit(terminal)?).map_err(|error| error.to_string())?;
        options.retention_days = self.retention_days.or(options.retention_days);
        let Some(days) = options.retention_days else {
            return Err("the configuration keeps records for ever; put `audit-logger` into its chain, or name `--retention-days`".into());
        };
        let removed = audit::prune(&folder, options).map_err(|error| error.to_string())?;
        if self.json {
            terminal.line(json!({"retention_days": days, "removed": removed}).to_string());
            return Ok(());
        }
        for segment in &removed {
            terminal.line(format!("removed records {} to {}", segment.first_seq, segment.last_seq));
        }
        if removed.is_empty() {
            terminal.line(format!("no sealed segment is older than {days} days"));
        }
        Ok(())
    }
}
