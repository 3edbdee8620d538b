//! `kt policy eval`: judge texts and conversations from a JSONL file, in order, on all cores.

use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use clap::Args;
use engine::verdict::{Finding, Site};
use serde_json::{Value, json};

use super::exchange::Exchange;
use super::lines::{Line, Lines};
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Pack};

/// Judge texts and conversations from a JSONL file.
#[derive(Debug, Args)]
#[command(
    after_help = "Each line is an object with `text` or `messages`, perhaps `response` or `stream_chunks`, perhaps `id`.

Example:
  echo '{\"id\":1,\"text\":\"mail ann@example.com\"}' | kt policy eval --policy-config policy-config.yaml --input - --output -

Exit codes: 0 every line was judged, 1 some lines could not be, 2 could not run."
)]
pub(in crate::cli) struct Eval {
    /// The configuration; may be repeated
    #[arg(long, value_name = "FILE", default_value = "policy-config.yaml")]
    policy_config: Vec<PathBuf>,
    /// JSONL to read; `-` for the standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: String,
    /// Where verdicts go; `-` for the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: String,
}

/// How many lines came to what.
#[derive(Default)]
struct Tally {
    lines: usize,
    broken: usize,
    verdicts: std::collections::BTreeMap<&'static str, usize>,
}

/// A line's verdict as text, and what to count it as.
struct Judged {
    text: String,
    verdict: Option<&'static str>,
}

impl Eval {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let loaded = match packs::load(&self.policy_config) {
            Ok(loaded) => loaded,
            Err(sentence) => return terminal.fail(sentence),
        };
        terminal.diagnostics(&loaded.diagnostics, &loaded.sources);
        let Some(pack) = loaded.pack else {
            return terminal.fail("the configuration has mistakes; nothing was judged");
        };
        match self.stream(&pack, terminal) {
            Ok(None) => Exit::Well,
            Ok(Some(tally)) => {
                let counts: Vec<String> =
                    tally.verdicts.iter().map(|(verdict, count)| format!("{verdict} {count}")).collect();
                let counts =
                    if counts.is_empty() { "nothing was judged".to_owned() } else { counts.join(", ") };
                terminal.note(format!("{} lines: {counts}", tally.lines));
                if tally.broken == 0 {
                    return Exit::Well;
                }
                terminal
                    .note(format!("{} lines could not be judged; their output has an `error`", tally.broken));
                Exit::Wanting
            }
            Err(sentence) => terminal.fail(sentence),
        }
    }

    /// Judges line after line. Nothing when whoever reads the verdicts has gone away.
    fn stream(&self, pack: &Pack, terminal: &Terminal) -> Result<Option<Tally>, String> {
        let (input, metadata) = self.open()?;
        let mut output = self.create(metadata.as_ref())?;
        let bar = terminal.bar(metadata.map(|metadata| metadata.len()));
        let (mut lines, mut tally) = (Lines::new(input), Tally::default());
        loop {
            let batch = lines.batch().map_err(|error| format!("`{}` cannot be read: {error}", self.input))?;
            bar.set_position(lines.read());
            if batch.is_empty() {
                break;
            }
            match tally.write(&judge_all(pack, &batch), &mut output) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
                written => written.map_err(|error| self.cannot_write(&error))?,
            }
        }
        bar.finish_and_clear();
        Ok(Some(tally))
    }

    fn cannot_write(&self, error: &std::io::Error) -> String {
        format!("`{}` cannot be written: {error}", self.output)
    }

    fn open(&self) -> Result<(Box<dyn BufRead>, Option<Metadata>), String> {
        if self.input == "-" {
            return Ok((Box::new(std::io::stdin().lock()), None));
        }
        let file =
            File::open(&self.input).map_err(|error| format!("`{}` cannot be read: {error}", self.input))?;
        let metadata = file.metadata().ok();
        Ok((Box::new(BufReader::new(file)), metadata))
    }

    /// Makes the output, which must not be the input: making it empties it.
    fn create(&self, input: Option<&Metadata>) -> Result<Box<dyn Write>, String> {
        if self.output == "-" {
            return Ok(Box::new(BufWriter::new(std::io::stdout().lock())));
        }
        if input.is_some_and(|input| is_same(input, &self.output)) {
            return Err(format!(
                "`{}` is the input too, and would be emptied before it is read; name another `--output`",
                self.output
            ));
        }
        let file = File::create(&self.output).map_err(|error| self.cannot_write(&error))?;
        Ok(Box::new(BufWriter::new(file)))
    }
}

