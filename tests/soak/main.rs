//! A gateway over a long time: mixed traffic, reloads, providers that fail, clients that leave, kills and restarts. Every answer
//! is the redaction of what the provider said, or an error that says so; every request that was answered is on record once; the
//! chain holds; and the memory does not grow.
//!
//! `tests/soak/run 60` does this for an hour; among the other tests it takes some seconds.

mod lives;
mod plan;
mod traffic;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tests::ledger::{recorded, verify};
use tests::{Provider, Setup};

use lives::{Life, Stage};
use traffic::Tally;

/// How many seconds it takes where nobody says otherwise.
const SECONDS: u64 = 12;

/// How many clients ask.
const CLIENTS: usize = 4;

/// By how much the memory of a gateway may grow in the second half of its life: a quarter, and some for what comes and goes.
const SPARE_KB: usize = 16 * 1024;

fn setup(provider: &Provider, with_more: bool) -> Setup {
    let setup = Setup::new().target(
        "a",
        provider,
        "timeout_seconds: 60, stream_timeout_seconds: 60, secret_key_ref: {file: KEY}",
    );
    let setup = setup.providers("circuit_breaker: {enabled: false}").providers("retry: {max_attempts: 1}");
    let setup = setup.rules("house", tests::RULES).kind("audit-logger").block("audit: {segment_mb: 1}");
    if with_more { setup.block("size_limits: {headers: 90}") } else { setup }
}

#[test]
fn a_gateway_is_right_for_as_long_as_it_runs() {
    let seconds =
        std::env::var("KT_TESTS_SOAK").ok().map_or(SECONDS, |given| given.parse().expect("seconds"));
    let provider = Provider::always(plan::provider());
    let stage = Stage::new(setup(&provider, false), setup(&provider, true));
    let tally = Tally::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (stage, tally) = (&stage, &tally);
            scope.spawn(move || traffic::ask_on(client, stage, tally));
        }
        let half = Duration::from_secs(seconds) / 2;
        // First many short lives, each ended in one way or another; then a long one, whose memory is looked at.
        while began.elapsed() < half && !stage.is_over() {
            Life::begin(&stage).live(Duration::from_millis(800 + 100 * lives::random(seconds.min(200))));
            provider.forget();
        }
        let mut last = Life::begin(&stage);
        let memory = last.watched(Duration::from_secs(seconds).saturating_sub(began.elapsed()), &provider);
        stage.over.store(true, Ordering::SeqCst);
        last.stop();
        check_memory(&memory);
    });
    report(&stage, &tally, began.elapsed());
    let (report, code) = verify(&stage.state());
    assert_eq!((code, &report["broken"]), (0, &serde_json::Value::Null), "{report}");
    let (names, torn) = recorded(&stage.state());
    let answered = tally.answered.lock().unwrap();
    for name in answered.iter() {
        assert_eq!(names.get(name), Some(&1), "the client has seen all of {name}");
    }
    let kills = stage.kills.load(Ordering::SeqCst);
    assert!(torn <= kills, "{torn} torn lines after {kills} kills");
    assert!(answered.len() as u64 > seconds * 4, "{} answers are too few to say anything", answered.len());
}

/// The memory of the last life is flat: the most of its last third against the most of the third before.
fn check_memory(kilobytes: &[usize]) {
    let third = kilobytes.len() / 3;
    let most = |part: &[usize]| part.iter().copied().max().unwrap_or_default();
    let (before, after) = (most(&kilobytes[third..2 * third]), most(&kilobytes[2 * third..]));
    eprintln!(
        "memory: {} KiB at first, {before} KiB in the middle, {after} KiB at last",
        most(&kilobytes[..third])
    );
    assert!(after <= before + before / 4 + SPARE_KB, "the memory grows: {kilobytes:?}");
}

fn report(stage: &Stage, tally: &Tally, took: Duration) {
    let answered = tally.answered.lock().unwrap().len();
    eprintln!(
        "{} s: {answered} requests answered, {} lives, {} kills, {} reloads; {}",
        took.as_secs(),
        stage.lives.load(Ordering::SeqCst),
        stage.kills.load(Ordering::SeqCst),
        stage.reloads.load(Ordering::SeqCst),
        tally.told()
    );
}
