//! `kt policy eval`: judge texts and conversations from a JSONL file, in order, on all cores.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use engine::verdict::{Finding, Site};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::data::DataSet;
use super::lines::Line;
use super::metrics::{Metrics, Speaker};
use super::summary::{Counted, Summary};
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Pack};
use crate::rehearsal::exchange::{Exchange, Played};

/// Judge texts and conversations from a JSONL file.
#[derive(Debug, Args)]
#[command(
    after_help = "Each line is an object with `text` or `messages`, perhaps `response` or `stream_chunks`, perhaps `id`.
Verdicts go to the output, one line each; a table of what they come to goes to the standard error.

Examples:
  echo '{\"id\":1,\"text\":\"mail ann@example.com\"}' | kt policy eval --policy-config policy-config.yaml
  kt policy eval --input data.jsonl --output verdicts.jsonl --summary summary.json
  kt policy eval --metrics --input attacks.jsonl ordinary.jsonl --html report.html

Exit codes: 0 every line was judged, 1 some lines could not be, 2 could not run."
)]
pub(in crate::cli) struct Eval {
    /// The configuration; may be repeated
    #[arg(long, value_name = "FILE", default_value = "policy-config.yaml")]
    policy_config: Vec<PathBuf>,
    /// JSONL to read; `-` for the standard input. With `--metrics` it may be repeated
    #[arg(long, value_name = "FILE", default_value = "-", num_args = 1..)]
    input: Vec<String>,
    /// Where verdicts go; `-` for the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: String,
    /// Where the summary goes as one JSON object, too
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Compare with the `label` of each line, and tell how often the chain is right, in place of the verdicts
    #[arg(long, conflicts_with_all = ["output", "summary"])]
    metrics: bool,
    /// The metrics as one JSON object
    #[arg(long, requires = "metrics")]
    json: bool,
    /// Where the metrics go as a page with plots, too
    #[arg(long, value_name = "FILE", requires = "metrics")]
    html: Option<PathBuf>,
    /// Who says the `text` of a line
    #[arg(long = "as", value_enum, default_value_t, requires = "metrics")]
    speaker: Speaker,
    /// No progress and no summary on the standard error, only what goes wrong
    #[arg(long, short)]
    quiet: bool,
}

/// A line's verdict as text, and what to count of it; nothing is counted of one that could not be judged.
struct Judged {
    text: String,
    counted: Option<Counted>,
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
        if self.metrics {
            return self.measured(&pack, terminal);
        }
        let begun = Instant::now();
        let summary = match self.stream(&pack, terminal) {
            Ok(None) => return Exit::Well,
            Ok(Some(summary)) => summary,
            Err(sentence) => return terminal.fail(sentence),
        };
        if !self.quiet {
            terminal.note(summary.text().trim_end());
            if terminal.is_watched() {
                terminal.note(pace(summary.lines(), begun));
            }
        }
        if let Some(path) = &self.summary
            && let Err(error) = std::fs::write(path, format!("{}\n", summary.json()))
        {
            return terminal.fail(format!("`{}` cannot be written: {error}", path.display()));
        }
        if summary.errors() == 0 { Exit::Well } else { Exit::Wanting }
    }

    /// Tells how often the chain is right.
    fn measured(&self, pack: &Pack, terminal: &mut Terminal) -> Exit {
        let bar = |size| if self.quiet { ProgressBar::hidden() } else { terminal.bar(size) };
        let metrics = match Metrics::of(&self.input, pack, self.speaker, bar) {
            Ok(metrics) => metrics,
            Err(sentence) => return terminal.fail(sentence),
        };
        if let Some(path) = &self.html
            && let Err(error) = std::fs::write(path, metrics.html())
        {
            return terminal.fail(format!("`{}` cannot be written: {error}", path.display()));
        }
        if self.json {
            terminal.line(metrics.json().to_string());
        } else {
            terminal.line(metrics.text().trim_end());
        }
        let (errors, first) = metrics.errors();
        if let Some(first) = first {
            terminal.note(format!("could not be judged: {errors}; the first is {first}"));
        }
        if errors == 0 { Exit::Well } else { Exit::Wanting }
    }

    /// The one input of verdicts.
    fn only_input(&self) -> Result<&str, String> {
        match self.input.as_slice() {
            [one] => Ok(one),
            _ => Err("verdicts are of one `--input`; several are for `--metrics`".into()),
        }
    }

    /// Judges line after line. Nothing when whoever reads the verdicts has gone away.
    fn stream(&self, pack: &Pack, terminal: &Terminal) -> Result<Option<Summary>, String> {
        let bar = |size| if self.quiet { ProgressBar::hidden() } else { terminal.bar(size) };
        let mut data = DataSet::open(self.only_input()?, bar)?;
        let mut output = self.create(&data)?;
        let mut summary = Summary::default();
        loop {
            let judged = data.judged(|line| judge(pack, line))?;
            if judged.is_empty() {
                return Ok(Some(summary));
            }
            match write(&judged, &mut output) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
                written => written.map_err(|error| self.cannot_write(&error))?,
            }
            judged.iter().for_each(|line| summary.add(line.counted.as_ref()));
        }
    }

    fn cannot_write(&self, error: &std::io::Error) -> String {
        format!("`{}` cannot be written: {error}", self.output)
    }

    /// Makes the output, which must not be the input: making it empties it.
    fn create(&self, input: &DataSet) -> Result<Box<dyn Write>, String> {
        if self.output == "-" {
            return Ok(Box::new(BufWriter::new(std::io::stdout().lock())));
        }
        if input.is(&self.output) {
            return Err(format!(
                "`{}` is the input too, and would be emptied before it is read; name another `--output`",
                self.output
            ));
        }
        let file = File::create(&self.output).map_err(|error| self.cannot_write(&error))?;
        Ok(Box::new(BufWriter::new(file)))
    }
}

