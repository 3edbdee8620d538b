//! What a service manager such as systemd is told of the gateway's life, where one listens (`sd_notify(3)`).

use sd_notify::NotifyState;
use tokio::task::JoinSet;

/// Requests are taken.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read anew; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Requests in flight are finished.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Says that the gateway is alive for as long as its tasks get their turns, where the manager wants to hear that.
pub(super) fn reassure(tasks: &mut JoinSet<()>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    tasks.spawn(async move {
        let mut turns = tokio::time::interval(patience / 2);
        loop {
            turns.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

/// Without a manager this does nothing.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
