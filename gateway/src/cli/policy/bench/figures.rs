//! The measurements themselves, one after the other, within the time that a person gives.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::holdback::{self, Longest};
use engine::input::{Channel, Request};
use engine::verdict::{Decision, Flow};
use engine::{Program, Session};
use indicatif::ProgressBar;

use super::alone::{self, Alone};
use super::clock::{Figures, measure};
use super::rules::Chain;
use super::workload::{Workload, Workloads, pieces};
use crate::ids;
use crate::packs::Pack;
use crate::rehearsal::exchange::Exchange;

/// The part of the time in which texts are measured; the rest is for single rules.
const OF_TEXTS: f64 = 0.55;

/// What is measured, and who is told how far it is.
pub(super) struct Job<'a> {
    pub(super) pack: &'a Pack,
    pub(super) chain: &'a Chain,
    pub(super) loads: &'a Workloads,
    pub(super) bar: &'a ProgressBar,
}

/// Everything that was measured.
pub(super) struct Measured {
    pub(super) compile: Figures,
    pub(super) requests: Vec<RequestRow>,
    pub(super) streams: Vec<StreamRow>,
    pub(super) alone: Alone,
    /// Rules that their params switch off, so that they cost nothing.
    pub(super) off: Vec<String>,
}

/// Requests of one kind and size.
pub(super) struct RequestRow {
    pub(super) title: &'static str,
    pub(super) size: Option<usize>,
    pub(super) requests: usize,
    /// Bytes of all their texts.
    pub(super) bytes: usize,
    /// Of one request.
    pub(super) figures: Figures,
    /// The decision that stopped one of them, if any was.
    pub(super) stopped: Option<Decision>,
}

/// Answers of one kind.
pub(super) struct StreamRow {
    pub(super) title: &'static str,
    pub(super) size: Option<usize>,
    pub(super) bytes: usize,
    pub(super) pieces: usize,
    /// Of one piece.
    pub(super) figures: Figures,
    pub(super) held: Option<Longest>,
    pub(super) stopped: Option<Decision>,
}

/// An answer in pieces, by channel.
type Pieces<'a> = Vec<(Channel, Vec<&'a str>)>;

/// A workload, decoded: nothing is read or allocated for it while the clock runs.
pub(super) struct Ready<'a> {
    pub(super) requests: Vec<Request<'a>>,
    answers: Vec<Pieces<'a>>,
}

impl Job<'_> {
    /// Measures everything, in about so long.
    pub(super) fn all(&self, time: Duration) -> Result<Measured, String> {
        let end = Instant::now() + time;
        let rows = self.loads.requests.len() + self.loads.streams.len() + 1;
        let slice = time.mul_f64(OF_TEXTS) / u32::try_from(rows).unwrap_or(u32::MAX);
        let (rules, off) = self.chain.rules(&self.pack.program);
        self.bar.set_length((rows + rules.len()) as u64);
        let compile = measure(slice, &mut |times| timed(times, || drop(self.chain.whole())));
        self.bar.inc(1);
        let requests =
            self.loads.requests.iter().map(|load| self.request(load, slice)).collect::<Result<_, _>>()?;
        let streams =
            self.loads.streams.iter().map(|load| self.stream(load, slice)).collect::<Result<_, _>>()?;
        let ready = |ready: &Ready<'_>| alone::measure(self.chain, &rules, ready, end, self.bar);
        let alone = self.ready(&self.loads.of_rules, ready)??;
        Ok(Measured { compile, requests, streams, alone, off })
    }

    fn request(&self, load: &Workload, slice: Duration) -> Result<RequestRow, String> {
        self.bar.inc(1);
        self.ready(load, |ready| {
            let program = &self.pack.program;
            let figures = measure(slice, &mut |times| judge(program, ready, times));
            let decided = |request| session(program).request(request).decision;
            let texts = ready.requests.iter().flat_map(|request| &request.texts);
            RequestRow {
                title: load.title,
                size: load.size,
                requests: ready.requests.len(),
                bytes: texts.map(|text| text.value.len()).sum(),
                figures: figures.per(ready.requests.len()),
                stopped: ready.requests.iter().map(decided).find(|decision| decision.verdict.stops()),
            }
        })
    }

    fn stream(&self, load: &Workload, slice: Duration) -> Result<StreamRow, String> {
        self.bar.inc(1);
        self.ready(load, |ready| {
            let program = &self.pack.program;
            let figures = measure(slice, &mut |times| stream(program, ready, times));
            let (mut held, mut stopped): (Option<Longest>, _) = (None, None);
            for (request, answer) in ready.requests.iter().zip(&ready.answers) {
                let (longest, decision) = whole(program, request, answer);
                held = held.into_iter().chain(longest).max_by_key(|held| held.bytes);
                stopped = stopped.or(decision);
            }
            let pieces = ready.answers.iter().flatten().flat_map(|(_, pieces)| pieces);
            StreamRow {
                title: load.title,
                size: load.size,
                bytes: pieces.map(|piece| piece.len()).sum(),
                pieces: ready.pieces(),
                figures: figures.per(ready.pieces()),
                held,
                stopped,
            }
        })
    }

    /// Makes a workload ready.
    fn ready<T>(&self, load: &Workload, run: impl FnOnce(&Ready<'_>) -> T) -> Result<T, String> {
        let documents: Vec<_> = load.exchanges.iter().map(Exchange::document).collect();
        let mut requests = Vec::new();
        for (exchange, document) in load.exchanges.iter().zip(&documents) {
            requests.push(exchange.asked(document, self.pack)?);
        }
        let said: Vec<_> = load.exchanges.iter().map(Exchange::said).collect();
        let answers = said.iter().map(|said| pieces(said)).collect();
        Ok(run(&Ready { requests, answers }))
    }
}

