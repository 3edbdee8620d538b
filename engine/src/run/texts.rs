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
    /// By view, and then by detector, whether it may match in any text.
    anywhere: [Option<Vec<bool>>; View::ALL.len()],
}

/// What is known of one text.
#[derive(Default)]
struct Known {
    /// Where atoms stand in the text itself, which most views show as it is.
    itself: Option<Rc<Scan>>,
    /// By view.
    seen: [Option<Seen>; View::ALL.len()],
    /// By detector; `None` when it was not searched for.
    hits: Vec<Option<Hits>>,
}

/// A text in a view.
enum Seen {
    /// One that runs in step with the text.
    Plain(Viewed, Rc<Scan>),
    /// What was decoded of it.
    Decoded(Vec<(Decoded, Scan)>),
}

impl<'a> Texts<'a> {
    pub(super) fn new(program: &'a Program, request: &'a Request<'a>) -> Self {
        Self {
            program,
            request,
            known: request.texts.iter().map(|_| Known::default()).collect(),
            anywhere: Default::default(),
        }
    }

    /// The detector's matches in a text of the request.
    pub(super) fn hits(&mut self, id: DetectorId, text: usize) -> Hits {
        let program = self.program;
        let (Some(detector), Some(known)) = (program.detector(id), self.known.get(text)) else {
            return None;
        };
        if let Some(Some(hits)) = known.hits.get(id.index()) {
            return hits.clone();
        }
        if !self.may_match(id, detector.view, text) {
            return None;
        }
        let found = self.search(id, detector, text);
        let hits: Hits = if found.is_empty() { None } else { Some(found.into()) };
        if let Some(known) = self.known.get_mut(text) {
            if known.hits.is_empty() {
                known.hits = vec![None; program.detectors.len()];
            }
            if let Some(slot) = known.hits.get_mut(id.index()) {
                *slot = Some(hits.clone());
            }
        }
        hits
    }

    /// Whether there is anything in any text that every match of the detector has.
    pub(super) fn may_match_anywhere(&mut self, id: DetectorId) -> bool {
        let Some(detector) = self.program.detector(id) else { return false };
        let view = detector.view;
        let marks = match self.anywhere.get_mut(view.index()).and_then(Option::take) {
            Some(marks) => marks,
            None => self.marks(view),
        };
        let may_match = marks.get(id.index()) == Some(&true);
        if let Some(slot) = self.anywhere.get_mut(view.index()) {
            *slot = Some(marks);
        }
        may_match
    }

    /// By detector, whether it may match in any text as the view shows it.
    fn marks(&mut self, view: View) -> Vec<bool> {
        let (scanner, request) = (&self.program.scanner, self.request);
        let mut marks = vec![false; self.program.detectors.len()];
        for (index, text) in request.texts.iter().enumerate() {
            match self.seen(view, index, text) {
                None => {}
                Some(Seen::Plain(_, scan)) => scanner.mark(scan, &mut marks),
                Some(Seen::Decoded(runs)) => runs.iter().for_each(|(_, scan)| scanner.mark(scan, &mut marks)),
            }
        }
        marks
    }

    /// Whether there is anything in a text that every match of the detector has.
    fn may_match(&mut self, id: DetectorId, view: View, index: usize) -> bool {
        let Some(text) = self.request.texts.get(index) else { return false };
        let scanner = &self.program.scanner;
        match self.seen(view, index, text) {
            None => false,
            Some(Seen::Plain(_, scan)) => scanner.may_match(id.index(), scan),
            Some(Seen::Decoded(runs)) => runs.iter().any(|(_, scan)| scanner.may_match(id.index(), scan)),
        }
    }

    /// Hands on what a text of the request is in a view: itself, or each of the runs that were decoded of it.
    pub(super) fn each_shown(&mut self, view: View, index: usize, show: &mut dyn FnMut(&str)) {
        let Some(text) = self.request.texts.get(index) else { return };
        let Some(seen) = self.seen(view, index, text) else { return };
        match seen {
            Seen::Plain(viewed, _) => show(viewed.text.as_deref().unwrap_or(text.value)),
            Seen::Decoded(runs) => runs.iter().for_each(|(run, _)| show(&run.text)),
        }
    }

    fn search(&mut self, id: DetectorId, detector: &Detector, index: usize) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        let Some(text) = self.request.texts.get(index) else { return hits };
        let scanner = &self.program.scanner;
        let Some(seen) = self.seen(detector.view, index, text) else { return hits };
        let detector = (id.index(), detector);
        match seen {
            Seen::Plain(viewed, scan) => {
                let shown = viewed.text.as_deref().unwrap_or(text.value);
                let back = |range: Range<usize>| viewed.map.start(range.start)..viewed.map.end(range.end);
                scanner.find_all(detector, shown, scan, &mut |range| hits.push(back(range)));
            }
            Seen::Decoded(runs) => {
                for (run, scan) in runs {
                    scanner.find_all(detector, &run.text, scan, &mut |_| hits.push(run.raw.clone()));
                }
                hits.dedup();
            }
        }
        hits
    }

    /// The text in a view, and where the walk over it found atoms.
    fn seen(&mut self, view: View, index: usize, text: &Text<'_>) -> Option<&Seen> {
        let scanner = &self.program.scanner;
        let Known { itself, seen, .. } = self.known.get_mut(index)?;
        let slot = seen.get_mut(view.index())?;
        Some(slot.get_or_insert_with(|| {
            if view == View::Decoded {
                let scanned = |run: Decoded| {
                    let scan = scanner.scan(&run.text);
                    (run, scan)
                };
                return Seen::Decoded(decode(text.value, text.is_json).into_iter().map(scanned).collect());
            }
            let viewed = view::view(view, text.value, text.is_json);
            let scan = match &viewed.text {
                Some(shown) => Rc::new(scanner.scan(shown)),
                None => Rc::clone(itself.get_or_insert_with(|| Rc::new(scanner.scan(text.value)))),
            };
            Seen::Plain(viewed, scan)
        }))
    }
}
