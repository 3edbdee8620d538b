//! Lines of a JSONL input in batches, each with its number, and no more of them in memory than is bounded.

use std::io::{BufRead, Read as _, Result};

/// The longest line, in bytes.
const MAX_LINE: usize = 16 << 20;
/// Most lines of a batch, and the bytes after which it takes no more.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 64 << 20;

/// A line that is not blank.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Its number in the input, where blank lines count.
    pub(super) number: usize,
    /// What it says; nothing when it is too long.
    pub(super) bytes: Option<Vec<u8>>,
}

/// An input that is read line by line.
pub(super) struct Lines<R> {
    input: R,
    number: usize,
    read: u64,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, read: 0, longest: MAX_LINE }
    }

    /// How many bytes were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The next lines; none at the end.
    pub(super) fn batch(&mut self) -> Result<Vec<Line>> {
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(line) = self.line()? else { break };
            if line.bytes.as_ref().is_some_and(|bytes| bytes.trim_ascii().is_empty()) {
                continue;
            }
            bytes += line.bytes.as_ref().map_or(0, Vec::len);
            batch.push(line);
        }
        Ok(batch)
    }

    /// The next line. The rest of one that is too long is read over, never kept.
    fn line(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        let most = self.longest as u64 + 1;
        let taken = self.input.by_ref().take(most).read_until(b'\n', &mut bytes)?;
        if taken == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.read += taken as u64;
        let too_long = bytes.len() > self.longest && bytes.last() != Some(&b'\n');
        if too_long {
            self.read += self.input.skip_until(b'\n')? as u64;
        }
        Ok(Some(Line { number: self.number, bytes: (!too_long).then_some(bytes) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_blank_lines_and_long_lines_are_read_over() {
        let text: &[u8] = b"one\n\n  \nfour5678\nfive56789\nsix";
        let mut lines = Lines { longest: 8, ..Lines::new(text) };
        let line = |number, bytes: Option<&str>| Line { number, bytes: bytes.map(|b| b.as_bytes().to_vec()) };
        let expected =
            [line(1, Some("one\n")), line(4, Some("four5678\n")), line(5, None), line(6, Some("six"))];
        assert_eq!(lines.batch().unwrap(), expected);
        assert_eq!(lines.read(), text.len() as u64);
        assert_eq!(lines.batch().unwrap(), []);
    }

    #[test]
    fn a_batch_is_bounded_by_bytes() {
        let text = format!("{}\n", "x".repeat(MAX_LINE)).repeat(6);
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!((lines.batch().unwrap().len(), lines.batch().unwrap().len()), (4, 2));
    }
}
