//! A provider on loopback that does what it is told, byte by byte, and remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::RUNTIME;
use crate::script::{Act, Script};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::client::header(&self.head, name)
    }
}

/// A provider; it listens until the test is over.
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    let_go: Mutex<Receiver<()>>,
}

struct Shared {
    scripts: Mutex<VecDeque<Script>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    let_go: Sender<()>,
}

impl Provider {
    /// Follows the same script on every connection.
    pub fn always(script: Script) -> Self {
        Self::in_turn([script])
    }

    /// Follows one script after the other, a connection each; the last goes on for ever.
    pub fn in_turn(scripts: impl IntoIterator<Item = Script>) -> Self {
        let (tell, let_go) = channel();
        let shared = Arc::new(Shared {
            scripts: Mutex::new(scripts.into_iter().collect()),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            let_go: tell,
        });
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        RUNTIME.spawn(listen(listener, Arc::clone(&shared)));
        Self { address, shared, let_go: Mutex::new(let_go) }
    }

    /// Follows that script from now on.
    pub fn now(&self, script: Script) {
        *self.shared.scripts.lock().unwrap() = VecDeque::from([script]);
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Follows those scripts from now on, a connection each; the last goes on for ever.
    pub fn now_in_turn(&self, scripts: impl IntoIterator<Item = Script>) {
        *self.shared.scripts.lock().unwrap() = scripts.into_iter().collect();
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// The last request.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    /// How many connections were opened, whether or not a request came.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Whether a stalled connection is closed by the gateway within that time.
    pub fn is_let_go(&self, within: Duration) -> bool {
        self.let_go.lock().unwrap().recv_timeout(within).is_ok()
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(play(socket, Arc::clone(&shared)));
    }
}

async fn play(mut socket: TcpStream, shared: Arc<Shared>) {
    socket.set_nodelay(true).ok();
    let Some(seen) = read(&mut socket).await else { return };
    shared.seen.lock().unwrap().push(seen.clone());
    let script = {
        let mut scripts = shared.scripts.lock().unwrap();
        if scripts.len() > 1 { scripts.pop_front() } else { scripts.front().cloned() }
    };
    let mut acts = VecDeque::from(script.unwrap_or_default().0);
    while let Some(act) = acts.pop_front() {
        match act {
            Act::Follow(choose) => choose(&seen).0.into_iter().rev().for_each(|act| acts.push_front(act)),
            Act::Send(bytes) => drop(socket.write_all(&bytes).await),
            Act::Echo(answer) => drop(socket.write_all(&answer(&seen)).await),
            Act::Pause(time) => tokio::time::sleep(time).await,
            Act::Stall => {
                drop(socket.read(&mut [0]).await);
                shared.let_go.send(()).ok();
            }
            Act::Reset => return drop(socket.set_zero_linger()),
        }
    }
}

async fn read(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = crate::client::header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some(Seen { head, body: bytes[end + 4..].to_vec() });
        }
    }
}
