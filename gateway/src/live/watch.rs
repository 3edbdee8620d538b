//! Looks at the files from time to time, where the configuration wants it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::prints::Prints;
use super::{Live, Trigger, locked};

/// Reads the files anew whenever one of them has changed and is the same at two looks: an editor writes in steps.
pub(crate) async fn watch(live: Arc<Live>) {
    let mut seen = None;
    loop {
        sleep(interval(&live).await).await;
        let changed = look(&live).await;
        if changed.is_none() || changed != seen {
            seen = changed;
            continue;
        }
        seen = None;
        if let Err(error) = live.reload(Trigger::Change).await {
            tracing::error!("{error}");
        }
    }
}

/// How long to wait until the next look. Waits for as long as none is wanted: the settings may change in another way.
async fn interval(live: &Live) -> Duration {
    loop {
        let reload = live.now().pack.config.reload;
        if reload.watch {
            return Duration::from_millis(reload.interval_ms.into());
        }
        live.changed.notified().await;
    }
}

/// The files as they are, if they are not as they were read.
async fn look(live: &Arc<Live>) -> Option<Prints> {
    let live = Arc::clone(live);
    let looked = tokio::task::spawn_blocking(move || {
        let known = locked(&live.prints).clone();
        Some(known.again()).filter(|now| *now != known)
    });
    looked.await.ok().flatten()
}
