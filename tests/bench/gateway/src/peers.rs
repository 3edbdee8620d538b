//! Who is measured: the provider itself, nginx, the gateway in two ways, and its peers; how each is started.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Result;
use crate::children::{Process, free_port};
use crate::client::{Client, Kind, Place, chat};
use crate::options::Options;
use crate::provider::{QUICK, SMALL};

/// How long one that listens may take until it answers well.
const WELL: Duration = Duration::from_secs(30);

/// How long one may go on working after a load, and how often it is looked at.
const REST: Duration = Duration::from_secs(8);
/// See [`REST`].
const LOOK: Duration = Duration::from_millis(100);

/// The provider, without anybody between.
pub(crate) const DIRECT: &str = "direct";
/// What ratios are to.
pub(crate) const NGINX: &str = "nginx";
/// The gateway without policies.
pub(crate) const BARE: &str = "kt";
/// The gateway with the chain of the quick start.
pub(crate) const GUARDED: &str = "kt-policies";

/// One that takes part.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// For the table.
    pub(crate) title: &'static str,
    /// What runs, or why it does not.
    pub(crate) running: Result<Running>,
}

/// A process that answers.
pub(crate) struct Running {
    pub(crate) place: Place,
    pub(crate) process: Process,
    /// Why it does not stream, if so.
    pub(crate) no_streams: Option<String>,
}

impl Running {
    /// Whether it takes part under such a load.
    pub(crate) fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Whole || self.no_streams.is_none()
    }

    /// Waits until it has nothing to do: what the last load has left behind is not the next one's.
    pub(crate) async fn rests(&self) {
        let until = Instant::now() + REST;
        let mut before = self.process.usage().cpu;
        while Instant::now() < until {
            sleep(LOOK).await;
            let now = self.process.usage().cpu;
            if now - before < LOOK / 4 {
                return;
            }
            before = now;
        }
    }
}

/// The names of all, with what tables call them and how they start.
type Start = fn(&Around) -> Result<(Command, Place)>;
const ALL: [(&str, &str, Start, bool); 7] = [
    (NGINX, "nginx, a plain reverse proxy", nginx, false),
    (BARE, "kt, `chain: []`", |around| kt(around, BARE, CHAIN_NONE), false),
    (GUARDED, "kt, the chain of the quick start", |around| kt(around, GUARDED, CHAIN_QUICK), false),
    ("smg", "smg 1.13.0", smg, true),
    ("portkey", "Portkey's gateway 1.15.2", portkey, true),
    ("litellm", "LiteLLM's proxy 1.106.12", |around| litellm(around, "litellm", ""), true),
    (
        "litellm-filter",
        "LiteLLM's proxy, with its content filter",
        |around| litellm(around, "litellm-filter", CONTENT_FILTER),
        true,
    ),
];

/// A chain without policies.
const CHAIN_NONE: &str = "policies: {chain: []}\n";
/// As `policies/quickstart.yaml` has it.
pub(crate) const CHAIN_QUICK: &str =
    "policies: {chain: [prompt-injection, pii-detector, safety-filter, audit-logger]}
policy:
  prompt-injection: {threshold: 0.8, action: block}
  pii-detector: {action: redact}
  safety-filter: {mode: strict, action: block}
  audit-logger: {retention_days: 365}
";

/// The nearest that LiteLLM has: patterns, in requests and answers, with the same kinds of data.
const CONTENT_FILTER: &str = "guardrails:
  - guardrail_name: content-filter
    litellm_params:
      guardrail: litellm_content_filter
      mode: [pre_call, post_call]
      default_on: true
      patterns:
        - {pattern_type: prebuilt, pattern_name: email, action: MASK}
        - {pattern_type: prebuilt, pattern_name: us_ssn, action: MASK}
        - {pattern_type: prebuilt, pattern_name: visa, action: MASK}
        - {pattern_type: prebuilt, pattern_name: us_phone, action: MASK}
";

/// What all need to know.
pub(crate) struct Around {
    /// Where files are made.
    folder: PathBuf,
    /// Where peers are installed.
    installed: PathBuf,
    kt: PathBuf,
    /// The provider's port.
    provider: u16,
}

impl Around {
    pub(crate) fn new(options: &Options, provider: u16) -> Result<Self> {
        let folder = std::path::absolute(options.folder.join("run"))?;
        std::fs::create_dir_all(&folder)?;
        let installed = std::path::absolute(&options.folder)?;
        Ok(Self { folder, installed, kt: std::path::absolute(&options.kt)?, provider })
    }

