//! A configuration in a folder of its own: targets, chain and rule files, as an operator would write them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::{Clock, Times};
use tempfile::TempDir;

use crate::{KEY, Provider};

/// Redacts `SECRET…` and e-mail addresses, and blocks at `FORBIDDEN`, in both phases.
pub const RULES: &str = r#"/// What most tests run.
policy house
version "1.0.0"
use std.pii (email)
pattern secret = /SECRET[0-9]{1,3}/ label SECRET
pattern forbidden = /FORBIDDEN/ label FORBIDDEN
rule hide on request, response {
  when text has (secret, email)
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

/// What a gateway is started with.
#[derive(Clone)]
pub struct Setup {
    chain: Vec<String>,
    rules: Vec<(String, String)>,
    blocks: String,
    providers: String,
    targets: Vec<String>,
    disabled: bool,
    pub(crate) demo: bool,
    pub(crate) drain: Duration,
    pub(crate) clock: Clock,
    pub(crate) times: Times,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            chain: Vec::new(),
            rules: Vec::new(),
            blocks: String::new(),
            providers: String::new(),
            targets: Vec::new(),
            disabled: false,
            demo: false,
            drain: gateway::DRAIN,
            clock: Clock::default(),
            times: Times::default(),
        }
    }
}

impl Setup {
    /// Nothing but a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// One target, which has a key, and no policies.
    pub fn over(provider: &Provider) -> Self {
        Self::new().target("a", provider, "secret_key_ref: {file: KEY}")
    }

    /// One target behind [`RULES`].
    pub fn guarded(provider: &Provider) -> Self {
        Self::over(provider).rules("house", RULES)
    }

    /// The demo provider in place of targets.
    #[must_use]
    pub fn demo(mut self) -> Self {
        self.demo = true;
        self
    }

    /// How long requests in flight may take when the gateway stops.
    #[must_use]
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// What the gateway tells the time by, where the time matters for where requests go.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long clients may take, where a test should not wait for as long as usual.
    #[must_use]
    pub fn times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// A shipped kind at the end of the chain.
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.chain.push(kind.to_owned());
        self
    }

    /// A rule file at the end of the chain.
    #[must_use]
    pub fn rules(mut self, name: &str, text: &str) -> Self {
        self.chain.push(format!("./{name}.ktr"));
        self.rules.push((format!("{name}.ktr"), text.to_owned()));
        self
    }

    /// The chain is switched off.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// A further block at the top level.
    #[must_use]
    pub fn block(mut self, yaml: &str) -> Self {
        self.blocks.push_str(yaml);
        self.blocks.push('\n');
        self
    }

    /// A further line under `providers`.
    #[must_use]
    pub fn providers(mut self, line: &str) -> Self {
        self.providers.push_str(&format!("  {line}\n"));
        self
    }

    /// A target that leads to that provider, with further fields. `KEY` becomes the path of a file with a key.
    #[must_use]
    pub fn target(self, id: &str, provider: &Provider, fields: &str) -> Self {
        self.target_at(id, &format!("http://{}/v1", provider.address), fields)
    }

    /// A target at an address.
    #[must_use]
    pub fn target_at(mut self, id: &str, address: &str, fields: &str) -> Self {
        let fields = if fields.is_empty() { String::new() } else { format!(", {fields}") };
        self.targets
            .push(format!("    - {{id: {id}, provider: scripted, base_url: \"{address}\"{fields}}}\n"));
        self
    }

    /// Writes everything into a folder; gives it and the configuration in it.
    pub fn write(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let config = self.write_into(folder.path());
        (folder, config)
    }

    /// Writes everything into that folder, over what is there; gives the configuration.
    pub fn write_into(&self, folder: &Path) -> PathBuf {
        let key = folder.join("key");
        std::fs::write(&key, format!("{KEY}\n")).unwrap();
        for (name, text) in &self.rules {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let config = folder.join("policy-config.yaml");
        std::fs::write(&config, self.yaml(&key)).unwrap();
        config
    }

    fn yaml(&self, key: &Path) -> String {
        let chain = self.chain.join(", ");
        let enabled = !self.disabled;
        let mut yaml = format!(
            "pack: {{name: house, version: 1.0.0, enabled: {enabled}}}\npolicies:\n  chain: [{chain}]\n"
        );
        yaml.push_str(&self.blocks);
        if !self.targets.is_empty() {
            yaml.push_str(&format!("providers:\n{}  targets:\n{}", self.providers, self.targets.concat()));
        } else if !self.providers.is_empty() {
            yaml.push_str(&format!("providers:\n{}", self.providers));
        }
        yaml.replace("{file: KEY}", &format!("{{file: \"{}\"}}", key.display()))
    }
}
