//! Smuggling: framings that two servers could read in two ways. Whatever is sent, it is read in one way or refused, and a
//! provider sees no request or exactly the one that was judged.

use std::io::{Read, Write};

use tests::{Provider, Script, Setup, question_of};

use crate::watch::start;
use crate::{CANARY, CHAT};

/// Bytes of a client, and what they must come to.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// The statuses of all replies.
    told: &'static [u16],
    /// Requests that reach the provider.
    asked: usize,
}

fn body() -> String {
    question_of(CANARY, false).to_string()
}

/// A request with further lines in its head; `length` is not told.
fn bare(lines: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n{lines}\r\n"
    );
    [head.as_bytes(), body.as_ref()].concat()
}

/// A good request with further lines in its head.
fn with(lines: &str) -> Vec<u8> {
    let length = body().len();
    bare(&format!("content-length: {length}\r\n{lines}"), body())
}

/// A good request with that request line.
fn line(line: &str) -> Vec<u8> {
    let rest = String::from_utf8(with("")).unwrap();
    format!("{line}\r\n{}", rest.split_once("\r\n").unwrap().1).into_bytes()
}

fn chunked(lines: &str, chunks: &str) -> Vec<u8> {
    bare(&format!("transfer-encoding: chunked\r\n{lines}"), chunks)
}

fn whole_chunk() -> String {
    format!("{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body())
}

/// A request that an attacker wants to reach the provider unjudged.
const HIDDEN: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n\r\n";

const NONE: (&[u16], usize) = (&[400], 0);
const ONE: (&[u16], usize) = (&[200], 1);

fn case(name: &'static str, bytes: Vec<u8>, (told, asked): (&'static [u16], usize)) -> Case {
    Case { name, bytes, told, asked }
}

fn lengths() -> Vec<Case> {
    let length = body().len();
    let of = |value: &str| bare(&format!("content-length: {value}\r\n"), body());
    let twice = |one: usize, other: usize| {
        bare(&format!("content-length: {one}\r\ncontent-length: {other}\r\n"), body())
    };
    vec![
        case("a length", of(&length.to_string()), ONE),
        case("zeros before it", of(&format!("000{length}")), ONE),
        case("space around it", of(&format!(" \t{length} ")), ONE),
        case("the same twice", twice(length, length), ONE),
        case("another first", twice(3, length), NONE),
        case("another last", twice(length, 3), NONE),
        case("a list", of(&format!("{length}, {length}")), NONE),
        case("a sign", of(&format!("+{length}")), NONE),
        case("less than nothing", of("-1"), NONE),
        case("in another base", of(&format!("0x{length:x}")), NONE),
        case("with a fraction", of(&format!("{length}.0")), NONE),
        case("too large a number", of("99999999999999999999999"), NONE),
        case("nothing", of(""), NONE),
        case("shorter than the body", of(&(length - 1).to_string()), NONE),
        case("none at all", bare("", body()), NONE),
        case("no length, and another request in its place", bare("", HIDDEN), NONE),
        case("none, and a request behind it", bare("content-length: 0\r\n", HIDDEN), NONE),
    ]
}

fn encodings() -> Vec<Case> {
    let of = |value: &str| bare(&format!("transfer-encoding: {value}\r\n"), whole_chunk());
    let length = body().len();
    let old = String::from_utf8(of("chunked")).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1).into_bytes();
    vec![
        case("chunked", of("chunked"), ONE),
        case("another one first", of("gzip, chunked"), NONE),
        case("another one last", of("chunked, gzip"), NONE),
        case("chunked twice in a line", of("chunked, chunked"), NONE),
        case("chunked in two lines", of("chunked\r\ntransfer-encoding: chunked"), NONE),
        case("identity and chunked in two lines", of("identity\r\ntransfer-encoding: chunked"), NONE),
        case("identity", of("identity"), NONE),
        case("a word that ends so", of("xchunked"), NONE),
        case("a parameter", of("chunked;q=1"), NONE),
        case("in capitals", of("CHUNKED"), NONE),
        case("a control character before it", of("\x0bchunked"), NONE),
        case("a folded line", of("\r\n chunked"), NONE),
        case("a space before the colon", bare("transfer-encoding : chunked\r\n", whole_chunk()), NONE),
        case("an underscore", bare("transfer_encoding: chunked\r\n", whole_chunk()), NONE),
        case("in the older version", old, NONE),
        case("with a length after it", of(&format!("chunked\r\ncontent-length: {length}")), ONE),
        case(
            "with a length before it, and a request behind",
            bare("content-length: 4\r\ntransfer-encoding: chunked\r\n", whole_chunk() + HIDDEN),
            ONE,
        ),
        case(
            "nothing in chunks, and a request behind",
            bare("content-length: 60\r\ntransfer-encoding: chunked\r\n", format!("0\r\n\r\n{HIDDEN}")),
            NONE,
        ),
    ]
}

