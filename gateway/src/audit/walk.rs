//! Reads a whole log, segment after segment, and follows the chain as far as it holds. Nothing is kept but the last
//! link, so a log of any size takes the same memory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::chain::{Chain, Gap, Hash, Kind, Link};
use super::lines::{Line, Lines};
use super::segment::{self, ACTIVE};

/// Where and how a log is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The first record that is not as it should be.
    pub(crate) seq: u64,
    /// The place where that shows; nothing when it shows at no place, as with what is not there.
    pub(crate) place: Option<(String, u64)>,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

/// What a walk came to.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The number of the first record, and what it follows.
    pub(crate) first: Option<(u64, Hash)>,
    /// The last record that is where it should be.
    pub(crate) chain: Option<Chain>,
    pub(crate) records: u64,
    pub(crate) sealed: u64,
    /// The bytes behind the last line end.
    pub(crate) torn: u64,
    /// Whether a record tells that what came before the first was removed.
    pub(crate) is_accounted_for: bool,
    pub(crate) breach: Option<Breach>,
    segment: Current,
}

/// The file that is being read.
#[derive(Debug, Default)]
struct Current {
    name: String,
    is_sealed: bool,
    first_seq: u64,
    records: u64,
}

/// How many bytes a walk reads.
pub(crate) fn size(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for first_seq in segment::sealed(folder)? {
        size += folder.join(segment::name(first_seq)).metadata()?.len();
    }
    Ok(size + folder.join(ACTIVE).metadata().map_or(0, |file| file.len()))
}

/// Walks through a log. `visit` sees every record that is where it should be, with its line.
pub(crate) fn walk(folder: &Path, mut visit: impl FnMut(&Link, &[u8]) -> io::Result<()>) -> io::Result<Walk> {
    let (mut walk, mut done) = (Walk::default(), 0);
    loop {
        let mut sealed = segment::sealed(folder)?;
        sealed.retain(|first_seq| *first_seq > done);
        for first_seq in sealed {
            done = first_seq;
            walk.begin(segment::name(first_seq), true);
            walk.read(File::open(folder.join(segment::name(first_seq))).map_err(gone)?, &mut visit)?;
            walk.sealed += 1;
            if walk.breach.is_some() {
                return Ok(walk);
            }
        }
        let active = File::open(folder.join(ACTIVE));
        // The writer may have sealed it just now: then it has another name, and is read under that.
        if segment::sealed(folder)?.last().is_some_and(|last| *last > done) {
            continue;
        }
        match active {
            Ok(file) => {
                walk.begin(ACTIVE.to_owned(), false);
                walk.read(file, &mut visit)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound && walk.sealed > 0 => {}
            Err(error) => return Err(error),
        }
        walk.look_back();
        return Ok(walk);
    }
}

fn gone(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::NotFound => io::Error::other("segments were removed while it was read; try again"),
        _ => error,
    }
}

impl Walk {
    /// The number of the record that should come next.
    fn next(&self) -> u64 {
        self.chain.map_or_else(|| self.segment.first_seq.max(1), |chain| chain.seq + 1)
    }

    fn begin(&mut self, name: String, is_sealed: bool) {
        let digits = name.trim_start_matches("audit-").trim_end_matches(".jsonl");
        let first_seq = digits.parse().unwrap_or_default();
        self.segment = Current { name, is_sealed, first_seq, records: 0 };
    }

