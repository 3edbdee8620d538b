//! What is found while a tree is read, and which lines of it must not be shown.

use crate::diagnostic::Diagnostic;
use crate::span::{Source, SourceId, Sources, Span};

/// What was found so far, and the texts that spans are of.
pub(crate) struct Reader<'s> {
    sources: &'s Sources,
    found: Vec<Diagnostic>,
    secrets: Vec<Span>,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(sources: &'s Sources) -> Self {
        Self { sources, found: Vec::new(), secrets: Vec::new() }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Never show the lines of this place: a secret may stand there.
    pub(crate) fn hide(&mut self, secret: Span) {
        self.secrets.push(secret);
    }

    /// How much was found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn text(&self, span: Span) -> &'s str {
        self.sources.text(span)
    }

    pub(crate) fn source(&self, id: SourceId) -> Option<&'s Source> {
        self.sources.get(id)
    }

    /// All findings, sorted, those near a secret without their lines.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        for diagnostic in &mut self.found {
            let mut shown = std::iter::once(diagnostic.span).chain(diagnostic.related.iter().map(|r| r.0));
            diagnostic.hidden |=
                shown.any(|span| self.secrets.iter().any(|s| share_line(self.sources, span, *s)));
        }
        crate::diagnostic::sort(&mut self.found);
        self.found
    }
}

fn share_line(sources: &Sources, a: Span, b: Span) -> bool {
    let lines = |span: Span| (sources.place(span).line, sources.place(Span { start: span.end, ..span }).line);
    let ((a_first, a_last), (b_first, b_last)) = (lines(a), lines(b));
    a.source == b.source && a_first <= b_last && b_first <= a_last
}
