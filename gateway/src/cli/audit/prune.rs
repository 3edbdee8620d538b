//! `kt audit prune`: remove what is past its retention.

use std::path::{Path, PathBuf};

use clap::Args;
use grammar::config::Audit;
use serde_json::json;

use super::{Place, load};
use crate::audit::followers::Pruned;
use crate::audit::{self, Options};
use crate::cli::{Exit, Terminal};
use crate::sinks;

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
        let audit = self.audit(terminal)?;
        let mut options = Options::of(&audit).map_err(|error| error.to_string())?;
        options.retention_days = self.retention_days.or(options.retention_days);
        let Some(days) = options.retention_days else {
            return Err("the configuration keeps records for ever; put `audit-logger` into its chain, or name `--retention-days`".into());
        };
        options.followers = sinks::followers(&audit, &folder).map_err(|error| error.to_string())?;
        let Pruned { removed, held } = audit::prune(&folder, options).map_err(|error| error.to_string())?;
        if self.json {
            let held = held.map(|(sink, taken)| json!({"sink": sink, "last_seq": taken}));
            terminal.line(json!({"retention_days": days, "removed": removed, "held": held}).to_string());
            return Ok(());
        }
        for segment in &removed {
            terminal.line(format!("removed records {} to {}", segment.first_seq, segment.last_seq));
        }
        if let Some((sink, taken)) = held {
            terminal.line(format!(
                "segments from record {} on are older and are kept: the sink `{sink}` does not have them yet; let the gateway run until it does, or take the sink out of the configuration",
                taken + 1
            ));
        } else if removed.is_empty() {
            terminal.line(format!("no sealed segment is older than {days} days"));
        }
        Ok(())
    }
}
