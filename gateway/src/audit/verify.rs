//! Is the log whole? The chain tells what was changed in it, the checkpoint what was cut off its end, and heads that
//! were kept elsewhere whether all of it was made anew.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::chain::{Chain, Hash, Kind};
use super::checkpoint::{self, Found, Reach, Signature};
use super::walk::{Breach, Walk, walk};
use crate::secret::Secret;

/// Most starts that are told one by one.
const MOST_STARTS: usize = 20;

/// What a log is held against beside its own chain.
#[derive(Debug, Default)]
pub(crate) struct Against {
    /// The key of the checkpoint.
    pub(crate) key: Option<Secret>,
    /// Numbers and hashes of records that were noted elsewhere.
    pub(crate) anchors: BTreeMap<u64, Vec<Hash>>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) walk: Walk,
    pub(crate) checkpoint: Found,
    /// What is lawful and worth knowing.
    pub(crate) notes: Vec<String>,
    pub(crate) breach: Option<Breach>,
}

/// Reads the whole log; `progress` is told how many bytes each record has.
pub(crate) fn verify(folder: &Path, against: &Against, mut progress: impl FnMut(u64)) -> io::Result<Report> {
    // First, so that a log that is being written is ahead of it.
    let checkpoint = checkpoint::read(folder, against.key.as_ref())?;
    let mut seen = Seen { marked: marked(&checkpoint), ..Seen::default() };
    let walk = walk(folder, |link, line| {
        progress(line.len() as u64 + 1);
        seen.take(link.seq, link.hash, &link.kind, against);
        Ok(())
    })?;
    let mut report = Report { walk, checkpoint, notes: seen.notes(), breach: None };
    report.breach = report.judge(&seen, against);
    Ok(report)
}

fn marked(checkpoint: &Found) -> Option<u64> {
    match checkpoint {
        Found::Missing | Found::Damaged => None,
        Found::Reaches(reach) => Some(reach.chain.seq),
    }
}

/// What was met on the way.
#[derive(Default)]
struct Seen {
    marked: Option<u64>,
    at_checkpoint: Option<Hash>,
    wrong_anchor: Option<u64>,
    starts: Vec<(u64, String)>,
    more_starts: usize,
}

impl Seen {
    fn take(&mut self, seq: u64, hash: Hash, kind: &Kind, against: &Against) {
        if self.marked == Some(seq) {
            self.at_checkpoint = Some(hash);
        }
        let is_wrong = against.anchors.get(&seq).is_some_and(|anchors| anchors.iter().any(|a| *a != hash));
        self.wrong_anchor = self.wrong_anchor.or(is_wrong.then_some(seq));
        match kind {
            Kind::Recovery { checkpoint } if checkpoint != "behind" && checkpoint != "current" => {
                if self.starts.len() < MOST_STARTS {
                    self.starts.push((seq, checkpoint.clone()));
                } else {
                    self.more_starts += 1;
                }
            }
            Kind::Decision | Kind::Seal { .. } | Kind::Recovery { .. } | Kind::Retention(_) => {}
        }
    }

    /// Starts before which the end of the log was not vouched for.
    fn notes(&self) -> Vec<String> {
        let told = |(seq, checkpoint): &(u64, String)| {
            format!(
                "record {seq}: kt started with a checkpoint that was {checkpoint}; whether records were cut off before, it could not tell"
            )
        };
        let mut notes: Vec<String> = self.starts.iter().map(told).collect();
        if self.more_starts > 0 {
            notes.push(format!("{} more such starts", self.more_starts));
        }
        notes
    }
}

impl Report {
    /// The first breach: of the chain, then of the checkpoint, then of the anchors.
    fn judge(&mut self, seen: &Seen, against: &Against) -> Option<Breach> {
        if self.walk.torn > 0 {
            self.notes.push(format!(
                "{} bytes of an unfinished line at the end: it is being written, or kt was killed; the next start moves it aside",
                self.walk.torn
            ));
        }
        let wrong = seen.wrong_anchor.map(|seq| self.not_as(seq, "anchor", "anchor"));
        let chain = self.walk.breach.take().map(|breach| explained(breach, seen.marked));
        chain
            .or(wrong)
            .or_else(|| self.judge_checkpoint(seen, against))
            .or_else(|| self.judge_anchors(against))
    }

