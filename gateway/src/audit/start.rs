//! How a log is taken up again: what its last writer left behind is read, held against the checkpoint, and mended
//! where that is lawful. What is not lawful keeps the gateway from starting.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Options;
use super::chain::{Chain, Hash, Kind, Link};
use super::checkpoint::{self, Found, Reach, Signature};
use super::disk::Disk;
use super::event::Recovery;
use super::lines::Lines;
use super::log::{Bytes, Log, Marks, Segment, day_of};
use super::segment::{self, ACTIVE};
use crate::error::Error;

/// Takes up the log in a folder, or begins it.
pub(super) fn open<D: Disk>(
    disk: D,
    folder: &Path,
    options: Options,
    now: Timestamp,
) -> Result<Log<D>, Error> {
    let unread = |e: io::Error| Error::file("read the audit log", folder, &e);
    let found = checkpoint::read(folder, options.key.as_ref()).map_err(unread)?;
    let left = Left::read(folder, &found)?;
    let due = left.lawful(folder, &found, options.key.is_some())?;
    let rest = left.rest;
    let mut log = left.into_log(disk, folder, options);
    log.take_up(rest, due, now).map_err(|e| Error::file("write the audit log", folder, &e))?;
    tracing::info!(seq = log.chain.seq, hash = log.chain.head.as_str(), "the audit log is taken up");
    Ok(log)
}

/// What the last writer left behind.
#[derive(Debug, Default)]
struct Left {
    /// The last whole record of all.
    chain: Option<Chain>,
    segment: Segment,
    /// How many bytes of the file are whole records, and how many are behind them.
    length: u64,
    rest: u64,
    /// The record that the checkpoint names, when it was met.
    at_checkpoint: Option<Hash>,
    /// A file that was set aside, for which no record was written any more.
    is_aside: bool,
}

/// What a start has to tell about the end before it.
struct Due {
    checkpoint: &'static str,
    checkpoint_seq: Option<u64>,
    torn: bool,
}

impl Left {
    fn read(folder: &Path, found: &Found) -> Result<Self, Error> {
        let unread = |e: io::Error| Error::file("read the audit log", folder, &e);
        let mut left = Self::default();
        if let Some(last) = segment::sealed(folder).map_err(unread)?.pop() {
            let seal = segment::seal(folder, last).map_err(unread)?;
            let seal = seal.ok_or_else(|| {
                broken(folder, &format!("`{}` does not end in its seal", segment::name(last)))
            })?;
            left.pass(&seal, found);
        }
        match File::open(folder.join(ACTIVE)) {
            Ok(file) => left.read_active(file, found).map_err(unread)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unread(error)),
        }
        let next = left.chain.unwrap_or(Chain::EMPTY).seq + 1;
        left.is_aside = folder.join(segment::torn_name(next)).exists();
        Ok(left)
    }

    /// Reads whole records that follow each other, up to the first line that is none.
    fn read_active(&mut self, mut file: impl Read, found: &Found) -> io::Result<()> {
        let mut lines = Lines::new(&mut file);
        while let Some(line) = lines.next()? {
            let link = Some(&line).filter(|line| line.ended).and_then(|line| Link::read(line.bytes));
            let follows = |link: &Link| match &self.chain {
                Some(chain) => chain.check(link).is_ok(),
                // All segments before this one were removed, or it is the first.
                None => link.seq > 1 || Chain::EMPTY.check(link).is_ok(),
            };
            let Some(link) = link.filter(follows) else {
                self.rest = line.bytes.len() as u64 + u64::from(line.ended);
                break;
            };
            self.length = line.offset + line.bytes.len() as u64 + 1;
            self.pass(&link, found);
            self.segment.pass(&link);
        }
        while let Some(line) = lines.next()? {
            self.rest += line.bytes.len() as u64 + u64::from(line.ended);
        }
        Ok(())
    }

    fn pass(&mut self, link: &Link, found: &Found) {
        self.chain = Some(Chain { seq: link.seq, head: link.hash });
        if let Found::Reaches(reach) = found
            && reach.chain.seq == link.seq
        {
            self.at_checkpoint = Some(link.hash);
        }
    }

    /// Whether a writer that was killed, or a power failure, can have left this; then what has to be recorded of it.
    fn lawful(&self, folder: &Path, found: &Found, has_key: bool) -> Result<Option<Due>, Error> {
        let torn = self.rest > 0 || self.is_aside;
        match found {
            Found::Missing | Found::Damaged if self.chain.is_none() && self.rest > 0 => {
                Err(broken(folder, "it holds no record that can be read, and no checkpoint"))
            }
            // A log that is not begun, or one whose first start was cut short: no record was written before.
            Found::Missing | Found::Damaged if self.chain.is_none() => Ok(None),
            Found::Missing => Ok(Some(Due { checkpoint: "missing", checkpoint_seq: None, torn })),
            Found::Damaged => Ok(Some(Due { checkpoint: "damaged", checkpoint_seq: None, torn })),
            Found::Reaches(reach) => self.lawful_behind(folder, reach, torn, has_key),
        }
    }

    fn lawful_behind(
        &self,
        folder: &Path,
        reach: &Reach,
        torn: bool,
        has_key: bool,
    ) -> Result<Option<Due>, Error> {
        let (last, marked) = (self.chain.unwrap_or(Chain::EMPTY).seq, reach.chain.seq);
        match reach.signature {
            Signature::Bad => {
                return Err(broken(folder, "its checkpoint was signed with another key, or changed"));
            }
            Signature::Unchecked => {
                return Err(broken(folder, "its checkpoint is signed, and `audit.key_ref` names no key"));
            }
            Signature::None | Signature::Good => {}
        }
        if marked > last {
            let cut = format!(
                "its checkpoint says that it reaches to record {marked}, and it can be read to record {last}"
            );
            return Err(broken(folder, &cut));
        }
        if self.at_checkpoint.is_some_and(|hash| hash != reach.chain.head) {
            return Err(broken(folder, &format!("record {marked} is not the one that its checkpoint names")));
        }
        let checkpoint = match reach {
            Reach { signature: Signature::None, .. } if has_key && last > 0 => "unsigned",
            _ if marked < last => "behind",
            Reach { is_half: true, .. } => "half",
            _ => "current",
        };
        let due = Due { checkpoint, checkpoint_seq: Some(marked), torn };
        Ok(Some(due).filter(|_| torn || checkpoint != "current"))
    }

    fn into_log<D: Disk>(self, disk: D, folder: &Path, options: Options) -> Log<D> {
        Log {
            disk,
            folder: folder.to_owned(),
            options,
            chain: self.chain.unwrap_or(Chain::EMPTY),
            segment: self.segment,
            bytes: Bytes { length: self.length, kept: self.length, ..Bytes::default() },
            marks: Marks::default(),
            lines: Vec::new(),
        }
    }
}

