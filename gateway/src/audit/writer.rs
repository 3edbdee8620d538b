//! The one thread that writes the audit log, and how it goes on after a failure or a restart.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::Record;
use crate::error::Error;

/// How much of the log's end is read at first to find the last record.
const TAIL: u64 = 1024 * 1024;

/// How far back the last record is looked for at most.
const MAX_TAIL: u64 = 256 * 1024 * 1024;

/// Most records that are written at once.
const BATCH: usize = 256;

/// How long a full disk is left alone before the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// The log file and what was last written to it.
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    seq: u64,
    length: u64,
    /// Whether a failed write may have left half a line that could not be cut off yet.
    torn: bool,
    failing: Arc<AtomicBool>,
}

impl Writer {
    /// Opens the log in a state folder, makes it when there is none, and keeps other writers out.
    pub(super) fn open(state_dir: &Path, failing: Arc<AtomicBool>) -> Result<Self, Error> {
        let folder = state_dir.join("audit");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|e| Error::file("make the folder", &folder, &e))?;
        let path = folder.join("audit.jsonl");
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        let mut file = opened.map_err(|e| Error::file("open the audit log", &path, &e))?;
        lock(&file, &path)?;
        let resumed = resume(&mut file).map_err(|e| Error::file("read the audit log", &path, &e))?;
        let (seq, length) = resumed.ok_or_else(|| no_record(&path))?;
        Ok(Self { path, file, seq, length, torn: false, failing })
    }

    /// Writes until every sender is gone. A batch that cannot be written is tried again, and meanwhile `failing`
    /// keeps new requests out.
    pub(super) fn run(mut self, mut queue: Receiver<Box<Record>>) {
        let (mut records, mut lines) = (Vec::with_capacity(BATCH), Vec::new());
        loop {
            while let Ok(record) = queue.try_recv() {
                records.push(*record);
                if records.len() == BATCH {
                    break;
                }
            }
            if records.is_empty() {
                match queue.blocking_recv() {
                    Some(record) => records.push(*record),
                    None => return,
                }
            }
            self.append(&mut records, &mut lines, &queue);
        }
    }

    fn append(&mut self, records: &mut Vec<Record>, lines: &mut Vec<u8>, queue: &Receiver<Box<Record>>) {
        lines.clear();
        for mut record in records.drain(..) {
            self.seq += 1;
            record.seq = self.seq;
            if serde_json::to_writer(&mut *lines, &record).is_ok() {
                lines.push(b'\n');
            }
        }
        while let Err(error) = self.write(lines) {
            if !self.failing.swap(true, Ordering::Relaxed) {
                let path = self.path.display();
                tracing::error!(%error, "the audit log `{path}` cannot be written; requests are refused until it can");
            }
            if queue.is_closed() && queue.sender_strong_count() == 0 {
                return tracing::error!("the last audit records are lost: {error}");
            }
            std::thread::sleep(PAUSE);
        }
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the audit log can be written again");
        }
    }

    /// Appends all or nothing: what a failed write left behind is cut off, and nothing is written behind it before.
    fn write(&mut self, lines: &[u8]) -> std::io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        let written = self.file.write_all(lines).and_then(|()| self.file.flush());
        if written.is_err() {
            self.torn = self.file.set_len(self.length).is_err();
            return written;
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::new(format!(
            "another `kt` writes the audit log `{}`; stop it, or choose another folder with `--state-dir`",
            path.display()
        ))),
        Err(TryLockError::Error(e)) => Err(Error::file("lock the audit log", path, &e)),
    }
}

/// The number of the last whole record and the length of the file, after a torn last line was closed off. Nothing
/// when the log is not empty and there is no record: numbers would start again over records that cannot be read.
fn resume(file: &mut File) -> std::io::Result<Option<(u64, u64)>> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(Some((0, 0)));
    }
    let mut tail = Vec::new();
    let Some(seq) = last_seq(file, length, &mut tail)? else { return Ok(None) };
    let torn = tail.last().is_some_and(|byte| *byte != b'\n');
    if torn {
        file.write_all(b"\n")?;
    }
    Ok(Some((seq, length + u64::from(torn))))
}

/// Reads further and further back until there is a whole record.
fn last_seq(file: &mut File, length: u64, tail: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
    let mut reach = TAIL;
    loop {
        file.seek(SeekFrom::Start(length.saturating_sub(reach)))?;
        tail.clear();
        file.read_to_end(tail)?;
        let seq = tail.split(|byte| *byte == b'\n').rev().find_map(seq_of);
        if seq.is_some() || reach >= length.min(MAX_TAIL) {
            return Ok(seq);
        }
        reach *= 4;
    }
}

fn no_record(path: &Path) -> Error {
    Error::new(format!(
        "the end of the audit log `{}` holds no record that can be read; move the file away, or choose another folder with `--state-dir`",
        path.display()
    ))
}

fn seq_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line).ok()?.get("seq")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log whose file cannot be written nor cut: it was opened for reading alone.
    #[test]
    fn half_a_line_that_cannot_be_cut_off_keeps_the_log_failing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, b"{}\nhalf").unwrap();
        let file = File::open(&path).unwrap();
        let failing = Arc::new(AtomicBool::new(false));
        let mut writer = Writer { path: path.clone(), file, seq: 1, length: 3, torn: false, failing };
        assert!(writer.write(b"{}\n").is_err() && writer.torn);
        writer.file = OpenOptions::new().append(true).open(&path).unwrap();
        writer.write(b"{}\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"{}\n{}\n");
    }
}
