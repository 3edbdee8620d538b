//! A client that writes bytes and keeps every byte that comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for the gateway's next bytes.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    /// The body, chunk sizes taken out.
    pub body: String,
    /// Everything, as it came over the wire.
    pub raw: Vec<u8>,
    /// Whether the body came to its own end.
    pub is_whole: bool,
}

impl Reply {
    fn of(raw: Vec<u8>) -> Self {
        let end = raw
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no whole head in the reply: {:?}", String::from_utf8_lossy(&raw)));
        let head = String::from_utf8(raw[..end].to_vec()).expect("a head of text");
        let sent = &raw[end + 4..];
        let chunked = header(&head, "transfer-encoding") == Some("chunked");
        let length = header(&head, "content-length").map(|value| value.parse().unwrap());
        let (body, is_whole) =
            if chunked { unchunk(sent) } else { (sent.to_vec(), length == Some(sent.len())) };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = String::from_utf8(body).expect("a body of text");
        Self { status, head, body, raw, is_whole }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// Whether it is a stream of events.
    pub fn is_stream(&self) -> bool {
        self.body.starts_with("data:") || self.body.starts_with("event:")
    }

    /// The data of each event of a stream.
    pub fn events(&self) -> Vec<&str> {
        let line = |event| named(event).1;
        self.frames()
            .map(line)
            .map(|data| data.strip_prefix("data: ").unwrap_or_else(|| panic!("{data:?}")))
            .collect()
    }

    /// The name of each event of a stream.
    pub fn event_names(&self) -> Vec<Option<&str>> {
        self.frames().map(|event| named(event).0).collect()
    }

    fn frames(&self) -> impl Iterator<Item = &str> {
        assert!(self.body.ends_with("\n\n"), "a torn event: {:?}", self.body);
        self.body.split("\n\n").filter(|event| !event.is_empty())
    }

    /// The chunks of a stream, without the end and without errors.
    pub fn chunks(&self) -> Vec<Value> {
        let events = self.events();
        let chunks = events.iter().filter(|event| **event != "[DONE]");
        let chunks = chunks.map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
        chunks.filter(|chunk| chunk.get("error").is_none()).collect()
    }

    /// The text of choice 0, of a stream or a whole answer.
    pub fn said(&self) -> String {
        if !self.is_stream() {
            return self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
        }
        let chunks = self.chunks();
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// The last `finish_reason` of a stream.
    pub fn finish(&self) -> Option<String> {
        let chunks = self.chunks();
        let mut reasons = chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str());
        reasons.next_back().map(str::to_owned)
    }

    /// The error object, of a reply or of a stream's error frame.
    pub fn error(&self) -> Option<Value> {
        if !self.is_stream() {
            return serde_json::from_str::<Value>(&self.body).ok()?.get("error").cloned();
        }
        let events = self.events();
        let mut errors = events
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(event).ok()?.get("error").cloned());
        errors.find(|error| !error.is_null())
    }

    /// The code of the error; empty when there is none.
    pub fn code(&self) -> String {
        self.error().and_then(|error| Some(error["code"].as_str()?.to_owned())).unwrap_or_default()
    }

    /// Whether those bytes came over the wire anywhere.
    pub fn shows(&self, text: &str) -> bool {
        self.raw.windows(text.len()).any(|window| window == text.as_bytes()) || self.body.contains(text)
    }
}

/// The name of an event, if it has one, and the line of its data.
fn named(event: &str) -> (Option<&str>, &str) {
    match event.split_once('\n') {
        Some((name, data)) if name.starts_with("event: ") => (name.strip_prefix("event: "), data),
        _ => (None, event),
    }
}

/// The value of a header in a head.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// Connects, with bounded waits.
pub fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the gateway listens");
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Sends bytes and reads until the gateway closes the connection.
pub fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Reply {
    let mut socket = connect(address);
    socket.write_all(bytes.as_ref()).ok(); // a gateway that refuses need not read to the end
    rest(&mut socket)
}

/// Reads until the gateway closes the connection.
pub fn rest(socket: &mut TcpStream) -> Reply {
    let mut raw = Vec::new();
    match socket.read_to_end(&mut raw) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            panic!("the gateway did not finish: {:?}", String::from_utf8_lossy(&raw))
        }
        _ => socket.shutdown(Shutdown::Both).ok(),
    };
    Reply::of(raw)
}

/// A reply of which every byte is there.
pub fn read_reply(raw: Vec<u8>) -> Reply {
    Reply::of(raw)
}

/// A POST of JSON with further header lines.
pub fn post(address: SocketAddr, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let mut bytes = request(path, headers, body.as_ref().len()).into_bytes();
    bytes.extend_from_slice(body.as_ref());
    send(address, bytes)
}

/// The head of a POST of that many bytes.
pub fn request(path: &str, headers: &str, length: usize) -> String {
    let kind = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{kind}{headers}content-length: {length}\r\n\r\n"
    )
}

/// A GET.
pub fn get(address: SocketAddr, path: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (whole, true);
        }
        let Some(piece) = rest.get(end + 2..end + 2 + size) else { break };
        whole.extend_from_slice(piece);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    (whole, false)
}
