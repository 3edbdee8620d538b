//! `kt audit`: look at the audit log, check it, take it elsewhere.

mod bench;
mod export;
mod prune;
mod rows;
mod tail;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{Exit, Terminal, state};
use crate::audit::segment;
use crate::packs::{self, Pack};

/// Look at the audit log, check it, take it elsewhere.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Check that no record was changed, removed, moved, added or cut off
    Verify(verify::Verify),
    /// Show the last records
    Tail(tail::Tail),
    /// Write all records as JSONL or CSV
    Export(export::Export),
    /// Remove what is past its retention
    Prune(prune::Prune),
    /// Measure what the disk allows under each sync policy
    Bench(bench::Bench),
}

impl Verb {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self {
            Verb::Verify(verify) => verify.run(terminal),
            Verb::Tail(tail) => tail.run(terminal),
            Verb::Export(export) => export.run(terminal),
            Verb::Prune(prune) => prune.run(terminal),
            Verb::Bench(bench) => bench.run(terminal),
        }
    }
}

/// Where the log is.
#[derive(Debug, Args)]
struct Place {
    /// Folder of the state, in which the log is `audit` [default: the XDG state folder, /kt]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl Place {
    /// The folder of the log.
    fn folder(&self) -> Result<PathBuf, String> {
        Ok(segment::folder(&state::dir(self.state_dir.clone())?))
    }

    /// The folder of a log that is there.
    fn log(&self) -> Result<PathBuf, String> {
        let folder = self.folder()?;
        match folder.is_dir() {
            true => Ok(folder),
            false => Err(format!(
                "there is no audit log in `{}`; name the state folder of the gateway with `--state-dir`",
                folder.display()
            )),
        }
    }
}

/// The pack of a configuration that has no mistakes.
fn load(files: &[PathBuf], terminal: &mut Terminal) -> Result<Arc<Pack>, String> {
    let loaded = packs::load(files)?;
    terminal.diagnostics(&loaded.diagnostics, &loaded.sources);
    loaded.pack.ok_or_else(|| "the configuration has mistakes".to_owned())
}

fn cannot_read(folder: &Path, error: &std::io::Error) -> String {
    format!("the audit log in `{}` cannot be read: {error}", folder.display())
}
