//! Slow clients: heads, bodies and readers that take for ever, and connections that say nothing, are let go, and nobody else
//! waits for them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gateway::Times;
use tests::client::{connect, request, rest};
use tests::{Provider, STREAM_HEAD, Script, Setup, delta, event, question_of};

use crate::watch::{Watched, start};
use crate::{CANARY, CHAT, wait_until};

/// A fraction of what is usual, so that the tests need not wait.
const SHORT: Times = Times {
    head: Duration::from_millis(600),
    idle: Duration::from_millis(1500),
    parting: Duration::from_secs(1),
    body_idle: Duration::from_millis(600),
    body_grace: Duration::from_millis(1200),
    write_idle: Duration::from_millis(800),
    write_rate: 64 << 10,
};

/// Sends bytes one by one, so slowly that no single wait is too long, until the gateway hangs up. Gives what it said, and after
/// how long it hung up, if it did.
fn trickle(mut socket: TcpStream, bytes: &[u8]) -> (Vec<u8>, Option<Duration>) {
    let began = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(40))).unwrap();
    let mut told = Vec::new();
    for byte in bytes {
        if socket.write_all(&[*byte]).is_err() {
            break;
        }
        let mut piece = [0; 4096];
        match socket.read(&mut piece) {
            Ok(0) => return (told, Some(began.elapsed())),
            Ok(length) => told.extend_from_slice(&piece[..length]),
            Err(error)
                if [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind()) => {
            }
            Err(_) => return (told, Some(began.elapsed())),
        }
    }
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let waits = |error: std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    let is_open = socket.read_to_end(&mut told).is_err_and(waits);
    (told, (!is_open).then(|| began.elapsed()))
}

fn guarded(provider: &Provider) -> Watched {
    start(&Setup::guarded(provider).times(SHORT))
}

#[test]
fn heads_that_do_not_end_are_not_waited_for() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = guarded(&provider);
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: a\r\n{}", "x: y\r\n".repeat(50));
    for bytes in [head.as_bytes(), b"", b"POST "] {
        let (told, closed) = trickle(connect(gateway.address), bytes);
        assert!(told.is_empty(), "{}", String::from_utf8_lossy(&told));
        assert!(closed.is_some_and(is_about(SHORT.head)), "{closed:?}");
    }
    assert_eq!(provider.connections(), 0);
    assert_eq!(gateway.ask(CANARY).status, 200);
    gateway.stop();
}

/// Whether something took that long, on a machine that does much besides.
fn is_about(time: Duration) -> impl Fn(Duration) -> bool {
    move |took| took >= time.mul_f32(0.9) && took < time + Duration::from_secs(5)
}

/// A connection whose first request was answered, and is kept.
fn kept(gateway: &Watched) -> TcpStream {
    let body = question_of(CANARY, false).to_string();
    let mut socket = connect(gateway.address);
    ask_on(&mut socket, &body);
    socket
}

/// Asks over a connection that is kept, and reads the whole answer.
fn ask_on(socket: &mut TcpStream, body: &str) {
    let head = request(CHAT, "", body.len()).replace("connection: close\r\n", "");
    socket.write_all((head + body).as_bytes()).unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"}") && !told.ends_with(b"}\n") {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).expect("an answer");
        assert!(length > 0, "{}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&piece[..length]);
    }
    assert!(told.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&told));
}

#[test]
fn a_connection_between_two_requests_is_kept_for_longer_than_a_head_may_take() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider).times(Times { idle: Duration::from_secs(3), ..SHORT }));
    let body = question_of(CANARY, false).to_string();
    let mut socket = kept(&gateway);
    for _ in 0..2 {
        std::thread::sleep(SHORT.head * 2);
        ask_on(&mut socket, &body);
    }
    let (told, closed) = trickle(socket, b"");
    assert!(told.is_empty() && closed.is_some_and(is_about(Duration::from_secs(3))), "{closed:?}");
    let (told, closed) = trickle(kept(&gateway), &b"POST /v1/chat HTTP/1.1\r\nx: y\r\n".repeat(40));
    assert!(
        told.is_empty() && closed.is_some_and(is_about(SHORT.head)),
        "a head has its own time: {closed:?}"
    );
    gateway.stop();
}

#[test]
fn a_connection_that_says_nothing_after_its_answer_is_closed() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = guarded(&provider);
    let body = question_of(CANARY, false).to_string();
    let head = request(CHAT, "", body.len()).replace("connection: close\r\n", "");
    let mut socket = connect(gateway.address);
    socket.write_all((head + &*body).as_bytes()).unwrap();
    let reply = rest(&mut socket); // which waits for the end of the connection
    assert_eq!((reply.status, reply.is_whole), (200, true));
    gateway.stop();
}

