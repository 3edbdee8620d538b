//! How many requests may be under way at once: others wait in a queue that has an end, and are told when it is full.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::wire::Fault;

/// Longest wait in the queue: who waits longer is better told than kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// A place among those that are under way; dropped, it goes to the first that waits.
pub(super) type Slot = Arc<OwnedSemaphorePermit>;

/// The slots, and the queue before them, in which as many may wait as there are slots.
#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    free: Arc<Semaphore>,
    places: Semaphore,
    patience: Duration,
}

/// How full it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Most requests that may be under way.
    pub(crate) limit: usize,
    /// Those that are.
    pub(crate) in_flight: usize,
    /// Those that wait.
    pub(crate) waiting: usize,
}

impl Slots {
    pub(super) fn new(most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let (free, places) = (Arc::new(Semaphore::new(most)), Semaphore::new(most));
        Self { most, free, places, patience: PATIENCE }
    }

    /// The same slots when there are as many as before, so that requests under way keep theirs.
    pub(super) fn after(most: u32, before: Option<&Arc<Self>>) -> Arc<Self> {
        let slots = Self::new(most);
        match before.filter(|before| before.most == slots.most) {
            Some(before) => Arc::clone(before),
            None => Arc::new(slots),
        }
    }

    /// Takes a slot, after a wait in the queue when there is none; no longer than `deadline`.
    pub(super) async fn take(&self, deadline: Option<Instant>) -> Result<Slot, Fault> {
        if let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(Arc::new(slot));
        }
        let Ok(_place) = self.places.try_acquire() else { return Err(self.full()) };
        let until = deadline.into_iter().fold(Instant::now() + self.patience, Instant::min);
        match timeout_at(until, Arc::clone(&self.free).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(Arc::new(slot)),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    pub(super) fn load(&self) -> Load {
        Load {
            limit: self.most,
            in_flight: self.most.saturating_sub(self.free.available_permits()),
            waiting: self.most.saturating_sub(self.places.available_permits()),
        }
    }

    fn full(&self) -> Fault {
        let message = format!("the gateway is busy with {} requests, and others wait", self.most);
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "overloaded", message)
            .retry_after(Some("1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(patience: Duration) -> Arc<Slots> {
        Arc::new(Slots { patience, ..Slots::new(2) })
    }

    async fn waits(slots: &Arc<Slots>) -> tokio::task::JoinHandle<Result<Slot, Fault>> {
        let (taking, before) = (Arc::clone(slots), slots.load().waiting);
        let task = tokio::spawn(async move { taking.take(None).await });
        while slots.load().waiting == before {
            tokio::task::yield_now().await;
        }
        task
    }

    #[tokio::test]
    async fn some_go_on_some_wait_in_turn_and_the_rest_is_told() {
        let slots = slots(Duration::from_secs(60));
        let (first, second) = (slots.take(None).await.unwrap(), slots.take(None).await.unwrap());
        let (third, fourth) = (waits(&slots).await, waits(&slots).await);
        assert_eq!(slots.load(), Load { limit: 2, in_flight: 2, waiting: 2 });
        let fault = slots.take(None).await.unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), &*fault.code, fault.retry_after.as_deref()),
            (503, "overloaded", Some("1"))
        );
        drop(first);
        let third = third.await.unwrap().unwrap();
        assert!(!fourth.is_finished());
        assert_eq!(slots.load(), Load { limit: 2, in_flight: 2, waiting: 1 });
        drop((second, third));
        drop(fourth.await.unwrap().unwrap());
        assert_eq!(slots.load(), Load { limit: 2, in_flight: 0, waiting: 0 });
    }

    #[tokio::test]
    async fn who_leaves_the_queue_leaves_a_place() {
        let slots = slots(Duration::from_secs(60));
        let _taken = (slots.take(None).await.unwrap(), slots.take(None).await.unwrap());
        let waiting = waits(&slots).await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(slots.load().waiting, 0);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let slots = slots(Duration::ZERO);
        let _taken = (slots.take(None).await.unwrap(), slots.take(None).await.unwrap());
        assert_eq!(slots.take(None).await.unwrap_err().code, "overloaded");
        let patient = Arc::new(Slots { patience: Duration::from_secs(60), ..Slots::new(1) });
        let _taken = patient.take(None).await.unwrap();
        assert_eq!(patient.take(Some(Instant::now())).await.unwrap_err().code, "overloaded");
    }
}
