//! What the gateway has in memory: idle, with many streams that are held or not read, with large bodies, and after many
//! reloads. Each begins with a gateway of its own.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, StatusCode};
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::children::Usage;
use crate::client::{Client, Kind, Place, chat};
use crate::hold::{Held, Reader};
use crate::options::Options;
use crate::peers::{self, Around, CHAIN_QUICK, Running};
use crate::provider::{FLOOD, HOLD, QUICK, UNTOLD};
use crate::table::{Table, kilobytes, megabytes};

/// Streams at once.
const STREAMS: usize = 1000;
/// Reloads of a chain that compiles quickly, and of the usual one.
const RELOADS: [(usize, &str, &str); 2] = [
    (1000, "after 1,000 reloads of a small chain, beside after 20", CHAIN_SMALL),
    (40, "after 40 reloads of the quick start's, beside after 20", CHAIN_QUICK),
];
/// A chain of kinds that only look at names.
const CHAIN_SMALL: &str =
    "policies: {chain: [agent-firewall, audit-logger]}\npolicy: {agent-firewall: {blocked_tools: [shell]}}\n";
/// Bytes of a large body; the gateway takes 10 MiB.
const LARGE: usize = 10_000_000;
/// How long after its start a gateway has given back what compiling took.
const GIVEN_BACK: Duration = Duration::from_secs(3);
/// How long memory must stay the same to be counted, and how long that may take.
const CALM: Duration = Duration::from_millis(700);
/// See [`CALM`].
const LONGEST: Duration = Duration::from_secs(15);

/// Measures, and prints what came of it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let (around, _provider) = peers::start_provider(options).await?;
    let mut table = Table::new(&["", "before", "then", "at most", "each"]);
    idle(&around, &mut table).await?;
    streams(&around, &mut table, "1,000 streams that hold text back", HOLD, Reader::Eager).await?;
    streams(&around, &mut table, "1,000 readers that stand still", FLOOD, Reader::Stalled).await?;
    large(&around, &mut table).await?;
    reloads(&around, &mut table).await?;
    table.print("Memory of the gateway (RSS), with the chain of the quick start");
    Ok(())
}

/// A gateway, and what it takes before anything else.
async fn begin(around: &Around) -> Result<(Running, u16, Usage)> {
    let (gateway, admin) = peers::start_kt(around, "kt-memory", CHAIN_QUICK).await?;
    sleep(GIVEN_BACK).await;
    let usage = calm(&gateway).await;
    Ok((gateway, admin, usage))
}

/// Waits until memory stands still.
async fn calm(gateway: &Running) -> Usage {
    let until = Instant::now() + LONGEST;
    let mut before = gateway.process.usage();
    loop {
        sleep(CALM).await;
        let now = gateway.process.usage();
        let change = now.memory.abs_diff(before.memory);
        if change < before.memory / 100 || Instant::now() > until {
            return now;
        }
        before = now;
    }
}

fn row(table: &mut Table, what: &str, before: Usage, then: Usage, count: usize) {
    let each = then.memory.saturating_sub(before.memory) as f64 / count.max(1) as f64;
    let each = if count > 0 { kilobytes(each) } else { String::new() };
    eprintln!("{what}: {}", megabytes(then.memory));
    table.row([
        what.to_owned(),
        megabytes(before.memory),
        megabytes(then.memory),
        megabytes(then.peak),
        each,
    ]);
}

async fn idle(around: &Around, table: &mut Table) -> Result<()> {
    let (gateway, _, before) = begin(around).await?;
    row(table, "idle", before, before, 0);
    let mut client = Client::connect(&gateway.place).await?;
    for kind in [Kind::Whole, Kind::Stream] {
        for _ in 0..if kind == Kind::Whole { 1000 } else { 10 } {
            client.exchange(kind, &chat(QUICK, kind)).await?;
        }
    }
    row(table, "after 1,000 requests and 10 streams", before, calm(&gateway).await, 0);
    client.exchange(Kind::Stream, &chat(UNTOLD, Kind::Stream)).await?;
    row(table, "after one whose tokens had to be counted", before, calm(&gateway).await, 0);
    Ok(())
}

async fn streams(around: &Around, table: &mut Table, what: &str, model: &str, reader: Reader) -> Result<()> {
    let (gateway, _, before) = begin(around).await?;
    let mut held = Held::open(&gateway.place, STREAMS, &chat(model, Kind::Stream), reader).await?;
    row(table, what, before, calm(&gateway).await, STREAMS);
    let lost = held.lost();
    if lost > 0 {
        return Err(format!("{what}: {lost} lost their stream").into());
    }
    Ok(())
}

/// A request whose text is as large as that.
fn large_body(bytes: usize) -> Bytes {
    let line = "The quick brown fox jumps over the lazy dog. ";
    let text = line.repeat(bytes / line.len());
    Bytes::from(format!(r#"{{"model":"small","messages":[{{"role":"user","content":"{text}"}}]}}"#))
}

async fn large(around: &Around, table: &mut Table) -> Result<()> {
    let (gateway, _, before) = begin(around).await?;
    let body = large_body(LARGE);
    let mut client = Client::connect(&gateway.place).await?;
    for _ in 0..4 {
        client.exchange(Kind::Whole, &body).await?;
    }
    row(table, "after 4 bodies of 10 MB, one by one", before, calm(&gateway).await, 0);
    Ok(())
}

async fn reloads(around: &Around, table: &mut Table) -> Result<()> {
    for (count, what, chain) in RELOADS {
        let (gateway, admin) = peers::start_kt(around, "kt-memory", chain).await?;
        let mut client = Client::connect(&Place::new(admin)).await?;
        // The first ones fill what is kept for the next ones.
        for _ in 0..20 {
            reload(&mut client).await?;
        }
        let before = calm(&gateway).await;
        for _ in 0..count {
            reload(&mut client).await?;
        }
        row(table, what, before, calm(&gateway).await, count);
    }
    Ok(())
}

async fn reload(client: &mut Client) -> Result<()> {
    let reply = client.send(Method::POST, "/keeptrusts/config/reload", Bytes::new()).await?;
    let status = reply.status();
    reply.into_body().collect().await?;
    if status == StatusCode::OK { Ok(()) } else { Err(format!("a reload was answered with {status}").into()) }
}