impl Tally {
    /// Counts verdicts and writes them.
    fn write(&mut self, batch: &[Judged], output: &mut dyn Write) -> std::io::Result<()> {
        for judged in batch {
            self.lines += 1;
            match judged.verdict {
                Some(verdict) => *self.verdicts.entry(verdict).or_default() += 1,
                None => self.broken += 1,
            }
            writeln!(output, "{}", judged.text)?;
        }
        output.flush()
    }
}

/// Whether a path leads to that very file, under whatever name.
fn is_same(file: &Metadata, path: &str) -> bool {
    let other = std::fs::metadata(path);
    file.is_file() && other.is_ok_and(|other| (file.dev(), file.ino()) == (other.dev(), other.ino()))
}

/// Judges a batch on all cores; the results are in the order of the lines.
fn judge_all(pack: &Pack, lines: &[Line]) -> Vec<Judged> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = lines.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = lines
            .chunks(share)
            .map(|lines| scope.spawn(|| lines.iter().map(|line| judge(pack, line)).collect::<Vec<_>>()))
            .collect();
        // A thread that panicked loses its lines, which `tally` would not count: stop instead.
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn judge(pack: &Pack, line: &Line) -> Judged {
    let number = line.number;
    let mut id = Value::from(number);
    match try_judge(pack, line, &mut id) {
        Ok((verdict, text)) => Judged { text, verdict: Some(verdict) },
        Err(error) => {
            Judged { text: json!({"id": id, "line": number, "error": error}).to_string(), verdict: None }
        }
    }
}

fn try_judge(pack: &Pack, line: &Line, id: &mut Value) -> Result<(&'static str, String), String> {
    let played = Exchange::of_line(line, id)?.play(pack)?;
    let decision = &played.decision;
    let findings: Vec<Value> =
        played.report.policies.iter().flat_map(|policy| &policy.findings).map(finding).collect();
    let verdict = decision.verdict.name();
    let text = json!({
        "id": id,
        "verdict": verdict,
        "reason_code": decision.reason_code.as_deref(),
        "policy": decision.policy.as_deref(),
        "rule": decision.rule.as_deref(),
        "score": decision.score,
        "severity": decision.severity.as_deref(),
        "tags": decision.tags.iter().map(|tag| &**tag).collect::<Vec<&str>>(),
        "findings": findings,
        "output": played.output,
    });
    Ok((verdict, text.to_string()))
}

fn finding(finding: &Finding) -> Value {
    let (site, text) = match finding.site {
        Site::Request(text) => ("request", Some(text)),
        Site::Response(_) => ("response", None),
    };
    json!({
        "policy": &*finding.policy,
        "rule": &*finding.rule,
        "label": &*finding.label,
        "in": site,
        "text": text,
        "start": finding.range.start,
        "end": finding.range.end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use std::sync::Arc;

    fn pack() -> Pack {
        Pack { program: kit::program(kit::RULES), config: kit::config(Vec::new()) }
    }

    #[test]
    fn a_file_is_not_emptied_by_its_own_verdicts() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"));
        std::fs::write(&path, "{\"text\":\"hi\"}\n").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let eval = |output: &std::path::Path| Eval {
            policy_config: Vec::new(),
            input: path.display().to_string(),
            output: output.display().to_string(),
        };
        for output in [&path, &link] {
            let told = eval(output).stream(&Arc::new(pack()), &Terminal::new()).err().unwrap();
            assert!(told.contains("is the input too"), "{told}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 14);
        let tally = eval(&folder.path().join("c.jsonl")).stream(&pack(), &Terminal::new()).unwrap().unwrap();
        assert_eq!((tally.lines, tally.broken), (1, 0));
    }

    #[test]
    fn every_field_of_a_request_is_judged_and_labels_are_not() {
        let verdict = |fields: &str| {
            let bytes = format!("{{\"text\":\"hi\",{fields}}}").into_bytes();
            judge(&pack(), &Line { number: 1, bytes: Some(bytes) }).verdict
        };
        for fields in [
            r#""functions":[{"name":"f","description":"FORBIDDEN"}]"#,
            r#""response_format":{"type":"json_schema","json_schema":{"description":"FORBIDDEN"}}"#,
            r#""metadata":{"a":"FORBIDDEN"}"#,
            r#""stop":["FORBIDDEN"]"#,
            r#""prediction":{"type":"content","content":"FORBIDDEN"}"#,
        ] {
            assert_eq!(verdict(fields), Some("block"), "{fields}");
        }
        assert_eq!(verdict(r#""label":"FORBIDDEN","stream":true,"max_completion_tokens":5"#), Some("allow"));
    }

    #[test]
    fn a_reader_that_goes_away_ends_it() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let judged = [Judged { text: String::new(), verdict: None }];
        assert_eq!(Tally::default().write(&judged, &mut Gone).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
