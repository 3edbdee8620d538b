//! What requests cost, and budgets: claims are reserved before a request is sent, and settled when its answer is over.
//!
//! A reservation counts as spent from the moment it is made. Settling it puts the real figure in its place; where that never
//! happens, since the gateway was killed or its store went away, the reservation stays as it was made. So what is counted is
//! never less than what was taken, as long as no request takes more than it reserved.

mod entry;
mod estimate;
mod journal;
mod keys;
mod memory;
mod need;
mod price;
mod remote;
mod reservation;
mod successor;
mod window;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::Claim;
use engine::claim::Refusal;
use grammar::budget::Window;
use hyper::StatusCode;

use crate::commons::Commons;
use crate::error::Error;
use crate::gateway::FailMode;
use crate::wire::Fault;
use entry::Entry;
pub(crate) use estimate::{MOST_COUNTED, MOST_HEARD, Prompt, tokens_of};
pub(crate) use keys::claims as claims_of_key;
use memory::{Memory, Miss};
pub(crate) use need::{Need, missed, priced};
pub(crate) use price::Price;
use remote::Remote;
use reservation::Pending;
pub(crate) use reservation::{Reservation, Taken};

/// How often what was written is forced to the disk, and the journal looked at.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Where what is taken of budgets is counted.
#[derive(Debug)]
pub(crate) struct Spend {
    store: Store,
    on_error: FailMode,
}

#[derive(Debug)]
enum Store {
    /// By this gateway alone.
    Memory(Memory),
    /// By all gateways that share it.
    Commons(Remote),
}

/// Why a request may not be sent.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The claim of that index is not met; and the seconds after which it may be.
    Claim(usize, Refusal, Option<i64>),
    /// Nobody knows what is left.
    Unavailable,
}

impl Spend {
    /// Counts with others where they share something; else alone, in the folder.
    pub(crate) fn open(commons: Option<&Arc<Commons>>, folder: &Path) -> Result<Self, Error> {
        Ok(match commons {
            Some(commons) => {
                Self { store: Store::Commons(Remote::new(Arc::clone(commons))), on_error: commons.on_error }
            }
            None => {
                let memory = Memory::open(folder, jiff::Timestamp::now().as_second())?;
                Self { store: Store::Memory(memory), on_error: FailMode::Block }
            }
        })
    }

    /// Takes what the claims ask for, all of it or nothing. Nothing is left to settle where nothing is counted.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        claims: &[Claim],
        need: &Need,
        now: i64,
    ) -> Result<Option<Reservation>, Refused> {
        let mut counted = Vec::new();
        for (index, claim) in claims.iter().enumerate() {
            let refused = |refusal| Refused::Claim(index, refusal, None);
            // What does not even fit into all of it never will.
            let amount = claim.check(0, need.amount(claim)).map_err(refused)?;
            if claim.window != Window::Request {
                counted.push((index, Entry::of(claim, amount, now)));
            }
        }
        if counted.is_empty() {
            return Ok(None);
        }
        let (indices, mut entries): (Vec<usize>, Vec<Entry>) = counted.into_iter().unzip();
        let full = |at: usize, entries: &[Entry]| {
            let index = indices.get(at).copied().unwrap_or_default();
            let left = entries.get(at).map(|entry| entry.end.saturating_sub(now).max(1));
            Refused::Claim(index, Refusal::UsedUp, left)
        };
        let id = crate::ids::fresh("rsv");
        match &self.store {
            Store::Memory(memory) => match memory.reserve(&mut entries, now) {
                Ok(()) => {}
                Err(Miss::Full(at)) => return Err(full(at, &entries)),
                Err(Miss::Unwritten(cause)) => return self.failed(&cause),
            },
            Store::Commons(remote) => {
                // Whoever stops waiting may have taken it all the same.
                let pending = Pending(Some(Reservation::new(self, id.clone(), entries.clone())));
                match remote.reserve(&id, &entries, now).await {
                    Ok(None) => pending.keep(),
                    Ok(Some(at)) => {
                        pending.keep();
                        return Err(full(at, &entries));
                    }
                    Err(cause) => {
                        drop(pending);
                        return self.failed(&cause);
                    }
                }
            }
        }
        let meters = indices.iter().filter_map(|index| claims.get(*index)).map(|claim| claim.meter);
        Ok(Some(Reservation::new(self, id, entries).of(meters.collect())))
    }

    /// The store does not answer.
    fn failed(&self, cause: &dyn std::fmt::Display) -> Result<Option<Reservation>, Refused> {
        let next = match self.on_error {
            FailMode::Block => "the request is refused",
            FailMode::Allow => "the request goes on, and is not counted",
        };
        tracing::error!(store = self.name(), next, "budgets cannot be looked at: {cause}");
        match self.on_error {
            FailMode::Block => Err(Refused::Unavailable),
            FailMode::Allow => Ok(None),
        }
    }

    fn name(&self) -> &'static str {
        match self.store {
            Store::Memory(_) => "state folder",
            Store::Commons(_) => "redis",
        }
    }

    /// Keeps what is written safe, for as long as it is polled.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SYNC_EVERY).await;
            let spend = Arc::clone(&self);
            // A panic would be told by itself.
            let _ = tokio::task::spawn_blocking(move || spend.sync()).await;
        }
    }

    /// Forces what is written to the disk.
    pub(crate) fn close(&self) {
        self.sync();
    }

    fn sync(&self) {
        if let Store::Memory(memory) = &self.store
            && let Err(cause) = memory.keep(jiff::Timestamp::now().as_second())
        {
            tracing::error!("the counters of budgets cannot be forced to the disk: {cause}");
        }
    }
}

/// A budget that is not met: the decision names the rule.
pub(crate) fn exceeded(decision: engine::verdict::Decision, back_in: Option<i64>) -> Fault {
    let message = decision.message.clone().unwrap_or_else(|| "a budget is used up".to_owned());
    let fault = Fault::new(StatusCode::PAYMENT_REQUIRED, "policy_violation", "budget_exceeded", message);
    Fault { decision: Some(Box::new(decision)), should_retry: Some(false), ..fault }
        .retry_after(back_in.map(|seconds| seconds.to_string()).as_deref())
}

/// Nobody knows what is left of budgets.
pub(crate) fn unavailable() -> Fault {
    let message =
        "what is left of the budgets cannot be looked up now, so nothing that counts is let through";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "budget_unavailable", message)
        .retry_after(Some("5"))
}