#[test]
fn bodies_that_stand_still_or_creep_are_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = guarded(&provider);
    let body = question_of(&format!("{CANARY} {}", "x".repeat(2000)), false).to_string();
    let head = request(CHAT, "", body.len());
    let mut still = connect(gateway.address);
    still.write_all((head.clone() + &body[..20]).as_bytes()).unwrap();
    let reply = rest(&mut still);
    assert_eq!((reply.status, reply.code().as_str()), (408, "body_too_slow"));
    let mut creeping = connect(gateway.address);
    creeping.write_all(head.as_bytes()).unwrap();
    let (told, closed) = trickle(creeping, body.as_bytes());
    let told = String::from_utf8(told).unwrap();
    assert!(closed.is_some(), "it is still open");
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("body_too_slow"), "{told}");
    assert_eq!(provider.connections(), 0);
    let records = gateway.stop();
    assert!(records.len() == 2 && records.iter().all(|one| one["error"] == "body_too_slow"), "{records:?}");
}

/// A client that asks and never reads.
fn deaf(gateway: &Watched, stream: bool) -> TcpStream {
    let body = question_of(CANARY, stream).to_string();
    let mut socket = connect(gateway.address);
    socket.write_all((request(CHAT, "", body.len()) + &*body).as_bytes()).unwrap();
    socket
}

#[test]
fn a_reader_that_stands_still_is_let_go_and_its_provider_too() {
    let piece = event(&delta(&"word ".repeat(200))).repeat(1000);
    let endless = (0..40).fold(Script::raw(STREAM_HEAD), |script, _| script.then(&piece));
    let provider = Provider::always(endless.stall());
    let gateway = guarded(&provider);
    let reader = deaf(&gateway, true);
    wait_until("the provider is asked", || !provider.seen().is_empty());
    wait_until("the reader is given up", || gateway.admin("/metrics").shows("kt_requests_in_flight 0"));
    drop(reader);
    let records = gateway.stop();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["outcome"], "client_disconnect", "{}", records[0]);
}

/// Reads so many bytes at a time, ten times a second, until so many are read or the gateway hangs up; gives how many were.
fn sip(mut reader: TcpStream, each: usize, most: usize) -> usize {
    let (mut taken, mut glass) = (0, vec![0; each]);
    while taken < most {
        std::thread::sleep(Duration::from_millis(100));
        match reader.read(&mut glass) {
            Ok(0) | Err(_) => break,
            Ok(length) => taken += length,
        }
    }
    taken
}

#[test]
fn a_reader_that_creeps_is_let_go_and_one_that_is_slow_is_served() {
    const MOST: usize = 1 << 20;
    let piece = event(&delta(&"word ".repeat(200))).repeat(1000);
    let endless = (0..40).fold(Script::raw(STREAM_HEAD), |script, _| script.then(&piece));
    let provider = Provider::always(endless.stall());
    // Sockets here keep megabytes of what was sent, and nobody sees how slowly that is taken. So the slow one takes more of it.
    let times = Times { write_rate: 4 << 20, ..SHORT };
    for (times, each, is_served) in [(times, 64 << 10, false), (SHORT, 64 << 10, true)] {
        let gateway = start(&Setup::guarded(&provider).times(times));
        let taken = sip(deaf(&gateway, true), each, 8 * MOST);
        assert_eq!(taken >= 8 * MOST, is_served, "{taken} bytes taken");
        wait_until("the reader is gone", || gateway.admin("/metrics").shows("kt_requests_in_flight 0"));
        let records = gateway.stop();
        assert_eq!(records[0]["outcome"], "client_disconnect", "{}", records[0]);
    }
}

/// How many connections may be open here: both ends of each are in this process.
fn room() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit of files");
    let most: usize = line.split_whitespace().next().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    (most.saturating_sub(300) / 2).min(2000)
}

#[test]
fn idle_connections_keep_nobody_out() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    let idle: Vec<TcpStream> =
        (0..room()).map(|_| TcpStream::connect(gateway.address).expect("a place")).collect();
    assert!(idle.len() > 100);
    for _ in 0..20 {
        assert_eq!(gateway.ask(CANARY).status, 200);
    }
    drop(idle);
    assert_eq!(gateway.ask(CANARY).status, 200);
    gateway.stop();
}

#[test]
fn times_that_hold_without_more_are_those_of_the_book() {
    let page = include_str!("../../book/src/http.md");
    let times = Times::default();
    let seconds = |time: Duration| time.as_secs();
    for line in [
        format!(
            "| head of a request | 64 KiB, 100 headers ([`size_limits`](configuration.md#size_limits)); {} seconds |",
            seconds(times.head)
        ),
        format!(
            "| a connection that is idle | {} seconds between two requests; {} seconds before the first of HTTP/1.1.",
            seconds(times.idle),
            seconds(times.head)
        ),
        format!(
            "In HTTP/2 its client is told so (GOAWAY), and has {} seconds to go.",
            seconds(times.parting)
        ),
        format!(
            "{} seconds of silence; {} seconds, and after that at least 1 KiB a second",
            seconds(times.body_idle),
            seconds(times.body_grace)
        ),
        format!(
            "| a client that takes no byte of its connection, or no frame of a stream of HTTP/2 | {} seconds; in the long run it takes at least {} KiB a second of what waits for it |",
            seconds(times.write_idle),
            times.write_rate / 1024
        ),
    ] {
        assert!(page.contains(&line), "the book should say: {line}");
    }
}
