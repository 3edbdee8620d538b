//! `kt gateway run`: serve traffic.

mod greeting;
mod telling;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Exit, Terminal, state};
use crate::log::Log;
use crate::packs::{self, Loaded, Pack};
use crate::{Bound, FailMode, Settings};
use telling::LogFormat;

/// Serve traffic until SIGINT or SIGTERM.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt gateway run --demo
  kt gateway run --listen 0.0.0.0:41002 --policy-config policy-config.yaml")]
pub(super) struct Run {
    /// Address for clients, or `fd://NAME`, a socket that the service manager hands over; may be repeated
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: Vec<String>,
    /// Address for the operator: health, figures, configuration, reload and the console; or `fd://NAME`
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
    admin_listen: String,
    /// Configuration; may be repeated, later files override earlier ones key by key [default: policy-config.yaml]
    #[arg(long, value_name = "FILE")]
    policy_config: Vec<PathBuf>,
    /// What happens to a request when its audit record cannot be written
    #[arg(long, value_enum, default_value_t = Mode::Block)]
    fail_mode: Mode,
    /// Folder of the audit log [default: the XDG state folder, /kt]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Send all requests to this address instead of the targets' own, for debugging
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Most requests that are under way to all targets together, in place of `providers.max_concurrency`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_concurrency: Option<u32>,
    /// Run with an embedded provider: no key and no network needed
    #[arg(long)]
    demo: bool,
    /// How the process log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// The configuration when none is named.
const USUAL: &str = "policy-config.yaml";
/// Longest wait for the process log at the very end.
const FLUSH: Duration = Duration::from_secs(1);

/// `--fail-mode`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Refuse it
    Block,
    /// Let it go on, and say so in the process log
    Allow,
}

impl Run {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let pack = match self.pack(terminal) {
            Ok(pack) => pack,
            Err(exit) => return exit,
        };
        let state_dir = match state::dir(self.state_dir.clone()) {
            Ok(state_dir) => state_dir,
            Err(sentence) => return terminal.fail(sentence),
        };
        let filter = match telling::filter() {
            Ok(filter) => filter,
            Err(sentence) => return terminal.fail(sentence),
        };
        let log = match Log::start(std::io::stderr()) {
            Ok(log) => log,
            Err(error) => {
                return terminal.fail(format!("the thread of the process log cannot be started: {error}"));
            }
        };
        let format = self.log_format;
        telling::begin(&log, format, filter, terminal.err_colours());
        let greeted = (self.demo && format == LogFormat::Text).then(|| log.clone());
        let settings = self.settings(pack, state_dir);
        let ended = serve(settings, |bound| {
            if let Some(log) = greeted {
                log.put(greeting::of(bound).as_bytes());
            }
        });
        let exit = match ended {
            Ok(()) => Exit::Well,
            Err(sentence) if format == LogFormat::Json => {
                tracing::error!("{sentence}");
                Exit::Failed
            }
            Err(sentence) => {
                log.put(format!("{}\n", terminal.failure(sentence)).as_bytes());
                Exit::Failed
            }
        };
        log.finish(FLUSH);
        exit
    }

    fn settings(self, pack: Arc<Pack>, state_dir: PathBuf) -> Settings {
        let files = self.files();
        Settings {
            listen: self.listen,
            admin_listen: Some(self.admin_listen),
            pack,
            state_dir,
            fail_mode: match self.fail_mode {
                Mode::Block => FailMode::Block,
                Mode::Allow => FailMode::Allow,
            },
            files,
            upstream: self.upstream,
            max_concurrency: self.max_concurrency,
            demo: self.demo,
            drain: crate::DRAIN,
            clock: crate::Clock::default(),
            times: crate::Times::default(),
        }
    }

    /// What is to be in force. All else that came of loading is gone when this returns.
    fn pack(&self, terminal: &mut Terminal) -> Result<Arc<Pack>, Exit> {
        let loaded = packs::apart(|| self.load()).map_err(|sentence| terminal.fail(sentence))?;
        terminal.diagnostics(&loaded.diagnostics, &loaded.sources);
        loaded
            .pack
            .ok_or_else(|| terminal.fail("the configuration has mistakes; the gateway was not started"))
    }

    /// The layers of the configuration.
    fn files(&self) -> Vec<PathBuf> {
        match self.policy_config.as_slice() {
            [] if self.demo => Vec::new(),
            [] => vec![PathBuf::from(USUAL)],
            files => files.to_owned(),
        }
    }

    fn load(&self) -> Result<Loaded, String> {
        match self.files().as_slice() {
            [] => Ok(packs::quickstart()),
            [_] if self.policy_config.is_empty() && !Path::new(USUAL).exists() => Err("there is no `policy-config.yaml` here; name one with `--policy-config FILE`, write one with `kt init`, or try `--demo`".into()),
            files => packs::load(files),
        }
    }
}

/// Serves until it is told to stop; `began` is called when it listens.
fn serve(settings: Settings, began: impl FnOnce(&Bound)) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| format!("the threads of the gateway cannot be started: {error}"))?;
    runtime.block_on(crate::run(settings, began)).map_err(|error| error.to_string())
}
