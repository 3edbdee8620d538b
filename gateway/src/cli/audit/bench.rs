//! `kt audit bench`: what the disk allows under each sync policy.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use grammar::config::{self, SyncPolicy};
use serde_json::json;

use super::{Place, state};
use crate::audit::{Audit, Ledger, Options, Outcome};
use crate::cli::{Exit, Terminal};
use crate::gateway::FailMode;
use crate::packs::{self, Pack};

/// Measure how many records the disk takes under each sync policy, and how long a request waits for its own.
///
/// It writes to a folder of its own beside the log, through the gateway's own queue, and removes the folder again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt audit bench
  kt audit bench --state-dir /var/lib/kt --seconds 10 --clients 1,64,1024

Exit codes: 0 done, 2 could not run.")]
pub(in crate::cli) struct Bench {
    #[command(flatten)]
    place: Place,
    /// How long each measurement takes
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = crate::cli::policy::seconds)]
    seconds: f64,
    /// How many requests end at once
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values = ["1", "16", "256"])]
    clients: Vec<NonZeroU32>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// What one measurement came to.
struct Measured {
    per_second: f64,
    median: Duration,
    p99: Duration,
}

impl Bench {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self.measure_all(terminal) {
            Ok(()) => Exit::Well,
            Err(sentence) => terminal.fail(sentence),
        }
    }

    fn measure_all(&self, terminal: &mut Terminal) -> Result<(), String> {
        let pack = packs::quickstart().pack.ok_or("the shipped configuration does not load")?;
        let state = state::dir(self.place.state_dir.clone())?;
        let unmade = |error| format!("no folder can be made in `{}`: {error}", state.display());
        std::fs::create_dir_all(&state).map_err(unmade)?;
        if !self.json {
            terminal.line("sync      clients  records/s    median       p99");
        }
        for sync in [SyncPolicy::Always, SyncPolicy::Interval, SyncPolicy::None] {
            for clients in &self.clients {
                let folder = tempfile::tempdir_in(&state).map_err(unmade)?;
                let measured = self.measure(&pack, sync, clients.get(), folder.path())?;
                terminal.line(self.line(sync, clients.get(), &measured));
            }
        }
        Ok(())
    }

    fn measure(
        &self,
        pack: &Arc<Pack>,
        sync: SyncPolicy,
        clients: u32,
        folder: &Path,
    ) -> Result<Measured, String> {
        let options = Options::of(&config::Audit { sync, ..config::Audit::default() });
        let options = options.map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no thread can be started: {error}"))?;
        let length = Duration::from_secs_f64(self.seconds);
        runtime.block_on(async {
            let (audit, writer) =
                Audit::open(folder, options, FailMode::Block).map_err(|error| error.to_string())?;
            let began = Instant::now();
            let clients =
                (0..clients).map(|_| tokio::spawn(client(audit.clone(), Arc::clone(pack), began + length)));
            let (clients, mut waits): (Vec<_>, Vec<Duration>) = (clients.collect(), Vec::new());
            for client in clients {
                let client = client.await.map_err(|error| error.to_string())?;
                waits.extend(client.ok_or("the log could not be written")?);
            }
            let took = began.elapsed();
            drop(audit);
            writer.await.map_err(|error| error.to_string())?;
            Ok(measured(waits, took))
        })
    }

    fn line(&self, sync: SyncPolicy, clients: u32, measured: &Measured) -> String {
        let Measured { per_second, median, p99 } = measured;
        if self.json {
            let micros = |time: &Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            return json!({
                "sync": sync.name(),
                "clients": clients,
                "records_per_second": per_second.round(),
                "median_us": micros(median),
                "p99_us": micros(p99),
            })
            .to_string();
        }
        let millis = |time: &Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
        format!("{:8} {clients:>8} {per_second:>10.0} {:>9} {:>9}", sync.name(), millis(median), millis(p99))
    }
}

/// Ends one request after the other until the time is over; gives how long each waited for its record.
async fn client(audit: Audit, pack: Arc<Pack>, until: Instant) -> Option<Vec<Duration>> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let seat = Some(audit.seat()?);
        Ledger::open(seat, &pack, "req_0123456789abcdef0123456789abcdef")
            .close(Outcome::Complete)
            .await
            .ok()?;
        waits.push(began.elapsed());
    }
    Some(waits)
}

fn measured(mut waits: Vec<Duration>, took: Duration) -> Measured {
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds' records")]
    let per_second = waits.len() as f64 / took.as_secs_f64();
    Measured { per_second, median: at(50), p99: at(99) }
}
