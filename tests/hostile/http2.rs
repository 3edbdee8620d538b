//! HTTP/2: clients that stop taking one stream, take requests back as fast as they send them, or send heads that grow when they
//! are unpacked. The gateway ends the stream or the connection, and serves everybody else.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway::Times;
use h2::client::SendRequest;
use hyper::Request;
use rustls::ClientConfig;
use tempfile::TempDir;
use tests::tls::{Authority, secured, secured_here};
use tests::{Provider, RUNTIME, STREAM_HEAD, Script, Setup, delta, event, question_of, whole};

use crate::watch::{Watched, start};
use crate::{CANARY, CHAT, wait_until};

/// A gateway that speaks HTTP/2, and a client that trusts it.
struct Served {
    gateway: Watched,
    client: Arc<ClientConfig>,
    _folder: TempDir,
}

fn served(setup: &Setup) -> Served {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let [cert, key] = authority.issue("127.0.0.1").write(folder.path(), "gateway");
    let block = format!("tls: {{cert: {}, key: {}}}", cert.display(), key.display());
    let gateway = start(&setup.clone().block(&block));
    Served { gateway, client: authority.client(None, &["h2"]), _folder: folder }
}

/// Connects, with so small a window for each stream.
async fn connected(address: SocketAddr, client: Arc<ClientConfig>, window: u32) -> SendRequest<Bytes> {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(16 << 20);
    let (sender, connection) = builder.handshake(secured(address, client).await).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn post(headers: usize, length: usize) -> Request<()> {
    let request =
        Request::post(format!("https://127.0.0.1{CHAT}")).header("content-type", "application/json");
    let value = "y".repeat(length);
    (0..headers).fold(request, |request, at| request.header(format!("x-{at}"), &value)).body(()).unwrap()
}

/// Asks, and gives the body of the answer with its status.
async fn ask(sender: &SendRequest<Bytes>, stream: bool) -> (u16, h2::RecvStream) {
    let mut sender = sender.clone().ready().await.unwrap();
    let (response, mut body) = sender.send_request(post(0, 0), false).unwrap();
    body.send_data(question_of(CANARY, stream).to_string().into(), true).unwrap();
    let response = response.await.unwrap();
    (response.status().as_u16(), response.into_body())
}

#[test]
fn a_stream_that_nobody_takes_is_ended_and_its_neighbours_go_on() {
    let piece = event(&delta(&"word ".repeat(200))).repeat(200);
    let endless = Script::raw(STREAM_HEAD).then(piece).stall();
    let large = Script::json(&whole(&"word ".repeat(1 << 20)));
    let small = Script::json(&whole("ok"));
    for (name, held, stream) in [("a stream", endless, true), ("a whole answer", large, false)] {
        let provider = Provider::in_turn([held, small.clone()]);
        let times = Times { write_idle: Duration::from_millis(700), ..Times::default() };
        let served = served(&Setup::guarded(&provider).times(times));
        RUNTIME.block_on(async {
            let sender = connected(served.gateway.address, Arc::clone(&served.client), 32 << 10).await;
            let (status, mut held) = ask(&sender, stream).await;
            assert_eq!(status, 200, "{name}");
            let (status, mut other) = ask(&sender, false).await;
            assert_eq!(status, 200, "{name}");
            let told = other.data().await.unwrap().unwrap();
            assert!(String::from_utf8_lossy(&told).contains("\"ok\""), "{name}");
            // What is taken from the window and not given back is never asked for again.
            let mut taken = 0;
            let ended = loop {
                match held.data().await {
                    Some(Ok(bytes)) => taken += bytes.len(),
                    Some(Err(error)) => break error,
                    None => panic!("{name}: a cut stream must not look whole"),
                }
            };
            assert!(ended.is_reset() && taken <= 64 << 10, "{name}: {ended}, {taken} bytes taken");
            let (status, _) = ask(&sender, false).await;
            assert_eq!(status, 200, "{name}: the connection goes on");
        });
        let records = served.gateway.stop();
        let of = |outcome: &str| records.iter().filter(|one| one["outcome"] == outcome).count();
        // A whole answer is on record before it leaves, and what the client does with it is its own affair.
        assert_eq!((of("complete"), of("client_disconnect")), if stream { (2, 1) } else { (3, 0) }, "{name}");
    }
}

#[test]
fn a_connection_without_requests_ends_with_a_word_and_one_with_a_long_answer_does_not() {
    let idle = Duration::from_millis(700);
    let slow = Script::raw(STREAM_HEAD).then(event(&delta("a"))).pause(2800).then(event(&delta("b")));
    let provider = Provider::in_turn([slow.stall(), Script::json(&whole("ok"))]);
    let served = served(&Setup::over(&provider).times(Times { idle, ..Times::default() }));
    RUNTIME.block_on(async {
        let sender = connected(served.gateway.address, Arc::clone(&served.client), 1 << 20).await;
        let (status, mut held) = ask(&sender, true).await;
        assert_eq!(status, 200);
        let mut heard = String::new();
        while !heard.contains("\"b\"") {
            let bytes = held.data().await.expect("more").expect("the connection goes on");
            heard.push_str(&String::from_utf8_lossy(&bytes));
        }
        drop(held);
        let until = tokio::time::Instant::now() + idle * 10;
        let told = loop {
            match sender.clone().ready().await {
                Ok(_) => assert!(tokio::time::Instant::now() < until, "the connection is still there"),
                Err(told) => break told,
            }
            tokio::time::sleep(idle / 10).await;
        };
        let is_polite = told.is_go_away() && told.is_remote() && told.reason() == Some(h2::Reason::NO_ERROR);
        assert!(is_polite, "a client must know that its next request was not taken: {told:?}");
    });
    served.gateway.stop();
}

#[test]
fn a_client_that_says_nothing_is_cut_off_whether_it_was_told_or_never_greeted() {
    let provider = Provider::always(Script::answer("ok"));
    let (idle, parting) = (Duration::from_millis(300), Duration::from_millis(300));
    let served = served(&Setup::over(&provider).times(Times { idle, parting, ..Times::default() }));
    let (kinds, is_over) = exchanged(&served, &[]);
    assert!(kinds.contains(&GOAWAY) && is_over, "{kinds:?}");
    let mut stream = secured_here(served.gateway.address, Arc::clone(&served.client));
    stream.sock.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.flush().unwrap();
    let ended = stream.read_to_end(&mut Vec::new());
    let waits = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
    assert!(!ended.is_err_and(|error| waits.contains(&error.kind())), "it is still there");
    served.gateway.stop();
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let served = served(&Setup::guarded(&provider));
    RUNTIME.block_on(async {
        for (headers, length) in [(150, 1), (60, 2000), (1, 15_000)] {
            let sender = connected(served.gateway.address, Arc::clone(&served.client), 1 << 20).await;
            let mut sender = sender.ready().await.unwrap();
            let (response, mut body) = sender.send_request(post(headers, length), false).unwrap();
            body.send_data(question_of(CANARY, false).to_string().into(), true).ok();
            let status = response.await.map(|response| response.status().as_u16());
            let expected = if headers == 1 { 200 } else { 431 };
            assert_eq!(status.ok(), Some(expected), "{headers} of {length}");
        }
    });
    assert_eq!(provider.connections(), 1);
    served.gateway.stop();
}

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A length as the compression of heads writes it.
fn number(value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![value as u8];
    }
    let (mut bytes, mut rest) = (vec![127], value - 127);
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [number(text.len()).as_slice(), text.as_bytes()].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    [[0].as_slice(), &text(name), &text(value)].concat()
}

