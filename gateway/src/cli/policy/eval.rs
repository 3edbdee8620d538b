//! `kt policy eval`: judge texts and conversations from a JSONL file, in order, on all cores.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use engine::verdict::{Finding, Site};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::exchange::Exchange;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Pack};
use crate::wire::json;

/// Lines that are judged together before their verdicts are written.
const BATCH: usize = 512;
/// The longest line, in bytes.
const MAX_LINE: usize = 16 << 20;

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
            Ok(tally) => {
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

    fn stream(&self, pack: &Pack, terminal: &Terminal) -> Result<Tally, String> {
        let (mut input, size) = self.open()?;
        let mut output = self.create()?;
        let bar = bar(size, terminal.is_watched());
        let mut tally = Tally::default();
        let cannot_read = |error: std::io::Error| format!("`{}` cannot be read: {error}", self.input);
        loop {
            let mut batch: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
            while batch.len() < BATCH {
                let mut line = Vec::new();
                if input.read_until(b'\n', &mut line).map_err(cannot_read)? == 0 {
                    break;
                }
                bar.inc(line.len() as u64);
                if !line.trim_ascii().is_empty() {
                    batch.push(line);
                }
            }
            if batch.is_empty() {
                break;
            }
            for judged in judge_all(pack, &batch, tally.lines) {
                tally.lines += 1;
                match judged.verdict {
                    Some(verdict) => *tally.verdicts.entry(verdict).or_default() += 1,
                    None => tally.broken += 1,
                }
                writeln!(output, "{}", judged.text)
                    .map_err(|error| format!("`{}` cannot be written: {error}", self.output))?;
            }
        }
        output.flush().map_err(|error| format!("`{}` cannot be written: {error}", self.output))?;
        bar.finish_and_clear();
        Ok(tally)
    }

    fn open(&self) -> Result<(Box<dyn BufRead>, Option<u64>), String> {
        if self.input == "-" {
            return Ok((Box::new(std::io::stdin().lock()), None));
        }
        let file =
            File::open(&self.input).map_err(|error| format!("`{}` cannot be read: {error}", self.input))?;
        let size = file.metadata().ok().map(|metadata| metadata.len());
        Ok((Box::new(BufReader::new(file)), size))
    }

    fn create(&self) -> Result<Box<dyn Write>, String> {
        if self.output == "-" {
            return Ok(Box::new(BufWriter::new(std::io::stdout().lock())));
        }
        let file = File::create(&self.output)
            .map_err(|error| format!("`{}` cannot be written: {error}", self.output))?;
        Ok(Box::new(BufWriter::new(file)))
    }
}

fn bar(size: Option<u64>, watched: bool) -> ProgressBar {
    if !watched {
        return ProgressBar::hidden();
    }
    let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Judges a batch on all cores; the results are in the order of the lines.
fn judge_all(pack: &Pack, lines: &[Vec<u8>], first: usize) -> Vec<Judged> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = lines.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = lines
            .chunks(share)
            .enumerate()
            .map(|(part, lines)| {
                let judge =
                    move |(i, line): (usize, &Vec<u8>)| judge(pack, line, first + part * share + i + 1);
                scope.spawn(move || lines.iter().enumerate().map(judge).collect::<Vec<_>>())
            })
            .collect();
        // A thread that panicked loses its lines, which `tally` would not count: stop instead.
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn judge(pack: &Pack, line: &[u8], number: usize) -> Judged {
    let mut id = Value::from(number);
    match try_judge(pack, line, &mut id) {
        Ok((verdict, text)) => Judged { text, verdict: Some(verdict) },
        Err(error) => {
            Judged { text: json!({"id": id, "line": number, "error": error}).to_string(), verdict: None }
        }
    }
}

fn try_judge(pack: &Pack, line: &[u8], id: &mut Value) -> Result<(&'static str, String), String> {
    if line.len() > MAX_LINE {
        return Err("the line is longer than 16 MiB".into());
    }
    let Value::Object(mut fields) = json::parse(line.trim_ascii()).map_err(|flaw| flaw.to_string())? else {
        return Err("the line is not a JSON object".into());
    };
    if let Some(given) = fields.remove("id") {
        *id = given;
    }
    const KNOWN: &[&str] = &[
        "text",
        "messages",
        "response",
        "upstream_response",
        "stream_chunks",
        "headers",
        "model",
        "tools",
        "tool_choice",
        "max_tokens",
        "user",
    ];
    // Labels and notes of a data set are nobody's text.
    fields.retain(|name, _| KNOWN.contains(&name.as_str()));
    let played = Exchange::read(fields)?.play(pack)?;
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
