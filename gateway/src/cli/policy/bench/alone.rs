//! The part of each rule: the chain with that rule alone, beside the chain with none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Program;
use grammar::ast::Phase;
use indicatif::ProgressBar;

use super::clock::{Runs, measure as measure_one, together};
use super::figures::{Ready, judge, stream};
use super::rules::{Chain, OneRule};

/// What rules cost by themselves.
#[derive(Default)]
pub(super) struct Alone {
    /// Nanoseconds of a request and of a piece without any rule.
    pub(super) floor: (f64, f64),
    pub(super) rules: Vec<RuleRow>,
    /// Rules for which no time was left.
    pub(super) unmeasured: Vec<String>,
}

/// One rule.
pub(super) struct RuleRow {
    pub(super) name: String,
    /// Nanoseconds that it adds to a request; nothing where it does not run on requests.
    pub(super) request: Option<f64>,
    /// The same of a piece of an answer.
    pub(super) piece: Option<f64>,
}

/// What takes the time of a phase.
type Phased = fn(&Arc<Program>, &Ready<'_>, usize) -> Duration;

/// Measures one rule after the other, until no time is left.
pub(super) fn measure(
    chain: &Chain,
    rules: &[OneRule],
    ready: &Ready<'_>,
    end: Instant,
    bar: &ProgressBar,
) -> Result<Alone, String> {
    let bare = chain.with(None).ok_or("the chain does not compile without its rules")?;
    let mut alone = Alone::default();
    let slice = share(end, rules.len() + 1) / 2;
    let floor = |phase: Phased| measure_one(slice, &mut |times| phase(&bare, ready, times)).median;
    alone.floor = (per(floor(judge), ready.requests.len()), per(floor(stream), ready.pieces()));
    for (at, rule) in rules.iter().enumerate() {
        bar.inc(1);
        let began = Instant::now();
        let program = if began < end { chain.with(Some(rule)) } else { None };
        let Some(program) = program else {
            alone.unmeasured.push(rule.name.clone());
            continue;
        };
        // Compiling it has taken a part of its time.
        let left = share(end, rules.len() - at).saturating_sub(began.elapsed());
        let slice = left / u32::try_from(rule.phases.len().max(1)).unwrap_or(1);
        let added = |phase: Phase, work: Phased, parts: usize| {
            let runs: [Runs<'_>; 2] =
                [&mut |times| work(&program, ready, times), &mut |times| work(&bare, ready, times)];
            let is_run = rule.phases.contains(&phase) && parts > 0;
            is_run
                .then(|| together(slice, runs))
                .map(|[with, without]| per((with.median - without.median).max(0.0), parts))
        };
        alone.rules.push(RuleRow {
            name: rule.name.clone(),
            request: added(Phase::Request, judge, ready.requests.len()),
            piece: added(Phase::Response, stream, ready.pieces()),
        });
    }
    Ok(alone)
}

/// A fair part of the time until then.
fn share(end: Instant, parts: usize) -> Duration {
    end.saturating_duration_since(Instant::now()) / u32::try_from(parts.max(1)).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "no run has so many parts that it matters")]
fn per(nanos: f64, parts: usize) -> f64 {
    nanos / parts.max(1) as f64
}
