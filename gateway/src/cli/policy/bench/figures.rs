//! The measurements themselves, one after the other, within the time that a person gives.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::holdback::{self, Longest};
use engine::input::Channel;
use engine::verdict::{Decision, Flow};
use engine::{Program, Session};
use grammar::ast::Phase;
use indicatif::ProgressBar;

use super::clock::{Figures, measure, together};
use super::rules::{Chain, OneRule};
use super::workload::{Workload, Workloads, pieces};
use crate::ids;
use crate::packs::Pack;

/// The part of the time in which texts are measured; the rest is for single rules.
const OF_TEXTS: f64 = 0.55;

/// Everything that was measured.
pub(super) struct Measured {
    pub(super) compile: Figures,
    pub(super) requests: Vec<RequestRow>,
    pub(super) streams: Vec<StreamRow>,
    /// What a request and a piece cost without any rule.
    pub(super) floor: (Figures, Figures),
    pub(super) rules: Vec<RuleRow>,
    /// Rules for which no time was left.
    pub(super) unmeasured: Vec<String>,
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

/// One rule.
pub(super) struct RuleRow {
    pub(super) name: String,
    /// Nanoseconds that it adds to a request; nothing where it does not run on requests.
    pub(super) request: Option<f64>,
    /// The same of a piece of an answer.
    pub(super) piece: Option<f64>,
}

/// An answer in pieces, by channel.
type Pieces<'a> = Vec<(Channel, Vec<&'a str>)>;

/// A workload, decoded: nothing is read or allocated for it while the clock runs.
struct Ready<'a> {
    requests: Vec<engine::input::Request<'a>>,
    answers: Vec<Pieces<'a>>,
}

/// Measures everything.
pub(super) fn all(
    pack: &Pack,
    chain: &Chain,
    loads: &Workloads,
    time: Duration,
    bar: &ProgressBar,
) -> Result<Measured, String> {
    let end = Instant::now() + time;
    let rows = u32::try_from(loads.requests.len() + loads.streams.len() + 1).unwrap_or(u32::MAX);
    let slice = time.mul_f64(OF_TEXTS) / rows;
    bar.set_length(u64::from(rows) + chain.rules().len() as u64);
    let compile = measure(slice, &mut |times| timed(times, || drop(chain.whole())));
    bar.inc(1);
    let mut requests = Vec::new();
    for load in &loads.requests {
        requests.push(request_row(pack, load, slice)?);
        bar.inc(1);
    }
    let mut streams = Vec::new();
    for load in &loads.streams {
        streams.push(stream_row(pack, load, slice)?);
        bar.inc(1);
    }
    let mut measured = Measured {
        compile,
        requests,
        streams,
        floor: Default::default(),
        rules: Vec::new(),
        unmeasured: Vec::new(),
    };
    rules(pack, chain, &loads.of_rules, end, bar, &mut measured)?;
    Ok(measured)
}

fn request_row(pack: &Pack, load: &Workload, slice: Duration) -> Result<RequestRow, String> {
    with(pack, load, |ready| {
        let figures = measure(slice, &mut |times| judge(&pack.program, ready, times));
        let decided = |request| session(&pack.program).request(request).decision;
        RequestRow {
            title: load.title,
            size: load.size,
            requests: ready.requests.len(),
            bytes: ready
                .requests
                .iter()
                .flat_map(|request| &request.texts)
                .map(|text| text.value.len())
                .sum(),
            figures: figures.per(ready.requests.len()),
            stopped: ready.requests.iter().map(decided).find(|decision| decision.verdict.stops()),
        }
    })
}

fn stream_row(pack: &Pack, load: &Workload, slice: Duration) -> Result<StreamRow, String> {
    with(pack, load, |ready| {
        let figures = measure(slice, &mut |times| stream(&pack.program, ready, times));
        let (mut held, mut stopped): (Option<Longest>, _) = (None, None);
        for (request, answer) in ready.requests.iter().zip(&ready.answers) {
            let mut session = session(&pack.program);
            let _ = session.request(request);
            let texts: Vec<(Channel, String)> =
                answer.iter().map(|(channel, pieces)| (*channel, pieces.concat())).collect();
            let texts: Vec<(Channel, &str)> =
                texts.iter().map(|(channel, text)| (*channel, text.as_str())).collect();
            let longest = holdback::longest(&mut session, &texts);
            held = held.into_iter().chain(longest).max_by_key(|held| held.bytes);
            let decision = session.decision();
            stopped = stopped.or_else(|| decision.verdict.stops().then(|| decision.clone()));
        }
        let pieces: usize = ready.answers.iter().flatten().map(|(_, pieces)| pieces.len()).sum();
        let texts = ready.answers.iter().flatten().flat_map(|(_, pieces)| pieces);
        let bytes = texts.map(|piece| piece.len()).sum();
        StreamRow {
            title: load.title,
            size: load.size,
            bytes,
            pieces,
            figures: figures.per(pieces),
            held,
            stopped,
        }
    })
}

