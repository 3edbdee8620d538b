//! The chain: every record holds the hash of the one before it and its own, so that none can be changed alone.
//!
//! A line is the record's canonical JSON with its `hash` added at the end. What is hashed is `prev_hash`, as its 64
//! characters, and then that canonical JSON: a reader needs the bytes of the line and no JSON printer of its own.

use std::fmt;
use std::io;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::event::{Event, Removed};

/// What stands between the record and its hash.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";

/// What stands behind the hash.
const AFTER_HASH: &[u8] = b"\"}";

/// A SHA-256 as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 64]);

impl Hash {
    /// What the first record of a log follows.
    pub const ZERO: Hash = Hash([b'0'; 64]);

    /// The hash of those pieces, one after the other.
    pub(crate) fn of<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut digest = Sha256::new();
        pieces.into_iter().for_each(|piece| digest.update(piece));
        Self::written(&digest.finalize())
    }

    /// Those 32 bytes, written out.
    pub(crate) fn written(bytes: &[u8]) -> Self {
        let mut hex = [b'0'; 64];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Self(hex)
    }

    /// A hash as it stands in a log: nothing but 64 lower-case digits will do.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let hex: [u8; 64] = text.try_into().ok()?;
        hex.iter().all(is_digit).then_some(Self(hex))
    }

    /// The 32 bytes.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(self.0.as_chunks::<2>().0) {
            *byte = nibble(*high) << 4 | nibble(*low);
        }
        bytes
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) }
}

fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        Hash::parse(text.as_bytes()).ok_or_else(|| D::Error::custom("not a hash"))
    }
}

/// The end of a chain: the number and the hash of its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) seq: u64,
    pub(crate) head: Hash,
}

impl Chain {
    /// A chain without a record.
    pub(crate) const EMPTY: Chain = Chain { seq: 0, head: Hash::ZERO };

    /// Adds a record: numbers it, links it, and writes its line.
    pub(super) fn add(&mut self, event: &mut impl Event, lines: &mut Vec<u8>) -> io::Result<()> {
        event.link(self.seq + 1, self.head);
        let begin = lines.len();
        serde_json::to_writer(&mut *lines, event)?;
        let canonical = lines.get(begin..).unwrap_or_default();
        let hash = Hash::of([self.head.as_str().as_bytes(), canonical]);
        lines.pop();
        lines.extend_from_slice(BEFORE_HASH);
        lines.extend_from_slice(hash.as_str().as_bytes());
        lines.extend_from_slice(AFTER_HASH);
        lines.push(b'\n');
        *self = Chain { seq: self.seq + 1, head: hash };
        Ok(())
    }

    /// Whether a record is the next one, and if not, why.
    pub(super) fn check(&self, link: &Link) -> Result<Chain, Gap> {
        let next = self.seq + 1;
        if link.seq > next {
            return Err(Gap::Missing { first: next, last: link.seq - 1 });
        }
        if link.seq < next {
            return Err(Gap::Again { seq: link.seq, after: self.seq });
        }
        if link.prev_hash != self.head {
            return Err(Gap::Replaced { seq: link.seq });
        }
        Ok(Chain { seq: link.seq, head: link.hash })
    }
}

/// Why a sound record is not the one that should stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Records are not there, or stand elsewhere.
    Missing { first: u64, last: u64 },
    /// A record that stood before, or should have.
    Again { seq: u64, after: u64 },
    /// The number is right, and it follows another record than the one before it.
    Replaced { seq: u64 },
}

/// What a line says of its place in the chain, and what the readers of a log need beside it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) prev_hash: Hash,
    pub(crate) hash: Hash,
    pub(crate) kind: Kind,
    pub(crate) timestamp: Option<jiff::Timestamp>,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request.
    Decision,
    /// The end of a segment, with the number of its first record and the count of those before the seal.
    Seal { first_seq: u64, records: u64 },
    /// A start after an unclean end; `checkpoint` is what was found of it.
    Recovery { checkpoint: String },
    /// Segments that were removed.
    Retention(Vec<Removed>),
}