impl Ready<'_> {
    /// How many pieces all answers have.
    pub(super) fn pieces(&self) -> usize {
        self.answers.iter().flatten().map(|(_, pieces)| pieces.len()).sum()
    }
}

/// The most of an answer that waits, and the decision that stops it, if any does.
fn whole(
    program: &Arc<Program>,
    request: &Request<'_>,
    answer: &Pieces<'_>,
) -> (Option<Longest>, Option<Decision>) {
    let mut session = session(program);
    let _ = session.request(request);
    let texts: Vec<(Channel, String)> =
        answer.iter().map(|(channel, pieces)| (*channel, pieces.concat())).collect();
    let texts: Vec<(Channel, &str)> = texts.iter().map(|(channel, text)| (*channel, text.as_str())).collect();
    let longest = holdback::longest(&mut session, &texts);
    let decision = session.decision();
    (longest, decision.verdict.stops().then(|| decision.clone()))
}

fn session(program: &Arc<Program>) -> Session {
    Session::new(Arc::clone(program), ids::clock)
}

fn timed(times: usize, mut run: impl FnMut()) -> Duration {
    let began = Instant::now();
    (0..times).for_each(|_| run());
    began.elapsed()
}

/// Judges every request, so many times.
pub(super) fn judge(program: &Arc<Program>, ready: &Ready<'_>, times: usize) -> Duration {
    timed(times, || {
        for request in &ready.requests {
            black_box(session(program).request(black_box(request)));
        }
    })
}

/// Streams every answer, so many times; the requests before them do not count.
pub(super) fn stream(program: &Arc<Program>, ready: &Ready<'_>, times: usize) -> Duration {
    let mut took = Duration::ZERO;
    let mut out = String::new();
    for _ in 0..times {
        for (request, answer) in ready.requests.iter().zip(&ready.answers) {
            let mut session = session(program);
            let _ = session.request(request);
            out.clear();
            let began = Instant::now();
            feed(&mut session, answer, &mut out);
            took += began.elapsed();
        }
    }
    took
}

fn feed(session: &mut Session, answer: &Pieces<'_>, out: &mut String) {
    // One choice may be stopped while others go on.
    for (channel, pieces) in answer {
        for piece in pieces {
            if session.feed(*channel, black_box(piece), out) == Flow::Stopped {
                break;
            }
        }
    }
    for (channel, _) in answer {
        let _ = session.finish(*channel, out);
    }
    let mut tails = Vec::new();
    let _ = session.end(&mut tails);
    black_box((out, tails));
}