    fn last(&self) -> u64 {
        self.walk.chain.unwrap_or(Chain::EMPTY).seq
    }

    fn judge_checkpoint(&mut self, seen: &Seen, against: &Against) -> Option<Breach> {
        let last = self.last();
        match self.checkpoint {
            Found::Missing if last == 0 => None,
            Found::Missing => Some(self.no_checkpoint("there is no checkpoint, and kt always writes one")),
            Found::Damaged => Some(self.no_checkpoint("the checkpoint cannot be read")),
            Found::Reaches(reach) => self.judge_reach(&reach, seen, against.key.is_some()),
        }
    }

    fn judge_reach(&mut self, reach: &Reach, seen: &Seen, has_key: bool) -> Option<Breach> {
        let (last, marked) = (self.last(), reach.chain.seq);
        match reach.signature {
            Signature::Bad => {
                return Some(self.no_checkpoint("the checkpoint was signed with another key, or changed"));
            }
            Signature::None if has_key => {
                return Some(self.no_checkpoint("the checkpoint is not signed, and a key was given"));
            }
            Signature::Unchecked => self.notes.push(
                "the checkpoint is signed, and was not checked: name its key with --policy-config or --key-file".into(),
            ),
            Signature::None => self.notes.push(
                "the checkpoint is not signed: whoever can write the folder can make another".into(),
            ),
            Signature::Good => {}
        }
        if marked > last {
            let message = match marked - last {
                1 => format!("record {marked} was cut off the end"),
                _ => format!("records {} to {marked} were cut off the end", last + 1),
            };
            return Some(Breach { seq: last + 1, place: None, kind: "cut", message });
        }
        if seen.at_checkpoint.is_some_and(|hash| hash != reach.chain.head) {
            return Some(self.not_as(marked, "replaced", "checkpoint"));
        }
        if reach.is_half && marked == last {
            return Some(
                self.no_checkpoint(
                    "half of the checkpoint cannot be read, and nothing follows the other half",
                ),
            );
        }
        if marked < last {
            self.notes.push(format!(
                "the checkpoint is {} records behind, as it is while kt writes, or after it was killed",
                last - marked
            ));
        }
        None
    }

    fn judge_anchors(&mut self, against: &Against) -> Option<Breach> {
        let first = self.walk.first.map_or(1, |(seq, _)| seq);
        for seq in against.anchors.keys() {
            if *seq > self.last() {
                let message = format!(
                    "records {} to {seq} were cut off the end: an anchor names the last of them",
                    self.last() + 1
                );
                return Some(Breach { seq: self.last() + 1, place: None, kind: "cut", message });
            }
            if *seq < first {
                self.notes.push(format!(
                    "record {seq} was removed for its age and cannot be held against its anchor"
                ));
            }
        }
        None
    }

    fn not_as(&self, seq: u64, kind: &'static str, witness: &str) -> Breach {
        let message = format!("record {seq} was replaced: it is not the one that its {witness} names");
        Breach { seq, place: None, kind, message }
    }

    /// Without a checkpoint that can be believed, what follows the last record is open.
    fn no_checkpoint(&self, why: &str) -> Breach {
        let message = format!("{why}: whether record {} is the last cannot be told", self.last());
        Breach { seq: self.last() + 1, place: None, kind: "checkpoint", message }
    }
}

/// A breach behind the checkpoint, with what else can have made it.
fn explained(mut breach: Breach, marked: Option<u64>) -> Breach {
    if breach.kind == "altered" && marked.is_some_and(|marked| marked < breach.seq) {
        breach.message.push_str(
            "; the checkpoint does not reach so far, so a power failure can have done it, and the next start then moves it aside",
        );
    }
    breach
}