    fn read(&mut self, file: File, visit: &mut impl FnMut(&Link, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut lines = Lines::new(file);
        while let Some(line) = lines.next()? {
            if !line.ended && !self.segment.is_sealed && !line.is_endless() {
                self.torn = line.bytes.len() as u64;
                return Ok(());
            }
            match self.take(&line) {
                Ok(link) => visit(&link, line.bytes)?,
                Err(breach) => {
                    self.breach = Some(breach);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Follows the chain by one line.
    fn take(&mut self, line: &Line<'_>) -> Result<Link, Breach> {
        let Some(link) = Link::read(line.bytes).filter(|_| line.ended) else {
            let seq = self.next();
            let message = format!("record {seq} was altered: its line is not as its hash says");
            return Err(self.breach(seq, line, "altered", message));
        };
        let chain = match self.chain {
            Some(chain) => chain.check(&link),
            None => self.begin_with(&link),
        };
        self.chain = Some(chain.map_err(|gap| self.gap(gap, line))?);
        self.first.get_or_insert((link.seq, link.prev_hash));
        if self.segment.records == 0 {
            self.segment.first_seq = link.seq;
        }
        self.check_kind(&link, line)?;
        self.segment.records += 1;
        self.records += 1;
        Ok(link)
    }

    /// The first record of all that are there. What came before it may have been removed: see `look_back`.
    fn begin_with(&self, link: &Link) -> Result<Chain, Gap> {
        let named = if self.segment.is_sealed { self.segment.first_seq } else { link.seq };
        match named {
            0 | 1 => Chain::EMPTY.check(link),
            _ => Chain { seq: named - 1, head: link.prev_hash }.check(link),
        }
    }

    fn check_kind(&mut self, link: &Link, line: &Line<'_>) -> Result<(), Breach> {
        match &link.kind {
            Kind::Decision | Kind::Recovery { .. } => Ok(()),
            Kind::Seal { first_seq, records } => {
                let Current { first_seq: first, records: count, .. } = self.segment;
                if (*first_seq, *records) == (first, count) {
                    return Ok(());
                }
                let message = format!(
                    "record {} seals {records} records from {first_seq} on, and there are {count} from {first} on",
                    link.seq
                );
                Err(self.breach(link.seq, line, "seal", message))
            }
            Kind::Retention(removed) => {
                let before = self.first.map(|(seq, prev_hash)| (seq - 1, prev_hash));
                self.is_accounted_for |=
                    removed.iter().any(|removed| before == Some((removed.last_seq, removed.head_hash)));
                Ok(())
            }
        }
    }

    fn gap(&self, gap: Gap, line: &Line<'_>) -> Breach {
        let (seq, kind, message) = match gap {
            Gap::Missing { first, last } if first == last => (
                first,
                "missing",
                format!("record {first} is missing: record {} stands in its place", last + 1),
            ),
            Gap::Missing { first, last } => (
                first,
                "missing",
                format!("records {first} to {last} are missing: record {} stands in their place", last + 1),
            ),
            Gap::Again { seq, .. } if self.first.is_some_and(|(first, _)| seq < first) => {
                let first = self.first.map_or(0, |(first, _)| first);
                (
                    1,
                    "missing",
                    format!("record {first} stands where record 1 should, and record {seq} behind it"),
                )
            }
            Gap::Again { seq, after } => {
                (seq, "repeated", format!("record {seq} stands again, behind record {after}"))
            }
            Gap::Replaced { seq: 1 } => (1, "replaced", "record 1 follows another record".to_owned()),
            Gap::Replaced { seq } => (
                seq,
                "replaced",
                format!("record {seq} does not follow record {}: one of the two was replaced", seq - 1),
            ),
        };
        self.breach(seq, line, kind, message)
    }

    fn breach(&self, seq: u64, line: &Line<'_>, kind: &'static str, message: String) -> Breach {
        Breach { seq, place: Some((self.segment.name.clone(), line.number)), kind, message }
    }

    /// At the end: records before the first are only missing lawfully when one of those that are left says so.
    fn look_back(&mut self) {
        let before = self.first.map_or(0, |(seq, _)| seq - 1);
        if before > 0 && !self.is_accounted_for && self.breach.is_none() {
            let message = format!(
                "records 1 to {before} are missing, and no record tells that they were removed for their age"
            );
            self.breach = Some(Breach { seq: 1, place: None, kind: "missing", message });
        }
    }
}
