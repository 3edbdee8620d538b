//! A gateway that a test starts, asks and stops: in this process, or as the `kt` that users run.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gateway::{Bound, FailMode, Pack, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Reply, get, post};
use crate::{Form, RUNTIME, Setup};

/// A gateway that listens.
pub struct Gateway {
    /// For clients.
    pub address: SocketAddr,
    /// For the operator.
    pub admin: SocketAddr,
    folder: TempDir,
    drain: oneshot::Sender<()>,
    leave: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Loads a configuration; what is wrong with it fails the test.
pub fn load(config: &Path) -> Arc<Pack> {
    let loaded = gateway::packs::load(&[config.to_owned()]).unwrap();
    let told = grammar::render::render(&loaded.diagnostics, &loaded.sources, false);
    loaded.pack.unwrap_or_else(|| panic!("{told}"))
}

/// Settings for a free port, with the state beside the configuration.
pub fn settings(setup: &Setup, config: &Path) -> Settings {
    Settings {
        listen: vec!["127.0.0.1:0".into()],
        admin_listen: Some("127.0.0.1:0".into()),
        pack: load(config),
        state_dir: config.with_file_name("state"),
        fail_mode: FailMode::Block,
        files: vec![config.to_owned()],
        upstream: None,
        max_concurrency: None,
        demo: setup.demo,
        drain: setup.drain,
        clock: setup.clock.clone(),
        times: setup.times,
    }
}

/// The pack alone, for what needs no sockets.
pub fn pack(setup: &Setup) -> Arc<Pack> {
    let (_folder, config) = setup.write();
    load(&config)
}

impl Setup {
    /// Starts a gateway in this process.
    pub fn here(&self) -> Gateway {
        let (folder, config) = self.write();
        let bound = RUNTIME.block_on(gateway::bind(settings(self, &config))).unwrap();
        Gateway::serve(bound, folder)
    }
}

impl Setup {
    /// Starts a gateway in a folder in which one has run before, with the state that it has left.
    pub fn again(&self, folder: TempDir) -> Gateway {
        let config = self.write_into(folder.path());
        let bound = RUNTIME.block_on(gateway::bind(settings(self, &config))).unwrap();
        Gateway::serve(bound, folder)
    }
}

impl Gateway {
    fn serve(bound: Bound, folder: TempDir) -> Self {
        let (address, admin) = (bound.addresses()[0], bound.admin_address().unwrap());
        let (drain, drained) = oneshot::channel();
        let (leave, left) = oneshot::channel::<()>();
        let never = async {
            if left.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let serving = RUNTIME.spawn(async move { bound.serve(async { drop(drained.await) }, never).await });
        Self { address, admin, folder, drain, leave, serving }
    }

    /// Asks with a whole chat request.
    pub fn chat(&self, request: &Value) -> Reply {
        self.post("", request.to_string())
    }

    /// Asks that question, for a whole answer.
    pub fn ask(&self, question: &str) -> Reply {
        self.chat(&question_of(question, false))
    }

    /// Asks that question, for a stream.
    pub fn stream(&self, question: &str) -> Reply {
        self.chat(&question_of(question, true))
    }

    /// Posts bytes to the chat endpoint with further header lines.
    pub fn post(&self, headers: &str, body: impl AsRef<[u8]>) -> Reply {
        post(self.address, "/v1/chat/completions", headers, body)
    }

    /// Asks that question, in that form.
    pub fn ask_as(&self, form: Form, question: &str, stream: bool) -> Reply {
        self.call(form.path(), &form.question(question, stream))
    }

    /// Posts a request to a path.
    pub fn call(&self, path: &str, request: &Value) -> Reply {
        post(self.address, path, "", request.to_string())
    }

    /// The folder of its configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes that configuration over its own, and asks it to take it up.
    pub fn reload(&self, setup: &Setup) -> Reply {
        setup.write_into(self.folder());
        post(self.admin, "/keeptrusts/config/reload", "", "")
    }

    /// Reads a page of the operator's.
    pub fn admin(&self, path: &str) -> Reply {
        get(self.admin, path)
    }

    /// Tells it to drain, without waiting.
    pub fn begin_to_stop(self) -> Stopping {
        self.drain.send(()).expect("it still serves");
        Stopping { folder: self.folder, serving: self.serving, leave: self.leave }
    }

    /// Drains it and reads its audit log.
    pub fn stop(self) -> Vec<Value> {
        self.begin_to_stop().wait()
    }
}

impl Stopping {
    /// Waits for its end, and gives its folder.
    pub fn folder(self) -> TempDir {
        RUNTIME.block_on(self.serving).expect("no panic");
        drop(self.leave);
        self.folder
    }
}

/// A gateway that finishes what is in flight.
pub struct Stopping {
    folder: TempDir,
    serving: JoinHandle<()>,
    leave: oneshot::Sender<()>,
}

impl Stopping {
    /// Waits for its end and reads its audit log.
    pub fn wait(self) -> Vec<Value> {
        RUNTIME.block_on(self.serving).expect("no panic");
        drop(self.leave);
        records(&self.folder.path().join("state"))
    }

    /// Makes it leave at once; then the same.
    pub fn leave(self) -> Vec<Value> {
        self.leave.send(()).expect("it still serves");
        RUNTIME.block_on(self.serving).expect("no panic");
        records(&self.folder.path().join("state"))
    }
}

/// The lines of the audit log under a state folder, those of sealed segments first.
pub fn records(state_dir: &Path) -> Vec<Value> {
    let folder = state_dir.join("audit");
    let names = std::fs::read_dir(&folder).expect("an audit log").map(|file| file.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("a name of text")).collect();
    names.retain(|name| name.ends_with(".jsonl"));
    names.sort(); // `audit-….jsonl` before `audit.jsonl`
    let text: String =
        names.iter().map(|name| std::fs::read_to_string(folder.join(name)).expect("a segment")).collect();
    text.lines().map(|line| serde_json::from_str(line).expect("a record of JSON")).collect()
}

/// A chat request with one question.
pub fn question_of(question: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": question}]})
}