fn chunks() -> Vec<Case> {
    let (length, body) = (body().len(), body());
    let of = |chunks: String| chunked("", &chunks);
    let end = "0\r\n\r\n";
    let trailers = |count: usize| "x-evil: 1\r\n".repeat(count);
    vec![
        case("a size in another base", of(format!("0x{length:x}\r\n{body}\r\n{end}")), NONE),
        case("a size with a sign", of(format!("+{length:x}\r\n{body}\r\n{end}")), NONE),
        case("no size", of(format!("\r\n{body}\r\n{end}")), NONE),
        case("a size that is none", of(format!("zz\r\n{body}\r\n{end}")), NONE),
        case("a size beyond all numbers", of(format!("fffffffffffffffff\r\n{body}\r\n{end}")), NONE),
        case("bare line ends", of(format!("{length:x}\n{body}\n0\n\n")), NONE),
        case("no line end after a chunk", of(format!("{length:x}\r\n{body}{end}")), NONE),
        case("more than the chunk says", of(format!("{:x}\r\n{body}\r\n{end}", length - 2)), NONE),
        case("an extension", of(format!("{length:x};a=b\r\n{body}\r\n{end}")), ONE),
        case(
            "an endless extension",
            of(format!("{length:x};{}\r\n{body}\r\n{end}", "a".repeat(30_000))),
            NONE,
        ),
        case("trailers", of(format!("{length:x}\r\n{body}\r\n0\r\n{}\r\n", trailers(1))), ONE),
        case("endless trailers", of(format!("{length:x}\r\n{body}\r\n0\r\n{}\r\n", trailers(9000))), NONE),
    ]
}

fn heads() -> Vec<Case> {
    let head = |bytes: Vec<u8>, from: &str, to: &str| {
        String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes()
    };
    let bare_ends = String::from_utf8(with("")).unwrap().replace("\r\n", "\n").into_bytes();
    let crowd = "x: y\r\n".repeat(120);
    let odd = |byte: u8| with("x: a#b\r\n").into_iter().map(|b| if b == b'#' { byte } else { b }).collect();
    vec![
        case("bare line ends", bare_ends, ONE),
        case("a bare carriage return", odd(b'\r'), NONE),
        case("a NUL", odd(0), NONE),
        case("bytes beyond ASCII, which go nowhere", odd(0xFF), ONE),
        case("a name with a space", with("x y: 1\r\n"), NONE),
        case("a name beyond ASCII", with("x\u{e9}: 1\r\n"), NONE),
        case("a line without a colon", with("x\r\n"), NONE),
        case("an empty line first", [b"\r\n".as_slice(), &with("")].concat(), ONE),
        case("a space first", [b" ".as_slice(), &with("")].concat(), NONE),
        case("no host", head(with(""), "host: a\r\n", ""), NONE),
        case("two hosts", with("host: b\r\n"), NONE),
        case("the same host twice", with("host: a\r\n"), NONE),
        case("too many lines", with(&crowd), (&[431], 0)),
        case("too long a line", with(&format!("x: {}\r\n", "y".repeat(400_000))), (&[431], 0)),
        case(
            "the other version asked for",
            with(
                "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
            ),
            ONE,
        ),
        case(
            "a socket asked for, and a request behind",
            [with("upgrade: websocket\r\n"), HIDDEN.into()].concat(),
            ONE,
        ),
        case("an answer before the body", with("expect: 100-continue\r\n"), (&[100, 200], 1)),
        case("something else expected", with("expect: 200-ok\r\n"), ONE),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        case("the address of another server", line("POST http://evil/v1/chat/completions HTTP/1.1"), NONE),
        case("an address of this one", line("POST http://a/v1/chat/completions HTTP/1.1"), NONE),
        case("dots in the path", line("POST /v1/../v1/chat/completions HTTP/1.1"), (&[404], 0)),
        case("dots in disguise", line("POST /v1/%2e%2e/v1/chat/completions HTTP/1.1"), (&[404], 0)),
        case("a slash in disguise", line("POST /v1/chat%2Fcompletions HTTP/1.1"), (&[404], 0)),
        case("two slashes", line("POST //v1/chat/completions HTTP/1.1"), (&[404], 0)),
        case("a NUL in disguise", line("POST /v1/chat/completions%00 HTTP/1.1"), (&[404], 0)),
        case("a semicolon", line("POST /v1/chat/completions;x=1 HTTP/1.1"), (&[404], 0)),
        case(
            "a question, which goes nowhere",
            line("POST /v1/chat/completions?api_base=http://evil HTTP/1.1"),
            ONE,
        ),
        case("a tunnel", line("CONNECT evil:80 HTTP/1.1"), (&[405], 0)),
        case("a mirror", line("TRACE /v1/chat/completions HTTP/1.1"), (&[405], 0)),
        case("a method in small letters", line("post /v1/chat/completions HTTP/1.1"), (&[405], 0)),
        case("a method of nobody", line("EVIL /v1/chat/completions HTTP/1.1"), (&[405], 0)),
        case("two spaces", line("POST  /v1/chat/completions HTTP/1.1"), NONE),
        case("no version", line("POST /v1/chat/completions"), NONE),
        case("a version to come", line("POST /v1/chat/completions HTTP/3.0"), NONE),
        case("the greeting of the other version", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), (&[], 0)),
        case("a long address", line(&format!("POST /{} HTTP/1.1", "a".repeat(70_000))), (&[414], 0)),
        case("the greeting of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), NONE),
        case("nothing of HTTP", b"\x00\x00\x00\x00\r\n\r\n".to_vec(), NONE),
    ]
}