/// Measures the chain with each rule alone beside the chain without any, as long as there is time.
fn rules(
    pack: &Pack,
    chain: &Chain,
    load: &Workload,
    end: Instant,
    bar: &ProgressBar,
    measured: &mut Measured,
) -> Result<(), String> {
    let Some(bare) = chain.with(None) else {
        return Err("the chain does not compile without its rules".into());
    };
    let rules = chain.rules();
    with(pack, load, |ready| {
        let (requests, pieces) = (ready.requests.len(), ready.pieces());
        for (at, rule) in rules.iter().enumerate() {
            let now = Instant::now();
            let rows = u32::try_from(rules.len() - at).unwrap_or(u32::MAX);
            let slice = end.saturating_duration_since(now) / rows;
            bar.inc(1);
            let Some(alone) = chain.with(Some(rule)).filter(|_| now < end) else {
                measured.unmeasured.push(rule.name.clone());
                continue;
            };
            // Compiling it has taken a part of its time.
            let slice = slice.saturating_sub(now.elapsed()) / 2;
            let [with, without] = together(
                slice,
                [&mut |times| judge(&alone, ready, times), &mut |times| judge(&bare, ready, times)],
            );
            let request = (with.per(requests), without.per(requests));
            let [with, without] = together(
                slice,
                [&mut |times| stream(&alone, ready, times), &mut |times| stream(&bare, ready, times)],
            );
            let piece = (with.per(pieces), without.per(pieces));
            measured.floor = (request.1, piece.1);
            measured.rules.push(row(rule, request, piece));
        }
    })
}

fn row(rule: &OneRule, request: (Figures, Figures), piece: (Figures, Figures)) -> RuleRow {
    let added = |phase: Phase, (with, without): (Figures, Figures)| {
        rule.phases.contains(&phase).then(|| (with.median - without.median).max(0.0))
    };
    RuleRow {
        name: rule.name.clone(),
        request: added(Phase::Request, request),
        piece: added(Phase::Response, piece),
    }
}

/// Makes a workload ready.
fn with<T>(pack: &Pack, load: &Workload, run: impl FnOnce(&Ready<'_>) -> T) -> Result<T, String> {
    let documents: Vec<_> = load.exchanges.iter().map(|exchange| exchange.document()).collect();
    let asked =
        load.exchanges.iter().zip(&documents).map(|(exchange, document)| exchange.asked(document, pack));
    let requests = asked.collect::<Result<_, _>>()?;
    let said: Vec<_> = load.exchanges.iter().map(|exchange| exchange.said()).collect();
    let answers = said.iter().map(|said| pieces(said)).collect();
    Ok(run(&Ready { requests, answers }))
}

impl Ready<'_> {
    fn pieces(&self) -> usize {
        self.answers.iter().flatten().map(|(_, pieces)| pieces.len()).sum()
    }
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
fn judge(program: &Arc<Program>, ready: &Ready<'_>, times: usize) -> Duration {
    timed(times, || {
        for request in &ready.requests {
            black_box(session(program).request(black_box(request)));
        }
    })
}

/// Streams every answer, so many times; the requests before them do not count.
fn stream(program: &Arc<Program>, ready: &Ready<'_>, times: usize) -> Duration {
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
    for (channel, pieces) in answer {
        for piece in pieces {
            if session.feed(*channel, black_box(piece), out) == Flow::Stopped {
                return;
            }
        }
        if session.finish(*channel, out) == Flow::Stopped {
            return;
        }
    }
    let mut tails = Vec::new();
    let _ = session.end(&mut tails);
    black_box((out, tails));
}
