//! How far the log reaches, in a file of its own: a chain whose end was cut off is still a chain, and only this
//! tells.
//!
//! The file has two slots of 512 bytes, written in turn: a slot that was being written when the power failed leaves
//! the other. It is written after the log has been synced and never before, so it is never ahead of the log.

use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::chain::{Chain, Hash};
use super::segment::CHECKPOINT;
use crate::secret::Secret;

/// Bytes of a slot: one sector, which disks write whole or not at all.
pub(super) const SLOT: usize = 512;

/// What the key signs beside the slot, so that no other use of the key can make a signature for a checkpoint.
const PURPOSE: &[u8] = b"kt audit checkpoint\n";

/// What a slot says, in the order of the names.
#[derive(Serialize, Deserialize)]
struct Slot {
    hash: Hash,
    /// With a key: what only its owner can compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<Hash>,
    seq: u64,
    /// Without: what tells a slot that was written half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<Hash>,
    timestamp: String,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is no such file.
    Missing,
    /// Neither slot can be read.
    Damaged,
    /// The log reached to there at least.
    Reaches(Reach),
}

/// The newest checkpoint that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) chain: Chain,
    pub(crate) signature: Signature,
    /// Whether the other slot cannot be read.
    pub(crate) is_half: bool,
}

/// Whether the key of the log confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// It is not signed.
    None,
    /// It is, and no key was given to check it with.
    Unchecked,
    /// By that key.
    Good,
    /// By another key, or it was changed.
    Bad,
}

impl Signature {
    /// As reports call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signature::None => "unsigned",
            Signature::Unchecked => "unchecked",
            Signature::Good => "signed",
            Signature::Bad => "bad",
        }
    }
}

/// A slot that says how far the log reaches.
pub(super) fn slot(chain: &Chain, key: Option<&Secret>, now: jiff::Timestamp) -> io::Result<Vec<u8>> {
    let mut slot =
        Slot { hash: chain.head, mac: None, seq: chain.seq, sum: None, timestamp: now.to_string() };
    let text = serde_json::to_vec(&slot)?;
    match key {
        Some(key) => slot.mac = Some(Hash::written(&key.mac([PURPOSE, &text]))),
        None => slot.sum = Some(Hash::of([PURPOSE, &text])),
    }
    let mut text = serde_json::to_vec(&slot)?;
    text.resize(SLOT - 1, b' ');
    text.push(b'\n');
    Ok(text)
}

/// Reads the checkpoint of a folder.
pub(crate) fn read(folder: &Path, key: Option<&Secret>) -> io::Result<Found> {
    let text = match std::fs::read(folder.join(CHECKPOINT)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Missing),
        text => text?,
    };
    Ok(found(&text, key))
}

fn found(text: &[u8], key: Option<&Secret>) -> Found {
    let (slots, rest) = text.as_chunks::<SLOT>();
    let ([a, b], []) = (slots, rest) else { return Found::Damaged };
    let (a, b) = (one(a, key), one(b, key));
    // Beside one that the key confirms, one that it does not is as good as unreadable: who knows what it said.
    let is_confirmed = [a, b].iter().flatten().any(|reach| reach.signature == Signature::Good);
    let is_heard = |reach: &Reach| !is_confirmed || reach.signature == Signature::Good;
    match (a.filter(is_heard), b.filter(is_heard)) {
        (Some(a), Some(b)) if a.chain.seq > b.chain.seq => Found::Reaches(a),
        (Some(_), Some(b)) => Found::Reaches(b),
        (Some(one), None) | (None, Some(one)) => Found::Reaches(Reach { is_half: true, ..one }),
        (None, None) => Found::Damaged,
    }
}

/// One slot. Nothing when it is not exactly as it was written.
fn one(text: &[u8; SLOT], key: Option<&Secret>) -> Option<Reach> {
    let slot: Slot = serde_json::from_slice(text).ok()?;
    let mut written = serde_json::to_vec(&slot).ok()?;
    written.resize(SLOT - 1, b' ');
    if !text.starts_with(&written) || !text.ends_with(b"\n") {
        return None;
    }
    let bare = serde_json::to_vec(&Slot { mac: None, sum: None, timestamp: slot.timestamp, ..slot }).ok()?;
    let signature = match (slot.mac, slot.sum, key) {
        (Some(_), None, None) => Signature::Unchecked,
        (Some(mac), None, Some(key)) if key.confirms([PURPOSE, &bare], &mac.bytes()) => Signature::Good,
        (Some(_), None, Some(_)) => Signature::Bad,
        (None, Some(sum), _) if sum == Hash::of([PURPOSE, &bare]) => Signature::None,
        (None, Some(_) | None, _) | (Some(_), Some(_), _) => return None,
    };
    let chain = Chain { seq: slot.seq, head: slot.hash };
    Some(Reach { chain, signature, is_half: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(slots: [&[u8]; 2], key: Option<&Secret>) -> Found {
        found(&slots.concat(), key)
    }

    fn signed(seq: u64, key: Option<&Secret>) -> Vec<u8> {
        let chain = Chain { seq, head: Hash::of([&seq.to_le_bytes()[..]]) };
        slot(&chain, key, jiff::Timestamp::UNIX_EPOCH).unwrap()
    }

    fn told(found: Found) -> (u64, &'static str, bool) {
        let Found::Reaches(reach) = found else { panic!("{found:?}") };
        (reach.chain.seq, reach.signature.name(), reach.is_half)
    }

    #[test]
    fn the_newer_slot_counts_and_the_key_decides_whether_it_is_believed() {
        let (key, other) = (Secret::new("a key of the log"), Secret::new("another key of it"));
        let (key, other) = (key.as_ref(), other.as_ref());
        assert_eq!(told(reach([&signed(4, key), &signed(3, key)], key)), (4, "signed", false));
        assert_eq!(told(reach([&signed(3, key), &signed(4, key)], None)), (4, "unchecked", false));
        assert_eq!(told(reach([&signed(3, key), &signed(4, key)], other)), (4, "bad", false));
        assert_eq!(told(reach([&signed(3, None), &signed(4, None)], key)), (4, "unsigned", false));
        assert_eq!(told(reach([&[b' '; SLOT], &signed(4, key)], key)), (4, "signed", true));
        assert_eq!(reach([b"", &signed(4, key)], key), Found::Damaged);
        assert_eq!(reach([&[b' '; SLOT], &[b'x'; SLOT]], key), Found::Damaged);
    }

    #[test]
    fn no_byte_of_a_slot_can_be_another() {
        let key = Secret::new("a key of the log");
        for key in [key.as_ref(), None] {
            let good = signed(4, key);
            for at in 0..SLOT {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[at] ^= 1 << bit;
                    let (_, signature, is_half) = told(reach([&signed(3, key), &bad], key));
                    assert!(is_half, "byte {at}: {signature}");
                }
            }
        }
    }
}
