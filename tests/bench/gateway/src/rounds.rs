//! All beside each other: in each round everybody is measured once under each load, so that a slow moment of the machine
//! meets all of them.

use std::collections::HashMap;
use std::time::Duration;

use crate::Result;
use crate::client::Kind;
use crate::drive::{self, Load, Measured};
use crate::figures::Figures;
use crate::options::Options;
use crate::peers::{self, DIRECT, NGINX, Peer, Running};
use crate::provider::{PACE, PIECES, QUICK, QUICK_PACE, SMALL};
use crate::table::{Table, megabytes, number, time};

/// What everybody is put under.
const LOADS: [Load; 6] = [
    Load { kind: Kind::Whole, model: SMALL, connections: 1 },
    Load { kind: Kind::Whole, model: SMALL, connections: 32 },
    Load { kind: Kind::Whole, model: SMALL, connections: 256 },
    Load { kind: Kind::Stream, model: QUICK, connections: 1 },
    Load { kind: Kind::Stream, model: SMALL, connections: 32 },
    Load { kind: Kind::Stream, model: SMALL, connections: 256 },
];

/// Measures, and prints what came of it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let (around, provider) = peers::start_provider(options).await?;
    let peers = peers::start(options, &around, provider).await;
    let idle: HashMap<&str, u64> = running(&peers).map(|(peer, memory)| (peer.name, memory)).collect();
    let mut measured: HashMap<(&str, Load), Vec<Measured>> = HashMap::new();
    for round in 1..=options.rounds {
        for load in LOADS {
            for peer in &peers {
                let Some(running) = taking(peer, load.kind) else { continue };
                let usage = || running.process.usage();
                running.rests().await;
                let once = drive::load(&running.place, load, options.time, usage).await;
                if once.failed > 0 {
                    eprintln!("{}, {load:?}: {} failed: {}", peer.name, once.failed, once.why);
                }
                measured.entry((peer.name, load)).or_default().push(once);
            }
        }
        eprintln!("round {round} of {}", options.rounds);
    }
    let figures: HashMap<_, _> =
        measured.into_iter().map(|(of, rounds)| (of, Figures::median(&rounds))).collect();
    for load in LOADS {
        match load.kind {
            Kind::Whole => whole(&peers, &figures, load),
            Kind::Stream if load.connections == 1 => first_words(&peers, &figures, load),
            Kind::Stream => streams(&peers, &figures, load),
        }
    }
    memory(&peers, &idle);
    for peer in &peers {
        match &peer.running {
            Err(why) => println!("\n{} is left out: {why}", peer.title),
            Ok(Running { no_streams: Some(why), .. }) => {
                println!("\n{} does not stream here: {why}", peer.title)
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn running(peers: &[Peer]) -> impl Iterator<Item = (&Peer, u64)> {
    peers.iter().filter_map(|peer| Some((peer, peer.running.as_ref().ok()?.process.usage().memory)))
}

/// Who runs, and takes part in that.
fn taking(peer: &Peer, kind: Kind) -> Option<&Running> {
    peer.running.as_ref().ok().filter(|running| running.takes(kind))
}

/// What came of a load, for everybody who runs.
type All = HashMap<(&'static str, Load), Figures>;

fn rows(table: &mut Table, peers: &[Peer], cells: impl Fn(Figures) -> Vec<String>, all: &All, load: Load) {
    for peer in peers.iter().filter(|peer| taking(peer, load.kind).is_some()) {
        let figures = of(all, peer.name, load);
        table.row([peer.title.to_owned()].into_iter().chain(cells(figures)));
    }
}

fn of(all: &All, name: &'static str, load: Load) -> Figures {
    all.get(&(name, load)).copied().unwrap_or_default()
}

/// What one takes beside what nginx takes.
fn ratio(all: &All, load: Load, cpu: f64) -> String {
    let nginx = of(all, NGINX, load).cpu;
    if nginx > 0.0 { number(cpu / nginx) } else { "—".to_owned() }
}

fn whole(peers: &[Peer], all: &All, load: Load) {
    let heads = ["", "requests/s", "p50", "added p50", "p99", "CPU per request", "to nginx", "failed"];
    let (mut table, direct) = (Table::new(&heads), of(all, DIRECT, load));
    let cells = |of: Figures| {
        let added = added(of.p50, direct.p50);
        vec![
            number(of.rate),
            time(of.p50),
            added,
            time(of.p99),
            time(of.cpu),
            ratio(all, load, of.cpu),
            count(of.failed),
        ]
    };
    rows(&mut table, peers, cells, all, load);
    table.print(&format!("Whole answers, {}", connections(load)));
}

fn first_words(peers: &[Peer], all: &All, load: Load) {
    let heads = ["", "first word p50", "added", "first word p99", "gap p50", "gap p99", "failed"];
    let (mut table, direct) = (Table::new(&heads), of(all, DIRECT, load));
    let cells = |of: Figures| {
        let added = added(of.first50, direct.first50);
        vec![time(of.first50), added, time(of.first99), time(of.gap50), time(of.gap99), count(of.failed)]
    };
    rows(&mut table, peers, cells, all, load);
    table.print(&stream_headline(load, QUICK_PACE));
}

fn streams(peers: &[Peer], all: &All, load: Load) {
    let heads = [
        "",
        "streams/s",
        "first word p50",
        "p99",
        "gap p50",
        "gap p99",
        "CPU per stream",
        "per chunk",
        "to nginx",
        "failed",
    ];
    let mut table = Table::new(&heads);
    let cells = |of: Figures| {
        vec![
            number(of.rate),
            time(of.first50),
            time(of.first99),
            time(of.gap50),
            time(of.gap99),
            time(of.cpu),
            time(of.cpu_of_event),
            ratio(all, load, of.cpu),
            count(of.failed),
        ]
    };
    rows(&mut table, peers, cells, all, load);
    table.print(&stream_headline(load, PACE));
}

fn stream_headline(load: Load, pace: Duration) -> String {
    format!("Streams of {PIECES} words, one each {} ms, {}", pace.as_millis(), connections(load))
}

fn connections(load: Load) -> String {
    format!("{} connection{}", load.connections, if load.connections == 1 { "" } else { "s" })
}

/// What is added to what goes without anybody between; nothing where nothing was measured.
fn added(one: f64, direct: f64) -> String {
    if one > 0.0 && one != direct { time(one - direct) } else { "—".to_owned() }
}

fn count(number: f64) -> String {
    format!("{number:.0}")
}

fn memory(peers: &[Peer], idle: &HashMap<&str, u64>) {
    let mut table = Table::new(&["", "before the first load", "after the last", "at most"]);
    for peer in peers {
        let Ok(running) = &peer.running else { continue };
        let usage = running.process.usage();
        let idle = idle.get(peer.name).copied().unwrap_or_default();
        table.row([peer.title.to_owned(), megabytes(idle), megabytes(usage.memory), megabytes(usage.peak)]);
    }
    table.print("Memory of the process and its children (RSS)");
}