/// The head of a request: its method, scheme, path and authority, and more.
fn head(more: &[u8]) -> Vec<u8> {
    [[0x83, 0x87, 0x04].as_slice(), &text(CHAT), &[0x01], &text("127.0.0.1"), more].concat()
}

/// Sends frames; gives the kinds of those that come back, until the gateway hangs up or has nothing more to say.
fn exchanged(served: &Served, frames: &[u8]) -> (Vec<u8>, bool) {
    let mut stream = secured_here(served.gateway.address, Arc::clone(&served.client));
    stream.sock.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    for part in frames.chunks(1 << 20) {
        if stream.write_all(part).is_err() {
            break;
        }
    }
    let mut raw = Vec::new();
    let is_over = match stream.read_to_end(&mut raw) {
        Ok(_) => true,
        Err(error) => ![std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind()),
    };
    let (mut kinds, mut rest) = (Vec::new(), raw.as_slice());
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        kinds.push(rest[3]);
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    (kinds, is_over)
}

/// Whether others are served.
fn is_well(served: &Served) -> bool {
    RUNTIME.block_on(async {
        let sender = connected(served.gateway.address, Arc::clone(&served.client), 1 << 20).await;
        ask(&sender, false).await.0 == 200
    })
}

#[test]
fn floods_end_their_connection_and_nothing_else() {
    let provider = Provider::always(Script::answer("ok"));
    let served = served(&Setup::guarded(&provider));
    let taken_back = (0..500_u32).flat_map(|at| {
        let stream = 2 * at + 1;
        [frame(HEADERS, END_HEADERS, stream, &head(&[])), frame(RESET, 0, stream, &8_u32.to_be_bytes())]
            .concat()
    });
    let value = "v".repeat(3900);
    let indexed = [[0x40].as_slice(), &text("x-bomb"), &text(&value)].concat();
    let bomb = [indexed, vec![0xBE; 12_000]].concat();
    let crumbs = (0..20_000).flat_map(|_| frame(CONTINUATION, 0, 1, &field("x", "y")));
    let pieces = (0..2000).flat_map(|_| frame(CONTINUATION, 0, 1, &field("x", &"y".repeat(16_000))));
    let empty = (0..100_000).flat_map(|_| frame(CONTINUATION, 0, 1, &[]));
    let opened = frame(HEADERS, 0, 1, &head(&[]));
    for (name, frames) in [
        ("requests taken back", taken_back.collect::<Vec<u8>>()),
        ("a head that grows", frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&bomb))),
        ("a head in crumbs", [opened.clone(), crumbs.collect()].concat()),
        ("a head without end", [opened.clone(), pieces.collect()].concat()),
        ("a head of nothing without end", [opened, empty.collect()].concat()),
    ] {
        let (kinds, is_over) = exchanged(&served, &frames);
        assert!(is_over || kinds.contains(&HEADERS) || kinds.contains(&RESET), "{name}: {kinds:?}");
        assert!(is_well(&served), "{name}");
        assert_eq!(provider.seen().len(), 1, "{name}: nothing of that reaches a provider");
        provider.now(Script::answer("ok"));
        provider.forget();
    }
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(100_000);
    exchanged(&served, &pings);
    exchanged(&served, &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]).repeat(100_000));
    assert!(is_well(&served));
    served.gateway.stop();
}

