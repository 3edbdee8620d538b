//! Reads the log from a position on, segment after segment, up to where its writer lets others read.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::cursor::{Cursor, CursorFile};
use crate::audit::Hash;
use crate::audit::chain::{Kind, Link};
use crate::audit::lines::Lines;
use crate::audit::segment::{self, ACTIVE};

/// Most bytes of a batch, but for a single record that is longer.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Longest line that a position can name: no record is longer.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How often a file is looked for that its writer may be giving another name.
const LOOKS: u32 = 3;

/// A record on its way to a sink.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) timestamp: Option<Timestamp>,
    /// The line of the log, without its end.
    pub(super) text: String,
    /// The position of a sink that has it.
    pub(super) cursor: Cursor,
}

/// Where the record of a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// In a file that goes on behind it.
    Record,
    /// At the end of a file, or nowhere any more: the next file goes on.
    Last,
}

/// Reads for one sink.
#[derive(Debug)]
pub(super) struct Reader {
    folder: PathBuf,
    file: CursorFile,
    /// The number and hash of the last record that was read.
    last: (u64, Hash),
    /// The file that the next record is in, by the number of its first record, and where.
    segment: u64,
    offset: u64,
    open: Option<File>,
    /// Whether nobody else forces what is read to the disk.
    syncs: bool,
}

impl Reader {
    /// Goes on where the sink has come to. A position that is not in the log counts for nothing: everything is read again.
    pub(super) fn resume(folder: &Path, sink: &str, syncs: bool) -> io::Result<Self> {
        let (folder, file) = (folder.to_owned(), CursorFile::of(folder, sink));
        let (cursor, is_there) = (file.read()?, file.exists());
        let mut reader =
            Self { folder, file, last: (0, Hash::ZERO), segment: 0, offset: 0, open: None, syncs };
        let place = match cursor {
            Some(cursor) => reader.holds(&cursor)?.map(|holds| (cursor, holds)),
            None => None,
        };
        match place {
            Some((cursor, holds)) => {
                (reader.last, reader.segment) = ((cursor.seq, cursor.hash), cursor.segment);
                reader.offset = if holds == Holds::Last { 0 } else { cursor.end };
            }
            None => {
                if is_there {
                    tracing::warn!(
                        sink,
                        "the position of the sink is not in this log: all records are sent again, from the oldest on"
                    );
                }
                if let Some(link) = reader.first()? {
                    reader.last = (link.seq.saturating_sub(1), link.prev_hash);
                }
            }
        }
        Ok(reader)
    }

    /// The number of the last record that the sink has; 0 when it begins.
    pub(super) fn taken(&self) -> u64 {
        self.last.0
    }

    /// Whether the record that a position names is in the log, or was the last of those that were removed.
    fn holds(&self, cursor: &Cursor) -> io::Result<Option<Holds>> {
        let length = cursor.end.checked_sub(cursor.start).filter(|length| *length <= LONGEST);
        let (Some(mut file), Some(length)) = (self.find(cursor.segment)?, length) else {
            return self.begins_behind(cursor);
        };
        file.seek(SeekFrom::Start(cursor.start))?;
        let mut line = Vec::new();
        file.take(length).read_to_end(&mut line)?;
        let link = line.strip_suffix(b"\n").and_then(Link::read);
        match link.filter(|link| (link.seq, link.hash) == (cursor.seq, cursor.hash)) {
            Some(link) if matches!(link.kind, Kind::Seal { .. }) => Ok(Some(Holds::Last)),
            Some(_) => Ok(Some(Holds::Record)),
            None => self.begins_behind(cursor),
        }
    }

    fn begins_behind(&self, cursor: &Cursor) -> io::Result<Option<Holds>> {
        let first = self.first()?;
        let follows = first
            .is_some_and(|link| (link.seq, link.prev_hash) == (cursor.seq.saturating_add(1), cursor.hash));
        Ok(follows.then_some(Holds::Last))
    }

