//! `kt audit tail`: the last records, and those that come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::{Place, cannot_read};
use crate::audit::segment::{self, ACTIVE};
use crate::cli::{Exit, Terminal, shown};

/// How often new records are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// How much of a file's end is read at first.
const REACH: u64 = 256 * 1024;

/// Show the last records. The chain is not checked: that is what `verify` does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt audit tail --follow
  kt audit tail --lines 1000 --json | jq -r .request_id

Exit codes: 0 done, 2 could not run.")]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    place: Place,
    /// How many records
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    lines: u32,
    /// Go on and show records as they are written
    #[arg(long, short)]
    follow: bool,
    /// Print the lines of the log as they are
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let folder = match self.place.log() {
            Ok(folder) => folder,
            Err(sentence) => return terminal.fail(sentence),
        };
        match self.tail(&folder, terminal) {
            Ok(()) => Exit::Well,
            Err(error) => terminal.fail(cannot_read(&folder, &error)),
        }
    }

    fn tail(&self, folder: &Path, terminal: &mut Terminal) -> io::Result<()> {
        // Opened first: what is written from now on is behind the place where its end is now.
        let mut active = match File::open(folder.join(ACTIVE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        let wanted = usize::try_from(self.lines).unwrap_or(usize::MAX);
        let mut last = VecDeque::new();
        let end = match &mut active {
            Some(file) => ends(file, wanted, &mut last)?,
            None => 0,
        };
        for first_seq in segment::sealed(folder)?.into_iter().rev() {
            if last.len() >= wanted {
                break;
            }
            ends(&mut File::open(folder.join(segment::name(first_seq)))?, wanted, &mut last)?;
        }
        last.iter().for_each(|line| self.show(line, terminal));
        if !self.follow {
            return Ok(());
        }
        let shown = last.back().and_then(|line| seq_of(line)).unwrap_or_default();
        self.follow(folder, active, end, shown, terminal)
    }

    /// Shows what is written from there on, until nobody reads it any more.
    fn follow(
        &self,
        folder: &Path,
        mut file: Option<File>,
        mut from: u64,
        mut shown: u64,
        terminal: &mut Terminal,
    ) -> io::Result<()> {
        while !terminal.is_deaf() {
            // Looked for first: a file that has been followed by another is then read to its last line.
            let next = renewed(folder, file.as_ref())?;
            if let Some(file) = &mut file {
                from = self.show_from(file, from, &mut shown, terminal)?;
            }
            let Some(mut next) = next else {
                std::thread::sleep(LOOK);
                continue;
            };
            let mut sealed = segment::sealed(folder)?;
            sealed.retain(|first_seq| *first_seq > shown);
            for first_seq in sealed {
                let mut sealed = File::open(folder.join(segment::name(first_seq)))?;
                self.show_from(&mut sealed, 0, &mut shown, terminal)?;
            }
            from = self.show_from(&mut next, 0, &mut shown, terminal)?;
            file = Some(next);
        }
        Ok(())
    }

    /// Shows the whole lines from a place on that were not shown yet; gives the place behind them.
    fn show_from(
        &self,
        file: &mut File,
        mut from: u64,
        shown: &mut u64,
        terminal: &mut Terminal,
    ) -> io::Result<u64> {
        file.seek(SeekFrom::Start(from))?;
        let (mut reader, mut line) = (BufReader::new(file), Vec::new());
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            from += line.len() as u64;
            let seq = seq_of(&line).unwrap_or(u64::MAX);
            if seq > *shown {
                self.show(line.trim_ascii_end(), terminal);
                *shown = if seq == u64::MAX { *shown } else { seq };
            }
            line.clear();
        }
        Ok(from)
    }

    fn show(&self, line: &[u8], terminal: &mut Terminal) {
        if self.json {
            return terminal.line(String::from_utf8_lossy(line));
        }
        match serde_json::from_slice(line) {
            Ok(record) => terminal.line(brief(&record, terminal)),
            Err(_) => terminal.line("(a line that is no record)"),
        }
    }
}

fn seq_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Map<String, Value>>(line).ok()?.get("seq")?.as_u64()
}

/// The file that is written, when it is another than the one at hand, which is sealed then.
fn renewed(folder: &Path, at_hand: Option<&File>) -> io::Result<Option<File>> {
    let file = match File::open(folder.join(ACTIVE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let same = |other: &File| Ok::<_, io::Error>(file.metadata()?.ino() == other.metadata()?.ino());
    let is_same = at_hand.map(same).transpose()?.unwrap_or(false);
    Ok(Some(file).filter(|_| !is_same))
}

/// Puts the last whole lines of a file before those that are known, up to that many in all; gives the place behind.
fn ends(file: &mut File, wanted: usize, last: &mut VecDeque<Vec<u8>>) -> io::Result<u64> {
    let (length, missing) = (file.metadata()?.len(), wanted.saturating_sub(last.len()));
    let mut reach = REACH;
    loop {
        let start = length.saturating_sub(reach);
        file.seek(SeekFrom::Start(start))?;
        let mut end = Vec::new();
        file.take(length - start).read_to_end(&mut end)?;
        let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = end.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
        // The first may be half a line, where the file was not read from its start.
        let lines: Vec<&[u8]> = lines.skip(usize::from(start > 0)).collect();
        if lines.len() >= missing || start == 0 {
            for line in lines.into_iter().rev().take(missing) {
                last.push_front(line.trim_ascii_end().to_vec());
            }
            return Ok(start + whole as u64);
        }
        reach = reach.saturating_mul(4);
    }
}

/// A record in one line, for people.
fn brief(record: &Map<String, Value>, terminal: &Terminal) -> String {
    let text = |field: &str| match record.get(field) {
        Some(Value::String(text)) => shown(text),
        Some(Value::Null) | None => String::new(),
        Some(value) => value.to_string(),
    };
    let (seq, time) = (text("seq"), text("timestamp"));
    let time = time.split('.').next().unwrap_or_default();
    let kind = text("event_type");
    if kind != "decision" {
        return format!("{time}  {seq:>6}  {kind}");
    }
    let verdict = text("verdict");
    let verdict = match verdict.as_str() {
        "allow" => format!("{verdict:8}"),
        _ => terminal.bad(&format!("{verdict:8}")),
    };
    let parts = [
        text("model"),
        why(&text("policy"), &text("rule")),
        text("error"),
        text("key"),
        text("user_id"),
        text("request_id"),
    ];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let (status, latency, outcome) = (text("status"), text("latency_ms"), text("outcome"));
    format!("{time}  {seq:>6}  {verdict} {status} {outcome}  {latency} ms  {}", parts.join("  "))
}

fn why(policy: &str, rule: &str) -> String {
    if rule.is_empty() { policy.to_owned() } else { format!("{policy}.{rule}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_found_however_far_back_they_begin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let long = "x".repeat(300_000);
        std::fs::write(&path, format!("one\n{long}\n{long}\nfour\ntorn")).unwrap();
        let found = |wanted| {
            let mut last = VecDeque::new();
            let end = ends(&mut File::open(&path).unwrap(), wanted, &mut last).unwrap();
            (end, last.iter().map(Vec::len).collect::<Vec<_>>())
        };
        let end = 4 + 2 * 300_001 + 5;
        assert_eq!(found(1), (end, vec![4]));
        assert_eq!(found(2), (end, vec![300_000, 4]));
        assert_eq!(found(9), (end, vec![3, 300_000, 300_000, 4]));
        assert_eq!(found(0), (end, vec![]));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_an_escape() {
        assert_eq!(shown("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
    }
}
