//! Clients that leave: in every phase of a request, with and without a byte too many, their provider is let go and the record
//! says so.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use tests::client::{connect, request};
use tests::{Provider, RUNTIME, Script, Setup, delta, event, get, question_of};
use tokio::net::TcpSocket;

use crate::watch::{Watched, start};
use crate::{CANARY, CHAT, wait_until};

const HALF_AN_ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\":[";

fn begun(gateway: &Watched, stream: bool, after: &[u8]) -> TcpStream {
    let body = question_of(CANARY, stream).to_string();
    let mut socket = connect(gateway.address);
    let head = request(CHAT, "", body.len()).replace("connection: close\r\n", "");
    socket.write_all(&[head.as_bytes(), body.as_bytes(), after].concat()).unwrap();
    socket
}

/// How somebody leaves.
fn leave(how: &str, socket: TcpStream) {
    match how {
        "closes" => drop(socket),
        "closes one side" => {
            socket.shutdown(Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            (&socket).read_to_end(&mut rest).ok();
        }
        _ => {
            // Nothing is said, and what was said is unread: the system resets.
            socket.set_nonblocking(true).unwrap();
            drop(socket);
        }
    }
}

fn is_idle(gateway: &Watched) -> bool {
    gateway.admin("/health").json()["targets"]["a"]["in_flight"] == 0
        && gateway.admin("/metrics").shows("kt_requests_in_flight 0")
}

#[test]
fn whoever_leaves_takes_everything_along_in_every_phase() {
    let words = Script::stream(event(&delta("a ")));
    for (phase, script, stream) in [
        ("before the head of an answer", Script::default(), false),
        ("within an answer", Script::raw(HALF_AN_ANSWER), false),
        ("before the head of a stream", Script::default(), true),
        ("before the first word", Script::stream(": ka\n\n"), true),
        ("within a stream", words.clone(), true),
        ("while a text is held", words.then(event(&delta("SECRET1"))), true),
    ] {
        for how in ["closes", "closes one side", "resets"] {
            for after in [b"".as_slice(), b"P", b"POST /v1/chat/completions HTTP/1.1\r\n"] {
                let provider = Provider::always(script.clone().stall());
                let gateway = start(&Setup::guarded(&provider));
                let socket = begun(&gateway, stream, after);
                wait_until("the provider is asked", || !provider.seen().is_empty());
                std::thread::sleep(Duration::from_millis(30));
                leave(how, socket);
                let name = format!("{phase}, {how}, {} bytes too many", after.len());
                assert!(provider.is_let_go(Duration::from_secs(5)), "{name}: the provider is still held");
                wait_until(&name, || is_idle(&gateway));
                let records = gateway.stop();
                let outcomes: Vec<_> = records.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
                assert_eq!(outcomes[0], "client_disconnect", "{name}: {records:?}");
            }
        }
    }
}

#[test]
fn the_first_to_leave_a_stream_lets_its_provider_go_before_words_are_counted() {
    let provider = Provider::always(Script::stream(event(&delta("a "))).stall());
    // Only in a process of its own nobody has counted before, which takes longest the first time.
    let run = Setup::over(&provider).process();
    let body = question_of(CANARY, true).to_string();
    let mut socket = connect(run.address);
    socket.write_all((request(CHAT, "", body.len()) + &*body).as_bytes()).unwrap();
    let mut heard = Vec::new();
    while !heard.windows(4).any(|four| four == b"\"a \"") {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&piece[..length]);
    }
    let left = Instant::now();
    drop(socket);
    assert!(provider.is_let_go(Duration::from_secs(10)));
    let let_go = left.elapsed();
    wait_until("it is on record", || get(run.admin, "/metrics").shows("kt_requests_in_flight 0"));
    let recorded = left.elapsed();
    assert!(let_go < recorded / 2, "let go after {let_go:?}, on record after {recorded:?}");
    assert_eq!(run.stop().records[0]["usage_source"], "estimate");
}

#[test]
fn whoever_leaves_while_a_provider_cannot_be_reached_is_not_waited_for() {
    // A socket that listens and has room for nobody more: a connection to it stays open on one side.
    let (full, _queue) = RUNTIME.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(Ok(socket)) =
            tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
        {
            queue.push(socket);
        }
        (address, (listener, queue))
    });
    for after in [b"".as_slice(), b"P"] {
        let gateway = start(&Setup::new().target_at("a", &format!("http://{full}/v1"), ""));
        let socket = begun(&gateway, false, after);
        wait_until("it is on its way", || gateway.admin("/health").json()["targets"]["a"]["in_flight"] == 1);
        drop(socket);
        wait_until("it is given up", || is_idle(&gateway));
        let records = gateway.stop();
        assert_eq!((records.len(), &records[0]["outcome"]), (1, &"client_disconnect".into()));
    }
}

#[test]
fn whoever_leaves_between_two_tries_is_not_tried_for_again() {
    for after in [b"".as_slice(), b"P"] {
        let headers = "content-type: application/json\r\nretry-after: 20\r\n";
        let provider = Provider::always(Script::with_headers("503 Busy", headers, "{}"));
        let retry = "retry: {max_attempts: 2, backoff_ms: 20000, max_backoff_ms: 20000}";
        let gateway = start(&Setup::over(&provider).providers(retry));
        let socket = begun(&gateway, false, after);
        wait_until("the first try", || provider.seen().len() == 1);
        std::thread::sleep(Duration::from_millis(50));
        drop(socket);
        wait_until("it is given up", || is_idle(&gateway));
        let records = gateway.stop();
        assert_eq!((records.len(), &records[0]["outcome"]), (1, &"client_disconnect".into()));
        assert_eq!(provider.seen().len(), 1);
    }
}

#[test]
fn a_stream_that_is_left_ends_the_bill_and_settles_what_was_used() {
    let provider = Provider::always(Script::stream(event(&delta("one two three"))).stall());
    let gateway = start(&Setup::guarded(&provider));
    let mut socket = begun(&gateway, true, b"");
    let mut seen = Vec::new();
    while !seen.windows(3).any(|three| three == b"two") {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).unwrap();
        seen.extend_from_slice(&piece[..length]);
    }
    drop(socket);
    assert!(provider.is_let_go(Duration::from_secs(5)));
    let records = gateway.stop();
    let tokens = |field: &str| records[0][field].as_u64().unwrap_or_default();
    assert!(tokens("input_tokens") > 0 && tokens("output_tokens") > 0, "{}", records[0]);
    assert_eq!(records[0]["outcome"], "client_disconnect");
}
