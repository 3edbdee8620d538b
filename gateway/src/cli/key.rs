//! `kt key new`: a key for a client of the gateway, and the line of the configuration that lets it in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Exit, Terminal};

/// Random bytes of a key: nobody guesses as many.
const BYTES: usize = 32;

/// Make keys for the clients of the gateway.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a key, and the line for `auth.keys`
    New(New),
}

/// Make a key, and the line for `auth.keys`. The key is shown this once and kept nowhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt key new --name support-app
  kt key new --name support-app --json | jq -r .key

Exit codes: 0 a key was made, 2 it could not be.")]
pub(super) struct New {
    /// Who will use it
    #[arg(long, value_name = "NAME", default_value = "client", value_parser = name)]
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Verb {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match self {
            Verb::New(new) => new.run(terminal),
        }
    }
}

impl New {
    fn run(&self, terminal: &mut Terminal) -> Exit {
        let mut bytes = [0; BYTES];
        if let Err(error) = getrandom::fill(&mut bytes) {
            return terminal.fail(format!("the system gives no random bytes: {error}"));
        }
        let key = format!("kt_{}", URL_SAFE_NO_PAD.encode(bytes));
        let sha256: String =
            Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        if self.json {
            terminal.line(json!({"key": key, "name": self.name, "sha256": sha256}).to_string());
            return Exit::Well;
        }
        terminal.line(&key);
        terminal.line(format!("- {{name: {}, sha256: {sha256}}}", scalar(&self.name)));
        terminal.note("Give the first line to the client: it is shown this once and kept nowhere.");
        terminal.note("Put the second below `auth.keys` of the configuration, and reload the gateway.");
        Exit::Well
    }
}

/// A name that people can read in logs.
fn name(written: &str) -> Result<String, String> {
    let is_sound =
        !written.trim().is_empty() && written.len() <= 128 && !written.chars().any(char::is_control);
    is_sound
        .then(|| written.to_owned())
        .ok_or_else(|| "a name has 1 to 128 bytes, and no control characters".into())
}

/// A text as YAML: bare where nothing could be made of it but text.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}
