//! Reads a log line by line in bounded memory, with the place of each.

use std::io::{self, BufRead, BufReader, Read};

/// Longest line that is a record: a chain of a hundred policies with all their findings stays below.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How much is read at once.
const READ: usize = 1024 * 1024;

/// The lines of one file.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    offset: u64,
}

/// A line without its end, and where it is.
pub(crate) struct Line<'r> {
    pub(crate) bytes: &'r [u8],
    /// Counted from 1.
    pub(crate) number: u64,
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// Whether a line end stands behind it. Without one it is the torn end of the file, or too long.
    pub(crate) ended: bool,
}

impl Line<'_> {
    /// Whether it is longer than any record.
    pub(crate) fn is_endless(&self) -> bool {
        self.bytes.len() as u64 >= LONGEST
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(file: R) -> Self {
        Self { reader: BufReader::with_capacity(READ, file), line: Vec::new(), number: 0, offset: 0 }
    }

    /// The next line; nothing at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.offset += self.line.len() as u64;
        self.line.clear();
        (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let (bytes, ended) = match self.line.strip_suffix(b"\n") {
            Some(bytes) => (bytes, true),
            None => (self.line.as_slice(), false),
        };
        Ok(Some(Line { bytes, number: self.number, offset: self.offset, ended }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_place_and_whether_they_end() {
        let mut lines = Lines::new(&b"ab\n\ncd"[..]);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push((line.bytes.to_vec(), line.number, line.offset, line.ended));
        }
        let expected =
            [(b"ab".to_vec(), 1, 0, true), (Vec::new(), 2, 3, true), (b"cd".to_vec(), 3, 4, false)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut lines = Lines::new(io::repeat(b'x'));
        assert!(lines.next().unwrap().is_some_and(|line| !line.ended && line.bytes.len() as u64 == LONGEST));
    }
}
