//! A gateway that is killed at random moments under load: what a client has seen to its last byte is on record.
//!
//! `KT_TESTS_KILLS=1000` kills it so often.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tests::client::request;
use tests::ledger::{recorded, verify};
use tests::{DONE, Provider, Script, Setup, question_of, whole};

/// How often it is killed where nobody says otherwise.
const KILLS: usize = 20;

/// How many kills one log sees.
const PER_LOG: usize = 25;

/// How many clients ask without a pause.
const CLIENTS: usize = 6;

/// The longest life of a gateway.
const LIFE: u64 = 200;

/// A clock's lowest digits, for moments that nothing else depends on.
fn random(below: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut mixed = now.as_nanos() as u64 ^ 0x9E37_79B9_7F4A_7C15;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 31)) % below
}

/// Asks once; whether the last byte of the answer came.
fn ask(address: SocketAddr, name: &str, stream: bool) -> bool {
    let body = question_of("hi", stream).to_string();
    let head = request("/v1/chat/completions", &format!("x-request-id: {name}\r\n"), body.len());
    let Ok(mut socket) = TcpStream::connect(address) else { return false };
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reply = Vec::new();
    socket.write_all(format!("{head}{body}").as_bytes()).ok();
    socket.read_to_end(&mut reply).ok(); // what came before a reset counts
    let reply = String::from_utf8_lossy(&reply);
    let said_all =
        if stream { reply.contains(DONE) } else { reply.ends_with("}") && reply.contains("\r\n\r\n{") };
    said_all && reply.starts_with("HTTP/1.1 200")
}

/// Clients that ask until they are told to stop; they note what was answered.
fn load(address: SocketAddr, kill: usize, answered: &Mutex<HashSet<String>>, stop: &AtomicBool) {
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("k{kill}-c{client}-{number}");
                    if ask(address, &name, number % 2 == 0) {
                        answered.lock().unwrap().insert(name);
                    }
                }
            });
        }
    });
}

/// What one log saw.
#[derive(Debug, Default)]
struct Seen {
    answered: usize,
    records: u64,
    sealed: u64,
    torn: usize,
    unfinished: u64,
}

fn one_log(setup: &Setup, kills: usize) -> Seen {
    let (folder, _) = setup.write();
    let folder = Arc::new(folder);
    let state = folder.path().join("state");
    let answered = Mutex::new(HashSet::new());
    let mut seen = Seen::default();
    for kill in 0..kills {
        if random(4) == 0 && state.exists() {
            // Some starts are cut short too.
            let mut child = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0").spawn().unwrap();
            std::thread::sleep(Duration::from_millis(random(60)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let gateway = setup.process_in(Arc::clone(&folder));
        let (address, stop) = (gateway.address, AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| load(address, kill, &answered, &stop));
            std::thread::sleep(Duration::from_millis(random(LIFE)));
            gateway.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let (report, code) = verify(&state);
        assert_eq!((code, &report["broken"]), (0, &serde_json::Value::Null), "{report}");
        seen.unfinished += u64::from(report["torn_bytes"] != 0);
        (seen.records, seen.sealed) =
            (report["records"].as_u64().unwrap(), report["sealed_segments"].as_u64().unwrap());
        let (names, torn) = recorded(&state);
        for name in answered.lock().unwrap().iter() {
            assert_eq!(names.get(name), Some(&1), "the client has seen all of {name}");
        }
        assert!(torn <= kill + 1, "at most one torn line a crash");
        seen.torn = torn;
    }
    let ended = setup.process_in(Arc::clone(&folder)).stop();
    assert!(ended.status.success(), "{}", ended.log);
    assert_eq!(verify(&state).1, 0);
    seen.answered = answered.lock().unwrap().len();
    seen
}

#[test]
fn what_was_answered_is_on_record_whenever_the_gateway_is_killed() {
    let kills = std::env::var("KT_TESTS_KILLS").ok().map_or(KILLS, |kills| kills.parse().expect("a number"));
    let provider = Provider::always(Script::echo(|seen| {
        let asked = seen.json();
        let script = match asked["stream"].as_bool() {
            Some(true) => Script::deltas(["one ", "two"]),
            _ => Script::json(&whole("one two")),
        };
        script.bytes()
    }));
    let setup = Setup::over(&provider).kind("audit-logger").block("audit: {segment_mb: 1}");
    let mut left = kills;
    let (mut answered, mut torn) = (0, 0);
    while left > 0 {
        let now = left.min(PER_LOG);
        let seen = one_log(&setup, now);
        eprintln!("{now} kills: {seen:?}");
        (answered, torn, left) = (answered + seen.answered, torn + seen.torn, left - now);
    }
    eprintln!("{kills} kills, {answered} requests answered and all on record, {torn} torn lines");
    assert!(answered > kills, "the gateway answers between its deaths");
}