impl Segment {
    fn pass(&mut self, link: &Link) {
        if self.records == 0 {
            self.first_seq = link.seq;
            self.day = link.timestamp.map(day_of).unwrap_or_default();
        }
        self.records += 1;
        self.is_sealed = matches!(link.kind, Kind::Seal { .. });
    }
}

impl<D: Disk> Log<D> {
    /// Moves away what is no record, tells it, and begins the checkpoint anew. Wherever this is cut short, the next
    /// start finds enough to do the rest.
    fn take_up(&mut self, rest: u64, due: Option<Due>, now: Timestamp) -> io::Result<()> {
        let torn = segment::torn_name(self.chain.seq + 1);
        if rest > 0 {
            self.disk.set_aside(self.bytes.length, &torn)?;
            self.disk.cut(self.bytes.length)?;
        }
        if self.segment.is_sealed {
            self.turn(now)?; // it only wants its name
        }
        if let Some(due) = due {
            let mut recovery = Recovery::new(due.checkpoint, due.checkpoint_seq, now);
            if due.torn {
                let (bytes, hash) = describe(&self.folder.join(&torn))?;
                (recovery.torn_bytes, recovery.torn_sha256) = (bytes, Some(hash));
                recovery.torn_file = Some(torn);
            }
            self.append(now, [&mut recovery])?;
            self.sync(now)?;
        }
        for _ in 0..2 {
            self.try_mark(now)?;
        }
        self.disk.sync_marks()?;
        self.disk.append(&[]) // from now on there is a file
    }
}

/// The length and the hash of a file.
fn describe(path: &Path) -> io::Result<(u64, Hash)> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let (mut length, mut piece) = (0, vec![0; 64 * 1024]);
    loop {
        let count = file.read(&mut piece)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
        length += read.len() as u64;
    }
    Ok((length, Hash::written(&digest.finalize())))
}

fn broken(folder: &Path, what: &str) -> Error {
    Error::new(format!(
        "the audit log in `{}` cannot be taken up: {what}; look at it with `kt audit verify`, and to begin a new log move the folder away",
        folder.display()
    ))
}
