//! The end of a log as it was left, so that whoever looks on after a start sees what was before it.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::path::Path;

use super::super::chain::{Kind, Link};
use super::super::lines::Lines;
use super::super::segment::{self, ACTIVE};
use super::super::{Hash, Record};

/// Most bytes of a log that are read for it.
const MOST_READ: u64 = 8 * 1024 * 1024;

/// The last records of requests, the oldest first, each with its hash.
pub(super) fn records(folder: &Path) -> io::Result<Vec<(Record, Hash)>> {
    let sealed = segment::sealed(folder)?.into_iter().rev().map(segment::name);
    let mut left = MOST_READ;
    let mut found = Vec::new();
    for name in std::iter::once(ACTIVE.to_owned()).chain(sealed) {
        let mut records = match File::open(folder.join(name)) {
            Ok(file) => end(file, &mut left)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        records.append(&mut found);
        found = records;
        if left == 0 {
            break;
        }
    }
    Ok(found)
}

/// The last records of one file, as far as there are bytes `left` to read.
fn end(mut file: File, left: &mut u64) -> io::Result<Vec<(Record, Hash)>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(*left);
    *left -= length - from;
    file.seek(SeekFrom::Start(from))?;
    let mut lines = Lines::new(file);
    if from > 0 {
        lines.next()?; // the rest of a line
    }
    let mut records = Vec::new();
    while let Some(line) = lines.next()? {
        let link = Link::read(line.bytes).filter(|link| link.kind == Kind::Decision);
        // A record of another version, with words that this one does not know, is passed over.
        if let Some((link, record)) = link.zip(serde_json::from_slice(line.bytes).ok()) {
            records.push((record, link.hash));
        }
    }
    Ok(records)
}
