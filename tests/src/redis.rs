//! A Redis of a test's own, on a free port of loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tls::{Authority, Issued};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs until it is dropped.
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        Self::at(free_port())
    }

    /// Starts one on that port, with nothing in it.
    pub fn at(port: u16) -> Self {
        let redis = Self::launch(port, &["--port", &port.to_string()]);
        wait_until(|| redis.call(&["PING"]).as_deref() == Some("+PONG\r\n"));
        redis
    }

    /// Starts one that speaks TLS and nothing else. It lets in those whom `clients` has signed, or everybody.
    pub fn secured(shown: &Issued, clients: Option<&Authority>) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
        let [cert, key] = shown.write(folder.path(), "redis").map(|path| path.display().to_string());
        let ca = folder.path().join("clients.pem");
        std::fs::write(&ca, clients.map_or(&shown.cert, |authority| &authority.pem)).expect("a file");
        let (ca, port_text) = (ca.display().to_string(), port.to_string());
        let asks = if clients.is_some() { "yes" } else { "no" };
        let tls = ["--port", "0", "--tls-port", &port_text, "--tls-auth-clients", asks];
        let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
        let redis = Self::launch(port, &[&tls[..], &files].concat());
        wait_until(|| TcpStream::connect(redis.address).is_ok());
        redis
    }

    fn launch(port: u16, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("`redis-server` cannot be started ({e}): install it, as with `apt-get install redis-server`"));
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), child, _folder: folder }
    }

    /// The configuration block that leads to it.
    pub fn block(&self) -> String {
        format!("state: {{redis: {{url: \"redis://{}\"}}}}", self.address)
    }

    /// What it answers to a command, as it comes over the wire.
    pub fn call(&self, words: &[&str]) -> Option<String> {
        let mut socket = TcpStream::connect(self.address).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let mut command = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| command.push_str(&format!("${}\r\n{word}\r\n", word.len())));
        socket.write_all(command.as_bytes()).ok()?;
        let mut answer = [0; 4096];
        let length = socket.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..length]).into_owned())
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "redis does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
