//! Backpressure: a client that reads slowly slows its provider down, and takes no memory of the gateway for it.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::client::{connect, request};
use tests::{RUNTIME, STREAM_HEAD, Setup, delta, event, question_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{CANARY, CHAT, wait_until};

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
    let body = question_of(CANARY, true).to_string();
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
    // What the system keeps for sockets is not the gateway's memory. Of a stream it keeps what the connection to its provider reads
    // ahead, some 400 KiB, and what waits for the client.
    assert!(grown < READERS * 640, "{grown} KiB for {READERS} readers, with {all} bytes said");
    drop((one, readers));
    let ended = run.stop();
    assert_eq!(ended.records.len(), READERS);
    assert!(ended.records.iter().all(|one| one["outcome"] == "client_disconnect"));
    assert!(!ended.log.contains(CANARY));
}
