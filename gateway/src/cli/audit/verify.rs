//! `kt audit verify`: is the log whole?

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use grammar::config::KeyRef;
use grammar::{Span, Spanned};
use serde_json::{Value, json};

use super::{Place, cannot_read, load};
use crate::audit::chain::{Chain, Hash};
use crate::audit::checkpoint::Found;
use crate::audit::verify::{Against, Report, verify};
use crate::audit::{Options, walk};
use crate::cli::{Exit, Terminal};
use crate::route::read_key;

/// Check that no record was changed, removed, moved, added or cut off.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt audit verify
  kt audit verify --state-dir /var/lib/kt --policy-config policy-config.yaml
  kt audit verify --anchor 120431:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Exit codes: 0 intact, 1 broken (the first bad record is named), 2 could not run.")]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    place: Place,
    /// Configuration whose `audit.key_ref` leads to the key of the checkpoint; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    policy_config: Vec<PathBuf>,
    /// File that holds the key of the checkpoint
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A record that was noted elsewhere; may be repeated
    #[arg(long, value_name = "SEQ:HASH", value_parser = anchor)]
    anchor: Vec<(u64, Hash)>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn anchor(text: &str) -> Result<(u64, Hash), String> {
    let parsed =
        text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, Hash::parse(hash.as_bytes())?)));
    parsed.ok_or_else(|| {
        "an anchor is the number of a record, a colon, and its hash of 64 lower-case digits".into()
    })
}

impl Verify {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self.verified(terminal) {
            Ok(report) => {
                let broken = report.breach.is_some();
                if self.json {
                    terminal.line(as_json(&report).to_string());
                } else {
                    tell(&report, terminal);
                }
                if broken { Exit::Wanting } else { Exit::Well }
            }
            Err(sentence) => terminal.fail(sentence),
        }
    }

    fn verified(&self, terminal: &mut Terminal) -> Result<Report, String> {
        let folder = self.place.log()?;
        let against = self.against(terminal)?;
        let bar = terminal.bar(walk::size(&folder).ok());
        let report = verify(&folder, &against, |bytes| bar.inc(bytes));
        bar.finish_and_clear();
        report.map_err(|error| cannot_read(&folder, &error))
    }

    fn against(&self, terminal: &mut Terminal) -> Result<Against, String> {
        let mut anchors = BTreeMap::<u64, Vec<Hash>>::new();
        self.anchor.iter().for_each(|(seq, hash)| anchors.entry(*seq).or_default().push(*hash));
        let key = match &self.key_file {
            Some(path) => {
                let path = Spanned::new(path.display().to_string(), Span::default());
                Some(read_key(&KeyRef::File(path))?)
            }
            None if self.policy_config.is_empty() => None,
            None => {
                let pack = load(&self.policy_config, terminal)?;
                Options::of(&pack.config.audit).map_err(|error| error.to_string())?.key
            }
        };
        Ok(Against { key, anchors })
    }
}

fn tell(report: &Report, terminal: &mut Terminal) {
    let walk = &report.walk;
    let Chain { seq, head } = walk.chain.unwrap_or(Chain::EMPTY);
    if let Some((first, _)) = walk.first {
        let (records, sealed) = (walk.records, walk.sealed);
        let before = if report.breach.is_some() { ", before the breach" } else { "" };
        terminal.line(format!("records     {records}, {first} to {seq}{before}; {sealed} sealed segments"));
    }
    terminal.line(format!("head        {seq}:{head}"));
    terminal.line(match report.checkpoint {
        Found::Missing => "checkpoint  missing".to_owned(),
        Found::Damaged => "checkpoint  damaged".to_owned(),
        Found::Reaches(reach) => format!("checkpoint  {}, {}", reach.chain.seq, reach.signature.name()),
    });
    report.notes.iter().for_each(|note| terminal.note(format!("note: {note}")));
    match &report.breach {
        None => terminal.line(terminal.good("intact")),
        Some(breach) => {
            let place = breach.place.as_ref().map(|(file, line)| format!(" ({file}, line {line})"));
            let broken = terminal.bad("broken:");
            terminal.line(format!("{broken} {}{}", breach.message, place.unwrap_or_default()));
        }
    }
}

fn as_json(report: &Report) -> Value {
    let walk = &report.walk;
    let Chain { seq, head } = walk.chain.unwrap_or(Chain::EMPTY);
    let checkpoint = match report.checkpoint {
        Found::Missing => json!({"state": "missing"}),
        Found::Damaged => json!({"state": "damaged"}),
        Found::Reaches(reach) => json!({
            "state": reach.signature.name(),
            "seq": reach.chain.seq,
            "hash": reach.chain.head,
        }),
    };
    let broken = report.breach.as_ref().map(|breach| {
        json!({
            "seq": breach.seq,
            "kind": breach.kind,
            "file": breach.place.as_ref().map(|(file, _)| file),
            "line": breach.place.as_ref().map(|(_, line)| line),
            "message": breach.message,
        })
    });
    json!({
        "intact": broken.is_none(),
        "records": walk.records,
        "first_seq": walk.first.map(|(seq, _)| seq),
        "sealed_segments": walk.sealed,
        "head": {"seq": seq, "hash": head},
        "checkpoint": checkpoint,
        "torn_bytes": walk.torn,
        "notes": report.notes,
        "broken": broken,
    })
}