#[test]
fn heads_that_mean_two_things_reach_no_provider() {
    let provider = Provider::always(Script::answer("ok"));
    let served = served(&Setup::guarded(&provider));
    let body = question_of(CANARY, false).to_string();
    let kind = field("content-type", "application/json");
    let of = |more: &[u8]| head(&[kind.as_slice(), more].concat());
    let plain = |fields: &[(&str, &str)]| -> Vec<u8> {
        fields.iter().flat_map(|(name, value)| field(name, value)).chain(kind.clone()).collect()
    };
    let base = [(":method", "POST"), (":scheme", "https"), (":path", CHAT), (":authority", "a")];
    for (name, head) in [
        ("chunks", of(&field("transfer-encoding", "chunked"))),
        ("a field of the connection", of(&field("connection", "close"))),
        ("capitals", of(&field("X-Upper", "1"))),
        ("a line end in a value", of(&field("x", "a\r\nb: c"))),
        ("a line end in a name", of(&field("x\r\nb", "c"))),
        ("another length", of(&field("content-length", "5"))),
        ("two lengths", of(&[field("content-length", "5"), field("content-length", "6")].concat())),
        ("another host", of(&field("host", "evil"))),
        ("a method after a field", [field("x", "1"), head(&kind)].concat()),
        ("two paths", [head(&[]), field(":path", "/x"), kind.clone()].concat()),
        ("a path without a slash", plain(&[base[0], base[1], (":path", "v1"), base[3]])),
        ("a path of stars", plain(&[base[0], base[1], (":path", "*"), base[3]])),
        ("a space in the method", plain(&[(":method", "POST x"), base[1], base[2], base[3]])),
        ("a line end in the path", plain(&[base[0], base[1], (":path", "/v1 HTTP/1.1\r\nx: y"), base[3]])),
        ("no path", plain(&[base[0], base[1], base[3]])),
        ("no method", plain(&[base[1], base[2], base[3]])),
        ("an unknown word of the protocol", plain(&[base[0], base[1], base[2], base[3], (":evil", "1")])),
        ("a tunnel", plain(&[(":method", "CONNECT"), (":authority", "evil:80")])),
    ] {
        let frames =
            [frame(HEADERS, END_HEADERS, 1, &head), frame(0, END_STREAM, 1, body.as_bytes())].concat();
        exchanged(&served, &frames);
        assert_eq!(provider.connections(), 0, "{name}");
    }
    assert!(is_well(&served));
    wait_until("the request is on record", || served.gateway.admin("/metrics").shows("status=\"200\""));
    served.gateway.stop();
}

#[test]
fn a_request_that_is_taken_back_lets_its_provider_go() {
    for begun in [Script::default().stall(), Script::stream(event(&delta("a"))).stall()] {
        let provider = Provider::always(begun);
        let served = served(&Setup::guarded(&provider));
        RUNTIME.block_on(async {
            let sender = connected(served.gateway.address, Arc::clone(&served.client), 1 << 20).await;
            let mut sender = sender.ready().await.unwrap();
            let (_response, mut body) = sender.send_request(post(0, 0), false).unwrap();
            body.send_data(question_of(CANARY, true).to_string().into(), true).unwrap();
            while provider.seen().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            body.send_reset(h2::Reason::CANCEL);
            tokio::time::sleep(Duration::from_millis(50)).await;
            let let_go = tokio::task::block_in_place(|| provider.is_let_go(Duration::from_secs(5)));
            assert!(let_go, "the provider is still held");
        });
        let records = served.gateway.stop();
        assert_eq!((records.len(), &records[0]["outcome"]), (1, &"client_disconnect".into()));
    }
}
