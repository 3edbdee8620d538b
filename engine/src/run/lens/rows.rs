//! Matches of which there is no more yet than a row of bytes: no cursor follows them until the row is over.

use super::{Lens, Waking};
use crate::matcher::lead::Next;
use crate::program::Program;
use crate::program::ir::DetectorId;
use crate::run::cursor::{Overrun, begun};

/// A row of bytes with which a match of a detector may begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The detector's bit in the view's gate.
    pub(super) bit: usize,
    detector: DetectorId,
    pub(super) start: usize,
}

impl Row {
    /// What the byte at a place means to it.
    #[inline]
    fn next(self, program: &Program, at: usize, byte: u8) -> Next {
        let lead = program.detector(self.detector).and_then(|detector| detector.lead.as_ref());
        lead.map_or(Next::Over, |lead| lead.next(at - self.start, byte))
    }
}

impl Lens {
    /// The row with which a match of that detector begins at a place, when all bytes from there on are of it, so that no automaton is
    /// needed yet.
    pub(super) fn row_from(
        &self,
        program: &Program,
        start: usize,
        (bit, id): (usize, DetectorId),
    ) -> Option<Row> {
        let detector = program.detector(id)?;
        let (lead, automaton) = detector.lead.as_ref().zip(detector.stream.as_ref())?;
        begun(automaton, &self.text, start, self.text.byte(start)?)?;
        let is_more = |at| self.text.byte(at).is_some_and(|byte| lead.next(at - start, byte) == Next::More);
        (start..self.text.end()).all(is_more).then_some(Row { bit, detector: id, start })
    }

    /// Takes the byte at a place for the rows: those of which nothing comes any more are dropped. Says whether none of the others is for
    /// an automaton now.
    #[inline]
    pub(super) fn take_for_rows(&mut self, program: &Program, at: usize) -> bool {
        if self.rows.is_empty() {
            return true;
        }
        let Some(byte) = self.text.byte(at) else { return false };
        let mut goes_on = true;
        for index in (0..self.rows.len()).rev() {
            let Some(row) = self.rows.get(index) else { continue };
            match row.next(program, at, byte) {
                Next::More => {}
                Next::Over => goes_on = false,
                Next::Nothing => self.take_row(index, at + 1),
            }
        }
        goes_on
    }

    /// Wakes the detectors of rows that are over with the byte at a place. Says whether there were any.
    pub(super) fn end_rows(&mut self, waking: &mut Waking<'_>, at: usize, over: &mut Overrun) -> bool {
        if self.take_for_rows(waking.program, at) {
            return false;
        }
        let Some(byte) = self.text.byte(at) else { return false };
        for index in (0..self.rows.len()).rev() {
            let Some(row) = self.rows.get(index).copied() else { continue };
            if row.next(waking.program, at, byte) == Next::Over {
                self.take_row(index, row.start);
                self.wake_one(waking, row.start, row.bit, over);
            }
        }
        true
    }

    /// The text has ended: no match is a row alone.
    pub(super) fn drop_rows(&mut self, end: usize) {
        for index in (0..self.rows.len()).rev() {
            self.take_row(index, end);
        }
    }

    /// Takes a row away; what began before a place is decided for its detector.
    fn take_row(&mut self, index: usize, since: usize) {
        let Row { bit, .. } = self.rows.swap_remove(index);
        self.let_go(bit, since);
    }
}
