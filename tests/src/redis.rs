//! A Redis of a test's own, on a free port of loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

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
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        Self::at(port)
    }

    /// Starts one on that port, with nothing in it.
    pub fn at(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port_text = port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("`redis-server` cannot be started ({e}): install it, as with `apt-get install redis-server`"));
        let redis = Self { address: SocketAddr::from(([127, 0, 0, 1], port)), child, _folder: folder };
        let begun = Instant::now();
        while redis.call(&["PING"]).as_deref() != Some("+PONG\r\n") {
            assert!(begun.elapsed() < PATIENCE, "redis does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        redis
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

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
