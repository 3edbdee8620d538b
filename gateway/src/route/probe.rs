//! Health probes: a target is asked from time to time whether it is well, and leaves the rotation while it is not.

use std::sync::Arc;
use std::time::Duration;

use grammar::config::HealthProbe;
use hyper::Uri;
use tokio::time::sleep;

use super::breaker::Refusal;
use super::{Target, Upstream};

/// Part of the interval by which probes drift apart, so that gateways that started together do not ask together.
const DRIFT: f64 = 0.1;

/// How a target is probed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) settings: HealthProbe,
    pub(super) address: Uri,
}

/// What the probes of a target have found of late. It has no clock: every probe is one beat.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    is_unwell: bool,
    /// Probes in a row that say otherwise.
    against: u32,
    cause: String,
}

impl Pulse {
    /// A probe has found the target well, or says what it found instead. Says whether that changed anything.
    pub(super) fn beat(&mut self, found: Result<(), String>, settings: &HealthProbe) -> bool {
        let is_well = found.is_ok();
        if let Err(cause) = found {
            self.cause = cause;
        }
        if is_well != self.is_unwell {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let needed = if self.is_unwell { settings.healthy_threshold } else { settings.unhealthy_threshold };
        let changes = self.against >= needed;
        if changes {
            *self = Self { is_unwell: !is_well, against: 0, cause: std::mem::take(&mut self.cause) };
        }
        changes
    }

    /// Whether the target is out.
    pub(super) fn is_unwell(&self) -> bool {
        self.is_unwell
    }

    /// What the last probe that failed has found.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// Why the target is not to be asked, if so.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let why = || format!("its health probes fail; the last: {}", self.cause);
        self.is_unwell.then(|| Refusal { why: why(), back_in: None })
    }
}

/// Probes a target for ever, if it is to be probed. The first probe comes at a random time within the first interval.
pub(super) async fn watch(target: Arc<Target>, upstream: Upstream) {
    let Some(probe) = &target.probe else { return };
    let interval = Duration::from_secs(probe.settings.interval_seconds.into());
    sleep(interval.mul_f64(fastrand::f64())).await;
    loop {
        let found = upstream.probe(&target, probe).await;
        target.vitals().probed(&target.id, found, &probe.settings);
        sleep(interval.mul_f64(1.0 - DRIFT + 2.0 * DRIFT * fastrand::f64())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays beats, `+` for well and `-` for not, and draws after each whether the target is in (`i`) or out (`o`).
    fn play(unhealthy_threshold: u32, healthy_threshold: u32, beats: &str) -> String {
        let settings = HealthProbe { unhealthy_threshold, healthy_threshold, ..HealthProbe::default() };
        let mut pulse = Pulse::default();
        let mut draw = |beat| {
            let before = pulse.is_unwell();
            let found = if beat == '+' { Ok(()) } else { Err("answered 500".to_owned()) };
            let changed = pulse.beat(found, &settings);
            assert_eq!(changed, before != pulse.is_unwell());
            if pulse.is_unwell() { 'o' } else { 'i' }
        };
        beats.chars().map(&mut draw).collect()
    }

    #[test]
    fn failures_in_a_row_take_it_out_and_successes_in_a_row_take_it_in() {
        for (unhealthy, healthy, beats, seen) in [
            (3, 2, "+--+---", "iiiiiio"),
            (3, 2, "---+-++", "iiooooi"),
            (3, 2, "---++--", "iiooiii"),
            (1, 1, "-+-+", "oioi"),
            (2, 3, "--++-+++", "iooooooi"),
        ] {
            assert_eq!(play(unhealthy, healthy, beats), seen, "{beats}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_probes_found() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.refusal(), None);
        let settings = HealthProbe { unhealthy_threshold: 1, ..HealthProbe::default() };
        pulse.beat(Err("answered 503".into()), &settings);
        assert_eq!(pulse.refusal().unwrap().why, "its health probes fail; the last: answered 503");
    }
}
