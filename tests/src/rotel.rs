//! Rotel, a collector of OpenTelemetry, between `kt` and a test: it takes, batches and passes on, as a fleet's would.
//!
//! It comes from PyPI as a program of its own, for Linux on x86-64 and a few versions of Python.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::collector::until;
use crate::{Collector, installed};

/// A collector that runs until it is dropped.
pub struct Rotel {
    /// Where it takes OTLP over HTTP.
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Rotel {
    /// Starts one that passes on to that collector.
    pub fn before(collector: &Collector) -> Self {
        let pins = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/telemetry/requirements.txt"));
        let program = installed::packages("telemetry", "rotel", pins).join("rotel/rotel-agent");
        let (http, grpc) = (free(), free());
        let folder = tempfile::tempdir().expect("a folder");
        let log = File::create(folder.path().join("log")).expect("a file");
        let child = Command::new(&program)
            .arg("start")
            .args(["--otlp-http-endpoint", &http.to_string(), "--otlp-grpc-endpoint", &grpc.to_string()])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &collector.endpoint()])
            .args(["--batch-timeout", "100ms"])
            .current_dir(folder.path())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let rotel = Self { address: http, child, folder };
        until("a collector that listens", || TcpStream::connect(http).ok());
        rotel
    }

    /// Its address, as a configuration names it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it said.
    pub fn log(&self) -> String {
        installed::read(&self.folder.path().join("log"))
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An address of loopback that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}
