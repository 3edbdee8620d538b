//! `kt doctor`: looks at everything that a gateway needs before it runs, and says what to do where something is missing.

mod certificates;
mod check;
mod machine;
mod targets;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Exit, Terminal, state};
use crate::packs::{self, Loaded};
use check::{Check, Standing};

/// Check configuration, keys, providers, clock, disk and ports.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt doctor
  kt doctor --policy-config policy-config.yaml --listen 0.0.0.0:8080 --json
  kt doctor --offline                                    ask no provider

Exit codes: 0 nothing is in the way, 1 something is, 2 there is no configuration to look at.")]
pub(super) struct Doctor {
    /// Configuration; may be repeated, as for `kt gateway run`
    #[arg(long, value_name = "FILE", default_value = "policy-config.yaml")]
    policy_config: Vec<PathBuf>,
    /// Address for clients; may be repeated
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: Vec<String>,
    /// Address for the operator
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
    admin_listen: String,
    /// Folder of the audit log [default: the XDG state folder, /kt]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Ask no provider
    #[arg(long)]
    offline: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let loaded = match packs::load(&self.policy_config) {
            Ok(loaded) => loaded,
            Err(sentence) => return terminal.fail(sentence),
        };
        let state_dir = match state::dir(self.state_dir.clone()) {
            Ok(state_dir) => state_dir,
            Err(sentence) => return terminal.fail(sentence),
        };
        let mut checks = self.configuration(&loaded);
        if let Some(pack) = &loaded.pack {
            checks.extend(certificates::checks(&pack.config, jiff::Timestamp::now()));
            checks.extend(targets::checks(&pack.config, self.offline));
        }
        checks.push(machine::disk(&state_dir));
        checks.push(machine::files());
        let flags = std::iter::repeat("--listen").zip(&self.listen);
        checks.extend(flags.chain([("--admin-listen", &self.admin_listen)]).map(machine::port));
        if let Some(pack) = &loaded.pack {
            checks.extend(machine::open(&pack.config, &self.listen, &self.admin_listen));
        }
        self.tell(&checks, terminal)
    }

    fn configuration(&self, loaded: &Loaded) -> Vec<Check> {
        let file =
            self.policy_config.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let found = loaded.diagnostics.iter().map(|found| {
            let standing = if found.is_error() { Standing::Wanting } else { Standing::Doubtful };
            let place = loaded.sources.place(found.span);
            let place = format!("{}:{}:{}", place.file, place.line, place.column);
            let help = found.help.clone().unwrap_or_else(|| format!("see {} in the book", found.code.id));
            Check::new("config", place, standing, format!("[{}] {}", found.code.id, found.message), help)
        });
        let sound = loaded.pack.as_ref().map(|pack| {
            let (name, count) = (&pack.config.pack.name.value, pack.policies().len());
            let plural = if count == 1 { "policy" } else { "policies" };
            Check::well("config", file, format!("pack {name} with {count} {plural}"))
        });
        found.chain(sound).collect()
    }

    fn tell(&self, checks: &[Check], terminal: &mut Terminal) -> Exit {
        let is_sound = checks.iter().all(|check| check.standing != Standing::Wanting);
        if self.json {
            let checks: Vec<_> = checks.iter().map(Check::as_json).collect();
            terminal.line(json!({"ok": is_sound, "checks": checks}).to_string());
        } else {
            checks.iter().for_each(|check| check.print(terminal));
        }
        if is_sound { Exit::Well } else { Exit::Wanting }
    }
}
