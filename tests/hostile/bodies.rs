//! Many large bodies at once: together they take no more memory than they may, and those that fit go on.

use std::io::{Read, Write};
use std::net::TcpStream;

use tests::client::{connect, request, rest, send};
use tests::{Provider, Script, Setup, question_of};

use crate::watch::{Watched, start};
use crate::{CANARY, CHAT, wait_until};

/// Room for one MiB of bodies.
fn narrow(provider: &Provider) -> Watched {
    start(&Setup::guarded(provider).block("size_limits: {body_kb: 1024, bodies_mb: 1}"))
}

/// A client that has sent so many bytes of a body that does not end.
fn unfinished(gateway: &Watched, bytes: usize) -> TcpStream {
    let mut socket = connect(gateway.address);
    let head = request(CHAT, "", 1 << 20);
    socket.write_all((head + &*" ".repeat(bytes)).as_bytes()).unwrap();
    socket
}

/// Whether a body of so many bytes would be taken; who only asks takes no room from others.
fn has_room(gateway: &Watched, bytes: usize) -> bool {
    let mut socket = connect(gateway.address);
    socket.write_all(request(CHAT, "expect: 100-continue\r\n", bytes).as_bytes()).unwrap();
    let mut head = [0; 12];
    socket.read_exact(&mut head).unwrap();
    &head == b"HTTP/1.1 100"
}

fn large() -> String {
    question_of(&format!("{CANARY} {}", "x".repeat(200 << 10)), false).to_string()
}

#[test]
fn bodies_that_do_not_fit_beside_the_others_are_told_to_come_back() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = narrow(&provider);
    let body = large();
    let announced = request(CHAT, "", body.len()) + &*body;
    let length = format!("content-length: {}", body.len());
    let chunked = request(CHAT, "", body.len()).replace(&length, "transfer-encoding: chunked");
    let chunks: String = body.as_bytes().chunks(16 << 10).fold(String::new(), |all, chunk| {
        format!("{all}{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap())
    });
    let chunked = chunked + &*chunks + "0\r\n\r\n";
    assert!(chunked.contains("transfer-encoding"), "{}", &chunked[..200]);
    let held = unfinished(&gateway, 1000 << 10);
    wait_until("the other body is there", || !has_room(&gateway, body.len()));
    for asked in [&announced, &chunked] {
        let reply = send(gateway.address, asked);
        assert_eq!((reply.status, reply.code().as_str()), (503, "no_room_for_body"), "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    assert_eq!(gateway.ask(CANARY).status, 200, "a small one fits");
    drop(held);
    for asked in [&announced, &chunked] {
        wait_until("there is room again", || send(gateway.address, asked).status == 200);
    }
    let records = gateway.stop();
    let refused = records.iter().filter(|one| one["error"] == "no_room_for_body");
    assert!(
        refused.clone().count() >= 2 && refused.clone().all(|one| one["outcome"] == "refused"),
        "{records:?}"
    );
}

#[test]
fn whoever_only_announces_a_body_takes_no_room() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = narrow(&provider);
    let held: Vec<TcpStream> = (0..8).map(|_| unfinished(&gateway, 10)).collect();
    let body = large();
    for _ in 0..4 {
        assert_eq!(send(gateway.address, request(CHAT, "", body.len()) + &*body).status, 200);
    }
    drop(held);
    gateway.stop();
}

#[test]
fn a_body_whose_client_waits_to_be_asked_for_it_is_refused_before() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = narrow(&provider);
    for (path, bytes, status) in [(CHAT, 2 << 20, "413"), ("/v1/nowhere", 10, "404")] {
        let mut socket = connect(gateway.address);
        socket.write_all(request(path, "expect: 100-continue\r\n", bytes).as_bytes()).unwrap();
        let mut told = Vec::new();
        socket.read_to_end(&mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
    let body = question_of(CANARY, false).to_string();
    let mut socket = connect(gateway.address);
    socket.write_all(request(CHAT, "expect: 100-continue\r\n", body.len()).as_bytes()).unwrap();
    let mut asked = [0; 25];
    socket.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(body.as_bytes()).unwrap();
    assert_eq!(rest(&mut socket).status, 200);
    gateway.stop();
}
