//! A closed loop: so many connections, and on each the next request when the last one is answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Result;
use crate::children::Usage;
use crate::client::{Client, Kind, Place, Took, chat};
use crate::options::Drive;
use crate::provider::SMALL;

/// How long load is on before it is measured.
const WARM: Duration = Duration::from_millis(300);
/// How long a connection that failed is left alone.
const REST: Duration = Duration::from_millis(20);

/// What is asked for, of which model, and over how many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) model: &'static str,
    pub(crate) connections: usize,
}

/// What was measured of one process in one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) took: Vec<Took>,
    pub(crate) failed: usize,
    /// The last reason.
    pub(crate) why: String,
    pub(crate) time: Duration,
    /// Of the processor.
    pub(crate) cpu: Duration,
}

/// Loads a place for a while; `usage` tells what the process there has taken of the processor.
pub(crate) async fn load(place: &Place, load: Load, time: Duration, usage: impl Fn() -> Usage) -> Measured {
    let measured = Rc::new(RefCell::new(Measured::default()));
    let (from, until) = (Instant::now() + WARM, Instant::now() + WARM + time);
    let tasks = LocalSet::new();
    for _ in 0..load.connections {
        tasks.spawn_local(one(place.clone(), load, from, until, Rc::clone(&measured)));
    }
    let cpu = tasks
        .run_until(async {
            tokio::time::sleep_until(from).await;
            let before = usage();
            tokio::time::sleep_until(until).await;
            usage().cpu.saturating_sub(before.cpu)
        })
        .await;
    drop(tasks); // what is under way is broken off
    let mut measured = measured.take();
    (measured.cpu, measured.time) = (cpu, time);
    measured
}

async fn one(place: Place, load: Load, from: Instant, until: Instant, measured: Rc<RefCell<Measured>>) {
    let (kind, body) = (load.kind, chat(load.model, load.kind));
    while Instant::now() < until {
        let Ok(lasted) = timeout_at(until, exchanges(&place, kind, &body, from, &measured)).await else {
            return;
        };
        if let Err(error) = lasted {
            let mut measured = measured.borrow_mut();
            measured.failed += 1;
            measured.why = error.to_string();
        }
        sleep(REST).await;
    }
}

/// One connection, for as long as it lasts.
async fn exchanges(
    place: &Place,
    kind: Kind,
    body: &Bytes,
    from: Instant,
    measured: &RefCell<Measured>,
) -> Result<()> {
    let mut client = Client::connect(place).await?;
    loop {
        let took = client.exchange(kind, body).await?;
        if Instant::now() >= from {
            measured.borrow_mut().took.push(took);
        }
    }
}

/// So many requests to a port, for those who look at the process there with tools of their own.
pub(crate) async fn alone(drive: &Drive) -> Result<()> {
    let Drive { port, connections, requests, kind } = *drive;
    let tasks = LocalSet::new();
    let began = Instant::now();
    for _ in 0..connections {
        tasks.spawn_local(async move {
            let told = async {
                let (mut client, body) = (Client::connect(&Place::new(port)).await?, chat(SMALL, kind));
                for _ in 0..requests / connections {
                    client.exchange(kind, &body).await?;
                }
                Result::Ok(())
            };
            if let Err(error) = told.await {
                eprintln!("{error}");
            }
        });
    }
    tasks.await;
    println!("{requests} requests in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
