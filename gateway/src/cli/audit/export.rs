//! `kt audit export`: all records, for other tools.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Place, cannot_read, rows};
use crate::audit::chain::Kind;
use crate::audit::walk::{self, Walk, walk};
use crate::cli::{Exit, Terminal};

/// Write all records as JSONL or CSV.
///
/// JSONL has every line of the log as it is. CSV has one row per request, without the records that the log keeps
/// about itself. The chain is followed on the way: of a broken log the records before the breach are written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt audit export --format csv --output audit.csv
  kt audit export | jq -r 'select(.verdict == \"block\") | .request_id'

Exit codes: 0 done, 1 the log is broken, 2 could not run.")]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    place: Place,
    /// How records are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Where they go; `-` for the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Print what was written as one JSON object; needs `--output`
    #[arg(long)]
    json: bool,
}

/// `--format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The lines of the log
    Jsonl,
    /// A row per request
    Csv,
}

/// What takes the records.
enum Sink<W: Write> {
    Jsonl(W),
    Csv(Box<rows::Rows<W>>),
}

impl Export {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let is_piped = self.output.as_os_str() == "-";
        if is_piped && self.json {
            return terminal.fail("`--json` tells what was written; write it elsewhere with `--output FILE`");
        }
        let exported =
            if is_piped { self.export(io::stdout().lock(), terminal) } else { self.to_file(terminal) };
        match exported {
            Ok(Some((walk, count))) => self.tell(&walk, count, terminal),
            Ok(None) => Exit::Well, // whoever reads the records has gone away
            Err(sentence) => terminal.fail(sentence),
        }
    }

    fn to_file(&self, terminal: &mut Terminal) -> Result<Option<(Walk, u64)>, String> {
        let folder = self.place.log()?;
        let path = &self.output;
        let unwritten = |error: io::Error| format!("`{}` cannot be written: {error}", path.display());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if parent.canonicalize().ok() == folder.canonicalize().ok() {
            return Err("the output must not lie in the folder of the log; name another `--output`".into());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        self.export(file.map_err(unwritten)?, terminal)
    }

    /// Writes the records; nothing when nobody reads them any more.
    fn export(&self, output: impl Write, terminal: &mut Terminal) -> Result<Option<(Walk, u64)>, String> {
        let folder = self.place.log()?;
        let bar = terminal.bar(walk::size(&folder).ok());
        let output = BufWriter::with_capacity(256 * 1024, output);
        let mut sink = match self.format {
            Format::Jsonl => Sink::Jsonl(output),
            Format::Csv => Sink::Csv(Box::new(rows::Rows::new(output))),
        };
        let (mut count, mut unwritten) = (0, None);
        let walked = walk(&folder, |link, line| {
            bar.inc(line.len() as u64 + 1);
            let written = sink.take(&link.kind, line).inspect_err(|error| unwritten = Some(error.kind()));
            count += u64::from(written?);
            Ok(())
        });
        bar.finish_and_clear();
        let walked = walked
            .and_then(|walk| sink.flush().inspect_err(|error| unwritten = Some(error.kind())).map(|()| walk));
        match (walked, unwritten) {
            (Ok(walk), _) => Ok(Some((walk, count))),
            (Err(_), Some(ErrorKind::BrokenPipe)) => Ok(None),
            (Err(error), Some(_)) => Err(format!("`{}` cannot be written: {error}", self.output.display())),
            (Err(error), None) => Err(cannot_read(&folder, &error)),
        }
    }

    fn tell(&self, walk: &Walk, count: u64, terminal: &mut Terminal) -> Exit {
        let breach = walk.breach.as_ref().map(|breach| breach.message.as_str());
        if self.json {
            terminal.line(json!({"records": count, "output": self.output, "broken": breach}).to_string());
        } else {
            terminal.note(format!("{count} records"));
            if let Some(breach) = breach {
                terminal.note(format!("broken: {breach}; what follows was not written"));
            }
        }
        if breach.is_some() { Exit::Wanting } else { Exit::Well }
    }
}

impl<W: Write> Sink<W> {
    /// Writes a record, if it is one that this format has.
    fn take(&mut self, kind: &Kind, line: &[u8]) -> io::Result<bool> {
        match (self, kind) {
            (Sink::Jsonl(output), _) => {
                output.write_all(line)?;
                output.write_all(b"\n")?;
                Ok(true)
            }
            (Sink::Csv(rows), Kind::Decision) => rows.row(line).map(|()| true),
            (Sink::Csv(_), Kind::Seal { .. } | Kind::Recovery { .. } | Kind::Retention(_)) => Ok(false),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Jsonl(output) => output.flush(),
            Sink::Csv(rows) => rows.flush(),
        }
    }
}