/// How fast it went, for those who watch.
fn pace(lines: usize, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rough number for people")]
    let speed = lines as f64 / seconds.max(0.001);
    format!("{seconds:.1} s, {speed:.0} lines a second")
}

fn write(batch: &[Judged], output: &mut dyn Write) -> std::io::Result<()> {
    batch.iter().try_for_each(|judged| writeln!(output, "{}", judged.text))?;
    output.flush()
}

fn judge(pack: &Pack, line: &Line) -> Judged {
    let number = line.number;
    let mut id = Value::from(number);
    match Exchange::of_line(line.bytes.as_deref(), &mut id).and_then(|exchange| exchange.play(pack)) {
        Ok(played) => Judged { text: told(&played, id).to_string(), counted: Some(Counted::of(&played)) },
        Err(error) => {
            Judged { text: json!({"id": id, "line": number, "error": error}).to_string(), counted: None }
        }
    }
}

fn told(played: &Played, id: Value) -> Value {
    let decision = &played.decision;
    let findings: Vec<Value> =
        played.report.policies.iter().flat_map(|policy| &policy.findings).map(finding).collect();
    json!({
        "id": id,
        "verdict": decision.verdict.name(),
        "reason_code": decision.reason_code.as_deref(),
        "policy": decision.policy.as_deref(),
        "rule": decision.rule.as_deref(),
        "score": decision.score,
        "severity": decision.severity.as_deref(),
        "tags": decision.tags.iter().map(|tag| &**tag).collect::<Vec<&str>>(),
        "findings": findings,
        "output": played.output,
    })
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
        Pack::of(kit::program(kit::RULES), kit::config(Vec::new()))
    }

    #[test]
    fn a_file_is_not_emptied_by_its_own_verdicts() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"));
        std::fs::write(&path, "{\"text\":\"hi\"}\n").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let eval = |output: &std::path::Path| Eval {
            policy_config: Vec::new(),
            input: vec![path.display().to_string()],
            metrics: false,
            json: false,
            html: None,
            speaker: Speaker::default(),
            output: output.display().to_string(),
            summary: None,
            quiet: false,
        };
        for output in [&path, &link] {
            let told = eval(output).stream(&Arc::new(pack()), &Terminal::new()).err().unwrap();
            assert!(told.contains("is the input too"), "{told}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 14);
        let summary =
            eval(&folder.path().join("c.jsonl")).stream(&pack(), &Terminal::new()).unwrap().unwrap();
        assert_eq!((summary.lines(), summary.errors()), (1, 0));
    }

    #[test]
    fn every_field_of_a_request_is_judged_and_labels_are_not() {
        let verdict = |fields: &str| {
            let bytes = format!("{{\"text\":\"hi\",{fields}}}").into_bytes();
            judge(&pack(), &Line { number: 1, bytes: Some(bytes) }).counted.map(|line| line.verdict().name())
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
        let judged = [Judged { text: String::new(), counted: None }];
        assert_eq!(write(&judged, &mut Gone).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
