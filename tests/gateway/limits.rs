//! Sizes, framings and types that are refused before anything is sent anywhere.

use tests::{Provider, Script, Setup, post, question_of, send};

use crate::record;

const CHAT: &str = "/v1/chat/completions";
const JSON: &str = "content-type: application/json";
const MIB: usize = 1024 * 1024;

#[test]
fn bodies_that_are_too_large_are_refused_however_they_come() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let announced = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\n{JSON}\r\ncontent-length: 11534336\r\n\r\n");
    let sent = tests::client::request(CHAT, "", 11 * MIB) + &*"x".repeat(11 * MIB);
    let chunk = format!("{MIB:x}\r\n{}\r\n", "x".repeat(MIB)).repeat(11) + "0\r\n\r\n";
    let chunked =
        format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n{chunk}");
    for (name, bytes) in [("announced", announced), ("sent", sent), ("in chunks", chunked)] {
        let reply = send(gateway.address, bytes);
        assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"), "{name}");
        assert_eq!(reply.header("connection"), Some("close"), "{name}");
    }
    assert_eq!(provider.connections(), 0);
    gateway.stop().iter().for_each(|one| record::check(one, "refused", 413));
}

#[test]
fn a_body_of_the_largest_size_passes_whole() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let empty = question_of("", false).to_string().len();
    let body = question_of(&"a ".repeat((10 * MIB - empty) / 2), false).to_string();
    assert_eq!(gateway.post("", &body).status, 200);
    assert_eq!(provider.last().body.len(), body.len());
}

#[test]
fn bodies_that_cannot_be_judged_are_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    let body = question_of("hi", false).to_string();
    for header in [
        "content-encoding: gzip",
        "content-encoding: identity, br",
        "content-encoding: GZIP",
        "content-encoding: ",
        "content-type: text/plain",
        "content-type: multipart/form-data",
        "content-type: application/jsonx",
        "content-type: application/json\r\ncontent-type: text/plain",
    ] {
        let reply = post(gateway.address, CHAT, &format!("{header}\r\n"), &body);
        assert_eq!((reply.status, reply.code().as_str()), (415, "unsupported_media_type"), "{header}");
    }
    assert_eq!(provider.connections(), 0);
    for header in ["content-type: APPLICATION/json;charset=utf-8", "content-encoding: identity"] {
        assert_eq!(post(gateway.address, CHAT, &format!("{header}\r\n"), &body).status, 200, "{header}");
    }
    let outcomes: Vec<String> =
        gateway.stop().iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outcomes[..8], ["refused"; 8]);
    assert_eq!(outcomes[8..], ["complete"; 2]);
}

#[test]
fn framings_that_two_servers_read_in_two_ways_are_refused_or_read_in_one() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).here();
    let body = question_of("hi", false).to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let head = |lines: &str| format!("POST {CHAT} HTTP/1.1\r\n{JSON}\r\n{lines}\r\n\r\n");
    let length = body.len();
    for (request, statuses) in [
        (head("connection: close") + &*body, [400].as_slice()),
        (head("host: a\r\nhost: b") + &*body, &[400]),
        (head(&format!("host: a\r\ncontent-length: {length}\r\ncontent-length: 5")) + &*body, &[400]),
        (head(&format!("host: a\r\ncontent-length: +{length}")) + &*body, &[400]),
        (head("host: a\r\ntransfer-encoding: gzip, chunked") + &*chunked, &[400]),
        (head("host: a\r\ntransfer-encoding: xchunked") + &*chunked, &[400]),
        (head("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked") + &*chunked, &[400]),
        (head("host : a") + &*body, &[400]),
        (head(&format!("host: a\r\nx: {}", "y".repeat(500_000))), &[431]),
        (head(&format!("host: a{}", "\r\nx: y".repeat(120))), &[431]),
        (
            head(&format!(
                "host: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ncontent-length: {length}"
            )) + &*chunked,
            &[200, 400],
        ),
    ] {
        let before = provider.connections();
        let reply = send(gateway.address, &request);
        let shown = &request[..request.len().min(160)];
        assert!(statuses.contains(&reply.status), "{shown}: {}", reply.head);
        assert_eq!(provider.connections() - before, usize::from(reply.status == 200), "{shown}");
    }
}

/// Many times: whether the gateway sees the request or its end first is up to the machine.
#[test]
fn a_body_that_breaks_off_is_refused() {
    use std::io::Write;
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).here();
    for _ in 0..100 {
        let mut socket = tests::client::connect(gateway.address);
        let head = tests::client::request(CHAT, "", 100) + "{\"model\":";
        socket.write_all(head.as_bytes()).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        // Whatever the gateway says to that, it has then seen the end.
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    }
    let records = gateway.stop();
    assert_eq!((records.len(), provider.connections()), (100, 0));
    for record in records {
        let outcome = record["outcome"].as_str().unwrap();
        assert!(["refused", "client_disconnect"].contains(&outcome), "{record}");
    }
}

#[test]
fn two_requests_on_one_connection_are_answered_in_order() {
    let provider = Provider::in_turn([Script::answer("one"), Script::answer("two")]);
    let gateway = Setup::over(&provider).here();
    let body = question_of("hi", false).to_string();
    let close = tests::client::request(CHAT, "", body.len());
    let keep = close.replace("connection: close\r\n", "");
    let reply = send(gateway.address, keep + &*body + &*close + &*body);
    let all = String::from_utf8(reply.raw).unwrap();
    assert!(all.find("one").unwrap() < all.find("two").unwrap(), "{all}");
}
