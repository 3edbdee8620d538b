//! Where in JSON text a redaction may write: inside of strings, and in the place of numbers, `true`, `false` and `null`.

use std::ops::Range;

/// What stands at a place, and so how a marker must be written there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Text that is no JSON.
    #[default]
    Plain,
    /// The inside of a string.
    Content,
    /// A number, `true`, `false` or `null`.
    Scalar,
}

/// A part of the text in which a redaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    start: usize,
    /// [`OPEN`] while it grows.
    end: usize,
    place: Place,
}

/// The end of a segment that grows.
const OPEN: usize = usize::MAX;

/// The parts of a text in which a redaction may write, in order. All else is structure, and stays.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    segments: Vec<Segment>,
}

impl Layout {
    /// The layout of a whole text.
    pub fn of(text: &str) -> Self {
        let mut lexer = super::Lexer::default();
        text.chars().for_each(|c| lexer.push(c, &mut |_, _| {}));
        lexer.finish(&mut |_, _| {});
        lexer.layout
    }

    pub(super) fn open(&mut self, place: Place, start: usize) {
        self.segments.push(Segment { start, end: OPEN, place });
    }

    pub(super) fn close(&mut self, end: usize) {
        if let Some(last) = self.segments.last_mut() {
            last.end = end;
        }
        self.segments.pop_if(|last| last.start == last.end);
    }

    /// From here on the text is plain.
    pub(super) fn break_from(&mut self, at: usize) {
        self.segments.pop_if(|last| last.start >= at);
        if let Some(last) = self.segments.last_mut() {
            last.end = last.end.min(at);
        }
        self.open(Place::Plain, at);
    }

    /// What a redaction of these bytes replaces: of every string the part that is covered, and scalars as a whole. A
    /// scalar that is still being read has no end yet: it ends at `usize::MAX`.
    pub fn runs(&self, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, Place)> + '_ {
        let first = self.segments.partition_point(|segment| segment.end <= range.start);
        let covered = self.segments.iter().skip(first).take_while(move |segment| segment.start < range.end);
        covered.map(move |segment| match segment.place {
            Place::Scalar => (segment.start..segment.end, Place::Scalar),
            place => (segment.start.max(range.start)..segment.end.min(range.end), place),
        })
    }

    /// The first byte that a redaction of a match may replace when the match begins at `at` or later.
    pub fn replaced_from(&self, at: usize) -> usize {
        let first = self.segments.partition_point(|segment| segment.end <= at);
        self.segments.get(first).map_or(usize::MAX, |segment| match segment.place {
            Place::Scalar => segment.start,
            Place::Content | Place::Plain => segment.start.max(at),
        })
    }

    /// Where the scalar begins that is being read.
    pub fn open_scalar(&self) -> Option<usize> {
        let last = self.segments.last()?;
        (last.end == OPEN && last.place == Place::Scalar).then_some(last.start)
    }

    pub(super) fn forget(&mut self, at: usize) {
        let gone = self.segments.partition_point(|segment| segment.end <= at);
        self.segments.drain(..gone);
    }
}
