//! Where the detectors without atoms may begin: by a byte and the one before it.

use std::sync::Arc;

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
        Some(Self { kinds, rows, start: known.len() * known.len(), masks })
    }

    /// Each place of a text where a probe may match, with the bits of those.
    pub(super) fn find(&self, text: &[u8]) -> Places {
        let mut found = Places::default();
        let mut note = |at: usize, mask: u64| {
            if mask != 0 {
                found.places.push((at, mask));
                found.any |= mask;
            }
        };
        if let Some(first) = text.first() {
            note(0, self.mask(self.start, *first));
        }
        for (at, [behind, byte]) in text.array_windows().enumerate() {
            let row = self.rows.get(usize::from(*behind)).copied().map_or(self.start, usize::from);
            note(at + 1, self.mask(row, *byte));
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
