//! Takes records to one sink, in their order: reads what is in the log, sends it until the other side has it, and notes how far
//! it came.

use std::time::Duration;

use grammar::config;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::reader::{Line, Reader};
use super::{Sender, Sink};
use crate::telemetry::backoff;

/// The first wait between two tries; each further one is twice as long.
const BACKOFF: Duration = Duration::from_millis(500);

/// The way from the log to one sink.
pub(super) struct Shipper {
    sender: Sender,
    /// Away while it reads.
    reader: Option<Reader>,
    sink: Sink,
    batch: usize,
    interval: Duration,
    longest: Duration,
}

/// The writer of the log is gone, and the other side does not take records: the rest is for the next start.
struct Over;

impl Shipper {
    pub(super) fn new(written: &config::Sink, sender: Sender, reader: Reader, sink: Sink) -> Self {
        Self {
            sender,
            reader: Some(reader),
            sink,
            batch: usize::try_from(written.batch_records).unwrap_or(usize::MAX),
            interval: Duration::from_millis(written.interval_ms.into()),
            longest: Duration::from_millis(written.max_backoff_ms.into()),
        }
    }

    /// Sends what is in the log until its writer is gone.
    pub(super) async fn run(mut self, mut reach: watch::Receiver<u64>) {
        let mut tries = 0;
        while let Some(until) = self.wait(&mut reach).await {
            match self.read(until).await {
                Ok(batch) => {
                    tries = 0;
                    if self.send(batch, &mut reach).await.is_err() {
                        return;
                    }
                }
                Err(cause) => {
                    tries += 1;
                    self.sink.failed(&format!("the log cannot be read: {cause}"));
                    if rest(backoff(tries, BACKOFF, self.longest), &mut reach).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until there is a batch, or something for as long as a record waits for others. Nothing when none can come.
    async fn wait(&self, reach: &mut watch::Receiver<u64>) -> Option<u64> {
        let taken = self.sink.taken();
        reach.wait_for(|reach| *reach > taken).await.ok()?;
        let full = taken.saturating_add(self.batch as u64);
        // Over in time, full, or closed: in each case it is time to go.
        drop(tokio::time::timeout(self.interval, reach.wait_for(|reach| *reach >= full)).await);
        Some(*reach.borrow_and_update())
    }

    /// Reads on a thread that may wait for a disk.
    async fn read(&mut self, until: u64) -> Result<Vec<Line>, String> {
        let Some(mut reader) = self.reader.take() else { return Err("its reader is gone".to_owned()) };
        let most = self.batch;
        let read = spawn_blocking(move || {
            let batch = reader.read(most, until);
            (reader, batch)
        });
        let (reader, batch) = read.await.map_err(|error| error.to_string())?;
        self.reader = Some(reader);
        batch.map_err(|error| error.to_string())
    }

    /// Sends records until the other side has all of them.
    async fn send(&mut self, batch: Vec<Line>, reach: &mut watch::Receiver<u64>) -> Result<(), Over> {
        let (mut left, mut most, mut tries) = (batch.as_slice(), batch.len(), 0);
        while let Some(first) = left.first() {
            self.sink.next(first.timestamp);
            let (part, behind) = left.split_at_checked(most).unwrap_or((left, &[]));
            match self.sender.send(part).await {
                Ok(taken) => {
                    self.keep(part).await;
                    let last = part.last().map_or(0, |line| line.seq);
                    self.sink.took(part.len() as u64, taken.rejected, last);
                    (left, tries) = (behind, 0);
                }
                Err(refusal) if refusal.is_size && part.len() > 1 => most = part.len().div_ceil(2),
                Err(refusal) => {
                    tries += 1;
                    self.sink.failed(&refusal.cause);
                    let pause = refusal.rest.unwrap_or_default().max(backoff(tries, BACKOFF, self.longest));
                    rest(pause, reach).await?;
                }
            }
        }
        Ok(())
    }

    /// Notes how far the sink is. When that fails, a crash has records sent again.
    async fn keep(&self, part: &[Line]) {
        let (Some(reader), Some(last)) = (&self.reader, part.last()) else { return };
        let (file, cursor) = (reader.file(), last.cursor);
        let kept = spawn_blocking(move || file.write(&cursor)).await;
        if let Ok(Err(error)) = kept {
            tracing::error!(sink = self.sink.id(), %error, "the position of the sink cannot be written");
        }
    }
}

/// Waits so long, unless the log's writer is gone.
async fn rest(pause: Duration, reach: &mut watch::Receiver<u64>) -> Result<(), Over> {
    let over = async { while reach.changed().await.is_ok() {} };
    tokio::select! {
        () = sleep(pause) => Ok(()),
        () = over => Err(Over),
    }
}
