//! Where audit records go besides the log. The log is the truth: a sink reads it from a position of its own that lasts, sends
//! what is there, and goes on when the other side has it. So a sink that is slow or away slows no traffic and loses nothing: it
//! is behind, and catches up.

mod cursor;
mod otlp;
mod postgres;
mod reader;
mod shipper;
mod status;

use std::path::Path;
use std::sync::Arc;

use grammar::config::{self, SinkPlace, SyncPolicy};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::followers::Followers;
use crate::audit::segment;
use crate::error::Error;
use crate::telemetry::collector::Refusal;
use reader::{Line, Reader};
use shipper::Shipper;
pub(crate) use status::{Figures, Sink};

/// All sinks of a gateway, and how each is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sinks(Arc<[Sink]>);

/// Sinks that are ready and have not begun.
pub(crate) struct Waiting {
    shippers: Vec<Shipper>,
    followers: Followers,
}

/// The way to one sink.
enum Sender {
    Otlp(Box<otlp::Logs>),
    Postgres(Box<postgres::Table>),
}

/// What became of a batch that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    /// Records that the other side does not want, and will never take.
    rejected: u64,
}

impl Sender {
    fn new(sink: &config::Sink, telemetry: &config::Telemetry) -> Result<Self, Error> {
        match &sink.to {
            SinkPlace::Otlp(collector) => Ok(Self::Otlp(Box::new(otlp::Logs::new(collector, telemetry)?))),
            SinkPlace::Postgres(database) => {
                Ok(Self::Postgres(Box::new(postgres::Table::new(database, telemetry)?)))
            }
        }
    }

    async fn send(&mut self, batch: &[Line]) -> Result<Taken, Refusal> {
        match self {
            Sender::Otlp(logs) => logs.send(batch).await,
            Sender::Postgres(table) => table.send(batch).await,
        }
    }
}

/// Makes the sinks of a configuration ready: finds out how far each has come in that log.
pub(crate) fn prepare(
    audit: &config::Audit,
    telemetry: &config::Telemetry,
    state_dir: &Path,
) -> Result<(Sinks, Waiting), Error> {
    let (folder, syncs) = (segment::folder(state_dir), audit.sync == SyncPolicy::None);
    let mut readers = Vec::new();
    for sink in &audit.sinks {
        let reader = Reader::resume(&folder, &sink.id.value, syncs);
        readers.push(reader.map_err(|e| Error::file("read the audit log", &folder, &e))?);
    }
    let named = audit.sinks.iter().zip(&readers);
    let followers = Followers::new(named.map(|(sink, reader)| (sink.id.value.clone(), reader.taken())));
    let (mut sinks, mut shippers) = (Vec::new(), Vec::new());
    for ((at, written), reader) in audit.sinks.iter().enumerate().zip(readers) {
        let unusable = |error| Error::new(format!("the sink `{}` cannot be used: {error}", written.id.value));
        let sender = Sender::new(written, telemetry).map_err(unusable)?;
        let sink = Sink::new(&written.id.value, written.to.name(), at, followers.clone());
        shippers.push(Shipper::new(written, sender, reader, sink.clone()));
        sinks.push(sink);
    }
    Ok((Sinks(sinks.into()), Waiting { shippers, followers }))
}

/// Whether everything is there that a sink takes; not whether the other side is.
pub(crate) fn check(sink: &config::Sink, telemetry: &config::Telemetry) -> Result<(), Error> {
    Sender::new(sink, telemetry).map(drop)
}

/// How far the sinks of a configuration have come in the log of a folder, by what they have left there.
pub(crate) fn followers(audit: &config::Audit, folder: &Path) -> Result<Followers, Error> {
    let taken = |sink: &config::Sink| {
        let reader = Reader::resume(folder, &sink.id.value, false);
        let reader = reader.map_err(|e| Error::file("read the audit log", folder, &e))?;
        Ok((sink.id.value.clone(), reader.taken()))
    };
    Ok(Followers::new(audit.sinks.iter().map(taken).collect::<Result<Vec<_>, Error>>()?))
}

impl Waiting {
    /// Those who will take records from the log.
    pub(crate) fn followers(&self) -> Followers {
        self.followers.clone()
    }

    /// Begins to send what is in the log. A sink ends when the log's writer has, and it has tried to send the rest.
    pub(crate) fn begin(self, reach: &watch::Receiver<u64>) -> JoinSet<()> {
        self.shippers.into_iter().map(|shipper| shipper.run(reach.clone())).collect()
    }
}

impl Sinks {
    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sink> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests;