/// The fields of a line that readers need; the others are passed over.
#[derive(Deserialize)]
struct Written<'l> {
    seq: u64,
    #[serde(borrow)]
    prev_hash: &'l str,
    #[serde(borrow)]
    event_type: &'l str,
    #[serde(borrow)]
    timestamp: &'l str,
    first_seq: Option<u64>,
    records: Option<u64>,
    checkpoint: Option<String>,
    removed: Option<Vec<Removed>>,
}

impl Link {
    /// Reads a line without its end. Nothing when it is no record, or not as its hash says.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let (open, hash) = split(line)?;
        let written: Written<'_> = serde_json::from_slice(line).ok()?;
        let prev_hash = Hash::parse(written.prev_hash.as_bytes())?;
        if Hash::of([prev_hash.as_str().as_bytes(), open, b"}"]) != hash {
            return None;
        }
        let kind = match written.event_type {
            "decision" => Kind::Decision,
            "seal" => Kind::Seal { first_seq: written.first_seq?, records: written.records? },
            "recovery" => Kind::Recovery { checkpoint: written.checkpoint? },
            "retention" => Kind::Retention(written.removed?),
            _ => return None,
        };
        let timestamp = written.timestamp.parse().ok();
        Some(Self { seq: written.seq, prev_hash, hash, kind, timestamp })
    }
}

/// The canonical JSON of a line, without its closing brace, and the hash behind it.
fn split(line: &[u8]) -> Option<(&[u8], Hash)> {
    let (open, tail) =
        line.split_at_checked(line.len().checked_sub(BEFORE_HASH.len() + 64 + AFTER_HASH.len())?)?;
    let hash = tail.strip_prefix(BEFORE_HASH)?.strip_suffix(AFTER_HASH)?;
    Some((open, Hash::parse(hash)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::Seal;

    fn line(chain: &mut Chain) -> Vec<u8> {
        let mut line = Vec::new();
        chain.add(&mut Seal::new(1, 2, Hash::ZERO, jiff::Timestamp::UNIX_EPOCH), &mut line).unwrap();
        line
    }

    #[test]
    fn a_line_is_hashed_as_the_book_says() {
        let mut chain = Chain::EMPTY;
        let first = line(&mut chain);
        let text = std::str::from_utf8(&first).unwrap().trim_end();
        let hash = chain.head.to_string();
        let canonical = text.replace(&format!(",\"hash\":\"{hash}\""), "");
        let digest = Sha256::digest(format!("{}{canonical}", "0".repeat(64)));
        assert_eq!(Hash::written(&digest).to_string(), hash);
        let link = Link::read(text.as_bytes()).unwrap();
        assert_eq!((link.seq, link.prev_hash, link.hash), (1, Hash::ZERO, chain.head));
        assert_eq!(Chain::EMPTY.check(&link), Ok(chain));
    }

    #[test]
    fn what_should_not_stand_here_is_told_apart() {
        let mut chain = Chain::EMPTY;
        let links: Vec<Link> =
            (0..3).map(|_| Link::read(line(&mut chain).trim_ascii_end()).unwrap()).collect();
        let after_first = Chain::EMPTY.check(&links[0]).unwrap();
        assert_eq!(after_first.check(&links[2]), Err(Gap::Missing { first: 2, last: 2 }));
        assert_eq!(after_first.check(&links[0]), Err(Gap::Again { seq: 1, after: 1 }));
        let other = Chain { seq: 1, head: Hash::ZERO };
        assert_eq!(other.check(&links[1]), Err(Gap::Replaced { seq: 2 }));
    }

    #[test]
    fn no_byte_of_a_line_can_be_another() {
        let line = line(&mut Chain::EMPTY.clone());
        let line = line.trim_ascii_end();
        for at in 0..line.len() {
            for flip in 1..=255 {
                let mut other = line.to_vec();
                other[at] ^= flip;
                assert!(Link::read(&other).is_none(), "{}", String::from_utf8_lossy(&other));
            }
        }
    }
}
