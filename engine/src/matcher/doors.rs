//! Where the detectors without atoms may begin: by a byte and the one before it.

use std::sync::Arc;

use super::marks::{Marks, Opening};
use super::probe::Probe;

/// The most detectors that are told apart.
pub(super) const MOST: usize = 64;

/// Of several probes, which may match where a byte stands after another.
#[derive(Debug)]
pub(super) struct Doors {
    /// By byte, its kind; bytes that all probes take alike are one.
    kinds: [u8; 256],
    /// By byte, where the row of those that stand after it begins.
    rows: [u16; 256],
    /// Where the row of what stands at the start of the text begins.
    start: usize,
    /// Where a match of any may begin in a text, but for its first place.
    opening: Opening,
    /// By the kind of the byte before, and last for the start of the text, and by the kind of the byte: a bit a probe.
    masks: Vec<u64>,
}

impl Doors {
    /// Those of so many probes at most; none where there are no probes, or bytes of too many kinds.
    pub(super) fn new(probes: &[Arc<Probe>]) -> Option<Self> {
        if probes.is_empty() || probes.len() > MOST {
            return None;
        }
        let mut known: Vec<(u8, Vec<(u16, u8)>)> = Vec::new();
        let mut kinds = [0; 256];
        for (byte, slot) in (0..=u8::MAX).zip(&mut kinds) {
            let kind: Vec<_> = probes.iter().map(|probe| probe.kind(byte)).collect();
            let place = known.iter().position(|(_, other)| *other == kind).unwrap_or_else(|| {
                known.push((byte, kind));
                known.len() - 1
            });
            *slot = u8::try_from(place).ok()?;
        }
        let mut rows = [0; 256];
        for (kind, slot) in kinds.iter().zip(&mut rows) {
            *slot = u16::try_from(usize::from(*kind) * known.len()).ok()?;
        }
        let bytes = known.iter().map(|(byte, _)| *byte);
        let mut masks = Vec::with_capacity((known.len() + 1) * known.len());
        for behind in bytes.clone().map(Some).chain([None]) {
            for byte in bytes.clone() {
                let begins = |probe: &Arc<Probe>| u64::from(probe.begins(behind, byte));
                masks.push(probes.iter().rev().fold(0, |mask, probe| mask << 1 | begins(probe)));
            }
        }
        let opening = probes.iter().fold(Opening::NONE, |all, probe| all.or(probe.opening()));
        Some(Self { kinds, rows, start: known.len() * known.len(), opening, masks })
    }

    fn row(&self, behind: Option<u8>) -> usize {
        let row = behind.and_then(|behind| self.rows.get(usize::from(behind)));
        row.copied().map_or(self.start, usize::from)
    }

    /// Each place of a text where one of those probes may match, with the bits of those.
    pub(super) fn find(&self, text: &[u8], marks: &Marks, probes: u64) -> Places {
        let mut found = Places::default();
        let mut look = |at: usize| {
            let Some(byte) = text.get(at) else { return };
            let behind = at.checked_sub(1).and_then(|before| text.get(before));
            let mask = self.mask(self.row(behind.copied()), *byte) & probes;
            if mask != 0 {
                found.places.push((at, mask));
                found.any |= mask;
            }
        };
        if probes != 0 {
            look(0);
            marks.each(text, &self.opening, |at| {
                if at > 0 {
                    look(at)
                }
            });
        }
        found
    }

    #[inline]
    fn mask(&self, row: usize, byte: u8) -> u64 {
        let kind = self.kinds.get(usize::from(byte)).copied().map_or(0, usize::from);
        self.masks.get(row + kind).copied().unwrap_or(u64::MAX)
    }
}

/// Where the detectors without atoms may begin in one text.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Each place, with the bits of those that may begin there.
    places: Vec<(usize, u64)>,
    /// The bits of all that may begin anywhere.
    any: u64,
}

impl Places {
    /// Whether the detector of that bit may begin anywhere.
    pub(super) fn has(&self, bit: u32) -> bool {
        self.any >> bit & 1 == 1
    }

    /// Where the detector of that bit may begin.
    pub(super) fn of(&self, bit: u32) -> impl Iterator<Item = usize> {
        let places = if self.has(bit) { self.places.as_slice() } else { &[] };
        places.iter().filter(move |(_, mask)| mask >> bit & 1 == 1).map(|(at, _)| *at)
    }
}
