//! The last records: so many, and so many bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::{Hash, Record};

/// Most records.
const MOST: usize = 2_000;

/// Most bytes of them, as estimated.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Most findings of one policy that are kept of a record; the log has them all.
const MOST_FINDINGS: usize = 200;

/// A record that was written.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) record: Record,
    /// Its own hash.
    pub(crate) hash: Hash,
    /// How many of its findings are not kept.
    pub(crate) findings_left_out: usize,
    bytes: usize,
}

impl Kept {
    pub(super) fn new(mut record: Record, hash: Hash) -> Self {
        let mut left_out = 0;
        for policy in &mut record.policies_evaluated {
            left_out += policy.findings.len().saturating_sub(MOST_FINDINGS);
            policy.findings.truncate(MOST_FINDINGS);
            policy.findings.shrink_to_fit();
        }
        let bytes = size(&record);
        Self { record, hash, findings_left_out: left_out, bytes }
    }
}

/// About what a record takes.
fn size(record: &Record) -> usize {
    let texts = [&record.error, &record.key, &record.model, &record.policy, &record.rule, &record.user_id];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let attempts: usize =
        record.attempts.iter().map(|attempt| 96 + attempt.failure.as_ref().map_or(0, String::len)).sum();
    let policies = record.policies_evaluated.iter();
    let policies: usize = policies.map(|policy| 128 + 160 * policy.findings.len()).sum();
    size_of::<Kept>() + 512 + texts + attempts + policies
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<Arc<Kept>>,
    bytes: usize,
}

/// Some of the records.
#[derive(Debug)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) records: Vec<Arc<Kept>>,
    /// The number to go on behind: nothing up to it is new any more.
    pub(crate) last_seq: u64,
    /// The number of the oldest record that is still kept; 0 when there is none.
    pub(crate) oldest_seq: u64,
    /// How many records were looked at.
    pub(crate) seen: usize,
    /// How many fit, of which `records` are the newest.
    pub(crate) fitting: usize,
}

impl Ring {
    pub(super) fn extend(&mut self, kept: Vec<Kept>) {
        for kept in kept {
            self.bytes += kept.bytes;
            self.kept.push_back(Arc::new(kept));
            while self.kept.len() > MOST || (self.bytes > MOST_BYTES && self.kept.len() > 1) {
                let gone = self.kept.pop_front().map_or(0, |gone| gone.bytes);
                self.bytes = self.bytes.saturating_sub(gone);
            }
        }
    }

    pub(super) fn page(&self, after: u64, most: usize, wanted: impl Fn(&Record) -> bool) -> Page {
        let seq = |kept: Option<&Arc<Kept>>| kept.map_or(0, |kept| kept.record.seq);
        let new = self.kept.iter().rev().take_while(|kept| kept.record.seq > after);
        let mut page = Page {
            records: Vec::new(),
            last_seq: seq(self.kept.back()),
            oldest_seq: seq(self.kept.front()),
            seen: 0,
            fitting: 0,
        };
        for kept in new {
            page.seen += 1;
            if !wanted(&kept.record) {
                continue;
            }
            page.fitting += 1;
            if page.records.len() < most {
                page.records.push(Arc::clone(kept));
            }
        }
        page
    }

    pub(super) fn find(&self, seq: u64) -> Option<Arc<Kept>> {
        let at = self.kept.binary_search_by_key(&seq, |kept| kept.record.seq).ok()?;
        self.kept.get(at).map(Arc::clone)
    }
}
