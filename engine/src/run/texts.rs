//! The texts of one request: each seen in a view once, walked over once, and searched for a pattern at most once.

use std::ops::Range;
use std::rc::Rc;

use crate::input::{Request, Text};
use crate::matcher::decode::{Decoded, decode};
use crate::matcher::scan::Scan;
use crate::matcher::view::{self, Viewed};
use crate::matcher::{Detector, View};
use crate::program::Program;
use crate::program::ir::DetectorId;

/// Matches of one detector in one text, as bytes of the text as it arrived; `None` when there are none.
pub(super) type Hits = Option<Rc<[Range<usize>]>>;

/// What is known of the texts so far.
pub(super) struct Texts<'a> {
    program: &'a Program,
    request: &'a Request<'a>,
    /// By text.
    known: Vec<Known>,
}

/// What is known of one text.
#[derive(Default)]
struct Known {
    /// By view.
    seen: [Option<Rc<Seen>>; View::ALL.len()],
    /// By detector; `None` when it was not searched for.
    hits: Vec<Option<Hits>>,
}

/// A text in a view.
enum Seen {
    /// One that runs in step with the text.
    Plain(Viewed, Scan),
    /// What was decoded of it.
    Decoded(Vec<(Decoded, Scan)>),
}

impl<'a> Texts<'a> {
    pub(super) fn new(program: &'a Program, request: &'a Request<'a>) -> Self {
        Self { program, request, known: request.texts.iter().map(|_| Known::default()).collect() }
    }

    /// The detector's matches in a text of the request.
    pub(super) fn hits(&mut self, id: DetectorId, text: usize) -> Hits {
        let program = self.program;
        let (Some(detector), Some(known)) = (program.detector(id), self.known.get_mut(text)) else {
            return None;
        };
        if known.hits.is_empty() {
            known.hits = vec![None; program.detectors.len()];
        }
        if let Some(Some(hits)) = known.hits.get(id.index()) {
            return hits.clone();
        }
        let found = self.search(id, detector, text);
        let hits: Hits = if found.is_empty() { None } else { Some(found.into()) };
        if let Some(slot) = self.known.get_mut(text).and_then(|known| known.hits.get_mut(id.index())) {
            *slot = Some(hits.clone());
        }
        hits
    }

    /// Hands on what a text of the request is in a view: itself, or each of the runs that were decoded of it.
    pub(super) fn each_shown(&mut self, view: View, index: usize, show: &mut dyn FnMut(&str)) {
        let Some(text) = self.request.texts.get(index) else { return };
        let Some(seen) = self.seen(view, index, text) else { return };
        match &*seen {
            Seen::Plain(viewed, _) => show(viewed.text.as_deref().unwrap_or(text.value)),
            Seen::Decoded(runs) => runs.iter().for_each(|(run, _)| show(&run.text)),
        }
    }

    fn search(&mut self, id: DetectorId, detector: &Detector, index: usize) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        let Some(text) = self.request.texts.get(index) else { return hits };
        let Some(seen) = self.seen(detector.view, index, text) else { return hits };
        let scanner = &self.program.scanner;
        let detector = (id.index(), detector);
        match &*seen {
            Seen::Plain(viewed, scan) => {
                let shown = viewed.text.as_deref().unwrap_or(text.value);
                let back = |range: Range<usize>| viewed.map.start(range.start)..viewed.map.end(range.end);
                scanner.find_all(detector, shown, scan, |range| hits.push(back(range)));
            }
            Seen::Decoded(runs) => {
                for (run, scan) in runs {
                    scanner.find_all(detector, &run.text, scan, |_| hits.push(run.raw.clone()));
                }
                hits.dedup();
            }
        }
        hits
    }

    /// The text in a view, and where the walk over it found atoms.
    fn seen(&mut self, view: View, index: usize, text: &Text<'_>) -> Option<Rc<Seen>> {
        let scanner = &self.program.scanner;
        let slot = self.known.get_mut(index)?.seen.get_mut(view.index())?;
        let seen = slot.get_or_insert_with(|| {
            Rc::new(if view == View::Decoded {
                let scanned = |run: Decoded| {
                    let scan = scanner.scan(view, &run.text);
                    (run, scan)
                };
                Seen::Decoded(decode(text.value, text.is_json).into_iter().map(scanned).collect())
            } else {
                let viewed = view::view(view, text.value, text.is_json);
                let scan = scanner.scan(view, viewed.text.as_deref().unwrap_or(text.value));
                Seen::Plain(viewed, scan)
            })
        });
        Some(Rc::clone(seen))
    }
}
