//! The text of a view, as far as it is still needed.

use std::ops::Range;

use crate::matcher::Detector;

/// The fewest bytes that are forgotten at once.
const FEW_BYTES: usize = 64;

/// The text of a view that is still needed.
#[derive(Clone, Debug, Default)]
pub(super) struct ViewText {
    bytes: Vec<u8>,
    /// Position of the first byte that is kept.
    base: usize,
    /// Position after the last byte that may be looked at.
    end: usize,
}

impl ViewText {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Position after the last byte that may be looked at: the text ends there as far as detectors know.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Position after the last byte that has come.
    pub(super) fn whole_end(&self) -> usize {
        self.base + self.bytes.len()
    }

    /// Lets detectors look as far as a place.
    pub(super) fn reveal(&mut self, upto: usize) {
        self.end = upto.min(self.whole_end());
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        if at >= self.end {
            return None;
        }
        self.bytes.get(at.checked_sub(self.base)?).copied()
    }

    /// The bytes that may be looked at.
    pub(super) fn shown(&self) -> &[u8] {
        self.bytes.get(..self.end.saturating_sub(self.base)).unwrap_or(&self.bytes)
    }

    /// What the detector's checks say of a match.
    pub(super) fn check(&self, detector: &Detector, range: &Range<usize>) -> Result<Range<usize>, usize> {
        let part = detector.check(self.shown(), &self.here(range))?;
        Ok(part.start + self.base..part.end + self.base)
    }

    /// A place of the view as a place of the bytes that are kept.
    pub(super) fn here(&self, range: &Range<usize>) -> Range<usize> {
        range.start.saturating_sub(self.base)..range.end.saturating_sub(self.base)
    }

    /// Forgets what lies before `at`, but for so many bytes before it, which boundaries and the like look at.
    pub(super) fn forget(&mut self, at: usize, behind: usize) {
        let keep_from = at.saturating_sub(behind).max(self.base);
        let gone = (keep_from - self.base).min(self.bytes.len());
        // Moving bytes costs more than keeping a few: as many go at least as are moved.
        if gone >= FEW_BYTES.max(self.bytes.len() - gone) {
            self.bytes.drain(..gone);
            self.base += gone;
        }
    }
}
