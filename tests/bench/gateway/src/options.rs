//! What the program is told on its command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::Result;
use crate::client::Kind;

const USAGE: &str =
    "kt-load rounds|memory --kt FILE --folder DIR [--peers] [--rounds N] [--seconds S] [--only NAME]...
kt-load drive PORT [--connections N] [--requests N] [--stream]
kt-load provider PORT";

/// What is to be done, and with what.
pub(crate) struct Options {
    pub(crate) task: Task,
    /// The gateway's program.
    pub(crate) kt: PathBuf,
    /// Where files are made, and peers are installed.
    pub(crate) folder: PathBuf,
    /// Whether the peers take part.
    pub(crate) peers: bool,
    /// How often each is measured.
    pub(crate) rounds: usize,
    /// How long each measurement takes.
    pub(crate) time: Duration,
    /// Names of those that take part; all when there is none.
    pub(crate) only: Vec<String>,
}

/// What is to be done.
pub(crate) enum Task {
    /// Answer as a provider does.
    Provider { port: u16 },
    /// Load whatever listens on a port.
    Drive(Drive),
    /// Measure all beside each other.
    Rounds,
    /// Measure the gateway's memory.
    Memory,
}

/// Load on one port.
pub(crate) struct Drive {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    pub(crate) kind: Kind,
}

impl Options {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let verb = words.next().ok_or(USAGE)?;
        let mut drive = Drive { port: 0, connections: 1, requests: 3000, kind: Kind::Whole };
        let mut options = Self {
            task: Task::Rounds,
            kt: PathBuf::new(),
            folder: PathBuf::new(),
            peers: false,
            rounds: 0,
            time: Duration::from_secs(2),
            only: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
            match word.as_str() {
                "--kt" => options.kt = value()?.into(),
                "--folder" => options.folder = value()?.into(),
                "--peers" => options.peers = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.time = Duration::from_secs_f64(value()?.parse()?),
                "--only" => options.only.push(value()?),
                "--connections" => drive.connections = value()?.parse()?,
                "--requests" => drive.requests = value()?.parse()?,
                "--stream" => drive.kind = Kind::Stream,
                port => drive.port = port.parse().map_err(|_| USAGE)?,
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.peers { 3 } else { 5 }; // with the slow ones, more would take too long
        }
        options.task = match verb.as_str() {
            "provider" => Task::Provider { port: drive.port },
            "drive" => Task::Drive(drive),
            "rounds" => Task::Rounds,
            "memory" => Task::Memory,
            _ => return Err(USAGE.into()),
        };
        Ok(options)
    }

    /// Whether one of that name takes part.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}
