//! Crowds: one client that takes all places, by connections from its address or by requests with its key, leaves the others
//! theirs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tests::client::{connect, request};
use tests::{Provider, Reply, STREAM_HEAD, Script, Setup, delta, event, question_of};

use crate::watch::{Watched, start};
use crate::{CANARY, CHAT, wait_until};

/// Keys and their digests.
const ANN: (&str, &str) = ("kt_1", "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f");
const BOB: (&str, &str) = ("test", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");

fn ask(gateway: &Watched, key: &str) -> Reply {
    gateway.post(&format!("authorization: Bearer {key}\r\n"), question_of(CANARY, false).to_string())
}

#[test]
fn a_key_has_no_more_requests_under_way_than_it_may() {
    let begun = Script::raw(STREAM_HEAD).then(event(&delta("a"))).stall();
    let provider = Provider::in_turn([begun, Script::default().stall(), Script::answer("ok")]);
    let keys = format!(
        "auth:\n  keys:\n  - {{name: ann, sha256: {}, max_concurrency: 2}}\n  - {{name: bob, sha256: {}}}",
        ANN.1, BOB.1
    );
    let gateway = start(&Setup::guarded(&provider).block(&keys));
    // A stream that goes on, and a whole answer that is waited for.
    let held: Vec<TcpStream> = [true, false]
        .into_iter()
        .enumerate()
        .map(|(at, stream)| {
            let body = question_of(CANARY, stream).to_string();
            let head = request(CHAT, &format!("authorization: Bearer {}\r\n", ANN.0), body.len());
            let mut socket = connect(gateway.address);
            socket.write_all((head + &*body).as_bytes()).unwrap();
            wait_until("the provider is asked", || provider.seen().len() == at + 1);
            socket
        })
        .collect();
    let refused = ask(&gateway, ANN.0);
    assert_eq!((refused.status, refused.code().as_str()), (429, "key_concurrency_limit"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(ask(&gateway, BOB.0).status, 200, "others are served");
    drop(held);
    wait_until("there is room again", || ask(&gateway, ANN.0).status == 200);
    assert_eq!(ask(&gateway, ANN.0).status, 200, "what is over is not counted");
    let records = gateway.stop();
    let refused = records.iter().filter(|one| one["error"] == "key_concurrency_limit");
    assert!(refused.clone().count() > 0 && refused.clone().all(|one| one["outcome"] == "refused"));
}

/// Connects, and tells whether that lasts.
fn stays(address: SocketAddr) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    match socket.read(&mut [0]) {
        Err(error)
            if [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind()) =>
        {
            Some(socket)
        }
        Ok(_) | Err(_) => None,
    }
}

#[test]
fn an_address_has_no_more_connections_than_it_may() {
    let provider = Provider::always(Script::answer("ok"));
    let limit = "size_limits: {connections_per_ip: 3}";
    let gateway = start(&Setup::guarded(&provider).block(limit));
    let mut held: Vec<TcpStream> = (0..3).map(|_| stays(gateway.address).expect("a place")).collect();
    assert!(stays(gateway.address).is_none(), "one too many");
    assert!(
        gateway.admin("/metrics").shows("kt_connections_refused_total 1"),
        "the operator's address has others"
    );
    held.pop();
    wait_until("its place is free", || stays(gateway.address).is_some());
    drop(held);
    wait_until("all are free", || {
        (0..3).filter_map(|_| stays(gateway.address)).collect::<Vec<_>>().len() == 3
    });
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(gateway.ask(CANARY).status, 200);
    gateway.stop();
    let trusting = start(&Setup::guarded(&provider).block(limit).block("trusted_proxies: [127.0.0.0/8]"));
    let many: Vec<TcpStream> = (0..10).filter_map(|_| stays(trusting.address)).collect();
    assert_eq!(many.len(), 10, "a trusted proxy speaks for many");
    trusting.stop();
}