    /// The oldest record.
    fn first(&self) -> io::Result<Option<Link>> {
        let oldest =
            if self.folder.is_dir() { segment::sealed(&self.folder)?.first().copied() } else { None };
        let path = self.folder.join(oldest.map_or_else(|| ACTIVE.to_owned(), segment::name));
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut lines = Lines::new(file);
        Ok(lines.next()?.filter(|line| line.ended).and_then(|line| Link::read(line.bytes)))
    }

    /// The file whose first record has that number.
    fn find(&self, segment: u64) -> io::Result<Option<File>> {
        for path in [self.folder.join(segment::name(segment)), self.folder.join(ACTIVE)] {
            match File::open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                file => return file.map(Some),
            }
        }
        Ok(None)
    }

    /// The next records, up to that number. When that fails, the next try begins where this one did.
    pub(super) fn read(&mut self, most: usize, reach: u64) -> io::Result<Vec<Line>> {
        let before = (self.last, self.segment, self.offset);
        let read = self.read_on(most, reach);
        if read.is_err() {
            (self.last, self.segment, self.offset) = before;
            self.open = None;
        }
        read
    }

    fn read_on(&mut self, most: usize, reach: u64) -> io::Result<Vec<Line>> {
        let mut batch = Vec::new();
        for _ in 0..LOOKS {
            if self.last.0 >= reach || !batch.is_empty() || !self.ready()? {
                break;
            }
            self.read_file(most, reach, &mut batch)?;
        }
        if batch.is_empty() && self.last.0 < reach {
            let next = self.last.0 + 1;
            return Err(io::Error::other(format!(
                "record {next} is not where it should be; look with `kt audit verify`"
            )));
        }
        if let Some(file) = self.open.as_ref().filter(|_| self.syncs) {
            file.sync_data()?; // what another machine has must not be lost here
        }
        Ok(batch)
    }

    /// Opens the file that the next record is in.
    fn ready(&mut self) -> io::Result<bool> {
        if self.open.is_some() {
            return Ok(true);
        }
        if self.offset == 0
            && let Some(link) = self.first()?.filter(|link| self.last.0 + 1 < link.seq)
        {
            let (missing, first) = (self.last.0 + 1, link.seq);
            tracing::error!(missing, first, "audit records were removed before a sink had them");
            self.last = (link.seq.saturating_sub(1), link.prev_hash);
        }
        self.segment = if self.offset == 0 { self.last.0 + 1 } else { self.segment };
        self.open = self.find(self.segment)?;
        Ok(self.open.is_some())
    }

    fn read_file(&mut self, most: usize, reach: u64, batch: &mut Vec<Line>) -> io::Result<()> {
        let Some(file) = &mut self.open else { return Ok(()) };
        file.seek(SeekFrom::Start(self.offset))?;
        let (from, mut bytes, mut is_over) = (self.offset, 0, false);
        // What is behind `reach` may be written anew, so nothing that was read is kept for the next time.
        let mut lines = Lines::new(file);
        while batch.len() < most && bytes < MOST_BYTES && self.last.0 < reach {
            let Some(line) = lines.next()?.filter(|line| line.ended) else { break };
            let link = Link::read(line.bytes)
                .filter(|link| (link.seq, link.prev_hash) == (self.last.0 + 1, self.last.1));
            let Some(link) = link else {
                is_over = true; // another file than it seemed, or a log that was changed
                break;
            };
            let (start, end) = (from + line.offset, from + line.offset + line.bytes.len() as u64 + 1);
            let cursor = Cursor { seq: link.seq, hash: link.hash, segment: self.segment, start, end };
            let text = String::from_utf8_lossy(line.bytes).into_owned();
            bytes += text.len();
            batch.push(Line { seq: link.seq, timestamp: link.timestamp, text, cursor });
            (self.last, self.offset) = ((link.seq, link.hash), end);
            if matches!(link.kind, Kind::Seal { .. }) {
                (self.offset, is_over) = (0, true);
                break;
            }
        }
        if is_over {
            self.open = None;
        }
        Ok(())
    }

    /// The file of the sink's position.
    pub(super) fn file(&self) -> CursorFile {
        self.file.clone()
    }
}
