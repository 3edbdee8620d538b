//! Backpressure: a client that reads slowly slows its provider down, and takes no memory of the gateway for it.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::client::{connect, request};
use tests::tls::{Authority, FLOOD, Http2, Provider2};
use tests::{RUNTIME, STREAM_HEAD, Setup, delta, event, question_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::watch::start;
use crate::{CANARY, CHAT, wait_until};

/// Most KiB that the gateway keeps for a reader that stands still: what is read ahead of its provider, what waits for the client,
/// and what a stream takes anyway. A development build takes some 115 of them.
const EACH: usize = 160;

/// A provider that says as much as anybody takes, and counts it.
fn talkative() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let (address, said) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&said);
    RUNTIME.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let said = Arc::clone(&counted);
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let piece = event(&delta(&"word ".repeat(100)));
                socket.write_all(STREAM_HEAD.as_bytes()).await.ok();
                while socket.write_all(piece.as_bytes()).await.is_ok() {
                    said.fetch_add(piece.len(), Ordering::Relaxed);
                }
            });
        }
    });
    (address, said)
}

fn deaf(address: std::net::SocketAddr) -> TcpStream {
    deaf_to(address, CANARY)
}

fn deaf_to(address: std::net::SocketAddr, question: &str) -> TcpStream {
    let body = question_of(question, true).to_string();
    let mut socket = connect(address);
    socket.write_all((request(CHAT, "", body.len()) + &*body).as_bytes()).unwrap();
    socket
}

/// Waits until a number has not changed for a while.
fn settled(count: &AtomicUsize) -> usize {
    let mut last = (usize::MAX, 0);
    wait_until("it comes to rest", || {
        let now = count.load(Ordering::Relaxed);
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        std::thread::sleep(std::time::Duration::from_millis(5));
        now > 0 && last.1 > 60
    });
    last.0
}

#[test]
fn readers_that_stand_still_stop_their_providers_and_take_little_memory() {
    const READERS: usize = 200;
    let (address, said) = talkative();
    let setup = Setup::new().target_at("a", &format!("http://{address}/v1"), "").rules("house", tests::RULES);
    let run = setup.process();
    let one = deaf(run.address);
    let first = settled(&said);
    assert!(first < 16 << 20, "{first} bytes of one provider are on the way, in the buffers of sockets");
    let before = run.resident();
    let readers: Vec<TcpStream> = (1..READERS).map(|_| deaf(run.address)).collect();
    let all = settled(&said);
    let grown = run.resident().saturating_sub(before);
    // What the system keeps for sockets is not the gateway's memory.
    assert!(grown < READERS * EACH, "{grown} KiB for {READERS} readers, with {all} bytes said");
    drop((one, readers));
    let ended = run.stop();
    assert_eq!(ended.records.len(), READERS);
    assert!(ended.records.iter().all(|one| one["outcome"] == "client_disconnect"));
    assert!(!ended.log.contains(CANARY));
}

#[test]
fn streams_of_http_2_that_stand_still_take_as_little() {
    const READERS: usize = 200;
    let (address, said) = talkative();
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let [cert, key] = authority.issue("127.0.0.1").write(folder.path(), "gateway");
    let setup = Setup::new()
        .target_at("a", &format!("http://{address}/v1"), "")
        .rules("house", tests::RULES)
        .block(&format!("tls: {{cert: {}, key: {}}}", cert.display(), key.display()));
    let run = setup.process();
    let client = authority.client(None, &["h2"]);
    let connections: Vec<Http2> =
        (0..4).map(|_| Http2::connect(run.address, std::sync::Arc::clone(&client))).collect();
    let begin = |count: usize| -> Vec<_> {
        let begun = (0..count).map(|at| connections[at % connections.len()].begin(CANARY, true));
        let begun: Vec<_> = begun.collect();
        RUNTIME.block_on(async {
            let mut all = Vec::new();
            for one in begun {
                all.push(one.await.expect("a stream"));
            }
            all
        })
    };
    let few = begin(connections.len());
    settled(&said);
    let before = run.resident();
    let many = begin(READERS);
    let all = settled(&said);
    let grown = run.resident().saturating_sub(before);
    assert!(grown < READERS * EACH, "{grown} KiB for {READERS} readers, with {all} bytes said");
    drop((few, many, connections));
    let ended = run.stop();
    assert_eq!(ended.records.len(), READERS + 4);
}

#[test]
fn readers_that_stand_still_leave_room_on_their_providers_connection() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let provider = Provider2::start(&authority.issue("127.0.0.1"));
    let setup = Setup::new().target_at(
        "a",
        &format!("https://{}/v1", provider.address),
        &format!("tls: {{ca: {}}}", ca.display()),
    );
    let gateway = start(&setup.rules("house", tests::RULES));
    assert_eq!(gateway.ask(CANARY).status, 200);
    let readers: Vec<TcpStream> = (0..16).map(|_| deaf_to(gateway.address, FLOOD)).collect();
    wait_until("all are asked for", || provider.seen().len() == 17);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(gateway.ask(CANARY).status, 200);
    assert_eq!((provider.seen().len(), provider.connections()), (18, 1), "all over one connection");
    drop(readers);
    gateway.stop();
}