    /// Starts what a command says, and waits until it listens there.
    async fn start(&self, name: &str, mut command: Command, place: &Place) -> Result<Process> {
        let mut process = Process::start(&mut command, &self.folder.join(format!("{name}.log")))?;
        process.listens(place.port).await?;
        Ok(process)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

/// Starts the provider.
pub(crate) async fn start_provider(options: &Options) -> Result<(Around, Running)> {
    let around = Around::new(options, free_port()?)?;
    let (command, place) = provider(&around)?;
    let process = around.start("provider", command, &place).await?;
    Ok((around, Running { place, process, no_streams: None }))
}

/// Starts a gateway with those lines in its configuration.
pub(crate) async fn start_kt(around: &Around, name: &str, lines: &str) -> Result<(Running, u16)> {
    let (command, place) = kt(around, name, lines)?;
    let admin = place.port_of_operator;
    let process = around.start(name, command, &place).await?;
    Ok((Running { place, process, no_streams: None }, admin))
}

/// Starts everybody who takes part; the provider runs already, and is the first.
pub(crate) async fn start(options: &Options, around: &Around, provider: Running) -> Vec<Peer> {
    let mut peers = vec![Peer { name: DIRECT, title: "the provider itself", running: Ok(provider) }];
    for (name, title, start, is_foreign) in ALL {
        if !options.wants(name) || (is_foreign && !options.peers) {
            continue;
        }
        eprintln!("starting {title}");
        let running = begun(around, name, start).await;
        if let Err(why) = &running {
            eprintln!("{title} is left out: {why}");
        }
        peers.push(Peer { name, title, running });
    }
    peers
}

async fn begun(around: &Around, name: &str, start: Start) -> Result<Running> {
    let (command, place) = start(around)?;
    let process = around.start(name, command, &place).await?;
    let until = Instant::now() + WELL;
    loop {
        match answers(&place, Kind::Whole).await {
            Ok(()) => break,
            Err(why) if Instant::now() > until => return Err(why),
            Err(_) => sleep(Duration::from_millis(250)).await,
        }
    }
    let no_streams = answers(&place, Kind::Stream).await.err().map(|why| why.to_string());
    Ok(Running { place, process, no_streams })
}

/// Whether it answers.
async fn answers(place: &Place, kind: Kind) -> Result<()> {
    Client::connect(place).await?.exchange(kind, &chat(QUICK, kind)).await.map(drop)
}

fn provider(around: &Around) -> Result<(Command, Place)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("provider").arg(around.provider.to_string());
    Ok((command, Place::new(around.provider)))
}

fn nginx(around: &Around) -> Result<(Command, Place)> {
    let (port, provider, at) = (free_port()?, around.provider, around.folder.display());
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    let conf = around.write(
        "nginx.conf",
        &format!(
            "{user} daemon off; worker_processes 2; error_log stderr error; pid {at}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_temp_path {at}/nginx-body; proxy_temp_path {at}/nginx-proxy; fastcgi_temp_path {at}/nginx-fastcgi;
  uwsgi_temp_path {at}/nginx-uwsgi; scgi_temp_path {at}/nginx-scgi;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;
    }}
  }}
}}
"
        ),
    )?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(conf).arg("-p").arg(&around.folder);
    command.env("PATH", format!("/usr/sbin:{}", std::env::var("PATH").unwrap_or_default()));
    Ok((command, Place::new(port)))
}

fn kt(around: &Around, name: &str, lines: &str) -> Result<(Command, Place)> {
    let (port, admin, provider) = (free_port()?, free_port()?, around.provider);
    let config = around.write(
        &format!("{name}.yaml"),
        &format!(
            "pack: {{name: load, version: 1.0.0}}
{lines}providers:
  targets:
    - {{id: provider, provider: openai, base_url: 'http://127.0.0.1:{provider}/v1', secret_key_ref: {{env: KT_LOAD_KEY}}}}
"
        ),
    )?;
    let state = around.folder.join(format!("{name}-state"));
    std::fs::remove_dir_all(&state).ok();
    let mut command = Command::new(&around.kt);
    command.args(["gateway", "run", "--listen", &format!("127.0.0.1:{port}")]);
    command.args(["--admin-listen", &format!("127.0.0.1:{admin}")]);
    command.arg("--policy-config").arg(config).arg("--state-dir").arg(state).env("KT_LOAD_KEY", "sk-load");
    let place = Place { port_of_operator: admin, ..Place::new(port) };
    Ok((command, place))
}

fn smg(around: &Around) -> Result<(Command, Place)> {
    let (port, figures) = (free_port()?.to_string(), free_port()?.to_string());
    let mut command = Command::new(around.installed.join("smg/bin/smg"));
    command.args(["launch", "--backend", "openai", "--host", "127.0.0.1", "--port", &port]);
    command.args(["--prometheus-port", &figures, "--prometheus-host", "127.0.0.1"]);
    command.args(["--log-level", "warn", "--history-backend", "none", "--worker-urls"]);
    command.arg(format!("http://127.0.0.1:{}", around.provider));
    Ok((command, Place::new(port.parse()?).with("authorization", "Bearer sk-load")?))
}

fn portkey(around: &Around) -> Result<(Command, Place)> {
    let port = free_port()?;
    let mut command = Command::new("node");
    let program = "portkey/node_modules/@portkey-ai/gateway/build/start-server.js";
    command.arg(around.installed.join(program)).arg(format!("--port={port}")).arg("--headless");
    command.env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1,localhost");
    let place = Place::new(port)
        .with("authorization", "Bearer sk-load")?
        .with("x-portkey-provider", "openai")?
        .with("x-portkey-custom-host", &format!("http://127.0.0.1:{}/v1", around.provider))?;
    Ok((command, place))
}

fn litellm(around: &Around, name: &str, guardrails: &str) -> Result<(Command, Place)> {
    let (port, provider) = (free_port()?, around.provider);
    let config = around.write(
        &format!("{name}.yaml"),
        &format!(
            "model_list:
  - model_name: {SMALL}
    litellm_params: {{model: openai/{SMALL}, api_base: 'http://127.0.0.1:{provider}/v1', api_key: sk-load}}
  - model_name: {QUICK}
    litellm_params: {{model: openai/{QUICK}, api_base: 'http://127.0.0.1:{provider}/v1', api_key: sk-load}}
{guardrails}"
        ),
    )?;
    let mut command = Command::new(around.installed.join("litellm/bin/litellm"));
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--telemetry", "False"]);
    command.arg("--config").arg(config);
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
    command.env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true");
    Ok((command, Place::new(port).with("authorization", "Bearer sk-load")?))
}