/// Everything that comes back, as far as it comes.
fn exchanged(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut socket = tests::client::connect(address);
    socket.write_all(bytes).ok(); // whoever refuses need not read to the end
    let mut raw = Vec::new();
    socket.read_to_end(&mut raw).ok();
    String::from_utf8_lossy(&raw).into_owned()
}

fn statuses(raw: &str) -> Vec<u16> {
    raw.split("HTTP/1.1 ").skip(1).map(|reply| reply[..3].parse().unwrap()).collect()
}

#[test]
fn every_framing_is_read_in_one_way_or_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    let mut wrong = Vec::new();
    let mut asked = 0;
    for case in [lengths(), encodings(), chunks(), heads(), lines()].into_iter().flatten() {
        let raw = exchanged(gateway.address, &case.bytes);
        let (told, seen) = (statuses(&raw), provider.seen().len() - asked);
        asked += seen;
        if told != case.told || seen != case.asked {
            wrong.push(format!(
                "{}: {told:?} and {seen} asked, not {:?} and {}",
                case.name, case.told, case.asked
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for seen in provider.seen() {
        assert_eq!(seen.json(), question_of(CANARY, false), "the provider gets what was judged");
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
        for name in ["transfer-encoding", "x-evil", "upgrade", "expect", "x"] {
            assert_eq!(seen.header(name), None, "{}", seen.head);
        }
    }
    gateway.stop();
}

#[test]
fn what_stands_behind_a_refused_request_is_never_read() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    let good = String::from_utf8(with("")).unwrap();
    for first in [
        bare("content-length: 0\r\n", ""),
        bare("transfer-encoding: gzip, chunked\r\ncontent-length: 5\r\n", "0\r\n\r\n"),
        with("host: b\r\n"),
        line("TRACE /v1/chat/completions HTTP/1.1"),
        bare("content-encoding: gzip\r\ncontent-length: 3\r\n", "abc"),
        bare("content-length: 99999999\r\n", "{}"),
    ] {
        let first = String::from_utf8(first).unwrap().replacen("connection: close\r\n", "", 1);
        let raw = exchanged(gateway.address, (first.clone() + &*good).as_bytes());
        let told = statuses(&raw);
        assert!(told.first().is_some_and(|status| *status >= 400), "{first}: {told:?}");
        // What is told apart from its neighbour may be answered in its turn; then it was judged as any other.
        assert_eq!(told.iter().filter(|status| **status == 200).count(), told.len() - 1, "{first}: {told:?}");
    }
    assert!(provider.seen().iter().all(|seen| seen.json() == question_of(CANARY, false)));
    gateway.stop();
}

#[test]
fn requests_that_come_at_once_are_answered_one_by_one_and_each_is_judged() {
    let provider = Provider::always(Script::echo(|seen| {
        let question = seen.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        Script::answer(&format!("to {question}")).bytes()
    }));
    let gateway = start(&Setup::guarded(&provider));
    let of = |question: &str, last: bool| {
        let body = question_of(question, false).to_string();
        let head = tests::client::request(CHAT, "", body.len());
        let head = if last { head } else { head.replace("connection: close\r\n", "") };
        head + &*body
    };
    let raw = exchanged(
        gateway.address,
        [of("one", false), of("FORBIDDEN", false), of("SECRET1", false), of("four", true)]
            .concat()
            .as_bytes(),
    );
    assert_eq!(statuses(&raw), [200, 409, 200, 200]);
    let places = ["to one", "input_blocked", "to [SECRET]", "to four"].map(|text| raw.find(text).unwrap());
    assert!(places.is_sorted(), "{raw}");
    assert_eq!((provider.seen().len(), gateway.stop().len()), (3, 4));
}
