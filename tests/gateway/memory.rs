//! What the gateway keeps has a bound: streams that stand still, configurations that were, reloads that nobody waits for.
//!
//! The bounds are wide: they tell a leak, and what grows with what was said, from what a request takes. What it does take is
//! measured by `tests/bench/gateway/run --memory`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use tests::binary::Process;
use tests::client::{connect, request};
use tests::{Provider, STREAM_HEAD, Script, Setup, delta, event, post, question_of};

use crate::wait_until;

/// A figure of the process, such as `VmRSS` in KiB or `Threads`.
fn figure(gateway: &Process, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Reads until those bytes have come.
fn read_to(socket: &mut TcpStream, last: &[u8]) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while !bytes.windows(last.len()).any(|window| window == last) {
        let count = socket.read(&mut piece).unwrap();
        assert!(count > 0, "the stream ended early");
        let old = bytes.len().saturating_sub(last.len());
        bytes.drain(..old);
        bytes.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn a_stream_that_stands_still_takes_no_more_for_what_it_has_said() {
    const STREAMS: u64 = 100;
    let said = event(&delta(&"The quick brown fox jumps over the lazy dog. ".repeat(80))).repeat(100);
    let script = Script::raw(STREAM_HEAD).then(said).then(event(&delta("Now it waits."))).stall();
    let gateway = Setup::guarded(&Provider::always(script)).process();
    let body = question_of("hi", true).to_string();
    let open = || {
        let mut socket = connect(gateway.address);
        write!(socket, "{}{body}", request("/v1/chat/completions", "", body.len())).unwrap();
        socket
    };
    let mut first = open();
    read_to(&mut first, b"Now it");
    let before = figure(&gateway, "VmRSS");
    let mut sockets: Vec<TcpStream> = (0..STREAMS).map(|_| open()).collect();
    sockets.iter_mut().for_each(|socket| read_to(socket, b"Now it"));
    let each = figure(&gateway, "VmRSS").saturating_sub(before) / STREAMS;
    assert!(each < 256, "each stream takes {each} KiB after it has said 360 KB");
}

#[test]
fn what_was_in_force_before_a_reload_is_let_go() {
    let gateway = Setup::guarded(&Provider::always(Script::answer("hi"))).kind("pii-detector").process();
    let reload = |times: usize| {
        for _ in 0..times {
            assert_eq!(post(gateway.admin, "/keeptrusts/config/reload", "", "").status, 200);
        }
        figure(&gateway, "VmRSS")
    };
    let before = reload(20);
    let after = reload(100);
    assert!(after < before + 32 * 1024, "{before} KiB before 100 reloads, {after} KiB after them");
}

#[test]
fn reloads_that_nobody_waits_for_do_not_pile_up() {
    let gateway = Setup::over(&Provider::always(Script::answer("hi"))).process();
    assert_eq!(post(gateway.admin, "/keeptrusts/config/reload", "", "").status, 200);
    let threads = figure(&gateway, "Threads");
    // Nobody writes into it: whoever reads the key waits.
    let key = gateway.folder().join("key");
    std::fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    for _ in 0..40 {
        let mut socket = connect(gateway.admin);
        write!(socket, "{}", request("/keeptrusts/config/reload", "", 0)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(figure(&gateway, "Threads") < threads + 10, "{} threads", figure(&gateway, "Threads"));
    std::fs::write(&key, "another\n").unwrap();
    wait_until(|| gateway.log().matches("the configuration was read anew").count() > 1);
}
