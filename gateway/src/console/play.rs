//! The playground: a rule file and a text that somebody types, compiled and judged as `kt policy lint` and
//! `kt policy explain` do, and forgotten.
//!
//! It runs on a thread of its own that yields to those that serve traffic, one run at a time. It reads no files: a rule
//! file may use the shipped libraries, and what is in force.

mod made;
mod run;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::guard;
use crate::body::ReplyBody;
use crate::live::Live;
use crate::packs::Pack;
use crate::reply;
use crate::server::intake;
use crate::wire::{Fault, json};
use made::Made;
use run::Draft;

/// Most KiB of what is sent.
const MOST_KB: u32 = 512;

/// Longest wait for another's run.
const QUEUE: Duration = Duration::from_secs(3);

/// Longest wait for a run.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a run's thread may nest: as much as the main thread of a process.
const STACK: usize = 8 * 1024 * 1024;

/// How much sooner every other thread gets its turn.
const NICE: i32 = 10;

/// One run at a time, over all connections.
#[derive(Debug)]
pub(crate) struct Playground {
    turn: Arc<Semaphore>,
    /// What the last draft compiled to; never a text that it has judged.
    made: Arc<Mutex<Option<Made>>>,
}

impl Default for Playground {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), made: Arc::default() }
    }
}

/// Plays what is sent.
pub(super) async fn answer(
    live: &Arc<Live>,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Response<ReplyBody>, Fault> {
    if let Err(fault) = guard::check_type(headers) {
        intake::discard(body, headers).await;
        return Err(fault);
    }
    let now = live.now();
    let mut room = now.access.room();
    let bytes = intake::read(body, headers, MOST_KB, &mut room, &now.times).await?;
    drop(now);
    let Playground { turn, made } = live.playground();
    let Ok(Ok(turn)) = timeout(QUEUE, Arc::clone(turn).acquire_owned()).await else { return Err(busy()) };
    let run = Run { bytes, pack: Arc::clone(&live.now().pack), made: Arc::clone(made), turn };
    let played = timeout(PATIENCE, run.spawn()?).await;
    match played {
        Ok(Ok(played)) => Ok(reply::json(StatusCode::OK, &played?)),
        Ok(Err(_)) => Err(Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "internal_error",
            "the playground broke down over this",
        )),
        Err(_) => Err(Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "server_error",
            "playground_timeout",
            format!("this takes more than {} s; nothing else runs here until it is over", PATIENCE.as_secs()),
        )),
    }
}

/// All that a run takes with it.
struct Run {
    bytes: Bytes,
    pack: Arc<Pack>,
    made: Arc<Mutex<Option<Made>>>,
    /// Held to its end, whoever still waits for it.
    turn: OwnedSemaphorePermit,
}

impl Run {
    /// Begins on a thread of its own.
    fn spawn(self) -> Result<oneshot::Receiver<Result<Value, Fault>>, Fault> {
        let (tell, told) = oneshot::channel();
        let work = move || {
            // Without it the run is as good, and only less polite.
            let _ = rustix::process::nice(NICE);
            let played = self.play();
            drop(self.turn);
            tell.send(played).ok(); // whoever left waits for nothing
        };
        let builder = std::thread::Builder::new().name("playground".into()).stack_size(STACK);
        builder.spawn(work).map(|_| told).map_err(|_| busy())
    }

    fn play(&self) -> Result<Value, Fault> {
        let sent = json::parse(&self.bytes).map_err(|flaw| Fault::invalid(None, flaw.to_string()))?;
        let draft = Draft::read(sent)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(draft.play(&self.pack, &mut made))
    }
}

fn busy() -> Fault {
    let message = "the playground is busy with another run; try again in a moment";
    Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "playground_busy", message)
        .retry_after(Some("1"))
}
