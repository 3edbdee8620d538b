//! Coming and going: clients that leave, gateways that drain, ports that are taken.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::client::{connect, request, rest};
use tests::{DONE, Provider, Script, Setup, delta, event, finish, question_of};

use crate::record;

const BOUND: Duration = Duration::from_millis(500);

fn ask(gateway: &tests::Gateway, stream: bool, after: &[u8]) -> TcpStream {
    let body = question_of("hi", stream).to_string();
    let mut socket = connect(gateway.address);
    socket.write_all(request("/v1/chat/completions", "", body.len()).as_bytes()).unwrap();
    socket.write_all(&[body.as_bytes(), after].concat()).unwrap();
    socket
}

fn wait_for(provider: &Provider, requests: usize) {
    let until = Instant::now() + Duration::from_secs(5);
    while provider.seen().len() < requests {
        assert!(Instant::now() < until, "the provider was not asked");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_client_that_leaves_takes_its_request_to_the_provider_along() {
    let begun = Script::stream(event(&delta("a")));
    for (name, script, stream, after) in [
        ("before a whole answer", Script::default().stall(), false, b"".as_slice()),
        ("before a stream", Script::default().stall(), true, b""),
        ("in a stream", begun.clone().stall(), true, b""),
        ("in a stream, with a byte too many", begun.stall(), true, b"P"),
        ("before an answer, with a byte too many", Script::default().stall(), false, b"P"),
    ] {
        let provider = Provider::always(script);
        let gateway = Setup::guarded(&provider).here();
        let socket = ask(&gateway, stream, after);
        wait_for(&provider, 1);
        std::thread::sleep(Duration::from_millis(20));
        drop(socket);
        assert!(provider.is_let_go(BOUND), "{name}: the provider is still held");
        let records = gateway.stop();
        assert_eq!((records.len(), records[0]["outcome"].as_str()), (1, Some("client_disconnect")), "{name}");
    }
}

#[test]
fn a_client_that_resets_in_a_held_stream_is_noticed_too() {
    let provider = Provider::always(Script::stream(event(&delta("x SECRET1"))).stall());
    let gateway = Setup::guarded(&provider).here();
    let mut socket = ask(&gateway, true, b"");
    assert!(socket.read(&mut [0; 16]).unwrap() > 0);
    drop(socket); // unread bytes make it a reset
    assert!(provider.is_let_go(BOUND));
    record::only(&gateway.stop(), "client_disconnect", 200);
}

#[test]
fn streams_in_flight_are_finished_when_the_gateway_drains() {
    let piece = |text: &str| event(&delta(text));
    let script = Script::stream(piece("one ")).pause(300).then(piece("SECRET1")).pause(200);
    let provider = Provider::always(script.then(piece(" two") + &*event(&finish("stop")) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let address = gateway.address;
    let sockets: Vec<TcpStream> = (0..30).map(|_| ask(&gateway, true, b"")).collect();
    wait_for(&provider, sockets.len());
    let stopping = gateway.begin_to_stop();
    std::thread::sleep(Duration::from_millis(50));
    assert!(TcpStream::connect(address).is_err(), "nobody new comes in");
    for mut socket in sockets {
        let reply = rest(&mut socket);
        assert_eq!((reply.said().as_str(), reply.finish().as_deref()), ("one [SECRET] two", Some("stop")));
        assert!(reply.is_whole && reply.body.ends_with(DONE));
    }
    let records = stopping.wait();
    assert_eq!(records.len(), 30);
    records.iter().for_each(|one| record::check(one, "complete", 200));
    let numbers: Vec<u64> = records.iter().map(|one| one["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_gateway_that_must_leave_at_once_records_what_it_cut_off() {
    let provider = Provider::always(Script::stream(event(&delta("a"))).stall());
    let gateway = Setup::guarded(&provider).here();
    let mut socket = ask(&gateway, true, b"");
    wait_for(&provider, 1);
    let began = Instant::now();
    let records = gateway.begin_to_stop().leave();
    assert!(began.elapsed() < Duration::from_secs(3));
    let reply = rest(&mut socket);
    assert!(!reply.is_whole || reply.error().is_some(), "a cut stream must not look whole: {}", reply.body);
    assert_eq!(records.len(), 1);
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setup = Setup::new().demo();
    let (_folder, config) = setup.write();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for flag in ["--listen", "--admin-listen"] {
        let mut settings = tests::gate::settings(&setup, &config);
        match flag {
            "--listen" => settings.listen = vec![address.clone()],
            _ => settings.admin_listen = Some(address.clone()),
        }
        let error = runtime.block_on(gateway::bind(settings)).unwrap_err().to_string();
        assert!(error.contains("is in use") && error.contains(flag) && error.contains(&address), "{error}");
    }
}

#[test]
fn two_gateways_do_not_write_one_audit_log() {
    let setup = Setup::new().demo();
    let (_folder, config) = setup.write();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _first = runtime.block_on(gateway::bind(tests::gate::settings(&setup, &config))).unwrap();
    let error =
        runtime.block_on(gateway::bind(tests::gate::settings(&setup, &config))).unwrap_err().to_string();
    assert!(error.contains("another `kt`") && error.contains("--state-dir"), "{error}");
}

#[test]
fn many_clients_at_once_are_all_answered_and_recorded() {
    let provider = Provider::always(Script::deltas(["one SEC", "RET1 two"]));
    let gateway = Setup::guarded(&provider).here();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..10).for_each(|_| assert_eq!(gateway.stream("hi").said(), "one [SECRET] two")));
        }
    });
    let mut numbers: Vec<u64> = gateway.stop().iter().map(|one| one["seq"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=160).collect::<Vec<_>>());
}

#[test]
fn a_stream_that_outlasts_the_drain_is_told_that_the_gateway_stops() {
    let provider = Provider::always(Script::stream(event(&delta("a SECRE"))).stall());
    let gateway = Setup::guarded(&provider).drain(Duration::from_millis(200)).here();
    let mut socket = ask(&gateway, true, b"");
    wait_for(&provider, 1);
    let records = gateway.begin_to_stop().wait();
    let reply = rest(&mut socket);
    assert_eq!((reply.said().as_str(), reply.code().as_str()), ("a ", "gateway_stopping"));
    assert!(reply.is_whole && reply.body.ends_with(DONE), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["type"], "upstream_error");
    assert_eq!(record::only(&records, "failed", 200)["error"], "gateway_stopping");
}

#[test]
fn a_whole_answer_that_outlasts_the_drain_is_told_too() {
    let provider = Provider::always(Script::default().stall());
    let gateway = Setup::guarded(&provider).drain(Duration::from_millis(200)).here();
    let mut socket = ask(&gateway, false, b"");
    wait_for(&provider, 1);
    let records = gateway.begin_to_stop().wait();
    let reply = rest(&mut socket);
    assert_eq!((reply.status, reply.code().as_str()), (503, "gateway_stopping"));
    record::only(&records, "failed", 503);
}
