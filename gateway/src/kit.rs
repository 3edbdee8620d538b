//! What the tests of this crate share: a pack, a target, and a provider that says what it is told to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use engine::{Library, Program, Session, Unit};
use grammar::config::{Config, DataPolicy, Pack as PackName, Providers, Strategy, Target};
use grammar::{Sources, Span, Spanned};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::packs::Pack;
use crate::{FailMode, Settings, bind};

pub(crate) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

pub(crate) fn config(targets: Vec<Target>) -> Config {
    Config {
        pack: PackName {
            name: spanned("test".into()),
            version: spanned("1.0.0".into()),
            enabled: spanned(true),
            description: None,
        },
        policies: grammar::config::Policies::default(),
        providers: Providers { strategy: Some(spanned(Strategy::Fallback)), targets, ..Providers::default() },
        suites: Vec::new(),
        access: grammar::config::Access::default(),
        state: grammar::config::State::default(),
        audit: grammar::config::Audit::default(),
        telemetry: grammar::config::Telemetry::default(),
        reload: grammar::config::Reload::default(),
        tls: None,
        admin: grammar::config::Admin::default(),
    }
}

pub(crate) fn pack() -> Pack {
    Pack::of(program(""), config(Vec::new()))
}

/// A chain of that one rule file, or of none.
pub(crate) fn program(rules: &str) -> Arc<Program> {
    let mut sources = Sources::new();
    let source = sources.add("test.ktr", rules);
    let units: Vec<Unit> = if rules.is_empty() { Vec::new() } else { vec![Unit::of(source)] };
    let compiled = engine::compile(&units, &Nothing, &mut sources);
    compiled
        .program
        .unwrap_or_else(|| panic!("{}", grammar::render::render(&compiled.diagnostics, &sources, false)))
}

/// A session of such a chain that has let a request pass.
pub(crate) fn session(rules: &str) -> Session {
    let mut session = Session::new(program(rules), || 0);
    session.request(&engine::input::Request::default());
    session
}

/// Redacts `SECRET…`, and blocks at `FORBIDDEN`, in both phases.
pub(crate) const RULES: &str = r#"
policy house
version "1.0.0"
pattern secret = /SECRET[0-9]{1,3}/ label SECRET
pattern forbidden = /FORBIDDEN/ label FORBIDDEN
rule hide on request, response {
  when text has secret
  do redact
  code "house.secret"
  message "found {labels}"
}
rule stop on request, response {
  when text has forbidden
  do block
  code "house.forbidden"
  message "found {labels}"
}
"#;

struct Nothing;

impl Library for Nothing {
    fn library(&self, _: &str) -> Option<(String, String)> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("there is no `{path}`"))
    }
}

pub(crate) fn target(id: &str, base_url: &str) -> Target {
    Target {
        id: spanned(id.into()),
        provider: "test".into(),
        model: None,
        base_url: spanned(base_url.into()),
        key: None,
        allow_insecure: false,
        timeout_seconds: 5,
        stream_timeout_seconds: 5,
        max_stream_seconds: 60,
        description: None,
        weight: 1.0,
        pricing: None,
        health_probe: None,
        retry: None,
        circuit_breaker: None,
        drop_params: Vec::new(),
        data_policy: DataPolicy::default(),
        tls: None,
        proxy: None,
    }
}

/// A gateway on loopback and what it left behind.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    folder: tempfile::TempDir,
    drain: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts a gateway over those targets; over the demo provider when there are none.
pub(crate) async fn start(targets: Vec<Target>) -> Running {
    start_with("", targets).await
}

/// The same, with a chain of that rule file.
pub(crate) async fn start_with(rules: &str, targets: Vec<Target>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(targets, folder.path());
    let config = settings.pack.config.clone();
    settings.pack = Arc::new(Pack::of(program(rules), config));
    let bound = bind(settings).await.unwrap();
    let (address, admin) = (bound.addresses()[0], bound.admin_address().unwrap());
    let (drain, drained) = oneshot::channel();
    let task = tokio::spawn(bound.serve(async move { drop(drained.await) }, std::future::pending()));
    Running { address, admin, folder, drain, task }
}

pub(crate) fn settings(targets: Vec<Target>, state_dir: &Path) -> Settings {
    Settings {
        times: crate::Times::default(),
        listen: vec!["127.0.0.1:0".into()],
        admin_listen: Some("127.0.0.1:0".into()),
        demo: targets.is_empty(),
        pack: Arc::new(Pack::of(program(""), config(targets))),
        state_dir: state_dir.to_owned(),
        fail_mode: FailMode::Block,
        files: Vec::new(),
        upstream: None,
        max_concurrency: None,
        drain: crate::DRAIN,
        clock: crate::Clock::default(),
    }
}

impl Running {
    /// Drains the gateway and reads its audit log.
    pub(crate) async fn stop(self) -> Vec<Value> {
        self.drain.send(()).unwrap();
        self.task.await.unwrap();
        let text = std::fs::read_to_string(self.folder.path().join("audit/audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Posts a chat request; gives the reply's head and body.
    pub(crate) async fn chat(&self, body: &str) -> (String, String) {
        send(self.address, &post("content-type: application/json\r\n", body)).await
    }
}

/// A chat request with those further header lines.
pub(crate) fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    let kind = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{kind}{headers}content-length: {length}\r\n\r\n{body}"
    )
}

/// Sends bytes and reads until the other side closes; gives head and body, chunk sizes taken out.
pub(crate) async fn send(address: SocketAddr, bytes: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await.ok();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let body = if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    (head.to_owned(), body)
}

/// The status in a reply's head.
pub(crate) fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        let (piece, rest) = rest.split_at(size);
        whole.push_str(piece);
        body = rest.strip_prefix("\r\n").unwrap_or_default();
    }
    whole
}

/// A provider that gives each connection the same bytes and closes; it keeps the requests that it got.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// Told once for each connection that the gateway closed first.
    pub(crate) dropped: mpsc::UnboundedReceiver<()>,
}

impl Provider {
    /// Answers with those bytes; `lasting` keeps the connection open until the gateway closes it.
    pub(crate) async fn start(answer: impl Into<String>, lasting: bool) -> Self {
        let (answer, listener) = (answer.into(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (tell, dropped) = mpsc::unbounded_channel();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read_request(&mut socket).await;
                kept.lock().unwrap().push(request);
                socket.write_all(answer.as_bytes()).await.ok();
                if lasting {
                    let _ended = socket.read(&mut [0]).await.is_ok();
                    tell.send(()).ok();
                }
            }
        });
        Self { address, requests, dropped }
    }

    /// A target that leads here.
    pub(crate) fn target(&self, id: &str) -> Target {
        target(id, &format!("http://{}/v1", self.address))
    }
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).await.unwrap_or(0);
        seen.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() >= length.map_or(0, |length| length.parse().unwrap())
        });
        if whole || count == 0 {
            return text;
        }
    }
}
